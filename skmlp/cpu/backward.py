"""The way back: from the loss of a shard of rows to the gradient of every parameter."""

from numba import types

from skmlp.cpu.compile import Family, inlined
from skmlp.cpu.custom import kernel_formula
from skmlp.cpu.dropout import drop, scale
from skmlp.cpu.normalization import normalize_back, unnormalized_bias
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
def unfinish_layer(network, parameters, layer, rows, work, gradient, way, delta):
    """Turn ``delta``, the gradient in the values of a hidden layer, into that in its product.

    With normalisation it fills the gradients of its parameters, and of the layer's biases.
    """
    n_rows, units = rows.size, network.units[layer + 1]
    start, size = work.offsets[layer] * n_rows, n_rows * units
    z, a, flat = vector(work.z, start, size), vector(work.a, start, size), vector(delta, 0, size)
    rate = network.dropout[layer]
    if rate > 0.0 and way.seed >= 0:
        drop(network.dropout_loop, flat, random_key(way.seed, way.step, layer), way.first * units, rate)
        scale(a, a.dtype.type(1.0 - rate))  # as before dropout, but for zeros, whose delta is 0
    differentiate(network.derivatives[layer], z, a, flat)
    normalize_back(network.normalization, layer, parameters, matrix(delta, 0, n_rows, units), gradient, work)


@inlined
def backward(network, parameters, X, rows, work, gradient, way):
    """Fill ``gradient`` with that of the shard that ``work`` holds.

    ``work.delta`` holds the loss's gradient in the raw outputs, and is overwritten.
    """
    n_rows, hidden = rows.size, network.activations.size
    here, before, none = work.delta, work.back, vector(work.z, 0, 0)
    for layer in range(hidden, -1, -1):
        n_in, n_out = network.units[layer], network.units[layer + 1]
        delta = matrix(here, 0, n_rows, n_out)
        slope = matrix(gradient, network.weights[layer], n_in, n_out)
        bias = vector(gradient, network.biases[layer], n_out)
        sums = unnormalized_bias(network.normalization, bias, none, layer == hidden)
        if layer == 0:
            first_gradient(X, rows, work.x, delta, slope, sums, network.tiles[layer, 1])
            break
        a = matrix(work.a, work.offsets[layer - 1] * n_rows, n_rows, n_in)
        weight_gradient(a, delta, slope, sums, network.tiles[layer, 1])
        factors = matrix(parameters, network.weights[layer], n_in, n_out)
        input_gradient(delta, factors, matrix(before, 0, n_rows, n_in), none, network.tiles[layer, 2])
        unfinish_layer(network, parameters, layer - 1, rows, work, gradient, way, before)
        here, before = before, here
