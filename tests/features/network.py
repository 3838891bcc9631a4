"""Demonstrations: the network."""

import numpy as np
from sklearn.linear_model import LogisticRegression

import skmlp
from skmlp import MLPBinaryClassifier, MLPClassifier, MLPRegressor
from tests.features.table import CLASSES, FAST, NOISE, START, VALUES, X, shows

ACTIVATIONS = ("logistic", "tanh", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "softplus")


@shows("Eleven activations by name")
def activations():
    """Of a product of two features a network that is not linear sees more than a linear one."""
    linear = MLPClassifier(activation="identity", **FAST).fit(X, CLASSES).score(X, CLASSES)
    for name in ACTIVATIONS:
        model = MLPClassifier(activation=name, **FAST | {"learning_rate_init": 0.1}).fit(X, CLASSES)
        assert model.score(X, CLASSES) > linear + 0.1, name


@shows("One activation for each layer")
def activation_of_each_layer():
    model = MLPRegressor(activation=("tanh", "relu"), **FAST | {"hidden_layer_sizes": (5, 3)}).fit(X, VALUES)
    first, second, last = zip(model.coefs_, model.intercepts_, strict=True)
    hidden = np.maximum(np.tanh(X @ first[0] + first[1]) @ second[0] + second[1], 0)
    np.testing.assert_allclose(model.predict(X), (hidden @ last[0] + last[1])[:, 0], rtol=1e-9)


@shows("Activations of your own")
def own_activation():
    square = skmlp.CustomActivation(lambda z: z * z, lambda z: 2.0 * z)
    model = MLPRegressor(activation=square, **FAST | {"learning_rate_init": 0.1}).fit(X, VALUES)
    (w, v), (b, c) = model.coefs_, model.intercepts_
    np.testing.assert_allclose(model.predict(X), ((X @ w + b) ** 2 @ v + c)[:, 0], rtol=1e-9)
    assert model.score(X, VALUES) > 0.8


@shows("No hidden layer")
def no_hidden_layer():
    y = NOISE | (X[:, 0] > 0)
    model = MLPBinaryClassifier((), alpha=1.0, solver="lbfgs", tol=1e-8, random_state=0).fit(X, y)
    theirs = LogisticRegression(C=1.0, tol=1e-8).fit(X, y)
    np.testing.assert_allclose(model.coefs_[0].T, theirs.coef_, atol=1e-4)


@shows("Dropout, one rate or one for each layer")
def dropout():
    """It keeps a network from learning labels that mean nothing by heart."""
    settings = FAST | {"hidden_layer_sizes": (40, 40), "max_iter": 100}
    plain, regular, first = (
        MLPClassifier(dropout=rate, **settings).fit(X, NOISE).score(X, NOISE) for rate in (0.0, 0.7, [0.7, 0.0])
    )
    assert regular < first < plain


@shows("Batch normalisation")
def batch_normalisation():
    """The mean of the features does not matter then."""
    settings = FAST | {"max_iter": 5, "alpha": 0.0}
    for normalization in (None, "batch"):
        near, far = (MLPRegressor(normalization=normalization, **settings).fit(X + by, VALUES) for by in (0, 50))
        assert np.allclose(near.loss_curve_, far.loss_curve_, rtol=1e-6) is (normalization == "batch")
    np.testing.assert_allclose(far.norm_means_[0] - near.norm_means_[0], 50 * far.coefs_[0].sum(0), rtol=0.7)


@shows("Layer normalisation")
def layer_normalisation():
    """The size of a row does not matter, where the biases are 0."""
    model = MLPRegressor(normalization="layer", **FAST).fit(X, VALUES)
    model.intercepts_[0][:] = 0.0
    np.testing.assert_allclose(model.predict(1e3 * X), model.predict(1e4 * X), rtol=1e-4)


@shows("Initialisers by name")
def initialisers():
    settings = START | {"hidden_layer_sizes": (4,)}
    w = MLPRegressor(weight_init="orthogonal", **settings).fit(X, VALUES).coefs_[0]
    np.testing.assert_allclose(w @ w.T, np.eye(4), atol=1e-6)
    settings = START | {"hidden_layer_sizes": (3000,)}
    spreads = {"glorot_normal": 2 / 3004, "he_uniform": 2 / 4, "he_normal": 2 / 4, "lecun_normal": 1 / 4}
    for name, spread in spreads.items():
        w = MLPRegressor(weight_init=name, **settings).fit(X, VALUES).coefs_[0]
        np.testing.assert_allclose(w.var(), spread, rtol=0.05)


@shows("Learned scales of the features")
def feature_scales():
    """The weights of features that matter grow, and those of noise do not."""
    wide, shares = np.column_stack([X, np.random.default_rng(2).standard_normal((200, 12))]), []
    for feature_rate in (None, 10.0):
        model = MLPRegressor(feature_rate=feature_rate, weight_init="he_normal", **FAST).fit(wide, VALUES)
        sizes = np.linalg.norm(model.coefs_[0], axis=1)
        shares.append(sizes[:3].mean() / sizes[3:].mean())
    assert shares[1] > 3.0 * shares[0]


@shows("Reading and writing weights")
def weights():
    model = MLPRegressor(**FAST).fit(X, VALUES)
    model.coefs_[-1][:] = 0.0
    model.intercepts_[-1][:] = 3.0
    np.testing.assert_array_equal(model.predict(X), 3.0)
