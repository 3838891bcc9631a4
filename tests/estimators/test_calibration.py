"""What held-out rows say: temperatures, offsets of quantiles, variances of residuals."""

import numpy as np
import pytest
from scipy.special import expit, softmax
from scipy.stats import norm
from sklearn.metrics import log_loss

from skmlp import TabularMLPClassifier
from skmlp.estimators.calibration import fit_offsets, fit_temperature
from tests.estimators.tabular import BINARY, LABELS, MULTILABEL, VALUES, N, X, classifier, numbers, regressor

RNG = np.random.default_rng(0)
GRID = np.exp(np.linspace(-3, 3, 2001))
WEIGHTS = np.random.default_rng(5).uniform(0.1, 3.0, 200)
CLASSES = RNG.integers(0, 3, 200)
RAW = 4.0 * RNG.normal(size=(200, 3)) + 3.0 * np.eye(3)[CLASSES]


def naive_loss(raw, targets, weights, kind, temperature):
    if kind == "multiclass":
        p = softmax(raw / temperature, axis=1)[np.arange(len(raw)), targets[:, 0]]
        return np.average(-np.log(np.maximum(p, 1e-300)), weights=weights)
    p = np.clip(expit(raw / temperature), 1e-300, 1 - 1e-16)
    return np.average(-np.where(targets == 1, np.log(p), np.log(1 - p)).sum(axis=1), weights=weights)


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["", "weighted"])
@pytest.mark.parametrize("scale", [0.1, 0.5, 2.0])
@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
def test_the_temperature_is_that_of_a_search_over_a_grid(kind, scale, weights):
    raw, targets = {
        "binary": (RAW[:, :1], (CLASSES == 0)[:, np.newaxis]),
        "multiclass": (RAW, CLASSES[:, np.newaxis]),
        "multilabel": (RAW, np.eye(3)[CLASSES]),
    }[kind]
    raw = (scale * raw).astype(np.float32)

    def posterior(temperature):
        prior = -norm.logpdf(np.log(temperature), scale=0.5) / len(raw)
        return naive_loss(raw.astype(float), targets, weights, kind, temperature) + prior

    losses = [posterior(temperature) for temperature in GRID]
    found = fit_temperature(raw, targets.astype(float), weights, kind)
    assert found == pytest.approx(GRID[np.argmin(losses)], rel=0.005)
    assert posterior(found) <= min(losses) + 1e-9


def test_rows_of_no_weight_do_not_count():
    raw, targets, weights = RAW[:60], CLASSES[:60, np.newaxis].astype(float), np.repeat([1.0, 0.0], 30)
    expected = fit_temperature(raw[:30], targets[:30], None, "multiclass")
    assert fit_temperature(raw, targets, weights, "multiclass") == pytest.approx(expected)


def test_held_out_rows_that_are_all_right_make_nothing_certain():
    random = np.random.default_rng(0)
    X = random.normal(size=(2200, 3))
    y = X[:, 0] > 0.0
    sure, plain = (TabularMLPClassifier(random_state=0, calibrate=on).fit(X[:200], y[:200]) for on in (True, False))
    assert sure.oof_score_ == 1.0
    losses = [log_loss(y[200:], model.predict_proba(X[200:])) for model in (sure, plain)]
    assert losses[0] < losses[1]


def test_the_temperature_is_1_where_nothing_depends_on_it():
    assert fit_temperature(np.zeros((5, 3)), np.ones((5, 1)), None, "multiclass") == 1.0


@pytest.mark.parametrize("y", [BINARY, LABELS, MULTILABEL], ids=["binary", "multiclass", "multilabel"])
def test_calibrated_probabilities_of_held_out_rows_are_no_worse(y):
    model, plain = classifier().fit(X, y), classifier(calibrate=False).fit(X, y)
    assert plain.temperature_ == 1.0 != model.temperature_
    losses = []
    for fitted in (model, plain):
        p = fitted.oof_prediction_
        if y.ndim == 2:
            losses.append(-np.log(np.where(y == 1, p, 1 - p)).sum(axis=1).mean())
        else:
            losses.append(log_loss(y, p, labels=fitted.classes_))
    assert losses[0] < losses[1]
    np.testing.assert_array_equal(model.estimators_[0].coefs_[0], plain.estimators_[0].coefs_[0])


