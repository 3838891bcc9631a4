"""Losses and what early stopping watches, as a user asks for them."""

import numpy as np
import pytest
from sklearn.metrics import d2_pinball_score

import skmlp

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(-1.5, 1.5, (200, 3))
VALUES = X[:, 0] + 0.5 * X[:, 1] ** 2 + RANDOM.normal(0.0, 0.3, 200)
AMOUNTS = np.exp(VALUES)
WEIGHTS = RANDOM.uniform(0.5, 2.0, 200)
CLASSES = np.digitize(VALUES, [0.0, 0.8])
LOSSES_OF_VALUES = ["squared_error", "absolute_error", "huber", "log_cosh", "quantile", "poisson", "gamma"]
LEVELS = [0.1, 0.5, 0.9]


def target(loss):
    return AMOUNTS if loss in ("poisson", "gamma") else VALUES


def regressor(loss="squared_error", **parameters):
    settings = {"hidden_layer_sizes": (12,), "activation": "tanh", "learning_rate_init": 0.01, "max_iter": 60}
    return skmlp.MLPRegressor(loss, random_state=0, dtype="float64", **settings | parameters)


def classifier(kind="MLPClassifier", **parameters):
    settings = {"hidden_layer_sizes": (12,), "learning_rate_init": 0.01, "max_iter": 40, "dtype": "float64"}
    return getattr(skmlp, kind)(random_state=0, **settings | parameters)


# ---------------------------------------------------------------------------------------------------------------------
# Regression
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", LOSSES_OF_VALUES)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_every_loss_of_values_learns(loss, solver):
    fitted = regressor(loss, solver=solver, max_iter=150).fit(X, target(loss))
    assert fitted.score(X, target(loss)) > 0.4
    assert (fitted.predict(X) > 0.0).all() or loss not in ("poisson", "gamma")


@pytest.mark.parametrize("loss", [loss for loss in LOSSES_OF_VALUES if loss != "quantile"])
def test_several_targets_are_as_many_losses(loss):
    """A model without hidden layers is one model a target."""
    y = np.column_stack([target(loss), target(loss)[::-1]])
    settings = {"hidden_layer_sizes": (), "alpha": 0.0, "solver": "lbfgs", "tol": 1e-7, "max_iter": 2000}
    both = regressor(loss, **settings).fit(X, y)
    each = [regressor(loss, **settings).fit(X, y[:, k]) for k in range(2)]
    np.testing.assert_allclose(both.loss_, sum(single.loss_ for single in each), rtol=1e-3)
    assert both.predict(X).shape == y.shape


@pytest.mark.parametrize("loss, wrong", [("poisson", -0.5), ("gamma", 0.0), ("gamma", -2.0)])
@pytest.mark.parametrize("part", ["y", "y_val"])
def test_targets_that_the_loss_cannot_take_are_named(loss, wrong, part):
    y = AMOUNTS.copy()
    y[[3, 7]] = wrong
    model = regressor(loss)
    with pytest.raises(ValueError, match=rf"{loss}.*y(_val)? >.*\[3, 7\]") as error:
        model.fit(X, y) if part == "y" else model.fit(X, AMOUNTS, X_val=X, y_val=y)
    assert f"{wrong:g}" in str(error.value) and (part == "y" or "_val" in str(error.value))
    assert not hasattr(model, "coefs_")


def test_a_target_that_rounds_to_zero_is_named():
    y = AMOUNTS.copy()
    y[5] = 1e-60
    with pytest.raises(ValueError, match=r"gamma.*y > 0.*\[5\]"):
        regressor("gamma").set_params(dtype="float32").fit(X, y)
    regressor("gamma", max_iter=2).fit(X, y)


def test_poisson_takes_a_target_of_zero():
    assert np.isfinite(regressor("poisson", max_iter=2).fit(X, np.zeros(200)).loss_)


def test_delta_is_where_huber_turns_linear():
    """Far beyond it the loss is the absolute error's, far below the squared error's, but for a factor."""
    small, large = (regressor("huber", delta=delta).fit(X, VALUES) for delta in (1e-6, 1e6))
    absolute, squared = (regressor(loss).fit(X, VALUES).evaluate(X, VALUES).loss for loss in LOSSES_OF_VALUES[1::-1])
    np.testing.assert_allclose(large.evaluate(X, VALUES).loss, squared, rtol=1e-9)
    assert absolute > 0.0 and small.evaluate(X, VALUES).loss < 1e-5


