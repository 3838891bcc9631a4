"""Members and folds: what each is trained on, and what comes of their predictions."""

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.metrics import accuracy_score, d2_pinball_score, r2_score
from sklearn.model_selection import KFold, ShuffleSplit

from skmlp.estimators.ensemble import folds
from tests.estimators.tabular import (
    KINDS,
    LABELS,
    MULTILABEL,
    VALUES,
    N,
    X,
    assert_same_fit,
    classifier,
    frame,
    numbers,
    outputs,
    regressor,
)

EVERY_KIND = pytest.mark.parametrize("kind", KINDS)
FOLDS = list(KFold(3, shuffle=True, random_state=7).split(np.empty(N)))


def naive_prediction(model, y, members, rows):
    """What members predict, one by one, of the definition."""
    Z = model.encoder_.transform(rows)
    if hasattr(model, "predict_proba"):
        z = np.mean([member.decision_function(Z).astype(float) for member in members], axis=0) / model.temperature_
        if y.ndim == 2:
            return expit(z)
        return np.column_stack([expit(-z), expit(z)]) if z.ndim == 1 else softmax(z, axis=1)
    values = np.mean([member.predict(Z) * y.std(axis=0) + y.mean(axis=0) for member in members], axis=0)
    return np.clip(values, y.min(axis=0), y.max(axis=0))


@EVERY_KIND
def test_predictions_are_the_mean_of_the_members(kind):
    make, y = KINDS[kind]
    model = make().fit(X, y)
    rows = frame(1)
    predictions = model.predict_proba(rows) if hasattr(model, "predict_proba") else model.predict(rows)
    np.testing.assert_allclose(predictions, naive_prediction(model, y, model.estimators_, rows), rtol=1e-5, atol=1e-6)
    if kind == "multiclass":
        np.testing.assert_array_equal(model.predict(rows), model.classes_[predictions.argmax(axis=1)])
    if kind == "binary":
        np.testing.assert_array_equal(model.predict(rows), model.classes_[(predictions[:, 1] > 0.5).astype(int)])
    if kind == "multilabel":
        np.testing.assert_array_equal(model.predict(rows), predictions > 0.5)


@EVERY_KIND
@pytest.mark.parametrize("n_estimators", [1, 2, 3, 5])
def test_held_out_rows_are_predicted_by_those_that_have_not_seen_them(kind, n_estimators):
    make, y = KINDS[kind]
    model = make(cv=FOLDS, n_estimators=n_estimators).fit(X, y)
    assert len(model.estimators_) == n_estimators
    held_out_by = [[] for _ in range(N)]
    for number in range(n_estimators):
        for row in FOLDS[number % 3][1]:
            held_out_by[row].append(model.estimators_[number])
    assert len(model.oof_prediction_) == N
    for row in range(0, N, 7):
        ours = model.oof_prediction_[row]
        if held_out_by[row]:
            expected = naive_prediction(model, y, held_out_by[row], X[row : row + 1])[0]
            np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-6)
        else:
            assert np.isnan(ours).all()
    known = np.array([bool(members) for members in held_out_by])
    np.testing.assert_array_equal(np.isnan(model.oof_prediction_.reshape(N, -1)).any(axis=1), ~known)


def score_of(model, y, weights=None):
    oof, y = model.oof_prediction_, np.asarray(y)
    known = ~np.isnan(oof.reshape(len(oof), -1)[:, 0])
    oof, y, weights = oof[known], y[known], None if weights is None else weights[known]
    if not hasattr(model, "classes_"):
        if model.loss == "quantile":
            levels = zip(oof.reshape(len(y), -1).T, np.atleast_1d(model.quantile), strict=True)
            return np.mean([d2_pinball_score(y, p, alpha=level, sample_weight=weights) for p, level in levels])
        return r2_score(y, oof, sample_weight=weights)
    labels = oof > 0.5 if y.ndim == 2 else model.classes_[oof.argmax(axis=1)]
    return accuracy_score(y, labels, sample_weight=weights)


@EVERY_KIND
@pytest.mark.parametrize("n_estimators", [2, 3, 4])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_score_is_that_of_the_held_out_rows(kind, n_estimators, weighted):
    make, y = KINDS[kind]
    weights = np.random.default_rng(0).uniform(0.5, 2.0, N) if weighted else None
    model = make(n_estimators=n_estimators).fit(X, y, sample_weight=weights)
    assert model.oof_score_ == pytest.approx(score_of(model, y, weights), rel=1e-9)
    assert np.isnan(model.oof_prediction_).any() == (n_estimators < 3)