@pytest.mark.parametrize("level", [0.01, 0.2, 0.5, 0.95])
def test_offsets_move_the_share_of_rows_below_to_the_level(level):
    y, predictions = RNG.normal(size=157), RNG.normal(size=(157, 1)) + 5.0
    (offset,) = fit_offsets(predictions, y, None, [level])
    assert np.mean(y <= predictions[:, 0] + offset + 1e-12) == pytest.approx(level, abs=1 / 157)
    weights = WEIGHTS[:157]
    (offset,) = fit_offsets(predictions, y, weights, [level])
    shares = [np.average(y <= predictions[:, 0] + offset + move, weights=weights) for move in (-1e-9, 1e-9)]
    assert shares[0] < level <= shares[1]


def test_quantiles_of_held_out_rows_are_calibrated():
    levels = [0.1, 0.25, 0.5, 0.9]
    model = regressor(loss="quantile", quantile=levels).fit(X, VALUES)
    shares = [np.mean(VALUES <= column + 1e-9) for column in model.oof_prediction_.T]
    np.testing.assert_allclose(shares, levels, atol=2 / N)
    plain = regressor(loss="quantile", quantile=levels, calibrate=False).fit(X, VALUES)
    assert not plain.quantile_offsets_.any()
    of_both = [fitted.estimators_[0].predict(fitted.encoder_.transform(X)) for fitted in (model, plain)]
    np.testing.assert_array_equal(*of_both)


@pytest.mark.parametrize("quantile", [0.3, [0.05, 0.5, 0.95]], ids=str)
def test_quantiles_never_cross(quantile):
    model = regressor(loss="quantile", quantile=quantile).fit(X, VALUES)
    assert model.quantile_offsets_.shape == (np.size(quantile),)
    predictions = model.predict(X)
    assert predictions.shape == ((N,) if np.ndim(quantile) == 0 else (N, 3))
    if predictions.ndim == 2:
        assert (np.diff(predictions, axis=1) >= 0).all()
        assert (np.diff(model.oof_prediction_, axis=1) >= 0).all()


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("targets", [1, 2])
def test_standard_deviations_are_those_of_the_definition(targets, weighted):
    y = VALUES if targets == 1 else np.column_stack([VALUES, 100 * VALUES**2])
    weights = WEIGHTS[:N] if weighted else None
    model = regressor().fit(X, y, sample_weight=weights)
    mean = np.average(y, axis=0, weights=weights)
    scale = np.sqrt(np.average((y - mean) ** 2, axis=0, weights=weights))
    variance = np.average((model.oof_prediction_ - y) ** 2, axis=0, weights=weights)
    np.testing.assert_allclose(model.residual_variance_, np.atleast_1d(variance))
    members = [member.predict(model.encoder_.transform(X)) * scale + mean for member in model.estimators_]
    prediction, std = model.predict(X, return_std=True)
    assert prediction.shape == std.shape == y.shape
    np.testing.assert_array_equal(prediction, model.predict(X))
    np.testing.assert_allclose(std, np.sqrt(np.var(members, axis=0) + variance), rtol=1e-5)


@pytest.fixture(scope="module")
def noisy():
    """Rows whose noise grows with a column: some to train on and others."""
    rows = numbers(0, 3000)
    y = rows[:, 0] + np.sin(2 * rows[:, 1]) + (0.4 + 0.1 * rows[:, 2]) * np.random.default_rng(1).normal(size=3000)
    return rows[:800], y[:800], rows[800:], y[800:]


SHORT = {"hidden_layer_sizes": (16,), "max_iter": 20}


def test_two_standard_deviations_hold_most_new_rows(noisy):
    rows, y, new, y_new = noisy
    prediction, std = regressor(**SHORT).fit(rows, y).predict(new, return_std=True)
    assert 0.91 < np.mean(np.abs(y_new - prediction) < 1.96 * std) < 0.98


def test_bands_of_quantiles_hold_their_share_of_new_rows(noisy):
    rows, y, new, y_new = noisy
    low, high = regressor(loss="quantile", quantile=[0.05, 0.95], **SHORT).fit(rows, y).predict(new).T
    assert 0.86 < np.mean((low < y_new) & (y_new < high)) < 0.94
