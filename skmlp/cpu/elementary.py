"""The elementary functions of the formulas as the CPU kernels compile them.

LLVM does not vectorise calls of the C library. :func:`exp` and :func:`tanh` are therefore written as arithmetic, by
range reduction x = n log 2 + r, |r| <= ½ log 2, the Taylor series of exp(r) - 1 to the last place of the type, and
2ⁿ put together from its bits. They saturate to 0, infinity, ±1, and pass NaN on. The largest relative error is a few
units in the last place.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numba import njit
from numba.extending import intrinsic, overload
from numpy.polynomial import Chebyshev, Polynomial
from scipy.special import erfcx

from skmlp.cpu.compile import STRICT_OPTIONS, real_type
from skmlp.formulas import elementary


@intrinsic
def reinterpreted(typing_context, x, kind):
    """The bits of a number as a number of another type; faster to compile than ``view``."""

    def build(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], context.get_value_type(kind.instance_type))

    return kind.instance_type(x, kind), build


@intrinsic
def rounded_down(typing_context, x):
    """The largest whole number up to x; faster to compile than :func:`numpy.floor`."""

    def build(context, builder, signature, arguments):
        return builder.call(builder.module.declare_intrinsic("llvm.floor", [arguments[0].type]), arguments)

    return x(x), build


def polynomial(factors):
    """Function of x: the polynomial with these factors, that of the highest power first, by Horner's scheme."""

    @intrinsic
    def evaluate(typing_context, x):
        def build(context, builder, signature, arguments):
            total, *rest = (context.get_constant(x, factor) for factor in factors)
            for factor in rest:
                product = builder.fmul(total, arguments[0], flags=("contract",))
                total = builder.fadd(product, factor, flags=("contract",))
            return total

        return x(x), build

    return evaluate


class Real(NamedTuple):
    """What range reduction needs to know of a floating-point type.

    ``least`` and ``most`` are arguments whose exponentials are 0 and infinity. ``log2_short`` has so few bits that its
    product with n is exact; ``log2_rest`` is what it lacks.
    """

    integer: type
    mantissa_bits: int
    bias: int
    degree: int
    log1p_terms: int
    erfc_degree: int
    least: float
    most: float
    log2_short: float
    log2_rest: float


REALS = {
    np.float32: Real(np.int32, 23, 127, 7, 6, 10, -104.0, 89.0, 0.693145751953125, 1.428606820309417e-06),
    np.float64: Real(np.int64, 52, 1023, 13, 11, 24, -746.0, 710.0, 0.6931471803691238, 1.9082149292705877e-10),
}


@lru_cache
def make_series(real):
    """Function of r: exp(r) - 1 by its Taylor series, in Horner's form."""
    degree = REALS[real].degree
    return polynomial([*(1.0 / math.factorial(k) for k in range(degree, 0, -1)), 0.0])


@lru_cache
def make_reduced(real):
    """Function of x: 2 to the halves of n, and exp(r) - 1, with exp(x) = 2ⁿ exp(r).

    Two halves, since 2ⁿ itself may be out of range where exp(x) is not.
    """
    facts = REALS[real]
    integer = facts.integer
    per_log2, half = real(1.0 / math.log(2.0)), real(0.5)
    short, rest = real(facts.log2_short), real(facts.log2_rest)
    least, most = real(facts.least), real(facts.most)
    shift, bias, one = integer(facts.mantissa_bits), integer(facts.bias), integer(1)
    series = make_series(real)

    @njit(**STRICT_OPTIONS)
    def reduced(x):
        x = least if x < least else (most if x > most else x)
        n = rounded_down(x * per_log2 + half)
        r = (x - n * short) - n * rest
        whole = integer(n)
        lower = integer(whole >> one)
        upper = integer(whole - lower)
        lower = reinterpreted(integer((lower + bias) << shift), real)
        return lower, reinterpreted(integer((upper + bias) << shift), real), series(r)

    return reduced


@overload(elementary.exp, jit_options=STRICT_OPTIONS)
def exp(x):
    """exp(x)."""
    real = real_type(x)
    reduced = make_reduced(real)
    one = real(1.0)

    def compiled(x):
        lower, upper, part = reduced(x)
        return (one + part) * lower * upper

    return compiled


