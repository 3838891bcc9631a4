"""Normalisation of the inputs of an activation: z = γ x̂ + β, where x̂ has mean 0 and variance 1.

Batch normalisation (Ioffe & Szegedy, ICML 2015) takes mean and variance of each unit over the rows of a batch, by their
weights; layer normalisation (Ba, Kiros & Hinton, 2016) those of each row over the units of a layer.
"""

from math import sqrt

NORMALIZATIONS = ("batch", "layer")


def inverse_deviation(variance):
    """1 / √(variance + 1e-5)."""
    return 1.0 / sqrt(variance + 1e-5)


def averaged(average, new):
    """A running average after one more value: 0.9 average + 0.1 new."""
    return average + 0.1 * (new - average)


def averaged_variance(variance, away):
    """A running variance after one more value, ``away`` from the running mean: 0.9 (variance + 0.1 away²).

    This and the running mean are the exponentially weighted moments of single values (Welford's update with the
    constant weight 0.1).
    """
    return 0.9 * (variance + 0.1 * away * away)


def normalized_slope(slope, inverse, share, total, along, x):
    """Gradient in a value that was normalised to ``x`` with others: (slope - share (total + x along)) inverse.

    ``slope`` is the gradient in x, ``share`` the value's share in mean and variance, ``total`` the sum of the slopes of
    all values, ``along`` the sum of their slopes times x, ``inverse`` 1 / √(variance + ε).
    """
    return (slope - share * (total + x * along)) * inverse
