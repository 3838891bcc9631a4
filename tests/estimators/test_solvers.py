"""Every solver with every schedule, on the same small problems; decay, clipping and schedules as a user sets them."""

from math import cos, pi

import numpy as np
import pytest
from sklearn.datasets import make_blobs, make_moons
from sklearn.exceptions import ConvergenceWarning

import skmlp
from skmlp.estimators.parameters import FIRST_ORDER_SOLVERS
from skmlp.training.schedules import SCHEDULES

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def halved_in_the_end(done):
    return 1.0 if done < 0.5 else 0.5


def waves():
    """A curve of one input."""
    x = np.random.default_rng(0).uniform(-2.0, 2.0, (150, 1))
    return np.hstack([x, x**2]), np.sin(2.0 * x[:, 0])


PROBLEMS = {
    "waves": ("MLPRegressor", waves, 0.9),
    "moons": ("MLPBinaryClassifier", lambda: make_moons(150, noise=0.1, random_state=1), 0.95),
    "blobs": ("MLPMulticlass", lambda: make_blobs(150, centers=4, cluster_std=0.6, random_state=3), 0.95),
}
RATES = {
    "sgd": 0.1,
    "adam": 0.02,
    "adamw": 0.02,
    "nadam": 0.02,
    "amsgrad": 0.02,
    "rmsprop": 0.02,
    "adagrad": 0.2,
    "adadelta": 1.0,
    "lion": 0.01,
}
solvers = pytest.mark.parametrize("solver", FIRST_ORDER_SOLVERS)
schedules = pytest.mark.parametrize("schedule", [*SCHEDULES, halved_in_the_end])


def model(name="MLPRegressor", solver="adam", **parameters):
    settings = {"hidden_layer_sizes": (20,), "activation": "tanh", "batch_size": 25, "max_iter": 250}
    settings |= {"learning_rate_init": RATES.get(solver, 0.01), "random_state": 0, "dtype": "float64"}
    if solver == "adadelta":
        settings["epsilon"] = 1e-4
    return getattr(skmlp, name)(solver=solver, **settings | parameters)


@solvers
@schedules
@pytest.mark.parametrize("problem", PROBLEMS)
def test_converges(solver, schedule, problem):
    name, data, least = PROBLEMS[problem]
    X, y = data()
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    patience = np.inf if schedule == "coslog4" else 30  # the loss may rise while the rate does
    fitted = model(name, solver, learning_rate=schedule, power_t=0.1, n_iter_no_change=patience).fit(X, y)
    assert fitted.score(X, y) >= least
    assert fitted.loss_curve_[-1] < fitted.loss_curve_[0] / 2


@pytest.mark.parametrize("problem", PROBLEMS)
def test_lbfgs_converges_whatever_the_schedule(problem, assert_same_model):
    name, data, least = PROBLEMS[problem]
    X, y = data()
    fits = [model(name, "lbfgs", learning_rate=schedule).fit(X, y) for schedule in ("constant", "cosine")]
    assert_same_model(*fits)
    assert fits[0].score(X, y) >= least


# ---------------------------------------------------------------------------------------------------------------------
# Decay and clipping
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver, default", [("adamw", 0.01), ("adam", 0.0), ("sgd", 0.0), ("lion", 0.0)])
def test_weight_decay_of_none(solver, default, assert_same_model):
    X, y = waves()
    fits = [model(solver=solver, max_iter=3, weight_decay=decay).fit(X, y) for decay in (None, default, 0.5)]
    assert_same_model(*fits[:2])
    assert np.linalg.norm(fits[2].coefs_[0]) < np.linalg.norm(fits[0].coefs_[0])


def test_weight_decay_leaves_biases_alone():
    """No gradient: constant targets that are met by zero weights from the beginning."""
    X = np.zeros((20, 3))
    fitted = model(solver="sgd", momentum=0.0, alpha=0.0, max_iter=4, batch_size=20, hidden_layer_sizes=(), tol=0.0)
    fitted.set_params(weight_decay=0.5).partial_fit(X, np.zeros(20))
    start = [array.copy() for array in fitted.coefs_ + fitted.intercepts_]
    fitted.intercepts_[0][:] = 0.0
    fitted.partial_fit(X, np.zeros(20))
    np.testing.assert_allclose(fitted.coefs_[0], start[0] * (1.0 - 0.1 * 0.5), rtol=1e-12)
    np.testing.assert_array_equal(fitted.intercepts_[0], 0.0)


