"""Sparse X gives what the same X gives when it is dense, on every path that data take."""

import warnings

import numpy as np
import pytest
from scipy.sparse import csc_array, csc_matrix, csr_array, csr_matrix
from sklearn.exceptions import ConvergenceWarning

import skmlp

RNG = np.random.default_rng(2)
X = np.where(RNG.random((120, 7)) < 0.6, 0.0, RNG.standard_normal((120, 7)))
SCORES = X @ RNG.standard_normal((7, 3))
WEIGHTS = RNG.uniform(0.2, 2.0, 120)
TARGETS = {
    "MLPBinaryClassifier": (SCORES[:, 0] > 0).astype(int),
    "MLPMulticlass": SCORES.argmax(axis=1),
    "MLPClassifier": (SCORES > 0).astype(int),
    "MLPRegressor": SCORES,
}
FORMS = {form.__name__: form for form in (csr_array, csr_matrix, csc_array, csc_matrix)}
FITS = {
    "first-order": {},
    "lbfgs": {"solver": "lbfgs", "max_iter": 15},
    "early stopping": {"early_stopping": True, "metrics": ["squared_error"]},
    "dropout and normalisation": {"dropout": 0.2, "normalization": "batch"},
    "no hidden layer": {"hidden_layer_sizes": ()},
    "large batch": {"batch_size": 120},
}
names = pytest.mark.parametrize("name", TARGETS)


def make(name, **parameters):
    if name != "MLPRegressor" and "metrics" in parameters:
        parameters["metrics"] = ["accuracy", "log_loss"]
    defaults = {"hidden_layer_sizes": (6, 5), "max_iter": 6, "n_iter_no_change": np.inf, "batch_size": 32}
    defaults |= {"random_state": 0, "dtype": "float64"}
    return getattr(skmlp, name)(**{**defaults, **parameters})


def outputs(model, data, name):
    """Everything that a fitted model says of data."""
    y = TARGETS[name]
    methods = ["predict", "predict_proba", "predict_log_proba", "decision_function"]
    said = [getattr(model, method)(data) for method in methods if hasattr(model, method)]
    return [*said, model.score(data, y, WEIGHTS), *model.evaluate(data, y, WEIGHTS)]


def assert_same(model, other, form, name):
    assert model.loss_curve_ == pytest.approx(other.loss_curve_, rel=1e-9)
    for ours, theirs in zip(outputs(model, X, name), outputs(other, form(X), name), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-9)


@names
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("parameters", FITS.values(), ids=FITS)
def test_fits(name, form, parameters):
    models = []
    for data in (X, form(X)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            models.append(make(name, **parameters).fit(data, TARGETS[name], WEIGHTS))
    assert_same(*models, form, name)


@names
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_partial_fits_and_warm_starts(name, form):
    classes = {} if name == "MLPRegressor" else {"classes": [0, 1, 2] if name == "MLPMulticlass" else [0, 1]}
    if name == "MLPClassifier":
        classes = {"classes": np.arange(3)}
    models = []
    for data in (X, form(X)):
        model = make(name, warm_start=True)
        model.partial_fit(data, TARGETS[name], **classes).partial_fit(data[:40], TARGETS[name][:40], WEIGHTS[:40])
        models.append(model.fit(data, TARGETS[name]))
    assert_same(*models, form, name)


@names
def test_validation_data_of_another_form(name):
    models = []
    for data, held_out in ((X, csc_array(X)), (csr_matrix(X), X)):
        model = make(name, early_stopping=True)
        models.append(model.fit(data, TARGETS[name], X_val=held_out, y_val=TARGETS[name], sample_weight_val=WEIGHTS))
    assert_same(*models, csr_array, name)
    np.testing.assert_allclose(models[0].history_["val_loss"], models[1].history_["val_loss"], rtol=1e-9)


def test_index_and_value_types_of_any_kind():
    y = TARGETS["MLPBinaryClassifier"]
    expected = make("MLPBinaryClassifier").fit(X, y).predict_proba(X)
    for index, value in ((np.int32, np.float64), (np.int64, np.float64)):
        data = csr_array(X.astype(value))
        data.indices, data.indptr = data.indices.astype(index), data.indptr.astype(index)
        model = make("MLPBinaryClassifier").fit(data, y)
        np.testing.assert_allclose(model.predict_proba(data), expected, rtol=1e-8)
    whole = np.rint(X * 3).astype(np.int64)
    one, other = (make("MLPBinaryClassifier").fit(data, y).predict_proba(data) for data in (whole, csr_array(whole)))
    np.testing.assert_allclose(one, other, rtol=1e-8)


def test_rows_without_entries_and_columns_without_entries():
    empty = X.copy()
    empty[::3] = 0.0
    empty[:, 2] = 0.0
    y = TARGETS["MLPBinaryClassifier"]
    one, other = (make("MLPBinaryClassifier").fit(data, y).predict_proba(data) for data in (empty, csr_array(empty)))
    np.testing.assert_allclose(one, other, rtol=1e-8)
