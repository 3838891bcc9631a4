"""Targets of all kinds, their losses and weights."""

import numpy as np
import pytest
from scipy import sparse
from sklearn import metrics
from sklearn.exceptions import NotFittedError

from skmlp import TabularMLPClassifier, TabularMLPRegressor
from tests.estimators.tabular import (
    BINARY,
    KINDS,
    LABELS,
    MULTILABEL,
    VALUES,
    N,
    X,
    assert_same_fit,
    assert_same_outputs,
    classifier,
    numbers,
    outputs,
    regressor,
)

LOSSES = ["squared_error", "absolute_error", "huber", "log_cosh", "quantile", "poisson", "gamma"]
WEIGHTS = np.random.default_rng(0).uniform(0.2, 2.0, N)
FOLDS = [(np.arange(N) % 3 != fold, np.arange(N) % 3 == fold) for fold in range(3)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_log_proba", "evaluate", "summary", "score"])
def test_nothing_is_predicted_before_a_fit(kind, method):
    make, y = KINDS[kind]
    data = {"summary": (), "evaluate": (X, y), "score": (X, y)}.get(method, (X,))
    if hasattr(make(), method):
        with pytest.raises(NotFittedError):
            getattr(make(), method)(*data)
    for name in ("n_features_in_", "feature_names_in_", "classes_", "oof_prediction_"):
        assert not hasattr(make(), name)


def test_no_standard_deviation_before_a_fit():
    with pytest.raises(NotFittedError):
        regressor().predict(X, return_std=True)


class TestClasses:
    @pytest.mark.parametrize("y", [BINARY, LABELS, LABELS.astype(object), BINARY == "yes", np.arange(N) % 30])
    def test_labels_are_those_of_the_target(self, y):
        model = classifier().fit(X, y)
        np.testing.assert_array_equal(model.classes_, np.unique(y))
        assert set(model.predict(X)) <= set(y)
        p = model.predict_proba(X)
        assert p.shape == model.oof_prediction_.shape == (N, len(model.classes_))
        np.testing.assert_allclose(p.sum(axis=1), 1.0, rtol=1e-5)
        np.testing.assert_allclose(np.exp(model.predict_log_proba(X)), p, rtol=1e-5)

    def test_one_class_is_certain(self):
        model = classifier().fit(X, np.full(N, "all"))
        assert (model.predict(X) == "all").all()
        np.testing.assert_array_equal(model.predict_proba(X), np.ones((N, 1)))
        assert model.oof_score_ == 1.0

    @pytest.mark.parametrize("others", [1, 2])
    def test_a_class_of_one_row_has_its_column(self, others):
        y = np.r_[np.arange(N - 1) % others, 7]
        model = classifier().fit(X, y)
        assert model.predict_proba(X).shape == (N, others + 1)
        assert model.oof_prediction_.shape == (N, others + 1)
        assert {len(member.classes_) for member in model.estimators_} == {others + 1}

    def test_each_row_may_be_a_class_of_its_own(self):
        assert classifier().fit(X[:6], np.arange(6)).predict_proba(X).shape == (N, 6)

    def test_sparse_labels_are_the_same(self):
        model = classifier().fit(X, MULTILABEL)
        for y in (sparse.csr_matrix(MULTILABEL), sparse.csc_array(MULTILABEL)):
            other = classifier().fit(X, y)
            np.testing.assert_array_equal(model.predict_proba(X), other.predict_proba(X))
            np.testing.assert_array_equal(model.predict(X), other.predict(X).toarray())

    def test_weights_of_classes(self):
        y = np.where(np.arange(N) % 10 == 0, "rare", "common")
        plain = classifier().fit(X, y).predict_proba(X)[:, 1].mean()
        balanced = classifier(class_weight="balanced").fit(X, y)
        assert balanced.predict_proba(X)[:, 1].mean() > plain
        given = {"rare": N / (2 * 9), "common": N / (2 * 81)}
        folds = {"cv": FOLDS}  # in which the share of the rare class is that of all
        assert_same_fit(
            classifier(class_weight="balanced", **folds).fit(X, y), classifier(class_weight=given, **folds).fit(X, y)
        )
        with pytest.raises(ValueError, match="class_weight: label 'odd' is not among"):
            classifier(class_weight={"odd": 1.0}).fit(X, y)

    @pytest.mark.parametrize("y", [BINARY, LABELS, MULTILABEL])
    def test_loss_focal(self, y):
        model = classifier(loss="focal", focal_gamma=1.0, label_smoothing=0.1).fit(X, y)  # which is for log_loss alone
        p = model.predict_proba(X)
        if y.ndim == 2:
            p = np.where(y == 1, p, 1 - p)
        else:
            p = p[np.arange(N), np.searchsorted(model.classes_, y)][:, np.newaxis]
        expected = (-(1 - p) * np.log(p)).sum(axis=1).mean()
        assert model.evaluate(X, y).loss == pytest.approx(expected, rel=1e-4)


class TestValues:
    @pytest.mark.parametrize("loss", LOSSES)
    def test_every_loss_learns(self, loss):
        y = np.exp(VALUES)
        model = regressor(loss=loss, max_iter=20).fit(X, y)
        prediction = model.predict(X)
        assert prediction.shape == (N,)
        assert ((prediction >= y.min()) & (prediction <= y.max())).all()
        assert np.corrcoef(prediction, y)[0, 1] > 0.5

    @pytest.mark.parametrize("loss", ["poisson", "gamma"])
    def test_targets_of_exponential_outputs_are_not_standardised(self, loss):
        model = regressor(loss=loss, n_estimators=1).fit(X, np.exp(VALUES))
        member = model.estimators_[0].predict(model.encoder_.transform(X))
        expected = np.clip(member, np.exp(VALUES.min()), np.exp(VALUES.max()))
        np.testing.assert_allclose(model.predict(X), expected, rtol=1e-6)
        with pytest.raises(ValueError, match=f"loss='{loss}' needs y >=? 0"):
            regressor(loss=loss).fit(X, VALUES - 10)

    @pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "log_cosh", "quantile"])
    @pytest.mark.parametrize("scale", [2.0**27, 2.0**-27])
    def test_the_scale_of_the_target_changes_nothing(self, loss, scale):
        first, second = (regressor(loss=loss, dtype="float64").fit(X, y) for y in (VALUES, scale * VALUES))
        for ours, theirs in zip(outputs(first, X), outputs(second, X), strict=True):
            np.testing.assert_array_equal(scale * ours, theirs)
        np.testing.assert_array_equal(scale * first.oof_prediction_, second.oof_prediction_)
        assert second.oof_score_ == pytest.approx(first.oof_score_)

    @pytest.mark.parametrize("scale", [1e8, 1.0, 1e-8])
    @pytest.mark.parametrize("shift", [0.0, 1e4, -1e4])
    def test_predictions_follow_shifts_and_scales(self, shift, scale):
        first = regressor(dtype="float64").fit(X, VALUES).predict(X, return_std=True)
        second = regressor(dtype="float64").fit(X, scale * (VALUES + shift)).predict(X, return_std=True)
        np.testing.assert_allclose(second[0] / scale - shift, first[0], atol=1e-6)
        np.testing.assert_allclose(second[1] / scale, first[1], atol=1e-6)

    @pytest.mark.parametrize("value", [0.0, 0.1, -1e8])
    def test_constant_targets_are_met_exactly(self, value):
        model = regressor().fit(X, np.full(N, value))
        assert (model.predict(X) == value).all()
        assert model.predict(X, return_std=True)[1].max() < 1e-6

    def test_targets_of_integers_and_of_one_column(self):
        y = np.arange(N)
        assert_same_fit(regressor().fit(X, y), regressor().fit(X, y.astype(float)))
        with pytest.warns(match="column-vector y"):
            assert_same_fit(regressor().fit(X, y), regressor().fit(X, y[:, np.newaxis]))

    def test_several_targets_are_of_their_own_scale(self):
        y = np.column_stack([VALUES, 1e6 * VALUES + 1e6])
        model = regressor(max_iter=20).fit(X, y)
        assert all(np.corrcoef(model.predict(X)[:, column], y[:, column])[0, 1] > 0.8 for column in (0, 1))
        assert model.residual_variance_.shape == (2,)


