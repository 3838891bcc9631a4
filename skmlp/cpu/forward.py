"""The way forward: from rows of X to the raw outputs of the network, and on to predictions."""

from numba import types

from skmlp.cpu.compile import Family, formulas, inlined
from skmlp.cpu.custom import kernel_formula
from skmlp.cpu.dropout import drop
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
def forward(network, parameters, X, rows, work, draw):
    """Raw outputs, (rows, n_outputs), a view of ``work.z``; ``work`` keeps what the way back needs.

    ``draw`` is (seed, step, place of the first row in its batch) for dropout, with a negative seed for none.
    """
    n_rows, hidden = rows.size, network.activations.size
    z = x = matrix(work.z, 0, 0, 0)
    for layer in range(hidden + 1):
        n_in, n_out = network.units[layer], network.units[layer + 1]
        weights = matrix(parameters, network.weights[layer], n_in, n_out)
        bias = vector(parameters, network.biases[layer], n_out)
        start = work.offsets[layer] * n_rows
        z = matrix(work.z, start, n_rows, n_out)
        if layer == 0:
            first_product(X, rows, work.x, weights, bias, z)
        else:
            forward_product(x, weights, bias, z)
        if layer < hidden:
            size = n_rows * n_out
            activate(network.activations[layer], vector(work.z, start, size), vector(work.a, start, size))
            rate = network.dropout[layer]
            if rate > 0.0 and draw[0] >= 0:
                key = random_key(draw[0], draw[1], layer)
                drop(network.dropout_loop, vector(work.a, start, size), key, draw[2] * n_out, rate)
            x = matrix(work.a, start, n_rows, n_out)
    return z
