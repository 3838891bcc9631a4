"""Inverse links: from the raw output z of a network to its prediction.

To add one, write a scalar function or a function of a row and put it in :data:`LINKS`.
"""

from collections.abc import Callable
from typing import NamedTuple

from skmlp.formulas.activations import identity, logistic, softplus
from skmlp.formulas.elementary import exp


class Link(NamedTuple):
    """An inverse link: ``function(z)`` of one value or, ``by_row``, ``function(row)`` in place."""

    function: Callable
    by_row: bool = False


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


def increasing(row):
    """p_0 = z_0 and p_k = p_{k-1} + softplus(z_k), in place: outputs that do not cross."""
    for k in range(1, row.size):
        row[k] = row[k - 1] + softplus(row[k])


LINKS = {
    "identity": Link(identity),
    "logistic": Link(logistic),
    "softmax": Link(softmax, by_row=True),
    "exp": Link(exponential),
    "increasing": Link(increasing, by_row=True),
}
