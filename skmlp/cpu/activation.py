"""Activations of a hidden layer and inverse links of the last one, and the way back through an activation."""

from skmlp.cpu.compile import Family, formulas
from skmlp.cpu.custom import kernel_formula
from skmlp.cpu.memory import (
    BACK,
    DELTA,
    N_IN,
    N_OUT,
    N_ROWS,
    PARAMETERS,
    WORK,
    A,
    W,
    X,
    Z,
    matrix,
    padded,
    vector,
)
from skmlp.formulas import activations, links
from skmlp.formulas.activations import ACTIVATIONS
from skmlp.formulas.links import LINKS

formulas(activations)
formulas(links)


def activation_loop(name, real):
    """Loop of one activation over the values of a layer: a = activation(z)."""
    apply = kernel_formula(ACTIVATIONS, name).function

    def run(memory, operation):
        size = padded(memory[N_ROWS] * operation[N_OUT])
        z, a = vector(memory, WORK, operation[Z], size, real), vector(memory, WORK, operation[A], size, real)
        for i in range(size):
            a[i] = apply(z[i])

    return run


def activation_in_place_loop(name, real):
    """Loop of one activation in the place of z: over two arrays that are one a loop would not vectorise."""
    apply = kernel_formula(ACTIVATIONS, name).function

    def run(memory, operation):
        size = padded(memory[N_ROWS] * operation[N_OUT])
        z = vector(memory, WORK, operation[Z], size, real)
        for i in range(size):
            z[i] = apply(z[i])

    return run


def derivative_loop(name, real):
    """Loop of one activation's derivative over a layer: delta *= da/dz."""
    derivative = kernel_formula(ACTIVATIONS, name).derivative

    def run(memory, operation):
        size = padded(memory[N_ROWS] * operation[N_OUT])
        z, a = vector(memory, WORK, operation[Z], size, real), vector(memory, WORK, operation[A], size, real)
        delta = vector(memory, WORK, operation[DELTA], size, real)
        for i in range(size):
            delta[i] *= derivative(z[i], a[i])

    return run


def derivative_of_one_loop(name, real):
    """Loop of a derivative in the layer before a single output: the gradient in its values is delta w.T."""
    derivative = kernel_formula(ACTIVATIONS, name).derivative

    def run(memory, operation):
        n_rows, n_in = memory[N_ROWS], operation[N_IN]
        w = vector(memory, PARAMETERS, operation[W], n_in, real)
        delta = vector(memory, WORK, operation[DELTA], n_rows, real)
        a = matrix(memory, WORK, operation[X], n_rows, n_in, real)
        back = matrix(memory, WORK, operation[BACK], n_rows, n_in, real)
        for i in range(n_rows):
            for p in range(n_in):
                back[i, p] = delta[i] * w[p] * derivative(a[i, p], a[i, p])

    return run


def link_loop(name, real):
    """Loop of one inverse link over raw outputs, in place."""
    apply = LINKS[name].function

    def by_row(memory, operation):
        z = matrix(memory, WORK, operation[Z], memory[N_ROWS], operation[N_OUT], real)
        for i in range(z.shape[0]):
            apply(z[i])

    def by_value(memory, operation):
        size = padded(memory[N_ROWS] * operation[N_OUT])
        z = vector(memory, WORK, operation[Z], size, real)
        for i in range(size):
            z[i] = apply(z[i])

    return by_row if LINKS[name].by_row else by_value


activation_loops, in_place_loops = Family(activation_loop), Family(activation_in_place_loop)
derivative_loops, derivative_of_one_loops = Family(derivative_loop), Family(derivative_of_one_loop)
link_loops = Family(link_loop)