class TestWeights:
    @pytest.mark.parametrize("kind", KINDS)
    def test_rows_without_weight_teach_nothing(self, kind):
        make, y = KINDS[kind]
        weights = WEIGHTS * (np.random.default_rng(1).random(N) < 0.7)
        other = np.where((weights > 0).reshape(-1, *[1] * (y.ndim - 1)), y, np.roll(y, 1, axis=0))
        if kind == "regression":
            other[weights == 0] = 1e6
        models = [make(cv=FOLDS).fit(X, target, sample_weight=weights) for target in (y, other)]
        assert_same_outputs(*models)
        assert models[0].oof_score_ == pytest.approx(models[1].oof_score_)

    @pytest.mark.parametrize("kind", KINDS)
    def test_equal_weights_are_like_none(self, kind):
        make, y = KINDS[kind]
        plain, ones = make().fit(X, y), make().fit(X, y, sample_weight=np.ones(N))
        for ours, theirs in zip(outputs(plain, X)[1:], outputs(ones, X)[1:], strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)

    def test_weights_move_predictions(self):
        y = np.where(np.arange(N) % 2 == 0, 1.0, 3.0)
        model = regressor(max_iter=20).fit(numbers(), y, sample_weight=np.where(y == 1.0, 9.0, 1.0))
        assert model.predict(numbers()).mean() == pytest.approx(1.2, abs=0.3)


