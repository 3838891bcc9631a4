"""Estimators for raw tables are cloned, copied, pickled and saved, and stay as they were where a fit fails."""

import copy
import io
import pickle
from tempfile import TemporaryDirectory

import joblib
import numpy as np
import pytest
from sklearn.base import clone

from skmlp import load
from tests.estimators.tabular import KINDS, VALUES, N, X, assert_same_fit, assert_same_outputs, frame, regressor

EVERY_KIND = pytest.mark.parametrize("kind", KINDS)


def through_joblib(model):
    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    return joblib.load(file)


def through_save(model):
    with TemporaryDirectory() as folder:
        model.save(f"{folder}/model")
        return load(f"{folder}/model")


COPIES = {
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "joblib": through_joblib,
    "save": through_save,
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
}
EVERY_COPY = pytest.mark.parametrize("how", COPIES)


@EVERY_KIND
@EVERY_COPY
@pytest.mark.parametrize("pickle_oof", [False, True])
def test_copies_predict_the_same(kind, how, pickle_oof):
    make, y = KINDS[kind]
    model = make(pickle_oof=pickle_oof).fit(X, y)
    twin = COPIES[how](model)
    assert_same_outputs(model, twin, frame(1))
    assert twin.evaluate(X, y) == model.evaluate(X, y)
    assert twin.get_params() == model.get_params()
    assert hasattr(model, "oof_prediction_")
    assert hasattr(twin, "oof_prediction_") == pickle_oof
    if pickle_oof:
        np.testing.assert_array_equal(model.oof_prediction_, twin.oof_prediction_)
    assert vars(model).keys() - vars(twin).keys() <= {"oof_prediction_"}
    assert_same_fit(twin.fit(X, y), model)


@EVERY_KIND
@EVERY_COPY
def test_copies_of_unfitted_estimators_can_be_fitted(kind, how):
    make, y = KINDS[kind]
    assert_same_fit(COPIES[how](make()).fit(X, y), make().fit(X, y))


@EVERY_KIND
def test_a_pickle_does_not_hold_the_training_data(kind):
    make, y = KINDS[kind]
    rows = [len(pickle.dumps(make(batch_size=N).fit(frame(0, n), np.resize(y, (n, *y.shape[1:]))))) for n in (N, 9 * N)]
    assert rows[1] < rows[0] + 2 * N


@EVERY_KIND
def test_clones_are_unfitted_and_the_same(kind):
    make, y = KINDS[kind]
    model = make(n_estimators=2, alpha=0.5).fit(X, y)
    twin = clone(model)
    assert not hasattr(twin, "estimators_")
    assert twin.get_params() == model.get_params()
    assert_same_fit(twin.fit(X, y), model)
    assert len(model.set_params(n_estimators=1).fit(X, y).estimators_) == 1


def test_constructor_checks_nothing():
    sizes = np.array([3, 2])
    model = regressor(hidden_layer_sizes=sizes, n_bins="many")
    assert model.hidden_layer_sizes is sizes
    assert model.get_params()["n_bins"] == "many"


def failing_metric(y_true, y_pred):
    raise RuntimeError("this metric fails")


FAILURES = {
    "infinity in X": lambda model: model.fit(X.assign(size=np.inf), VALUES),
    "NaN in y": lambda model: model.fit(X, VALUES * np.nan),
    "weights": lambda model: model.fit(X, VALUES, sample_weight=-np.ones(N)),
    "other columns and NaN in y": lambda model: model.fit(X[["size"]], VALUES * np.nan),
    "validation data": lambda model: model.fit(X, VALUES, X_val=X[["size"]], y_val=VALUES),
    "a parameter": lambda model: model.set_params(n_bins=1).fit(X, VALUES),
    "a parameter of members": lambda model: model.set_params(activation=("relu", "relu")).fit(X, VALUES),
    "a metric": lambda model: model.set_params(metrics=(failing_metric,)).fit(X, VALUES),
    "folds": lambda model: model.set_params(cv=[(np.arange(9), [])]).fit(X, VALUES),
    "a domain": lambda model: model.set_params(loss="gamma").fit(X, -np.abs(VALUES)),
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_failed_fits_leave_the_estimator_as_it_was(state_of, failure, fitted, n_jobs):
    model = regressor(n_jobs=n_jobs, random_state=np.random.RandomState(3))
    if fitted:
        model.fit(X, VALUES)
        expected = model.predict(X)
    state, parameters = state_of(model), {*model.get_params()} - {"random_state"}
    with pytest.raises((ValueError, RuntimeError)):
        FAILURES[failure](model)
    now = state_of(model)
    assert now.keys() == state.keys()
    assert {name: now[name] for name in now.keys() - parameters} == {
        name: state[name] for name in state.keys() - parameters
    }
    if fitted:
        np.testing.assert_array_equal(model.predict(X), expected)
