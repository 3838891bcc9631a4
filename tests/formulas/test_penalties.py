"""The elastic net, in every way in which it runs."""

import numpy as np
import pytest

from skmlp.formulas import penalties
from skmlp.formulas.penalties import elastic_net, elastic_net_gradient
from tests import naive
from tests.ways import EXTREMES, REALS, WAYS, call, loop, needs_jit, over, single_precision_code

TWINS = {elastic_net: naive.penalty, elastic_net_gradient: naive.penalty_gradient}
W = np.linspace(-2.0, 2.0, 40)  # 0, where |w| has its kink, is not among them

ways = pytest.mark.parametrize("way", WAYS)
reals = pytest.mark.parametrize("real", REALS, ids=lambda real: real.__name__)
formulas = pytest.mark.parametrize("formula", TWINS, ids=lambda formula: formula.__name__)
strengths = pytest.mark.parametrize("l1, l2", [(0.0, 0.0), (0.3, 0.0), (0.0, 0.7), (0.3, 0.7)])


def test_every_penalty_has_a_twin():
    functions = {member for member in vars(penalties).values() if callable(member)}
    assert functions == TWINS.keys()


@ways
@strengths
def test_gradient_equals_central_differences(way, l1, l2):
    expected = naive.slope_by_differences(lambda w: over(elastic_net, way, w, l1, l2), W)
    np.testing.assert_allclose(over(elastic_net_gradient, way, W, l1, l2), expected, rtol=1e-6, atol=1e-10)


@formulas
@ways
@strengths
@pytest.mark.parametrize("real, rtol", [(np.float32, 1e-6), (np.float64, 1e-14)], ids=["float32", "float64"])
def test_equals_the_naive_statement(formula, way, l1, l2, real, rtol):
    w, l1, l2 = np.append(W, 0.0).astype(real), real(l1), real(l2)
    np.testing.assert_allclose(over(formula, way, w, l1, l2), TWINS[formula](w, l1, l2), rtol=rtol)


@formulas
@ways
@reals
@strengths
def test_extreme_arguments_give_numbers(formula, way, real, l1, l2):
    assert np.isfinite(over(formula, way, np.array(EXTREMES, dtype=real), real(l1), real(l2))).all()


@formulas
@ways
@reals
@strengths
def test_nan_comes_through(formula, way, real, l1, l2):
    assert np.isnan(over(formula, way, np.full(2, np.nan, dtype=real), real(l1), real(l2))).all()


@formulas
@reals
@needs_jit
def test_result_has_the_type_of_the_argument(formula, real):
    compiled = call(formula)
    compiled(real(0.5), real(0.1), real(0.2))
    for signature in compiled.nopython_signatures:
        assert signature.return_type == signature.args[0]


@formulas
@needs_jit
def test_single_precision_does_without_double(formula):
    over(formula, "compiled", W.astype(np.float32), np.float32(0.1), np.float32(0.2))
    code = single_precision_code(loop(formula))
    assert " float " in code and " double " not in code
