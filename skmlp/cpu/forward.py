"""The way forward: from rows of X to the raw outputs of the network, and on to predictions."""

from numba import types

from skmlp.cpu.compile import Family, formulas, inlined
from skmlp.cpu.custom import kernel_formula
from skmlp.cpu.dropout import drop
from skmlp.cpu.normalization import normalize
from skmlp.cpu.products import first_product, forward_product
from skmlp.cpu.views import matrix, vector
from skmlp.formulas import activations, links
from skmlp.formulas.activations import ACTIVATIONS
from skmlp.formulas.links import LINKS
from skmlp.formulas.random import random_key

formulas(activations)
formulas(links)


def activation_loop(name):
    """Loop of one activation over the values of a layer: a = activation(z)."""
    apply = kernel_formula(ACTIVATIONS, name).function

    def run(z, a):
        for i in range(z.size):
            a[i] = apply(z[i])

    return run


def link_loop(name):
    """Loop of one inverse link over raw outputs, in place."""
    apply = LINKS[name].function

    def by_row(z):
        for i in range(z.shape[0]):
            apply(z[i])

    def by_value(z):
        for i in range(z.shape[0]):
            for j in range(z.shape[1]):
                z[i, j] = apply(z[i, j])

    return by_row if LINKS[name].by_row else by_value


activation_loops = Family(activation_loop, lambda real: types.void(real[::1], real[::1]))
link_loops = Family(link_loop, lambda real: types.void(real[:, ::1]))
activate = activation_loops.call
apply_link = link_loops.call


@inlined
def finish_layer(network, parameters, layer, weights, rows, work, way):
    """From the product of a hidden layer to its values: normalisation, activation, dropout."""
    n_rows, units = rows.size, network.units[layer + 1]
    start, size = work.offsets[layer] * n_rows, n_rows * units
    z = matrix(work.z, start, n_rows, units)
    normalize(network.normalization, layer, parameters, z, weights, rows, way.training, work)
    a = vector(work.a, start, size)
    activate(network.activations[layer], vector(work.z, start, size), a)
    rate = network.dropout[layer]
    if rate > 0.0 and way.seed >= 0:
        drop(network.dropout_loop, a, random_key(way.seed, way.step, layer), way.first * units, rate)


@inlined
def forward(network, parameters, X, weights, rows, work, way):
    """Raw outputs, (rows, n_outputs), a view of ``work.z``; ``work`` keeps what the way back needs."""
    n_rows, hidden = rows.size, network.activations.size
    z = x = matrix(work.z, 0, 0, 0)
    for layer in range(hidden + 1):
        n_in, n_out = network.units[layer], network.units[layer + 1]
        factors = matrix(parameters, network.weights[layer], n_in, n_out)
        bias = vector(parameters, network.biases[layer], n_out)
        start = work.offsets[layer] * n_rows
        z = matrix(work.z, start, n_rows, n_out)
        if layer == 0:
            first_product(X, rows, work.x, factors, bias, z, network.tiles[layer, 0])
        else:
            forward_product(x, factors, bias, z, network.tiles[layer, 0])
        if layer < hidden:
            finish_layer(network, parameters, layer, weights, rows, work, way)
            x = matrix(work.a, start, n_rows, n_out)
    return z