def test_the_score_of_quantiles_is_d2():
    model = regressor(loss="quantile", quantile=[0.2, 0.8]).fit(X, VALUES)
    assert model.oof_score_ == pytest.approx(score_of(model, VALUES), rel=1e-9)


def test_folds_are_stratified_and_new_when_they_are_used_up():
    y = np.r_[np.zeros(N - 6), np.ones(6)]
    splits = folds(np.empty((N, 1)), y, y, 6, 3, np.random.RandomState(0))
    assert [y[held_out].sum() for _, held_out in splits] == [2] * 6
    assert len({tuple(held_out) for _, held_out in splits}) == 6


@pytest.mark.parametrize(
    "cv",
    [
        [(train.tolist(), held_out.tolist()) for train, held_out in FOLDS],
        [(np.isin(np.arange(N), train), np.isin(np.arange(N), held_out)) for train, held_out in FOLDS],
        KFold(3, shuffle=True, random_state=7),
    ],
    ids=["lists", "masks", "splitter"],
)
def test_folds_may_be_given_in_several_ways(cv):
    assert_same_fit(classifier(cv=FOLDS).fit(X, LABELS), classifier(cv=cv).fit(X, LABELS))


def test_rows_that_no_fold_knows_have_no_prediction():
    model = regressor(cv=[(np.arange(30), np.arange(30, 50))], n_estimators=2).fit(X, VALUES)
    known = np.isfinite(model.oof_prediction_)
    assert np.flatnonzero(known).tolist() == list(range(30, 50))
    overlapping = regressor(cv=ShuffleSplit(2, test_size=0.5, random_state=0), n_estimators=2).fit(X, VALUES)
    assert overlapping.oof_prediction_.shape == (N,)


@pytest.mark.parametrize("cv", [[], [(np.arange(9), [])], [([], np.arange(9))]])
def test_folds_without_rows_are_refused(cv):
    with pytest.raises(ValueError, match="cv: there is a fold without rows"):
        regressor(cv=cv).fit(X, VALUES)


def test_folds_without_weights_are_refused():
    weights = np.r_[np.ones(60), np.zeros(30)]
    with pytest.raises(ValueError, match="sample_weight: all are zero in the training or in the held-out rows"):
        regressor(cv=[(np.arange(60), np.arange(60, 90))]).fit(X, VALUES, sample_weight=weights)


def test_more_folds_than_rows_hold_out_one_each():
    model = regressor(cv=50, n_estimators=4).fit(X[:4], VALUES[:4])
    assert np.isfinite(model.oof_prediction_).all()


@EVERY_KIND
@pytest.mark.parametrize("n_val", [20, 150])
def test_validation_rows_take_the_place_of_those_held_out(kind, n_val):
    make, y = KINDS[kind]
    X_val, y_val = frame(3, n_val), np.resize(y, (n_val, *y.shape[1:]))
    weights = np.random.default_rng(0).uniform(0.5, 2.0, n_val)
    model = make(n_estimators=2).fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=weights)
    assert {member.t_ // member.n_iter_ for member in model.estimators_} == {N}  # rows of an epoch
    expected = model.predict_proba(X_val) if hasattr(model, "predict_proba") else model.predict(X_val)
    np.testing.assert_allclose(model.oof_prediction_, expected, rtol=1e-6, atol=1e-7)
    assert model.oof_score_ == pytest.approx(score_of(model, y_val, weights), rel=1e-9)
    assert_same_fit(model, make(n_estimators=2, cv=2).fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=weights))


def test_one_row_is_enough_beside_validation_rows():
    regressor().fit(X[:1], VALUES[:1], X_val=X, y_val=VALUES).predict(X)


