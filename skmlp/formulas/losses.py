"""Losses as functions of the raw output z of a network and the target y, with their gradients in z.

To add one, write its value and its gradient and put them in :data:`LOSSES`. The gradients are those of the raw
outputs, which do not vanish where a probability rounds to 0 or 1. An elementwise loss is summed over the outputs of a
row; a loss whose outputs depend on each other is written over a row. Every loss takes ``s``, the settings that are
its parameters.
"""

from collections.abc import Callable
from typing import NamedTuple

from skmlp.formulas.activations import hyperbolic_tangent, logistic, softplus
from skmlp.formulas.elementary import exp, log, log1p, machine_epsilon
from skmlp.formulas.links import exponential, softmax


class LossSettings(NamedTuple):
    """Parameters of all losses; each reads its own."""

    label_smoothing: float = 0.0
    focal_gamma: float = 2.0
    delta: float = 1.0


def settings_at(values, place, real):
    """The settings that stand in an array from a place on, each in a type: for kernels, which name every field."""
    return LossSettings(real(values[place]), real(values[place + 1]), real(values[place + 2]))


class Loss(NamedTuple):
    """A loss and the inverse link that turns raw outputs into predictions.

    Attributes
    ----------
    link : str
        Key of :data:`skmlp.formulas.links.LINKS`.
    value, gradient : callable or None
        ``value(z, y, s)`` and ``gradient(z, y, s)`` of one output.
    row : callable or None
        For a loss over a row: ``row(z, y, levels, s, gradient)`` returns the value and fills ``gradient``. ``y`` is the
        row of the target array, ``levels`` the array of the quantile levels.
    domain : str
        The targets that the loss can take: ``'any'``, ``'>= 0'`` or ``'> 0'``.
    """

    link: str
    value: Callable | None = None
    gradient: Callable | None = None
    row: Callable | None = None
    domain: str = "any"


def inside(p, z):
    """A probability within [ε, 1 - ε], ε that of the type of z: so far, and no further, it can be told from 0 and 1."""
    least = machine_epsilon(z)
    p = least if p < least else p
    return 1.0 - least if p > 1.0 - least else p


def smoothed(y, s):
    """Binary target with label smoothing ε: y (1 - ε) + ε / 2 (Szegedy et al., CVPR 2016)."""
    return y + s.label_smoothing * (0.5 - y)


def binary_log_loss(z, y, s):
    """-y log p - (1 - y) log(1 - p) with p = logistic(z), kept inside [ε, 1 - ε] as scikit-learn keeps it."""
    p, y = inside(logistic(z), z), smoothed(y, s)
    return -y * log(p) - (1.0 - y) * log(1.0 - p)


def binary_log_loss_gradient(z, y, s):
    """logistic(z) - y."""
    return logistic(z) - smoothed(y, s)


def categorical_log_loss(z, y, levels, s, gradient):
    """-Σ_k t_k log p_k with p = softmax(z), kept inside, and t the one-hot class y[0], smoothed; gradient p - t."""
    for k in range(z.size):
        gradient[k] = z[k]
    softmax(gradient)
    true_class = int(y[0])
    loss = -(1.0 - s.label_smoothing) * log(inside(gradient[true_class], z[0]))
    if s.label_smoothing > 0.0:
        classes = 0.0  # counted as a real number: an integer would promote the share to float64
        for _ in range(z.size):
            classes += 1.0
        share = s.label_smoothing / classes
        for k in range(z.size):
            loss -= share * log(inside(gradient[k], z[0]))
            gradient[k] -= share
    gradient[true_class] -= 1.0 - s.label_smoothing
    return loss


def focal_term(p, s):
    """-(1 - p)^γ log p."""
    return -((1.0 - p) ** s.focal_gamma) * log(p)


def focal_slope(p, s):
    """p times the derivative of :func:`focal_term`: γ p (1 - p)^(γ - 1) log p - (1 - p)^γ."""
    power = (1.0 - p) ** s.focal_gamma
    return s.focal_gamma * p * power / (1.0 - p) * log(p) - power


def binary_focal(z, y, s):
    """y f(p) + (1 - y) f(1 - p), f(p) = -(1 - p)^γ log p and p = logistic(z) kept inside (Lin et al., ICCV 2017)."""
    p = inside(logistic(z), z)
    return y * focal_term(p, s) + (1.0 - y) * focal_term(1.0 - p, s)


def binary_focal_gradient(z, y, s):
    """y p f'(p) (1 - p) - (1 - y) (1 - p) f'(1 - p) p."""
    p = inside(logistic(z), z)
    return y * focal_slope(p, s) * (1.0 - p) - (1.0 - y) * focal_slope(1.0 - p, s) * p


