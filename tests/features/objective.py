"""Demonstrations: the objective."""

import numpy as np
import pytest
from sklearn.metrics import mean_gamma_deviance, mean_poisson_deviance, mean_squared_error

import skmlp
from skmlp import MLPBinaryClassifier, MLPClassifier, MLPRegressor
from tests.features.table import CLASSES, FAST, NOISE, VALUES, X, shows, squares

CONSTANT = FAST | {"hidden_layer_sizes": (), "solver": "adam", "learning_rate_init": 0.1, "max_iter": 300}
CENTRED = np.random.default_rng(2).standard_normal(200)
NOTHING = np.zeros((200, 1))  # features that say nothing: a model of them predicts one value


@shows("Labels of any type")
def labels():
    names = np.array(["no", "yes"], dtype=object)[CLASSES]
    for y in (names, CLASSES.astype(bool), 2.0 * CLASSES - 7.0):
        assert (MLPClassifier(**FAST).fit(X, y).predict(X) == y).mean() > 0.8


@shows("Several labels a row")
def multilabel():
    Y = np.column_stack([CLASSES, X[:, 2] > 0, X[:, 3] > 0]).astype(int)
    model = MLPClassifier(**FAST | {"learning_rate_init": 0.05}).fit(X, Y)
    assert ((model.predict(X) == Y).mean(axis=0) > 0.8).all()


@shows("Several outputs")
def several_outputs():
    Y = np.column_stack([X[:, 0], X[:, 1] - X[:, 2]])
    predicted = MLPRegressor(solver="lbfgs", random_state=0).fit(X, Y).predict(X)
    assert mean_squared_error(Y, predicted) < 0.01


@shows("Absolute error, Huber, log-cosh")
def robust_losses():
    """An outlier moves the mean, but hardly the centre by these losses."""
    y = np.append(CENTRED[1:], 1e3)
    for loss in ("absolute_error", "huber", "log_cosh"):
        assert abs(MLPRegressor(loss, **CONSTANT).fit(NOTHING, y).predict([[0.0]])[0]) < 0.3, loss
    assert MLPRegressor(**CONSTANT).fit(NOTHING, y).predict([[0.0]])[0] > 2.0


@shows("Poisson loss")
def poisson():
    y = np.random.default_rng(3).poisson(np.exp(X[:, 0]))
    counts, squared = (MLPRegressor(loss, **FAST).fit(X, y).predict(X) for loss in ("poisson", "squared_error"))
    assert counts.min() > 0.0
    assert mean_poisson_deviance(y, counts) < mean_poisson_deviance(y, squared.clip(1e-3))


@shows("Gamma loss")
def gamma():
    y = np.random.default_rng(3).gamma(2.0, np.exp(X[:, 0]))
    sizes, squared = (MLPRegressor(loss, **FAST).fit(X, y).predict(X) for loss in ("gamma", "squared_error"))
    assert sizes.min() > 0.0
    assert mean_gamma_deviance(y, sizes) < mean_gamma_deviance(y, squared.clip(1e-3))


@shows("Quantile loss")
def quantile():
    predicted = MLPRegressor("quantile", quantile=0.8, **CONSTANT).fit(NOTHING, CENTRED).predict(NOTHING)
    assert np.mean(CENTRED <= predicted) == pytest.approx(0.8, abs=0.02)


@shows("Several quantiles that do not cross")
def quantiles():
    y = CENTRED * (1.0 + (X[:, 0] > 0))
    model = MLPRegressor("quantile", quantile=[0.1, 0.5, 0.9], **FAST | {"learning_rate_init": 0.05}).fit(X, y)
    assert (np.diff(model.predict(10.0 * X), axis=1) >= 0.0).all()
    np.testing.assert_allclose((y[:, None] <= model.predict(X)).mean(axis=0), [0.1, 0.5, 0.9], atol=0.05)


@shows("Focal loss")
def focal():
    """Easy rows matter less, so it is less sure of them."""
    sure, careful = (
        MLPClassifier(loss=loss, focal_gamma=5.0, **FAST).fit(X, CLASSES).predict_proba(X).max(axis=1).mean()
        for loss in ("log_loss", "focal")
    )
    assert careful < sure - 0.05


@shows("Label smoothing")
def label_smoothing():
    """It aims at probabilities of 0.8, not 1."""
    settings = FAST | {"learning_rate_init": 0.05}
    plain, smooth = (
        MLPBinaryClassifier(label_smoothing=share, **settings).fit(X, X[:, 0] > 0).predict_proba(X).max(axis=1).mean()
        for share in (0.0, 0.4)
    )
    assert plain > 0.95
    assert smooth == pytest.approx(0.8, abs=0.1)


@shows("A loss of your own")
def own_loss():
    mine = skmlp.CustomLoss(lambda z, y: 0.5 * (z - y) ** 2, lambda z, y: z - y)
    np.testing.assert_allclose(
        MLPRegressor(mine, **FAST).fit(X, VALUES).predict(X), MLPRegressor(**FAST).fit(X, VALUES).predict(X), rtol=1e-9
    )


@shows("L2 penalty")
def l2():
    small, large = (squares(MLPRegressor(alpha=alpha, **FAST).fit(X, VALUES)) for alpha in (100.0, 0.0))
    assert small < 0.5 * large


@shows("L1 penalty")
def l1():
    """It takes the weights of features that say next to nothing to 0, and the same away from all others."""
    y = X @ [3.0, 2.0, 0.01, -0.01]
    settings = CONSTANT | {"learning_rate": "cosine", "random_state": 0}
    plain, l1 = (MLPRegressor(alpha=a, l1_ratio=1.0, **settings).fit(X, y).coefs_[0][:, 0] for a in (0.0, 40.0))
    assert (np.abs(plain[2:]) > 0.009).all() and (np.abs(l1[2:]) < 0.003).all()
    assert plain[0] - l1[0] == pytest.approx(plain[1] - l1[1], rel=0.3)


@shows("Class weights")
def class_weights():
    plain, weighted = (
        MLPClassifier(class_weight=weight, **FAST).fit(X, NOISE).predict(X).mean() for weight in (None, {0: 1, 1: 10})
    )
    assert weighted > plain + 0.2


@shows("Sample weights")
def sample_weights():
    """A weight of 0 leaves a row out."""
    weight = np.arange(200) % 2
    model = MLPRegressor(solver="lbfgs", random_state=0, max_iter=50, tol=1.0)
    with_weights = model.fit(X, VALUES, sample_weight=weight).predict(X)
    np.testing.assert_allclose(with_weights, model.fit(X[1::2], VALUES[1::2]).predict(X), rtol=1e-5)
