"""Inverse links: from the raw output z of a network to its prediction.

To add one, write a scalar function or a function of a row and put it in :data:`LINKS`.
"""

from collections.abc import Callable
from typing import NamedTuple

from skmlp.formulas.activations import identity, logistic, softplus
from skmlp.formulas.elementary import exp


class Link(NamedTuple):
    """An inverse link: ``function(z)`` of one value or, ``by_row``, ``function(row)`` in place.

    ``derivative(z)`` is dp/dz or, ``by_row``, ``derivative(row, k, slopes)`` fills ``slopes`` with ∂p_k/∂z_j, all j.
    """

    function: Callable
    derivative: Callable
    by_row: bool = False


def identity_slope(z):
    """dp/dz = 1."""
    return 1.0


def logistic_slope(z):
    """dp/dz = p (1 - p), where 1 - p = logistic(-z) does not round to 0."""
    return logistic(z) * logistic(-z)


def exponential(z):
    """p = exp(z), a positive mean."""
    return exp(z)


def largest(row):
    """The largest value of a row; NaN if the row has one."""
    top = row[0]
    for k in range(row.size):
        if not (row[k] <= top or top != top):
            top = row[k]
    return top


def softmax(row):
    """p_k = exp(z_k) / Σ_j exp(z_j), in place, with the largest z taken off first."""
    top = largest(row)
    total = top - top
    for k in range(row.size):
        row[k] = exp(row[k] - top)
        total += row[k]
    for k in range(row.size):
        row[k] /= total


def softmax_slopes(row, k, slopes):
    """∂p_k/∂z_j = -p_k p_j, and ∂p_k/∂z_k = p_k Σ_{j≠k} p_j."""
    top = largest(row)
    total = top - top
    for j in range(row.size):
        slopes[j] = exp(row[j] - top)
        total += slopes[j]
    own = slopes[k] / total
    others = own - own
    for j in range(row.size):
        if j != k:
            other = slopes[j] / total
            others += other
            slopes[j] = -own * other
    slopes[k] = own * others


def increasing(row):
    """p_0 = z_0 and p_k = p_{k-1} + softplus(z_k), in place: outputs that do not cross."""
    for k in range(1, row.size):
        row[k] = row[k - 1] + softplus(row[k])


def increasing_slopes(row, k, slopes):
    """∂p_k/∂z_0 = 1, ∂p_k/∂z_j = logistic(z_j) for 0 < j <= k, and 0 for the others."""
    for j in range(row.size):
        if j > k:
            slopes[j] = 0.0
        else:
            slopes[j] = logistic(row[j]) if j > 0 else 1.0


LINKS = {
    "identity": Link(identity, identity_slope),
    "logistic": Link(logistic, logistic_slope),
    "softmax": Link(softmax, softmax_slopes, by_row=True),
    "exp": Link(exponential, exponential),
    "increasing": Link(increasing, increasing_slopes, by_row=True),
}