@pytest.mark.parametrize(
    ("validation", "message"),
    [
        ({"X_val": X}, "X_val and y_val must be given together"),
        ({"y_val": VALUES}, "X_val and y_val must be given together"),
        ({"sample_weight_val": np.ones(N)}, "sample_weight_val only with them"),
        ({"X_val": X.drop(columns="flag"), "y_val": VALUES}, "(?s)flag.*This is about X_val"),
        ({"X_val": X, "y_val": VALUES[1:]}, "(?s)inconsistent numbers of samples.*X_val, y_val"),
        ({"X_val": X, "y_val": VALUES * np.nan}, "Input y_val contains NaN"),
        ({"X_val": X, "y_val": np.column_stack([VALUES, VALUES])}, "y_val has 2 column"),
        ({"X_val": X, "y_val": VALUES, "sample_weight_val": -np.ones(N)}, "`sample_weight_val`"),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else "",
)
def test_errors_about_validation_rows_say_so(validation, message):
    with pytest.raises(ValueError, match=message):
        regressor().fit(X, VALUES, **validation)


def test_validation_rows_of_another_number_of_columns():
    with pytest.raises(ValueError, match="X_val has 2 features"):
        regressor().fit(numbers(), VALUES, X_val=numbers()[:, :2], y_val=VALUES)


def test_unknown_labels_of_validation_rows():
    with pytest.raises(ValueError, match=r"`y_val` has classes not in `self.classes_`"):
        classifier().fit(X, LABELS, X_val=X, y_val=np.full(N, "other"))
    with pytest.raises(ValueError, match="got multilabel, expected one label a row"):
        classifier().fit(X, LABELS, X_val=X, y_val=MULTILABEL)


@EVERY_KIND
def test_the_number_of_threads_changes_no_bit(kind):
    make, y = KINDS[kind]
    one, two, any_number, all_cores = (make(n_jobs=n_jobs).fit(X, y) for n_jobs in (1, 2, None, -1))
    for other in (two, any_number, all_cores, make(n_jobs=1).fit(X, y)):
        assert_same_fit(one, other)


@EVERY_KIND
def test_seeds_and_generators(kind):
    make, y = KINDS[kind]
    model = make(random_state=np.random.RandomState(4)).fit(X, y)
    assert_same_fit(model, make(random_state=np.random.RandomState(4)).fit(X, y))
    assert_same_fit(model, make(random_state=4).fit(X, y))
    for other in (model.fit(X, y), make(random_state=5).fit(X, y), make(random_state=None).fit(X, y)):
        assert not np.array_equal(outputs(other, X)[1], outputs(make(random_state=4).fit(X, y), X)[1])


def test_calibration_looks_at_the_mean_of_those_that_held_a_row_out():
    model = regressor(n_estimators=5).fit(X, VALUES, X_val=X, y_val=VALUES + 0.3)
    error = np.mean((model.oof_prediction_ - VALUES - 0.3) ** 2)
    np.testing.assert_allclose(model.residual_variance_, error, rtol=1e-10)


def test_class_weights_of_classes_that_a_fold_lacks():
    y = np.r_[np.zeros(40, int), np.ones(N - 41, int), 2]
    model = classifier(n_estimators=2, cv=2, class_weight={2: 5.0}).fit(X, y)
    assert model.predict_proba(X).shape == (N, 3)


def test_what_is_fitted_stays_when_the_loss_is_set_anew():
    model = regressor().fit(X, VALUES)
    before = model.predict(X)
    np.testing.assert_array_equal(model.set_params(loss="quantile").predict(X), before)
    with pytest.raises(ValueError, match="return_std=True does not go with"):
        model.fit(X, VALUES).predict(X, return_std=True)
    assert not hasattr(model.set_params(loss="squared_error").fit(X, VALUES), "quantile_offsets_")


def test_members_have_the_threads_and_the_time_of_the_whole_afterwards():
    model = regressor(n_jobs=2, max_time=100.0).fit(X, VALUES)
    assert {(member.n_jobs, member.max_time) for member in model.estimators_} == {(2, 100.0)}


def test_logits_are_those_of_the_probabilities():
    y = (VALUES > np.median(VALUES)).astype(int)
    model = classifier().fit(X, y)
    np.testing.assert_allclose(expit(model.decision_function(X)), model.predict_proba(X)[:, 1], rtol=1e-6)


def test_targets_too_large_to_be_standardised_are_refused():
    with pytest.raises(ValueError, match="y holds values too large"):
        regressor().fit(X, VALUES * 1e200)


@pytest.mark.parametrize("make, y", [(classifier, np.arange(N) % 2), (regressor, VALUES)])
def test_each_fold_has_rows_that_count(make, y):
    weights = np.zeros(N)
    weights[:5] = 1.0
    for seed in range(5):
        model = make(n_estimators=5, cv=8, random_state=seed).fit(X, y, sample_weight=weights)
        assert len(model.estimators_) == 5