@overload(elementary.expm1, jit_options=STRICT_OPTIONS)
def expm1(x):
    """exp(x) - 1 = 2ⁿ (exp(r) - 1) + (2ⁿ - 1), exact to rounding near 0."""
    real = real_type(x)
    reduced = make_reduced(real)
    one = real(1.0)

    def compiled(x):
        lower, upper, part = reduced(x)
        # Not as one power, which may be out of range where the result is not.
        return (lower * part * upper) + (lower * upper - one)

    return compiled


@overload(elementary.log1p, jit_options=STRICT_OPTIONS)
def log1p(x):
    """log c + 2 artanh((1 + x - c) / (1 + x + c)), c the nearer of 1 and √2, by its series: few terms, all <= 0.172."""
    real = real_type(x)
    terms = REALS[real].log1p_terms
    series = polynomial([2.0 / (2 * k + 1) for k in range(terms - 1, -1, -1)])
    zero, two = real(0.0), real(2.0)
    above, log_root = real(math.sqrt(2.0) - 1.0), real(0.5 * math.log(2.0))

    def compiled(x):
        excess = above if x > above else zero
        s = (x - excess) / (x + two + excess)
        return series(s * s) * s + (log_root if x > above else zero)

    return compiled


@overload(elementary.normal_cdf, jit_options=STRICT_OPTIONS)
def normal_cdf(x):
    """½ erfc(|x| / √2), with erfc(y) = exp(-y²) t q(t), t = 1 / (1 + y/2), and q a polynomial; 1 less it for x > 0."""
    real = real_type(x)
    fit = Chebyshev.interpolate(lambda t: erfcx(2.0 / t - 2.0) / t, REALS[real].erfc_degree, domain=[0.0, 1.0])
    q = polynomial(fit.convert(kind=Polynomial, domain=[0.0, 1.0]).coef[::-1].tolist())
    one, two, half, root = real(1.0), real(2.0), real(0.5), real(math.sqrt(0.5))

    def compiled(x):
        y = abs(x) * root
        t = one / (one + half * y)
        tail = half * elementary.exp(-y * y) * t * q(two * t - one)
        return one - tail if x > 0 else tail

    return compiled


@overload(elementary.tanh, jit_options=STRICT_OPTIONS)
def tanh(x):
    """tanh|x| = -e / (2 + e) with e = exp(-2|x|) - 1, exact to rounding near 0, and the sign of x."""
    real = real_type(x)
    reduced = make_reduced(real)
    one, two = real(1.0), real(2.0)

    def compiled(x):
        lower, upper, part = reduced(-two * abs(x))
        power = lower * upper
        e = power * part + (power - one)
        return math.copysign(e / (two + e), x)

    return compiled


@overload(elementary.log, jit_options=STRICT_OPTIONS)
def log(x):
    """n log 2 + 2 artanh((m - 1) / (m + 1)) for x = 2ⁿ m, m from √½ to √2, by its series as :func:`log1p`."""
    real = real_type(x)
    facts = REALS[real]
    terms, integer = facts.log1p_terms, facts.integer
    series = polynomial([2.0 / (2 * k + 1) for k in range(terms - 1, -1, -1)])
    zero, one, infinity, nan = real(0.0), real(1.0), real(np.inf), real(np.nan)
    short, rest = real(facts.log2_short), real(facts.log2_rest)
    tiny, grown = np.finfo(real).tiny, real(2.0**facts.mantissa_bits)
    shift, growth = integer(facts.mantissa_bits), real(facts.mantissa_bits)
    root = integer(np.array(math.sqrt(0.5), dtype=real).view(integer))

    def compiled(x):
        subnormal = x < tiny
        bits = reinterpreted(real(x * (grown if subnormal else one)), integer)
        power = integer((bits - root) >> shift)
        m = reinterpreted(integer(bits - (power << shift)), real)
        n = real(power) - (growth if subnormal else zero)
        s = (m - one) / (m + one)
        result = n * short + (n * rest + series(s * s) * s)
        if x > zero:
            return result if x < infinity else infinity
        return -infinity if x == zero else nan

    return compiled


@overload(elementary.machine_epsilon, jit_options=STRICT_OPTIONS)
def machine_epsilon(x):
    """Of the type of x."""
    epsilon = np.finfo(real_type(x)).eps
    return lambda x: epsilon
