"""Updates of the first-order optimisers, for one parameter.

To add one, write its two functions and put them in :data:`OPTIMISERS`. ``constants(step, rate, settings, memory)``
gives, once a step, the six numbers that the update needs (unused ones 0.0); ``step`` counts from 1, ``rate`` is the
step's learning rate η, and ``memory`` is an array whose first two numbers, 1.0 at the start, an optimiser may
keep for itself. ``update(w, g, m, ..., constants)`` returns the new parameter and its new state, one value a slot.

Where it can be said in closed form what steps with a gradient of 0 do, ``rest(w, m, ..., constants)`` says it, with the
two numbers of ``rest_constants(steps, settings)``: so the weights of columns that are seldom filled are left alone
until they are needed. The constants of such an optimiser change nothing in ``memory``: they are asked for twice a step.
"""

from collections.abc import Callable
from math import sqrt
from typing import NamedTuple

STEPS, N_KEPT = 2, 3
"""What is kept beside the state values of the parameters: two numbers of the optimiser's own, and the steps done."""


class Settings(NamedTuple):
    """Hyperparameters of a step; each optimiser reads its own, and the loop around it the last four."""

    momentum: float = 0.9
    nesterov: float = 1.0
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    rho: float = 0.9
    l1: float = 0.0
    l2: float = 0.0
    weight_decay: float = 0.0
    clip_norm: float = 0.0


class Optimiser(NamedTuple):
    """An optimiser: state values a parameter, constants of a step, update, and what rests come to if that is known."""

    slots: int
    constants: Callable
    update: Callable
    rest_constants: Callable | None = None
    rest: Callable | None = None


def sgd_constants(step, rate, settings, memory):
    """Learning rate, momentum, and how velocity and gradient enter the step."""
    if settings.nesterov > 0.0:
        return rate, settings.momentum, settings.momentum, rate, 0.0, 0.0
    return rate, settings.momentum, 1.0, 0.0, 0.0, 0.0


def sgd(w, g, velocity, constants):
    """v ← μ v - η g; w ← w + v, or with Nesterov's momentum w ← w + μ v - η g (Sutskever et al., ICML 2013)."""
    rate, momentum, ahead, direct = constants[0], constants[1], constants[2], constants[3]
    velocity = momentum * velocity - rate * g
    return w + (ahead * velocity - direct * g), velocity


def sgd_rest_constants(steps, settings):
    """μ^k, and what the velocity is multiplied by in its sum over k steps: Σ_{j≤k} μ^j, or μ times that (Nesterov)."""
    momentum = settings.momentum
    decay = momentum**steps
    total = steps if momentum == 1.0 else momentum * (1.0 - decay) / (1.0 - momentum)
    return decay, total * momentum if settings.nesterov > 0.0 else total


def sgd_rest(w, velocity, constants):
    """v ← μ^k v; w ← w + Σ_{j≤k} μ^j v, k steps on."""
    return w + constants[1] * velocity, constants[0] * velocity


def adam_constants(step, rate, settings, memory):
    """η_t = η √(1 - β₂ᵗ) / (1 - β₁ᵗ), the betas, their complements, and ε."""
    b1, b2 = settings.beta_1, settings.beta_2
    memory[0] *= b1  # the powers of the step, for less than a call of the power function
    memory[1] *= b2
    corrected = rate * sqrt(1.0 - memory[1]) / (1.0 - memory[0])
    return corrected, b1, 1.0 - b1, b2, 1.0 - b2, settings.epsilon


def adam(w, g, m, v, constants):
    """m ← β₁ m + (1 - β₁) g; v ← β₂ v + (1 - β₂) g²; w ← w - η_t m / (√v + ε).

    Kingma & Ba, ICLR 2015, in the order of computation given at the end of its section 2: ε is added to the
    uncorrected root, as in scikit-learn.
    """
    m = constants[1] * m + constants[2] * g
    v = constants[3] * v + constants[4] * (g * g)
    return w - constants[0] * m / (sqrt(v) + constants[5]), m, v


def corrected_constants(step, rate, settings, memory):
    """η / (1 - β₁ᵗ), the betas, 1 - β₁, √(1 - β₂ᵗ) and ε."""
    b1, b2 = settings.beta_1, settings.beta_2
    memory[0] *= b1
    memory[1] *= b2
    return rate / (1.0 - memory[0]), b1, 1.0 - b1, b2, sqrt(1.0 - memory[1]), settings.epsilon


def adamw(w, g, m, v, constants):
    """m ← β₁ m + (1 - β₁) g; v ← β₂ v + (1 - β₂) g²; w ← w - η m̂ / (√v̂ + ε), hats for bias-corrected.

    Loshchilov & Hutter, ICLR 2019; its decay of the weights is ``weight_decay``, which the loop applies.
    """
    m = constants[1] * m + constants[2] * g
    v = constants[3] * v + (1.0 - constants[3]) * (g * g)
    return w - constants[0] * m / (sqrt(v) / constants[4] + constants[5]), m, v


def amsgrad(w, g, m, v, largest, constants):
    """As adamw with the largest v so far in the place of v.

    Reddi, Kale & Kumar, ICLR 2018, with the bias corrections of Adam, as PyTorch.
    """
    m = constants[1] * m + constants[2] * g
    v = constants[3] * v + (1.0 - constants[3]) * (g * g)
    largest = v if v > largest else largest
    return w - constants[0] * m / (sqrt(largest) / constants[4] + constants[5]), m, v, largest


