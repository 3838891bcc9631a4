"""Losses as functions of the raw output z of a network and the target y, with their gradients in z.

To add one, write its value and its gradient and put them in :data:`LOSSES`. The gradients are those of the raw
outputs, which do not vanish where a probability rounds to 0 or 1. An elementwise loss is summed over the outputs of a
row; a loss whose outputs depend on each other is written over a row.
"""

from collections.abc import Callable
from typing import NamedTuple

from skmlp.formulas.activations import logistic
from skmlp.formulas.elementary import exp, log, machine_epsilon
from skmlp.formulas.links import largest


class Loss(NamedTuple):
    """A loss and the inverse link that turns raw outputs into predictions.

    Attributes
    ----------
    link : str
        Key of :data:`skmlp.formulas.links.LINKS`.
    value, gradient : callable or None
        ``value(z, y)`` and ``gradient(z, y)`` of one output.
    row : callable or None
        For a loss over a row: ``row(z, y, gradient)`` returns the value and fills ``gradient``. ``y`` is the row of
        the target array.
    least_target : float
        Targets below it are outside the domain of the loss.
    """

    link: str
    value: Callable | None = None
    gradient: Callable | None = None
    row: Callable | None = None
    least_target: float = -float("inf")


def inside(p):
    """A probability within [ε, 1 - ε], ε that of its type: so far, and no further, it can be told from 0 and 1."""
    least = machine_epsilon(p)
    p = least if p < least else p
    return 1.0 - least if p > 1.0 - least else p


def binary_log_loss(z, y):
    """-y log p - (1 - y) log(1 - p) with p = logistic(z), kept inside [ε, 1 - ε] as scikit-learn keeps it."""
    p = inside(logistic(z))
    return -y * log(p) - (1.0 - y) * log(1.0 - p)


def binary_log_loss_gradient(z, y):
    """logistic(z) - y."""
    return logistic(z) - y


def categorical_log_loss(z, y, gradient):
    """-log p_c with p = softmax(z) and c = y[0] the class of the row, p_c kept inside; gradient p - onehot(c)."""
    top = largest(z)
    total = top - top
    for k in range(z.size):
        gradient[k] = exp(z[k] - top)
        total += gradient[k]
    for k in range(z.size):
        gradient[k] /= total
    true_class = int(y[0])
    loss = -log(inside(gradient[true_class]))
    gradient[true_class] -= 1.0
    return loss


def squared_error(z, y):
    """½ (z - y)²."""
    return 0.5 * (z - y) * (z - y)


def squared_error_gradient(z, y):
    """z - y."""
    return z - y


def poisson(z, y):
    """Half the Poisson deviance, exp(z) - y z + y log y - y, for y >= 0 and the prediction exp(z)."""
    constant = y * log(y) - y if y > 0.0 else y
    return exp(z) - y * z + constant


def poisson_gradient(z, y):
    """exp(z) - y."""
    return exp(z) - y


LOSSES = {
    "binary_log_loss": Loss("logistic", binary_log_loss, binary_log_loss_gradient),
    "categorical_log_loss": Loss("softmax", row=categorical_log_loss),
    "squared_error": Loss("identity", squared_error, squared_error_gradient),
    "poisson": Loss("exp", poisson, poisson_gradient, least_target=0.0),
}
