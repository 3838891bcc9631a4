"""A fit that is given so many seconds ends; how exactly is told on a clock of its own, in tests/training."""

import warnings

import numpy as np
import pytest

import skmlp
from skmlp import MLPRegressor

X = np.random.default_rng(0).standard_normal((200, 4))
LABELS = (X[:, 0] * X[:, 1] > 0).astype(int)
ENDLESS = {"max_iter": 10**6, "n_iter_no_change": 10**6, "tol": 0.0, "max_fun": 10**9, "random_state": 0}
every_estimator = pytest.mark.parametrize(
    "name", ["MLPBinaryClassifier", "MLPMulticlass", "MLPClassifier", "MLPRegressor"]
)


@every_estimator
@pytest.mark.parametrize("parameters", [{}, {"early_stopping": True}, {"solver": "lbfgs"}], ids=str)
def test_a_fit_ends_when_its_time_is_up(name, parameters):
    """Without a warning, for it is what was asked for."""
    y = X[:, 0] * X[:, 1] if name == "MLPRegressor" else LABELS
    model = getattr(skmlp, name)(max_time=0.3, **ENDLESS | parameters).fit(X, y)
    assert 1 <= model.n_iter_ == len(model.loss_curve_) < 10**6


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_one_epoch_is_always_done(solver):
    model = MLPRegressor(solver=solver, max_time=1e-9, **ENDLESS).fit(X, X[:, 0])
    assert model.n_iter_ == 1 and np.isfinite(model.predict(X)).all()


def test_the_best_epoch_is_restored():
    """Of which the score is what was the best."""
    model = MLPRegressor(max_time=0.3, early_stopping=True, learning_rate_init=0.1, dtype="float64", **ENDLESS)
    model.fit(X[:150], X[:150, 0], X_val=X[150:], y_val=X[150:, 0])
    assert model.score(X[150:], X[150:, 0]) == pytest.approx(model.best_validation_score_, rel=1e-9)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_time_enough_changes_nothing(solver):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain, timed = (
            MLPRegressor(solver=solver, max_time=max_time, max_iter=20, random_state=0).fit(X, X[:, 0])
            for max_time in (None, 1e9)
        )
    np.testing.assert_array_equal(plain._parameters, timed._parameters)


def test_partial_fits_are_single_epochs_anyway():
    model = MLPRegressor(max_time=1e-9, random_state=0)
    for _ in range(2):
        model.partial_fit(X, X[:, 0])
    assert len(model.loss_curve_) == 2
