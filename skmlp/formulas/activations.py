"""Activation functions of hidden layers, each with its derivative.

To add one, write the pair and put it in :data:`ACTIVATIONS`. ``function(z)`` maps the pre-activation to the
activation ``a``; ``derivative(z, a)`` may use both. Where it gives the same with ``a`` in the place of ``z``, say so
(``in_place``): a layer's values then need half the memory.
"""

from collections.abc import Callable
from typing import NamedTuple

from skmlp.formulas.elementary import exp, expm1, log1p, normal_cdf, tanh


class Activation(NamedTuple):
    """An activation: a = function(z) and da/dz = derivative(z, a), with ``in_place`` equal to derivative(a, a)."""

    function: Callable
    derivative: Callable
    in_place: bool = False


def identity(z):
    """a = z."""
    return z


def identity_derivative(z, a):
    """da/dz = 1."""
    return 1.0


def logistic(z):
    """a = 1 / (1 + exp(-z)), the logistic sigmoid."""
    return 1.0 / (1.0 + exp(-z))


def logistic_derivative(z, a):
    """da/dz = a (1 - a)."""
    return a * (1.0 - a)


def hyperbolic_tangent(z):
    """a = tanh(z)."""
    return tanh(z)


def hyperbolic_tangent_derivative(z, a):
    """da/dz = 1 - a²."""
    return 1.0 - a * a


def relu(z):
    """a = max(0, z), the rectified linear unit (Nair & Hinton, ICML 2010)."""
    return 0.0 if z < 0.0 else z


def relu_derivative(z, a):
    """da/dz = 1 for z > 0, else 0 (the subgradient at 0 is taken as 0)."""
    return 1.0 if z > 0.0 else 0.0


def leaky_relu(z):
    """a = z for z > 0, else 0.01 z (Maas, Hannun & Ng, ICML 2013)."""
    return 0.01 * z if z < 0.0 else z


def leaky_relu_derivative(z, a):
    """da/dz = 1 for z > 0, else 0.01."""
    return 1.0 if z > 0.0 else 0.01


def elu(z):
    """a = z for z > 0, else exp(z) - 1 (Clevert, Unterthiner & Hochreiter, ICLR 2016)."""
    return expm1(z) if z < 0.0 else z


def elu_derivative(z, a):
    """da/dz = 1 for z > 0, else exp(z) = a + 1."""
    return 1.0 if z > 0.0 else a + 1.0


def selu(z):
    """a = λ z for z > 0, else λ α (exp(z) - 1) (Klambauer et al., NeurIPS 2017)."""
    return 1.7580993408473766 * expm1(z) if z < 0.0 else 1.0507009873554805 * z


def selu_derivative(z, a):
    """da/dz = λ for z > 0, else λ α exp(z) = a + λ α."""
    return 1.0507009873554805 if z > 0.0 else a + 1.7580993408473766


def gelu(z):
    """a = z Φ(z), Φ the standard normal distribution (Hendrycks & Gimpel, 2016); exact, not by tanh."""
    return z * normal_cdf(z)


def gate(z, a, at_0):
    """a / z, what z was multiplied by; its limit at 0 where z is too small to be divided by."""
    return a / z if abs(z) > 1e-30 else at_0


def gelu_derivative(z, a):
    """da/dz = Φ(z) + z φ(z), Φ(z) = a / z."""
    return gate(z, a, 0.5) + z * 0.3989422804014327 * exp(-0.5 * z * z)


def silu(z):
    """a = z σ(z), σ the logistic function (Elfwing, Uchibe & Doya, 2018), also called swish."""
    return z * logistic(z)


def silu_derivative(z, a):
    """da/dz = σ + a (1 - σ)."""
    s = logistic(z)
    return s + a * (1.0 - s)


def softplus(z):
    """a = log(1 + exp(z)) = max(z, 0) + log(1 + exp(-|z|)) (Dugas et al., NIPS 2000)."""
    return max(z, 0.0) + log1p(exp(-abs(z)))


def softplus_derivative(z, a):
    """da/dz = σ(z)."""
    return logistic(z)


def tanh_of_softplus(z):
    """tanh(log(1 + exp(z))) = s / (s + r): s = e² + 2e, r = 2 for z < 0, s = 1 + 2e, r = 2e² else; e = exp(-|z|)."""
    e = exp(-abs(z))
    s = e * e + 2.0 * e if z < 0.0 else 1.0 + 2.0 * e
    r = 2.0 if z < 0.0 else 2.0 * e * e
    return s / (s + r)


def mish(z):
    """a = z tanh(softplus(z)) (Misra, BMVC 2020)."""
    return z * tanh_of_softplus(z)


def mish_derivative(z, a):
    """da/dz = t + z σ(z) (1 - t²) with t = tanh(softplus(z)) = a / z, 0.6 at 0."""
    t = gate(z, a, 0.6)
    return t + z * logistic(z) * (1.0 - t * t)


ACTIVATIONS = {
    "identity": Activation(identity, identity_derivative, in_place=True),
    "logistic": Activation(logistic, logistic_derivative, in_place=True),
    "tanh": Activation(hyperbolic_tangent, hyperbolic_tangent_derivative, in_place=True),
    "relu": Activation(relu, relu_derivative, in_place=True),
    "leaky_relu": Activation(leaky_relu, leaky_relu_derivative, in_place=True),
    "elu": Activation(elu, elu_derivative, in_place=True),
    "selu": Activation(selu, selu_derivative, in_place=True),
    "gelu": Activation(gelu, gelu_derivative),
    "silu": Activation(silu, silu_derivative),
    "mish": Activation(mish, mish_derivative),
    "softplus": Activation(softplus, softplus_derivative),
}