def categorical_focal(z, y, levels, s, gradient):
    """f(p_c), f as in :func:`binary_focal` and c = y[0]; gradient p_c f'(p_c) (onehot(c) - p)."""
    for k in range(z.size):
        gradient[k] = z[k]
    softmax(gradient)
    true_class = int(y[0])
    p = inside(gradient[true_class], z[0])
    slope = focal_slope(p, s)
    for k in range(z.size):
        gradient[k] *= -slope
    gradient[true_class] += slope
    return focal_term(p, s)


def squared_error(z, y, s):
    """½ (z - y)²."""
    return 0.5 * (z - y) * (z - y)


def squared_error_gradient(z, y, s):
    """z - y."""
    return z - y


def absolute_error(z, y, s):
    """|z - y|."""
    return abs(z - y)


def absolute_error_gradient(z, y, s):
    """sign(z - y), 0 at 0."""
    if z > y:
        return 1.0
    return -1.0 if z < y else 0.0 * (z - y)


def huber(z, y, s):
    """½ r² for |r| = |z - y| <= δ, else δ (|r| - ½ δ) (Huber, 1964)."""
    r = abs(z - y)
    return 0.5 * r * r if r <= s.delta else s.delta * (r - 0.5 * s.delta)


def huber_gradient(z, y, s):
    """z - y, kept within ±δ."""
    r = z - y
    if r > s.delta:
        return s.delta
    return -s.delta if r < -s.delta else r


def log_cosh(z, y, s):
    """log cosh(r) = |r| + log(1 + exp(-2|r|)) - log 2, r = z - y."""
    r = abs(z - y)
    return r + log1p(exp(-2.0 * r)) - 0.6931471805599453


def log_cosh_gradient(z, y, s):
    """tanh(z - y)."""
    return hyperbolic_tangent(z - y)


def quantile(z, y, levels, s, gradient):
    """Σ_k max(τ_k (y - q_k), (τ_k - 1) (y - q_k)) for the levels τ_k (Koenker & Bassett, 1978).

    q_0 = z_0 and q_k = q_{k-1} + softplus(z_k), so that quantiles do not cross. With d_k = ∂loss/∂q_k, 1 - τ_k above y
    and -τ_k below, the gradient is Σ_k d_k for z_0 and logistic(z_k) Σ_{j>=k} d_j for the others.
    """
    target = y[0]
    q, loss = z[0], 0.0 * z[0]
    for k in range(z.size):
        if k > 0:
            q += softplus(z[k])
        above = q > target
        gradient[k] = 1.0 - levels[k] if above else -levels[k]
        if q == target:
            gradient[k] = 0.0
        loss += gradient[k] * (q - target)
    total = 0.0 * z[0]
    for back in range(z.size):
        k = z.size - 1 - back
        total += gradient[k]
        gradient[k] = total * logistic(z[k]) if k > 0 else total
    return loss


def poisson(z, y, s):
    """Half the Poisson deviance, exp(z) - y z + y log y - y, for y >= 0 and the prediction exp(z)."""
    constant = y * log(y) - y if y > 0.0 else y
    return exponential(z) - y * z + constant


def poisson_gradient(z, y, s):
    """exp(z) - y."""
    return exponential(z) - y


def gamma(z, y, s):
    """Half the gamma deviance, y exp(-z) + z - log y - 1, for y > 0 and the prediction exp(z)."""
    return y * exp(-z) + z - log(y) - 1.0


def gamma_gradient(z, y, s):
    """1 - y exp(-z)."""
    return 1.0 - y * exp(-z)


LOSSES = {
    "binary_log_loss": Loss("logistic", binary_log_loss, binary_log_loss_gradient),
    "categorical_log_loss": Loss("softmax", row=categorical_log_loss),
    "binary_focal": Loss("logistic", binary_focal, binary_focal_gradient),
    "categorical_focal": Loss("softmax", row=categorical_focal),
    "squared_error": Loss("identity", squared_error, squared_error_gradient),
    "absolute_error": Loss("identity", absolute_error, absolute_error_gradient),
    "huber": Loss("identity", huber, huber_gradient),
    "log_cosh": Loss("identity", log_cosh, log_cosh_gradient),
    "quantile": Loss("increasing", row=quantile),
    "poisson": Loss("exp", poisson, poisson_gradient, domain=">= 0"),
    "gamma": Loss("exp", gamma, gamma_gradient, domain="> 0"),
}