# ---------------------------------------------------------------------------------------------------------------------
# Quantiles
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_a_quantile_leaves_its_share_below(level):
    fitted = regressor("quantile", quantile=level, solver="lbfgs", max_iter=300, alpha=0.0).fit(X, VALUES)
    assert fitted.predict(X).shape == (200,)
    assert abs((VALUES <= fitted.predict(X)).mean() - level) < 0.06


@pytest.mark.parametrize("levels", [LEVELS, (0.25, 0.75), np.linspace(0.02, 0.98, 25), [0.3]], ids=len)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_quantiles_never_cross(levels, dtype):
    """Neither after training, nor early, nor far from the data."""
    for epochs in (1, 60):
        fitted = regressor("quantile", quantile=levels, max_iter=epochs).set_params(dtype=dtype).fit(X, VALUES)
        for rows in (X, 100.0 * X, -1e4 * X):
            p = fitted.predict(rows).reshape(200, -1)
            assert p.shape == (200, len(levels)) and p.dtype == dtype
            assert (np.diff(p, axis=1) >= 0.0).all()


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("quantile", [0.2, LEVELS])
def test_score_is_d2_of_the_pinball_loss_averaged_over_levels(quantile, weights):
    fitted = regressor("quantile", quantile=quantile).fit(X, VALUES)
    columns = fitted.predict(X).reshape(200, -1).T
    expected = [
        d2_pinball_score(VALUES, column, alpha=level, sample_weight=weights)
        for level, column in zip(np.atleast_1d(quantile), columns, strict=True)
    ]
    np.testing.assert_allclose(fitted.score(X, VALUES, weights), np.mean(expected), rtol=1e-12)


def test_early_stopping_of_quantiles_watches_their_score():
    fitted = regressor("quantile", quantile=LEVELS, early_stopping=True, metrics=("r2", "absolute_error"))
    fitted.fit(X, VALUES, X_val=X, y_val=VALUES)
    assert fitted.best_validation_score_ == max(fitted.validation_scores_)
    np.testing.assert_allclose(fitted.score(X, VALUES), fitted.best_validation_score_, rtol=1e-9)
    assert np.isfinite(fitted.history_["val_r2"]).all()


# ---------------------------------------------------------------------------------------------------------------------
# Classification
# ---------------------------------------------------------------------------------------------------------------------

KINDS = {
    "binary": (CLASSES > 0).astype(int),
    "multiclass": CLASSES,
    "multilabel": np.column_stack([CLASSES > 0, CLASSES > 1]).astype(int),
}
kinds = pytest.mark.parametrize("kind", KINDS)


@kinds
@pytest.mark.parametrize("parameters", [{"loss": "focal"}, {"label_smoothing": 0.1}], ids=str)
def test_focal_loss_and_label_smoothing_learn(kind, parameters):
    assert classifier(**parameters, max_iter=150).fit(X, KINDS[kind]).score(X, KINDS[kind]) > 0.65


@kinds
def test_label_smoothing_pulls_probabilities_from_0_and_1(kind):
    settings = {"solver": "lbfgs", "max_iter": 300, "alpha": 0.0}
    plain, smoothed = (
        classifier(label_smoothing=share, **settings).fit(X, KINDS[kind]).predict_proba(X) for share in (0.0, 0.3)
    )
    assert smoothed.max() < plain.max() and smoothed.min() > plain.min()


@kinds
def test_what_is_measured_is_the_loss_without_smoothing(kind):
    y = KINDS[kind]
    fitted = classifier(label_smoothing=0.3, metrics=("log_loss",)).fit(X, y, X_val=X, y_val=y)
    loss, metric = fitted.evaluate(X, y)
    np.testing.assert_allclose(loss, -metric, rtol=1e-9)
    np.testing.assert_allclose(fitted.history_["val_loss"][-1], loss, rtol=1e-9)
    assert fitted.loss_ > loss