def nadam_constants(step, rate, settings, memory):
    """η μ_{t+1} / (1 - Π_{i≤t+1} μ_i), η (1 - μ_t) / (1 - Π_{i≤t} μ_i), the betas, √(1 - β₂ᵗ) and ε.

    μ_t = β₁ (1 - ½ 0.96^{t / 250}); ``memory`` keeps the product.
    """
    now = settings.beta_1 * (1.0 - 0.5 * 0.96 ** (0.004 * step))
    following = settings.beta_1 * (1.0 - 0.5 * 0.96 ** (0.004 * (step + 1.0)))
    memory[0] *= now
    ahead = rate * following / (1.0 - memory[0] * following)
    direct = rate * (1.0 - now) / (1.0 - memory[0])
    return ahead, direct, settings.beta_1, settings.beta_2, sqrt(1.0 - settings.beta_2**step), settings.epsilon


def nadam(w, g, m, v, constants):
    """Adam with Nesterov's momentum: w ← w - (η_m m + η_g g) / (√v̂ + ε), the two rates as in its constants.

    Dozat, ICLR workshop 2016, with the momentum schedule given there, as PyTorch, which keeps the product of the μ in
    float32 and so differs in the last digits.
    """
    m = constants[2] * m + (1.0 - constants[2]) * g
    v = constants[3] * v + (1.0 - constants[3]) * (g * g)
    return w - (constants[0] * m + constants[1] * g) / (sqrt(v) / constants[4] + constants[5]), m, v


def rmsprop_constants(step, rate, settings, memory):
    """η, ρ, 1 - ρ and ε."""
    return rate, settings.rho, 1.0 - settings.rho, settings.epsilon, 0.0, 0.0


def rmsprop(w, g, v, constants):
    """v ← ρ v + (1 - ρ) g²; w ← w - η g / (√v + ε).

    Tieleman & Hinton, lecture 6.5 of Neural Networks for Machine Learning, 2012. ε stands outside the root, as in
    PyTorch.
    """
    v = constants[1] * v + constants[2] * (g * g)
    return w - constants[0] * g / (sqrt(v) + constants[3]), v


def averages_rest_constants(steps, settings):
    """ρ^k: averages of squared gradients fade."""
    return settings.rho**steps, 0.0


def rmsprop_rest(w, v, constants):
    """v ← ρ^k v, k steps on."""
    return w, constants[0] * v


def adagrad_constants(step, rate, settings, memory):
    """η and ε."""
    return rate, settings.epsilon, 0.0, 0.0, 0.0, 0.0


def adagrad(w, g, total, constants):
    """s ← s + g²; w ← w - η g / (√s + ε) (Duchi, Hazan & Singer, JMLR 2011), s starting at 0, as PyTorch."""
    total = total + g * g
    return w - constants[0] * g / (sqrt(total) + constants[1]), total


def adagrad_rest_constants(steps, settings):
    """Nothing to prepare."""
    return 1.0, 0.0


def adagrad_rest(w, total, constants):
    """Nothing changes."""
    return w, total


def adadelta(w, g, v, moved, constants):
    """v ← ρ v + (1 - ρ) g²; d = g √(u + ε) / √(v + ε); u ← ρ u + (1 - ρ) d²; w ← w - η d (Zeiler, 2012).

    The paper's step is η = 1.
    """
    v = constants[1] * v + constants[2] * (g * g)
    step = g * sqrt(moved + constants[3]) / sqrt(v + constants[3])
    moved = constants[1] * moved + constants[2] * (step * step)
    return w - constants[0] * step, v, moved


def adadelta_rest(w, v, moved, constants):
    """v ← ρ^k v; u ← ρ^k u, k steps on."""
    return w, constants[0] * v, constants[0] * moved


def lion_constants(step, rate, settings, memory):
    """η, the betas and their complements."""
    b1, b2 = settings.beta_1, settings.beta_2
    return rate, b1, 1.0 - b1, b2, 1.0 - b2, 0.0


def lion(w, g, m, constants):
    """c = β₁ m + (1 - β₁) g; w ← w - η sign(c); m ← β₂ m + (1 - β₂) g (Chen et al., NeurIPS 2023)."""
    direction = constants[1] * m + constants[2] * g
    m = constants[3] * m + constants[4] * g
    if direction > 0.0:
        return w - constants[0], m
    if direction < 0.0:
        return w + constants[0], m
    return w + 0.0 * direction, m  # a NaN stays one


def no_constants(step, rate, settings, memory):
    """Nothing to prepare."""
    return 0.0, 0.0, 0.0, 0.0, 0.0, 0.0


def keep_gradient(w, g, last, constants):
    """Moves nothing and keeps the gradient: what a solver that searches along lines (L-BFGS) needs."""
    return w, g


OPTIMISERS = {
    "sgd": Optimiser(1, sgd_constants, sgd, sgd_rest_constants, sgd_rest),
    "adam": Optimiser(2, adam_constants, adam),
    "adamw": Optimiser(2, corrected_constants, adamw),
    "nadam": Optimiser(2, nadam_constants, nadam),
    "amsgrad": Optimiser(3, corrected_constants, amsgrad),
    "rmsprop": Optimiser(1, rmsprop_constants, rmsprop, averages_rest_constants, rmsprop_rest),
    "adagrad": Optimiser(1, adagrad_constants, adagrad, adagrad_rest_constants, adagrad_rest),
    "adadelta": Optimiser(2, rmsprop_constants, adadelta, averages_rest_constants, adadelta_rest),
    "lion": Optimiser(1, lion_constants, lion),
    "keep_gradient": Optimiser(1, no_constants, keep_gradient),
}
