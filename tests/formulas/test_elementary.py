"""The elementary functions in plain Python: they saturate where those of math raise."""

import math
import sys
from math import inf, nan

import numpy as np
import pytest
from scipy.special import ndtr

from skmlp.formulas import elementary

MODULE = elementary.__name__
LIMITS = {
    "exp": {1e4: inf, inf: inf, elementary.LARGEST_EXPONENT * 1.000001: inf, -1e4: 0.0, -inf: 0.0, 0.0: 1.0},
    "log": {0.0: -inf, inf: inf, 1.0: 0.0, -1.0: nan, -inf: nan},
    "expm1": {1e4: inf, inf: inf, elementary.LARGEST_EXPONENT * 1.000001: inf, -1e4: -1.0, -inf: -1.0, 0.0: 0.0},
    "log1p": {0.0: 0.0, 1.0: math.log(2.0), 1e-20: 1e-20},
    "normal_cdf": {1e4: 1.0, -1e4: 0.0, inf: 1.0, -inf: 0.0, 0.0: 0.5},
    "tanh": {1e4: 1.0, -1e4: -1.0, inf: 1.0, -inf: -1.0, 0.0: 0.0},
}


CASES = [(name, x, expected) for name, table in LIMITS.items() for x, expected in table.items()]


@pytest.mark.parametrize("name, x, expected", CASES)
def test_limits(name, x, expected):
    np.testing.assert_equal(getattr(elementary, name)(x), expected)


def test_every_function_is_tested():
    functions = {name for name, member in vars(elementary).items() if getattr(member, "__module__", "") == MODULE}
    assert functions == LIMITS.keys() | {"machine_epsilon"}


def test_machine_epsilon_is_that_of_the_type():
    assert elementary.machine_epsilon(3.0) == sys.float_info.epsilon
    for real in (np.float32, np.float64):
        assert elementary.machine_epsilon(real(3.0)) == np.finfo(real).eps


@pytest.mark.parametrize("name", LIMITS)
def test_nan_comes_through(name):
    assert math.isnan(getattr(elementary, name)(nan))


@pytest.mark.parametrize("name", [name for name in LIMITS if name != "normal_cdf"])
@pytest.mark.parametrize("x", [1e-300, 1e-9, 0.3, 1.0, 20.0, 700.0])
def test_values(name, x):
    assert getattr(elementary, name)(x) == getattr(math, name)(x)


@pytest.mark.parametrize("x", [-30.0, -5.0, -1.0, -1e-9, 1e-300, 0.3, 1.0, 7.0])
def test_values_of_the_normal_distribution(x):
    np.testing.assert_allclose(elementary.normal_cdf(x), ndtr(x), rtol=1e-12)


def test_largest_exponent_is_the_largest():
    assert math.isfinite(math.exp(elementary.LARGEST_EXPONENT))
    with pytest.raises(OverflowError):
        math.exp(math.nextafter(elementary.LARGEST_EXPONENT, inf))