@kinds
def test_focus_of_0_is_the_log_loss(kind):
    log_loss, focal = (
        classifier(focal_gamma=0.0, loss=loss).fit(X, KINDS[kind]).loss_curve_ for loss in ("log_loss", "focal")
    )
    np.testing.assert_allclose(focal, log_loss, rtol=1e-7)


# ---------------------------------------------------------------------------------------------------------------------
# Losses as metrics
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("loss", LOSSES_OF_VALUES)
@pytest.mark.parametrize("parameters", [{}, {"delta": 0.2, "quantile": LEVELS}], ids=["usual", "other"])
def test_the_metric_of_a_loss_of_values_is_its_negative(loss, weights, parameters):
    y = target(loss)
    fitted = regressor(loss, metrics=(loss,), max_iter=5, **parameters).fit(X, y)
    value, metric = fitted.evaluate(X, y, weights)
    np.testing.assert_allclose(metric, -value, rtol=1e-9)
    assert list(fitted.history_)[:2] == ["loss", loss]


@kinds
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("loss", ["log_loss", "focal"])
def test_the_metric_of_a_loss_of_classes_is_its_negative(kind, weights, loss):
    y = KINDS[kind]
    fitted = classifier(loss=loss, focal_gamma=1.5, metrics=(loss,), max_iter=5).fit(X, y)
    value, metric = fitted.evaluate(X, y, weights)
    np.testing.assert_allclose(metric, -value, rtol=1e-9)


# ---------------------------------------------------------------------------------------------------------------------
# What early stopping watches
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "monitor, sign", [("loss", -1), ("val_loss", -1), ("r2", 1), ("val_r2", 1), ("val_absolute_error", 1)]
)
def test_the_best_epoch_is_the_best_of_what_is_monitored(monitor, sign):
    """Its parameters are those of as many epochs; scores are kept whatever is monitored."""
    settings = {"metrics": ("r2", "absolute_error"), "learning_rate_init": 0.05}
    fitted = regressor(early_stopping=True, monitor=monitor, **settings).fit(X[:120], VALUES[:120])
    watched = sign * np.array(fitted.history_[monitor])
    assert fitted.best_iteration_ == watched.argmax() + 1
    assert len(fitted.validation_scores_) == fitted.n_iter_
    assert fitted.best_validation_score_ == max(fitted.validation_scores_)
    again = regressor(early_stopping=True, monitor=monitor, **settings, restore_best=False)
    again.set_params(max_iter=fitted.best_iteration_).fit(X[:120], VALUES[:120])
    for one, other in zip(fitted.coefs_, again.coefs_, strict=True):
        np.testing.assert_array_equal(one, other)


def test_monitor_decides_when_training_stops():
    """Nothing gains as much as tol but the first epoch."""
    fitted = regressor(early_stopping=True, monitor="val_loss", tol=1e3, n_iter_no_change=3).fit(X, VALUES)
    assert fitted.n_iter_ == 1 + 3 + 1


@pytest.mark.parametrize("kind", ["MLPClassifier", "MLPBinaryClassifier", "MLPMulticlass"])
def test_classifiers_monitor_scorers_and_losses(kind):
    y = KINDS["binary"]
    for monitor in ("val_log_loss", "val_balanced_accuracy"):
        metrics = ("log_loss", "balanced_accuracy")
        fitted = classifier(kind, early_stopping=True, monitor=monitor, metrics=metrics).fit(X, y)
        assert fitted.best_iteration_ == np.argmax(fitted.history_[monitor]) + 1


def test_monitor_without_early_stopping_changes_nothing(assert_same_model):
    assert_same_model(*(regressor(monitor=monitor, max_iter=3).fit(X, VALUES) for monitor in ("auto", "val_loss")))


def test_a_warm_start_with_the_same_monitor_keeps_the_best():
    fitted = regressor(early_stopping=True, monitor="val_loss", warm_start=True, max_iter=5).fit(X, VALUES)
    fitted.fit(X, VALUES)
    assert len(fitted.history_["val_loss"]) == 10
    assert fitted.best_iteration_ == np.argmin(fitted.history_["val_loss"]) + 1
