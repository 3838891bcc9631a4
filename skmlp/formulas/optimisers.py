"""Updates of the first-order optimisers, for one parameter.

To add one, write its two functions and put them in :data:`OPTIMISERS`. ``constants(step, rate, settings)`` gives, once
a step, the six numbers that the update needs (unused ones 0.0); ``step`` counts from 1 and ``rate`` is the step's
learning rate. ``update(w, g, m, ..., constants)`` returns the new parameter and its new state, one value a slot.
"""

from collections.abc import Callable
from math import sqrt
from typing import NamedTuple


class Settings(NamedTuple):
    """Hyperparameters of all optimisers; each reads its own."""

    momentum: float = 0.9
    nesterov: float = 1.0
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    rho: float = 0.9


class Optimiser(NamedTuple):
    """An optimiser: how many state values it keeps for a parameter, its constants of a step, its update."""

    slots: int
    constants: Callable
    update: Callable


def sgd_constants(step, rate, settings):
    """Learning rate, momentum, and how velocity and gradient enter the step."""
    if settings.nesterov > 0.0:
        return rate, settings.momentum, settings.momentum, rate, 0.0, 0.0
    return rate, settings.momentum, 1.0, 0.0, 0.0, 0.0


def sgd(w, g, velocity, constants):
    """v ← μ v - η g; w ← w + v, or with Nesterov's momentum w ← w + μ v - η g (Sutskever et al., ICML 2013)."""
    rate, momentum, ahead, direct = constants[0], constants[1], constants[2], constants[3]
    velocity = momentum * velocity - rate * g
    return w + (ahead * velocity - direct * g), velocity


def adam_constants(step, rate, settings):
    """η_t = η √(1 - β₂ᵗ) / (1 - β₁ᵗ), the betas, their complements, and ε."""
    b1, b2 = settings.beta_1, settings.beta_2
    corrected = rate * sqrt(1.0 - b2**step) / (1.0 - b1**step)
    return corrected, b1, 1.0 - b1, b2, 1.0 - b2, settings.epsilon


def adam(w, g, m, v, constants):
    """m ← β₁ m + (1 - β₁) g; v ← β₂ v + (1 - β₂) g²; w ← w - η_t m / (√v + ε).

    Kingma & Ba, ICLR 2015, in the order of computation given at the end of its section 2: ε is added to the
    uncorrected root, as in scikit-learn.
    """
    m = constants[1] * m + constants[2] * g
    v = constants[3] * v + constants[4] * (g * g)
    return w - constants[0] * m / (sqrt(v) + constants[5]), m, v


def rmsprop_constants(step, rate, settings):
    """η, ρ, 1 - ρ and ε."""
    return rate, settings.rho, 1.0 - settings.rho, settings.epsilon, 0.0, 0.0


def rmsprop(w, g, v, constants):
    """v ← ρ v + (1 - ρ) g²; w ← w - η g / (√v + ε).

    Tieleman & Hinton, lecture 6.5 of Neural Networks for Machine Learning, 2012. ε stands outside the root, as in
    PyTorch.
    """
    v = constants[1] * v + constants[2] * (g * g)
    return w - constants[0] * g / (sqrt(v) + constants[3]), v


def no_constants(step, rate, settings):
    """Nothing to prepare."""
    return 0.0, 0.0, 0.0, 0.0, 0.0, 0.0


def keep_gradient(w, g, last, constants):
    """Moves nothing and keeps the gradient: what a solver that searches along lines (L-BFGS) needs."""
    return w, g


OPTIMISERS = {
    "sgd": Optimiser(1, sgd_constants, sgd),
    "adam": Optimiser(2, adam_constants, adam),
    "rmsprop": Optimiser(1, rmsprop_constants, rmsprop),
    "keep_gradient": Optimiser(1, no_constants, keep_gradient),
}
