"""Small fitted models that the tests of displays share."""

from functools import cache

import numpy as np

from skmlp import MLPClassifier, MLPRegressor, TabularMLPRegressor

X = np.random.default_rng(0).normal(size=(120, 4))
CLASSES = (X[:, 0] * X[:, 1] > 0).astype(int)
VALUES = X[:, 0] * X[:, 1] + 0.5 * X[:, 2]
SMALL = {"hidden_layer_sizes": (6,), "max_iter": 12, "n_iter_no_change": np.inf, "random_state": 0}
SMALL |= {"learning_rate_init": 0.02}


@cache
def classifier(**parameters):
    return MLPClassifier(**SMALL | parameters).fit(X, CLASSES)


@cache
def regressor(**parameters):
    return MLPRegressor(**SMALL | parameters).fit(X, VALUES)


@cache
def ensemble():
    return TabularMLPRegressor(n_estimators=3, max_iter=6, n_bins=2, random_state=0).fit(X, VALUES)
