"""The same random_state gives bit-identical models, wherever and from whatever they are trained."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from joblib import Parallel, delayed
from scipy.sparse import csc_array, csc_matrix, csr_array, csr_matrix
from sklearn.base import clone
from threadpoolctl import threadpool_info, threadpool_limits

from skmlp import MLPBinaryClassifier, MLPClassifier, MLPMulticlass, MLPRegressor

SMALL = {"hidden_layer_sizes": (12,), "batch_size": 10}
LARGE = {"hidden_layer_sizes": (160, 130), "batch_size": 400}
SIZES = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["small", "large"])
SOLVERS = pytest.mark.parametrize("solver", ["sgd", "adam", "rmsprop", "lbfgs"])
# lbfgs warns at max_iter.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def data():
    """1000 rows whose values are the same in float32 and float64."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((1000, 11)).astype(np.float32)
    y = (X[:, 0] * X[:, 1] + 0.3 * rng.standard_normal(1000) > 0).astype(int)
    return X, y


def make(estimator=MLPClassifier, **parameters):
    defaults = {"random_state": 5, "max_iter": 4, "n_iter_no_change": np.inf}
    return estimator(**defaults | parameters)


def frozen(X):
    X = X.copy()
    X.flags.writeable = False
    return X


def strided(X):
    wide = np.zeros((2 * len(X), X.shape[1] + 3), X.dtype)
    wide[::2, 2:-1] = X
    return wide[::2, 2:-1]


FORMS = {
    "float64": lambda X: X.astype(np.float64),
    "Fortran order": np.asfortranarray,
    "Fortran order float64": lambda X: np.asfortranarray(X, dtype=np.float64),
    "read-only": frozen,
    "read-only float64": lambda X: frozen(X.astype(np.float64)),
    "strided": strided,
    "big-endian": lambda X: X.astype(">f8"),
    "list": lambda X: X.tolist(),
    "object": lambda X: X.astype(object),
    "pandas": lambda X: pd.DataFrame(X),
    "pandas float64": lambda X: pd.DataFrame(X.astype(np.float64)),
}


@SIZES
@SOLVERS
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("extras", [{}, {"early_stopping": True}], ids=["plain", "early stopping"])
def test_run_after_run(data, assert_same_model, size, solver, dtype, extras):
    estimators = [make(solver=solver, dtype=dtype, **size, **extras).fit(*data) for _ in range(2)]
    assert_same_model(*estimators)
    assert_same_model(estimators[0], estimators[1].fit(*data))


@pytest.mark.parametrize("estimator", [MLPBinaryClassifier, MLPMulticlass, MLPRegressor])
def test_run_after_run_of_the_other_estimators(data, assert_same_model, estimator):
    assert_same_model(*(make(estimator).fit(*data) for _ in range(2)))


def test_another_random_state_gives_another_model(data):
    first, second = (make(random_state=seed).fit(*data) for seed in (1, 2))
    assert not np.array_equal(first.coefs_[0], second.coefs_[0])


@SIZES
def test_in_concurrent_threads(data, assert_same_model, size):
    alone = [make(random_state=seed, **size).fit(*data) for seed in range(6)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda seed: make(random_state=seed, **size).fit(*data), range(6)))
    for first, second in zip(alone, together, strict=True):
        assert_same_model(first, second)


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_under_joblib(data, assert_same_model, backend):
    """Worker processes may get memory-mapped, read-only arrays."""
    estimators = [make(**size, solver=solver) for size in (SMALL, LARGE) for solver in ("adam", "lbfgs")]
    fits = [delayed(clone(estimator).fit)(*data) for estimator in estimators]
    there = Parallel(n_jobs=2, backend=backend, max_nbytes=1000)(fits)
    for estimator, other in zip(estimators, there, strict=True):
        assert_same_model(estimator.fit(*data), other)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_threads_of_blas_change_no_bit(data, assert_same_model, solver):
    """SciPy's L-BFGS calls it, for vectors so long that their sums are shared."""
    fits = []
    for limit in (1, 2):
        with threadpool_limits(limit, user_api="blas"):
            fits.append(make(**LARGE | {"hidden_layer_sizes": (200, 100)}, solver=solver).fit(*data))
    assert_same_model(*fits)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("solver, dtype", [("adam", "auto"), ("sgd", "float64"), ("lbfgs", "auto")])
def test_equal_values_in_any_form(data, assert_same_model, form, solver, dtype):
    X, y = data
    reference = make(solver=solver, dtype=dtype).fit(X, y)
    model = make(solver=solver, dtype=dtype).fit(FORMS[form](X), y)
    assert_same_model(reference, model)
    for method in ("predict", "predict_proba", "decision_function"):
        np.testing.assert_array_equal(getattr(reference, method)(X), getattr(model, method)(FORMS[form](X)))


