"""The elementary functions as compiled: exact to a few units in the last place, whatever the argument."""

import numpy as np
import pytest
from scipy.special import ndtr

from skmlp.formulas import elementary
from tests.ways import REALS, call, loop, needs_jit, over, single_precision_code

ULPS = 3.0
POINTS = 20_001

reals = pytest.mark.parametrize("real", REALS, ids=lambda real: real.__name__)
names = pytest.mark.parametrize("name", ["exp", "expm1", "tanh", "log", "log1p", "normal_cdf"])
exact_ones = pytest.mark.parametrize("name", ["exp", "expm1", "tanh", "log", "log1p"])


def grid(name, real):
    """Arguments over the whole domain, dense where the function changes."""
    facts = np.finfo(real)
    least, most = float(facts.tiny), float(facts.max) / 2.0
    small = np.geomspace(least, 1.0, POINTS)
    if name == "exp":
        return np.concatenate([np.linspace(np.log(least), np.log(most), POINTS), small, -small]).astype(real)
    if name == "expm1":
        spread = np.linspace(-800.0, np.log(most), POINTS)
        return np.concatenate([spread, np.linspace(-3.0, 3.0, POINTS), small, -small]).astype(real)
    if name == "log1p":
        return np.concatenate([small, np.linspace(0.0, 1.0, POINTS)]).astype(real)
    if name == "tanh":
        spread = np.linspace(0.0, 25.0, POINTS)
        return np.concatenate([spread, -spread, small, -small]).astype(real)
    large = np.geomspace(1.0, most, POINTS)
    return np.concatenate([small, large, np.linspace(0.5, 2.0, POINTS)]).astype(real)


@exact_ones
@reals
def test_error_is_a_few_units_in_the_last_place(name, real):
    x = grid(name, real)
    exact = getattr(np, name)(x.astype(np.longdouble))
    unit = np.spacing(np.abs(exact).astype(real)).astype(np.longdouble)
    error = np.abs(over(getattr(elementary, name), "compiled", x).astype(np.longdouble) - exact) / unit
    assert error.max() <= ULPS, (x[error.argmax()], error.max())


@reals
def test_exp_below_the_normal_numbers(real):
    """Results that have lost digits are exact to a unit of what is left."""
    facts = np.finfo(real)
    x = np.linspace(np.log(facts.tiny) - (facts.nmant - 1) * np.log(2.0), np.log(facts.tiny), 501).astype(real)
    exact = np.exp(x.astype(np.longdouble))
    unit = np.longdouble(facts.smallest_subnormal)
    assert np.abs(over(elementary.exp, "compiled", x) - exact).max() <= ULPS * unit


@pytest.mark.parametrize("real, bound", [(np.float32, 2e-7), (np.float64, 3e-15)], ids=["float32", "float64"])
def test_error_of_the_normal_distribution(real, bound):
    x = np.concatenate([np.linspace(-40.0, 40.0, POINTS), np.linspace(-1e-3, 1e-3, POINTS)]).astype(real)
    result = over(elementary.normal_cdf, "compiled", x)
    np.testing.assert_allclose(result, ndtr(x.astype(float)), rtol=0.0, atol=bound)
    assert (result >= 0.0).all() and (result <= 1.0).all()


LIMITS = {
    "expm1": {0.0: 0.0, 1e4: np.inf, -1e4: -1.0, np.inf: np.inf, -np.inf: -1.0, 1e-30: 1e-30, -1e-30: -1e-30},
    "log1p": {0.0: 0.0, 1e-30: 1e-30},
    "normal_cdf": {1e4: 1.0, -1e4: 0.0, np.inf: 1.0, -np.inf: 0.0},
    "exp": {0.0: 1.0, 1e4: np.inf, -1e4: 0.0, np.inf: np.inf, -np.inf: 0.0},
    "tanh": {0.0: 0.0, 1e4: 1.0, -1e4: -1.0, np.inf: 1.0, -np.inf: -1.0, 1e-30: 1e-30},
    "log": {0.0: -np.inf, 1.0: 0.0, np.inf: np.inf, -1.0: np.nan},
}
CASES = [(name, x, expected) for name, table in LIMITS.items() for x, expected in table.items()]


@pytest.mark.parametrize("name, x, expected", CASES)
@reals
def test_limits(name, x, expected, real):
    result = over(getattr(elementary, name), "compiled", np.array([x], dtype=real))
    np.testing.assert_array_equal(result, np.array([expected], dtype=real))


@names
@reals
def test_nan_comes_through(name, real):
    assert np.isnan(over(getattr(elementary, name), "compiled", np.full(9, np.nan, dtype=real))).all()


@reals
def test_tanh_keeps_the_sign_of_zero(real):
    result = over(elementary.tanh, "compiled", np.array([0.0, -0.0], dtype=real))
    np.testing.assert_array_equal(np.signbit(result), [False, True])


@reals
@needs_jit
def test_exp_overflows_at_the_end_of_the_range_and_not_before(real):
    most = np.log(float(np.finfo(real).max))
    x = np.array([most * 0.99999, most * 1.00001], dtype=real)
    result = over(elementary.exp, "compiled", x)
    assert np.isfinite(result[0]) and np.isinf(result[1])


@reals
@needs_jit
def test_machine_epsilon_is_that_of_the_type(real):
    assert call(elementary.machine_epsilon)(real(3.0)) == np.finfo(real).eps


@names
@reals
@needs_jit
def test_result_has_the_type_of_the_argument(name, real):
    compiled = call(getattr(elementary, name))
    compiled(real(0.5))
    for signature in compiled.nopython_signatures:
        assert signature.return_type == signature.args[0]


@names
@needs_jit
def test_single_precision_does_without_double(name):
    over(getattr(elementary, name), "compiled", np.ones(3, dtype=np.float32))
    code = single_precision_code(loop(getattr(elementary, name)))
    assert " float " in code and " double " not in code


@pytest.mark.parametrize("name", ["exp", "expm1", "tanh", "log1p", "normal_cdf"])
@needs_jit
def test_is_arithmetic_that_vectorises(name):
    """A call of the C library in the loop would be several times slower."""
    over(getattr(elementary, name), "compiled", np.ones(3, dtype=np.float32))
    code = single_precision_code(loop(getattr(elementary, name)))
    assert "x float> " in code
    assert f"@{name}" not in code
