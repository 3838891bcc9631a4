"""The way back: from the loss of a shard of rows to the gradient of every parameter."""

from numba import types

from skmlp.cpu.compile import Family, inlined
from skmlp.cpu.custom import kernel_formula
from skmlp.cpu.dropout import drop, scale
from skmlp.cpu.products import first_gradient, input_gradient, weight_gradient
from skmlp.cpu.views import matrix, vector
from skmlp.formulas.activations import ACTIVATIONS
from skmlp.formulas.random import random_key


def derivative_loop(name):
    """Loop of one activation's derivative over a layer: delta *= da/dz."""
    derivative = kernel_formula(ACTIVATIONS, name).derivative

    def run(z, a, delta):
        for i in range(z.size):
            delta[i] *= derivative(z[i], a[i])

    return run


derivative_loops = Family(derivative_loop, lambda real: types.void(real[::1], real[::1], real[::1]))
differentiate = derivative_loops.call


@inlined
def bias_gradient(delta, gradient):
    """gradient = Σ_rows delta."""
    gradient[:] = 0
    for i in range(delta.shape[0]):
        for j in range(delta.shape[1]):
            gradient[j] += delta[i, j]


@inlined
def backward(network, parameters, X, rows, work, gradient, draw):
    """Fill ``gradient`` with that of the shard that ``work`` holds.

    ``work.delta`` holds the loss's gradient in the raw outputs, and is overwritten.
    """
    n_rows = rows.size
    here, before = work.delta, work.back
    for layer in range(network.activations.size, -1, -1):
        n_in, n_out = network.units[layer], network.units[layer + 1]
        delta = matrix(here, 0, n_rows, n_out)
        bias_gradient(delta, vector(gradient, network.biases[layer], n_out))
        slope = matrix(gradient, network.weights[layer], n_in, n_out)
        if layer == 0:
            first_gradient(X, rows, work.x, delta, slope)
            break
        start, size = work.offsets[layer - 1] * n_rows, n_rows * n_in
        weight_gradient(matrix(work.a, start, n_rows, n_in), delta, slope)
        weights = matrix(parameters, network.weights[layer], n_in, n_out)
        input_gradient(delta, weights, matrix(before, 0, n_rows, n_in))
        z, a = vector(work.z, start, size), vector(work.a, start, size)
        rate = network.dropout[layer - 1]
        if rate > 0.0 and draw[0] >= 0:
            key = random_key(draw[0], draw[1], layer - 1)
            drop(network.dropout_loop, vector(before, 0, size), key, draw[2] * n_in, rate)
            scale(a, a.dtype.type(1.0 - rate))  # as before dropout, but for zeros, whose delta is 0
        differentiate(network.derivatives[layer - 1], z, a, vector(before, 0, size))
        here, before = before, here