@pytest.mark.parametrize("form", ["float64", "read-only", "strided", "list", "pandas"])
def test_equal_targets_and_weights_in_any_form(data, assert_same_model, form):
    X, _ = data
    y = X[:, :2].copy()
    weights = np.abs(X[:, 2:3]) + np.float32(0.5)
    reference = make(MLPRegressor).fit(X, y, sample_weight=weights.ravel())
    other = np.asarray(FORMS[form](weights)).ravel()
    assert_same_model(reference, make(MLPRegressor).fit(X, FORMS[form](y), sample_weight=other))


@pytest.mark.parametrize("form", ["float64", "Fortran order", "read-only", "pandas"])
def test_equal_values_under_partial_fit(data, assert_same_model, form):
    X, y = data
    models = []
    for convert in (np.asarray, FORMS[form]):
        model = make().partial_fit(convert(X[:500]), y[:500], classes=[0, 1])
        models.append(model.partial_fit(convert(X[500:]), y[500:]))
    assert_same_model(*models)


def test_integers_are_the_floats_they_equal(data, assert_same_model):
    X = np.round(4 * data[0])
    assert_same_model(make().fit(X, data[1]), make().fit(X.astype(np.int64), data[1]))


@SIZES
@SOLVERS
def test_csr_equals_csc_and_dense_within_rounding(data, assert_same_model, size, solver):
    X = np.where(np.abs(data[0]) > 0.8, data[0], 0).astype(np.float64)
    containers = (csr_array, csc_array, csr_matrix, csc_matrix)
    fitted = [make(solver=solver, dtype="float64", **size).fit(c(X), data[1]) for c in containers]
    for other in fitted[1:]:
        assert_same_model(fitted[0], other)
    dense = make(solver=solver, dtype="float64", **size).fit(X, data[1])
    for a, b in zip(dense.coefs_ + dense.intercepts_, fitted[0].coefs_ + fitted[0].intercepts_, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9)
    expected = fitted[0].predict_proba(X)
    for container in containers:
        np.testing.assert_allclose(fitted[0].predict_proba(container(X)), expected, rtol=1e-9)


def test_unsorted_and_duplicate_sparse_entries_mean_what_scipy_says(data, assert_same_model):
    X = csr_array(np.where(np.abs(data[0]) > 0.8, data[0], 0).astype(np.float64))
    rows = [np.arange(start, stop) for start, stop in zip(X.indptr[:-1], X.indptr[1:], strict=True)]
    order = np.concatenate([row[::-1] for row in rows])
    unsorted = csr_array((X.data[order], X.indices[order], X.indptr), shape=X.shape)
    twice = csr_array((np.repeat(X.data / 2, 2), np.repeat(X.indices, 2), 2 * X.indptr), shape=X.shape)
    reference = make().fit(X, data[1])
    assert_same_model(reference, make().fit(unsorted, data[1]))
    assert_same_model(reference, make().fit(twice, data[1]))


def test_input_is_left_as_it_was(data):
    X, y = (a.copy() for a in data)
    weights = np.ones(len(X))
    make(early_stopping=True).fit(X, y, sample_weight=weights)
    make(MLPRegressor).fit(X, X[:, 0], sample_weight=weights)
    np.testing.assert_array_equal(X, data[0])
    np.testing.assert_array_equal(y, data[1])
    assert (weights == 1).all()


def test_no_random_state_gives_another_model_each_time(data):
    first, second = (make(random_state=None).fit(*data) for _ in range(2))
    assert not np.array_equal(first.coefs_[0], second.coefs_[0])


@SIZES
def test_one_model_predicts_the_same_in_many_threads(data, size):
    X, y = data
    model = make(**size).fit(X, y)
    parts = [X[start : start + 400] for start in range(0, 600, 50)]
    expected = [model.predict_proba(part) for part in parts]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            for proba, other in zip(expected, pool.map(model.predict_proba, parts), strict=True):
                np.testing.assert_array_equal(proba, other)


@pytest.mark.parametrize("ending", ["good", "bad"])
def test_thread_pools_are_left_as_they_were(data, ending):
    X, y = data
    before = [(pool["filepath"], pool["num_threads"]) for pool in threadpool_info()]
    model = make(MLPRegressor, **LARGE)
    if ending == "bad":
        model.set_params(solver="sgd", activation="identity", learning_rate_init=1e9, max_iter=100)
        with pytest.raises(ValueError, match="Solver produced non-finite parameter weights"):
            model.fit(X, y)
    else:
        model.fit(X, y).predict(X)
    assert [(pool["filepath"], pool["num_threads"]) for pool in threadpool_info()] == before
