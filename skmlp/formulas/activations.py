"""Activation functions of hidden layers, each with its derivative.

To add one, write the pair and put it in :data:`ACTIVATIONS`. ``function(z)`` maps the pre-activation to the
activation ``a``; ``derivative(z, a)`` may use both.
"""

from collections.abc import Callable
from typing import NamedTuple

from skmlp.formulas.elementary import exp, tanh


class Activation(NamedTuple):
    """An activation: a = function(z) and da/dz = derivative(z, a)."""

    function: Callable
    derivative: Callable


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


ACTIVATIONS = {
    "identity": Activation(identity, identity_derivative),
    "logistic": Activation(logistic, logistic_derivative),
    "tanh": Activation(hyperbolic_tangent, hyperbolic_tangent_derivative),
    "relu": Activation(relu, relu_derivative),
}
