"""The way forward: from rows of X to the raw outputs of the network, and on to predictions."""

from skmlp.cpu.compile import by_code, formulas, function, inlined
from skmlp.cpu.products import first_product, forward_product
from skmlp.cpu.views import matrix, vector
from skmlp.formulas import activations, links
from skmlp.formulas.activations import ACTIVATIONS
from skmlp.formulas.links import LINKS

formulas(activations)
formulas(links)


def activation_loop(activation):
    """Loop of one activation over the values of a layer: a = activation(z)."""
    apply = activation.function

    @function
    def run(z, a):
        for i in range(z.size):
            a[i] = apply(z[i])

    return run


def link_loop(link):
    """Loop of one inverse link over raw outputs, in place."""
    apply = link.function

    @function
    def by_row(z):
        for i in range(z.shape[0]):
            apply(z[i])

    @function
    def by_value(z):
        for i in range(z.shape[0]):
            for j in range(z.shape[1]):
                z[i, j] = apply(z[i, j])

    return by_row if link.by_row else by_value


activate = by_code([activation_loop(activation) for activation in ACTIVATIONS.values()])
apply_link = by_code([link_loop(link) for link in LINKS.values()])


@inlined
def forward(network, parameters, X, rows, work):
    """Raw outputs, (rows, n_outputs), a view of ``work.z``; ``work`` keeps what the way back needs."""
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
            x = matrix(work.a, start, n_rows, n_out)
    return z