def naive_loss(loss, y, prediction, weights, delta=1.0):
    """Of the definitions, one target."""
    if loss == "quantile":
        levels = zip((0.2, 0.7), prediction.T, strict=True)
        return sum(metrics.mean_pinball_loss(y, p, alpha=level, sample_weight=weights) for level, p in levels)
    residual = prediction - y
    rows = {
        "squared_error": residual**2 / 2,
        "absolute_error": np.abs(residual),
        "log_cosh": np.log(np.cosh(residual)),
        "huber": np.where(np.abs(residual) <= delta, residual**2 / 2, delta * (np.abs(residual) - delta / 2)),
        "poisson": y * np.log(y / prediction) - y + prediction,
        "gamma": np.log(prediction / y) + y / prediction - 1,
    }[loss]
    return np.average(rows, weights=weights)


class TestEvaluate:
    @pytest.mark.parametrize("loss", LOSSES)
    @pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["", "weighted"])
    def test_losses_of_values_are_in_units_of_the_target(self, loss, weights):
        y = np.exp(VALUES)
        model = regressor(loss=loss, quantile=[0.2, 0.7], delta=0.7).fit(X, y)
        result = model.set_params(metrics=("r2",) if loss != "quantile" else ()).evaluate(X, y, sample_weight=weights)
        expected = naive_loss(loss, y, model.predict(X), weights, delta=0.7 * y.std())
        assert result.loss == pytest.approx(expected, rel=1e-5)
        if loss != "quantile":
            assert result.r2 == pytest.approx(model.score(X, y, sample_weight=weights), rel=1e-6)
        assert model.score(X, y, weights) <= 1.0

    @pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["", "weighted"])
    @pytest.mark.parametrize("y", [BINARY, LABELS], ids=["binary", "multiclass"])
    def test_of_classes(self, y, weights):
        model = classifier(metrics=("accuracy", "neg_log_loss", "balanced_accuracy"), label_smoothing=0.1).fit(X, y)
        result = model.evaluate(X, y, weights)
        expected = metrics.log_loss(y, model.predict_proba(X), sample_weight=weights)
        assert result.loss == pytest.approx(expected, rel=1e-5)
        assert result.neg_log_loss == pytest.approx(-expected, rel=1e-5)
        assert result.accuracy == pytest.approx(model.score(X, y, weights))
        expected = metrics.balanced_accuracy_score(y, model.predict(X), sample_weight=weights)
        assert result.balanced_accuracy == pytest.approx(expected)
        assert {"accuracy", "val_accuracy"} <= model.estimators_[0].history_.keys()

    def test_of_labels_and_several_targets(self):
        model = classifier().fit(X, MULTILABEL)
        p = model.predict_proba(X)
        expected = -np.log(np.where(MULTILABEL == 1, p, 1 - p)).sum(axis=1).mean()
        assert model.evaluate(X, MULTILABEL).loss == pytest.approx(expected, rel=1e-5)
        y = np.column_stack([VALUES, 5 * VALUES])
        model = regressor().fit(X, y)
        expected = ((model.predict(X) - y) ** 2).sum(axis=1).mean() / 2
        assert model.evaluate(X, y).loss == pytest.approx(expected, rel=1e-5)

    def test_what_does_not_fit_is_refused(self):
        model = classifier().fit(X, LABELS)
        with pytest.raises(ValueError, match="`y` has classes not in"):
            model.evaluate(X, np.full(N, "other"))
        with pytest.raises(ValueError, match="y has 2 column"):
            regressor().fit(X, VALUES).evaluate(X, np.column_stack([VALUES, VALUES]))
        with pytest.raises(ValueError, match="Negative values"):
            model.evaluate(X, LABELS, sample_weight=-WEIGHTS)

    def test_summary_is_that_of_a_member(self):
        model = classifier().fit(X, LABELS)
        assert model.summary() == model.estimators_[-1].summary()
        assert "softmax" in model.summary()


def test_public_names():
    assert TabularMLPClassifier().__sklearn_tags__().estimator_type == "classifier"
    assert TabularMLPRegressor().__sklearn_tags__().estimator_type == "regressor"
