"""Small data sets and comparisons that the estimator tests share."""

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.datasets import make_classification, make_multilabel_classification, make_regression


def _rows(n):
    return np.random.default_rng(0).uniform(0.5, 2.0, n)


@pytest.fixture(scope="session")
def tasks():
    """X, y and weights of one small problem a kind of target; read-only by convention."""

    def classes(n, n_classes):
        return make_classification(
            n, 8, n_informative=5, n_redundant=1, n_classes=n_classes, flip_y=0.1, random_state=3
        )

    def regression(n_targets):
        X, y = make_regression(150, 8, n_targets=n_targets, noise=5.0, random_state=4)
        return X, y / y.std(axis=0) + 0.3

    X, y = regression(1)
    counts = np.random.default_rng(1).poisson(np.exp(0.5 * X[:, :2]))
    pairs = {
        "binary": classes(150, 2),
        "multiclass": classes(150, 4),
        "multilabel": make_multilabel_classification(150, 8, n_classes=3, random_state=5),
        "regression": (X, y),
        "regression2": regression(2),
        "poisson": (X, counts[:, 0]),
        "poisson2": (X, counts),
    }
    return {
        name: SimpleNamespace(X=X / X.std(axis=0), y=y, sample_weight=_rows(len(X))) for name, (X, y) in pairs.items()
    }


def _plain(value, depth=0):
    """The value as nested tuples of plain things, so that two states can be compared with ==."""
    if depth > 12:
        return repr(type(value))
    if isinstance(value, np.ndarray):
        data = value.tolist() if value.dtype == object else value.tobytes()
        return ("array", str(value.dtype), value.shape, data)
    if isinstance(value, np.random.RandomState):
        return ("random", _plain(value.get_state(), depth + 1))
    if isinstance(value, dict):
        return ("dict", tuple((repr(key), _plain(item, depth + 1)) for key, item in value.items()))
    if isinstance(value, list | tuple):
        return (type(value).__name__, tuple(_plain(item, depth + 1) for item in value))
    if hasattr(value, "__dict__") and not isinstance(value, type) and not callable(value):
        return (type(value).__name__, _plain(vars(value), depth + 1))
    return repr(value)


@pytest.fixture(scope="session")
def state_of():
    """A function from an estimator to everything it holds, comparable with ==."""
    return lambda estimator: dict((name, _plain(value)) for name, value in sorted(vars(estimator).items()))


@pytest.fixture(scope="session")
def assert_same_model():
    """A function that holds two fitted models to bit-identical parameters and curves."""

    def check(first, second):
        assert len(first.coefs_) == len(second.coefs_)
        for a, b in zip(first.coefs_ + first.intercepts_, second.coefs_ + second.intercepts_, strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)
        if first.solver != "lbfgs":
            assert first.loss_curve_ == second.loss_curve_
        assert first.n_iter_ == second.n_iter_

    return check
