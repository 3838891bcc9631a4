"""Elementary functions for formulas, in plain Python; a back end puts its own vectorising versions in their place.

They saturate where :mod:`math` would raise ``OverflowError``: ``exp`` to infinity.
"""

from math import erfc as _erfc
from math import exp as _exp
from math import expm1 as _expm1
from math import inf, nan
from math import log as _log
from math import log1p as _log1p
from math import tanh as _tanh

LARGEST_EXPONENT = 709.782712893384  # log of the largest float64


def exp(x):
    """Exponential; infinity where it overflows."""
    return inf if x > LARGEST_EXPONENT else _exp(x)


def expm1(x):
    """exp(x) - 1, exact to rounding near 0; infinity where it overflows."""
    return inf if x > LARGEST_EXPONENT else _expm1(x)


def log(x):
    """Natural logarithm of x >= 0; minus infinity at 0."""
    if x > 0.0:
        return _log(x)
    return -inf if x == 0.0 else nan


def log1p(x):
    """log(1 + x) for x in [0, 1], exact to rounding near 0."""
    return _log1p(x)


def normal_cdf(x):
    """Cumulative distribution function of the standard normal distribution."""
    return 0.5 * _erfc(-x / 1.4142135623730951)


def machine_epsilon(x):
    """Spacing of the floating-point numbers above 1, in the type of x."""
    return 1.1920928955078125e-07 if getattr(x, "itemsize", 8) == 4 else 2.220446049250313e-16


def tanh(x):
    """Hyperbolic tangent."""
    return _tanh(x)
