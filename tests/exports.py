"""Small fitted estimators of every kind, whose predictions an export must give again."""

import numpy as np
import pytest

from skmlp import CustomLoss, MLPBinaryClassifier, MLPClassifier, MLPMulticlass, MLPRegressor
from skmlp.formulas.activations import ACTIVATIONS
from skmlp.formulas.links import LINKS

RNG = np.random.default_rng(0)
X = RNG.standard_normal((80, 5))
SCORE = X[:, 0] * X[:, 1] + X[:, 2]
THIRD = np.digitize(SCORE, [-0.5, 0.5])
TEXTS = np.array(["low", "mean", "high ü"])[THIRD]
SEVERAL = np.c_[SCORE > 0, X[:, 3] > 0, X[:, 4] > 1].astype(int)
NETWORK = {"hidden_layer_sizes": (7, 6), "max_iter": 4, "n_iter_no_change": np.inf, "batch_size": 16}
NETWORK |= {"learning_rate_init": 0.05, "random_state": 0}
QUANTILES = {"loss": "quantile", "quantile": [0.1, 0.5, 0.9]}
EXTREMES = np.array([[-1e4, -100.0, -30.0, -1.0, 0.0, 1.0, 30.0, 100.0, 1e4]])


def asymmetric(z, y):
    """A loss."""
    return (z - y) * (z - y) if z < y else 0.25 * (z - y) * (z - y)


def asymmetric_slope(z, y):
    """Its derivative."""
    return 2.0 * (z - y) if z < y else 0.5 * (z - y)


OWN_LOSS = CustomLoss(asymmetric, asymmetric_slope)

# What is fitted to what.
TARGETS = {
    "binary": (MLPBinaryClassifier, {}, (SCORE > 0).astype(int)),
    "binary, texts": (MLPClassifier, {}, np.where(SCORE > 0, "yes", "no")),
    "binary, booleans": (MLPClassifier, {}, SCORE > 0),
    "binary, focal": (MLPClassifier, {"loss": "focal"}, np.where(SCORE > 0, 2.0, -1.0)),
    "binary, short floats": (MLPClassifier, {}, np.where(SCORE > 0, 2, -1).astype(np.float32)),
    "three classes, half floats": (MLPMulticlass, {}, THIRD.astype(np.float16)),
    "one class": (MLPClassifier, {}, np.full(80, 3)),
    "one class, softmax": (MLPMulticlass, {}, np.full(80, "all")),
    "two classes, softmax": (MLPMulticlass, {}, np.where(SCORE > 0, "yes", "no")),
    "three classes": (MLPClassifier, {}, THIRD),
    "three classes, texts": (MLPMulticlass, {}, TEXTS),
    "labels": (MLPClassifier, {}, SEVERAL),
    "number": (MLPRegressor, {}, SCORE),
    "numbers": (MLPRegressor, {}, np.c_[SCORE, X]),
    "poisson": (MLPRegressor, {"loss": "poisson"}, THIRD),
    "gamma": (MLPRegressor, {"loss": "gamma"}, THIRD + 1),
    "quantile": (MLPRegressor, {"loss": "quantile"}, SCORE),
    "quantiles": (MLPRegressor, QUANTILES, SCORE),
    "own loss": (MLPRegressor, {"loss": OWN_LOSS}, SCORE),
    "no hidden layer": (MLPRegressor, {"hidden_layer_sizes": ()}, SCORE),
    "lbfgs": (MLPClassifier, {"solver": "lbfgs", "tol": 1e6}, THIRD),
    "dropout, scales": (MLPClassifier, {"dropout": 0.4, "feature_rate": 6.0, "parametrization": "ntk"}, THIRD),
    "two activations": (MLPClassifier, {"activation": ("tanh", "relu"), "normalization": "layer"}, THIRD),
}

every_target = pytest.mark.parametrize("target", TARGETS)
every_activation = pytest.mark.parametrize("activation", ACTIVATIONS)
every_link = pytest.mark.parametrize("link", LINKS)
every_normalization = pytest.mark.parametrize("normalization", [None, "batch", "layer"])
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def fitted(target, **parameters):
    """An estimator that was trained a little."""
    estimator, special, y = TARGETS[target]
    return estimator(**NETWORK | special | parameters).fit(X, y)


def passing_on(activation, dtype):
    """A network whose predictions are the activation of its inputs."""
    width = EXTREMES.size
    model = MLPRegressor(activation=activation, **NETWORK | {"hidden_layer_sizes": (width,), "dtype": dtype})
    model.fit(RNG.standard_normal((20, width)), RNG.standard_normal((20, width)))
    return with_unit_weights(model)


def linked(link, dtype):
    """A network without hidden layer whose predictions, or probabilities, are the inverse link of its inputs."""
    width = EXTREMES.size
    settings = NETWORK | {"hidden_layer_sizes": (), "dtype": dtype}
    rows = RNG.standard_normal((40, width))
    if link == "softmax":
        model = MLPMulticlass(**settings).fit(rows, np.arange(40) % width)
    elif link == "logistic":
        model = MLPClassifier(**settings).fit(rows, (rows > 0).astype(int))
    elif link == "increasing":
        levels = np.linspace(0.1, 0.9, width)
        model = MLPRegressor("quantile", quantile=levels, **settings).fit(rows, rows[:, 0])
    else:
        loss = {"identity": "squared_error", "exp": "poisson"}[link]
        model = MLPRegressor(loss, **settings).fit(rows, np.abs(rows))
    return with_unit_weights(model)


def with_unit_weights(model):
    """The model, each layer of which hands on what it gets."""
    for weights, biases in zip(model.coefs_, model.intercepts_, strict=True):
        weights[:], biases[:] = np.eye(len(weights)), 0.0
    assert model.out_activation_ in LINKS
    return model


def predictions(model, X):
    """What is compared of a model, or of a module that takes its place."""
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)