def test_clipping_holds_what_would_diverge():
    X, y = waves()
    y = 1e3 * y
    with pytest.raises(ValueError, match="clip_norm"):
        model(solver="sgd", activation="identity", learning_rate_init=5.0).fit(X, y)
    clipped = model(solver="sgd", activation="identity", learning_rate_init=5.0, clip_norm=0.01).fit(X, y)
    assert np.isfinite(clipped.loss_curve_).all()


# ---------------------------------------------------------------------------------------------------------------------
# Schedules
# ---------------------------------------------------------------------------------------------------------------------

FACTORS = {
    "exponential": lambda done: 100.0**-done,
    "cosine": lambda done: (1.0 + cos(pi * done)) / 2.0,
    "callable": halved_in_the_end,
}
by_fraction = pytest.mark.parametrize("name", FACTORS)


def parameter_of(name):
    return FACTORS[name] if name == "callable" else name


@by_fraction
def test_history_has_the_rate_of_the_last_step_of_each_epoch(name):
    """150 rows in batches of 25 are 6 steps."""
    X, y = waves()
    fitted = model(learning_rate=parameter_of(name), max_iter=4, n_iter_no_change=np.inf).fit(X, y)
    expected = [0.02 * FACTORS[name]((epoch + 5 / 6) / 4) for epoch in range(4)]
    np.testing.assert_allclose(fitted.history_["learning_rate"], expected, rtol=1e-12)


@by_fraction
def test_partial_fits_are_parts_of_max_iter(name):
    """Beyond max_iter the rate stays."""
    X, y = waves()
    fitted = model(learning_rate=parameter_of(name), max_iter=4)
    for _ in range(6):
        fitted.partial_fit(X, y)
    expected = [0.02 * FACTORS[name](min(1.0, (epoch + 5 / 6) / 4)) for epoch in range(6)]
    np.testing.assert_allclose(fitted.history_["learning_rate"], expected, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_plateau_lowers_the_rate(early_stopping):
    """With tol so large nothing is a gain, but for the first epoch."""
    X, y = waves()
    fitted = model(learning_rate="plateau", tol=1e6, n_iter_no_change=4, early_stopping=early_stopping).fit(X, y)
    np.testing.assert_allclose(fitted.history_["learning_rate"], 0.02 * np.array([1.0, 1.0, 1.0, 0.2, 0.2, 0.04]))


def test_a_callable_that_gives_no_factor_is_named():
    X, y = waves()
    with pytest.raises(ValueError, match="learning_rate: the callable must give finite factors >= 0"):
        model(learning_rate=lambda done: -1.0).fit(X, y)


# ---------------------------------------------------------------------------------------------------------------------
# Fits in parts
# ---------------------------------------------------------------------------------------------------------------------


@solvers
@pytest.mark.parametrize("schedule", ["constant", "one_cycle", "plateau"])
def test_partial_fits_equal_one_fit(solver, schedule):
    """Each goes on from the optimiser's state, whatever it holds."""
    X, y = waves()
    settings = {"solver": solver, "learning_rate": schedule, "shuffle": False, "max_iter": 4}
    whole = model(n_iter_no_change=np.inf, **settings).fit(X, y)
    parts = model(n_iter_no_change=np.inf, **settings)
    for _ in range(4):
        parts.partial_fit(X, y)
    assert parts.loss_curve_ == whole.loss_curve_
    for one, other in zip(parts.coefs_, whole.coefs_, strict=True):
        np.testing.assert_array_equal(one, other)


def test_running_out_of_epochs_is_still_a_warning():
    X, y = waves()
    with pytest.warns(ConvergenceWarning, match="Maximum iterations"):
        model(learning_rate="cosine", max_iter=2).fit(X, y)
