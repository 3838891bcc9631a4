"""scikit-learn's own tests of its MLP, run on the estimators of this package.

The installed file is executed anew with our classes in the place of scikit-learn's, twice: as users meet
them, and with dtype='input', which is what scikit-learn's classes do (deviation 1). Its test functions become
tests of this module. Every test that is not expected to pass is listed below with the reason, and must then
really fail.
"""

import importlib.util
from functools import partial
from unittest import mock

import pytest

import skmlp

ORIGIN = "sklearn.neural_network.tests.test_mlp"

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

PRIVATE = {
    "test_fit": (AttributeError, "assigns to coefs_ (deviation 7) and to private attributes"),
    "test_gradient": (AttributeError, "calls _loss_grad_lbfgs"),
    "test_learning_rate_warmstart": (AttributeError, "reads _optimizer"),
    "test_adaptive_learning_rate": (AttributeError, "reads _optimizer"),
}
WARNS = "waits for a warning at max_iter with n_iter_no_change=inf (deviation 5)"
FLOAT32 = "wants parameters in the dtype of X (deviation 1)"


def expected_failure(name, arguments):
    """What a test raises on our estimators and why, or None where it passes."""
    if name in PRIVATE:
        return PRIVATE[name]
    if name == "test_mlp_warm_start_no_convergence" and arguments["solver"] != "lbfgs":
        return pytest.fail.Exception, WARNS
    if name == "test_mlp_param_dtypes" and arguments["dtype"].__name__ == "float64":
        return AssertionError, FLOAT32
    return None


def scikit_learn_tests(suffix, classifier, regressor):
    spec = importlib.util.find_spec(ORIGIN)
    if spec is None:
        pytest.skip("this scikit-learn comes without its tests", allow_module_level=True)
    module = importlib.util.module_from_spec(spec)
    with mock.patch.multiple("sklearn.neural_network", MLPClassifier=classifier, MLPRegressor=regressor):
        spec.loader.exec_module(module)
    found = {name: item for name, item in vars(module).items() if name.startswith("test_") and callable(item)}
    return {f"{name}__{suffix}": item for name, item in found.items()}


DEFAULT = scikit_learn_tests("default", skmlp.MLPClassifier, skmlp.MLPRegressor)
INPUT = scikit_learn_tests(
    "input", partial(skmlp.MLPClassifier, dtype="input"), partial(skmlp.MLPRegressor, dtype="input")
)
globals().update(DEFAULT)
globals().update(INPUT)


@pytest.fixture
def global_random_seed():
    """One of scikit-learn's own fixtures."""
    return 42


@pytest.fixture(autouse=True)
def mark_expected_failures(request):
    name, _, suffix = request.node.originalname.partition("__")
    arguments = request.node.callspec.params if hasattr(request.node, "callspec") else {}
    expected = expected_failure(name, arguments) if suffix else None
    if expected and not (suffix == "input" and expected[1] == FLOAT32):
        raises, reason = expected
        request.applymarker(pytest.mark.xfail(raises=raises, reason=reason, strict=True))


def test_the_file_was_found_whole():
    """Far fewer tests than known, or a listed one gone, would mean that the file has changed."""
    assert len(DEFAULT) == len(INPUT) >= 35
    assert {f"{name}__default" for name in PRIVATE} <= set(DEFAULT)
