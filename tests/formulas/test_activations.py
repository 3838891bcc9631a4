"""Every activation of the table, in every way in which it runs."""

import numpy as np
import pytest

from skmlp.formulas.activations import ACTIVATIONS
from tests import naive
from tests.ways import EXTREMES, REALS, WAYS, call, loop, needs_jit, over, single_precision_code

Z = np.linspace(-4.0, 4.0, 60)  # 0, where an activation may have a kink, is not among them

names = pytest.mark.parametrize("name", ACTIVATIONS)
ways = pytest.mark.parametrize("way", WAYS)
reals = pytest.mark.parametrize("real", REALS, ids=lambda real: real.__name__)
parts = pytest.mark.parametrize("part", ["function", "derivative"])


def function(name, way, z):
    return over(ACTIVATIONS[name].function, way, z)


def derivative(name, way, z):
    return over(ACTIVATIONS[name].derivative, way, z, function(name, way, z))


def test_every_activation_has_a_twin():
    assert ACTIVATIONS.keys() == naive.ACTIVATIONS.keys()


@names
@ways
def test_derivative_equals_central_differences(name, way):
    expected = naive.slope_by_differences(lambda z: function(name, way, z), Z)
    np.testing.assert_allclose(derivative(name, way, Z), expected, rtol=1e-6, atol=1e-10)


@names
@ways
@reals
def test_those_that_work_in_place_need_their_value_alone(name, way, real):
    """Bit for bit; the others do need z."""
    z = np.concatenate([Z, EXTREMES, [1e-30, -1e-30]]).astype(real)
    a = function(name, way, z)
    same = over(ACTIVATIONS[name].derivative, way, a, a) == over(ACTIVATIONS[name].derivative, way, z, a)
    assert same.all() == ACTIVATIONS[name].in_place


@names
@ways
@pytest.mark.parametrize("real, rtol", [(np.float32, 1e-5), (np.float64, 1e-12)], ids=["float32", "float64"])
def test_equals_the_naive_statement(name, way, real, rtol):
    z = Z.astype(real)
    for ours, theirs in zip((function, derivative), naive.ACTIVATIONS[name], strict=True):
        # A slope of 1e-3 is taken from an activation near 1, and can be no more exact than that.
        expected = theirs(z.astype(np.longdouble)).astype(np.float64)
        np.testing.assert_allclose(ours(name, way, z), expected, rtol=rtol, atol=rtol / 10)


@names
@ways
@reals
def test_extreme_arguments_give_numbers(name, way, real):
    z = np.array([*EXTREMES, np.finfo(real).min, np.finfo(real).max], dtype=real)
    with np.errstate(over="ignore"):  # beside the largest number, infinity is right
        assert not np.isnan(function(name, way, z)).any()
        assert not np.isnan(derivative(name, way, z)).any()


@names
@ways
@reals
def test_arguments_that_are_large_overflow_nowhere(name, way, real):
    """And give the limits."""
    z = np.array(EXTREMES, dtype=real)
    values, slopes = function(name, way, z), derivative(name, way, z)
    assert np.isfinite(values).all() and np.isfinite(slopes).all()
    least = {"identity": -1e4, "tanh": -1.0, "leaky_relu": -100.0, "elu": -1.0, "selu": -1.7580993}.get(name, 0.0)
    np.testing.assert_allclose(values[0], least, rtol=1e-6, atol=1e-30)
    most = {"logistic": 1.0, "tanh": 1.0, "selu": 1.0507010e4}.get(name, 1e4)
    np.testing.assert_allclose(values[-1], most, rtol=1e-6)


@names
@ways
@reals
def test_nan_comes_through(name, way, real):
    assert np.isnan(function(name, way, np.full(3, np.nan, dtype=real))).all()


@names
@parts
@reals
@needs_jit
def test_result_has_the_type_of_the_argument(name, part, real):
    formula = getattr(ACTIVATIONS[name], part)
    compiled = call(formula)
    compiled(*[real(0.5)] * (1 if part == "function" else 2))
    for signature in compiled.nopython_signatures:
        assert signature.return_type == signature.args[0]


@names
@parts
@needs_jit
def test_single_precision_does_without_double(name, part):
    (function if part == "function" else derivative)(name, "compiled", Z.astype(np.float32))
    code = single_precision_code(loop(getattr(ACTIVATIONS[name], part)))
    assert " float " in code and " double " not in code
