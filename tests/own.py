"""Losses and activations of the user's own, which several tests take."""

import math

from numba import njit

from skmlp import CustomActivation, CustomLoss


@njit
def sigmoid(z):
    return 1.0 / (1.0 + math.exp(-z))


@njit
def swish(z):
    return z * sigmoid(z)


@njit
def swish_slope(z):
    s = sigmoid(z)
    return s + swish(z) * (1.0 - s)


@njit
def square(z, y):
    return 0.5 * (z - y) ** 2


@njit
def residual(z, y):
    return z - y


SWISH = CustomActivation(swish, swish_slope)
SQUARE = CustomLoss(square, residual)
