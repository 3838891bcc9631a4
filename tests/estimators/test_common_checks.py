"""scikit-learn's common checks, for every estimator, in float32 and float64."""

import inspect

import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from skmlp import (
    MLPBinaryClassifier,
    MLPClassifier,
    MLPMulticlass,
    MLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
)

ESTIMATORS = [MLPBinaryClassifier, MLPMulticlass, MLPRegressor, MLPClassifier]
TABULAR = [TabularMLPClassifier, TabularMLPRegressor]
# Rounding in float32 may also stay below 1e-7, by luck; scikit-learn 1.6 has no word for that.
HAS_WORD = "xfail_strict" in inspect.signature(parametrize_with_checks).parameters
NOT_STRICT = {"xfail_strict": False} if HAS_WORD else {}
SMALL = {"hidden_layer_sizes": (10,), "n_estimators": 2, "max_iter": 30}
COMPARED_TO_1E_7 = {
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
}


def expected_failures(estimator):
    if estimator.dtype == "auto":
        return dict.fromkeys(COMPARED_TO_1E_7, "compares float32 results to 1e-7")
    return {}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(
    [estimator(dtype=dtype) for estimator in ESTIMATORS for dtype in ("auto", "float64")],
    expected_failed_checks=expected_failures,
    **NOT_STRICT,
)
def test_common_check(estimator, check):
    check(estimator)


@parametrize_with_checks(
    [estimator(**SMALL) for estimator in TABULAR],
    expected_failed_checks=lambda estimator: {
        "check_sample_weight_equivalence_on_dense_data": "rows are assigned to folds, not weights: a row that is left "
        "out or repeated changes the folds"
    },
)
def test_common_check_of_estimators_for_raw_tables(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_checks_expected_to_fail_exist_under_these_names(estimator):
    names = {check.func.__name__ for _, check in estimator_checks_generator(estimator())}
    assert names >= COMPARED_TO_1E_7
