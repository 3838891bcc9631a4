"""From the rows of a batch to raw outputs: the phases that gather rows, and that work out a layer."""

import numpy as np

from skmlp.cuda.compile import chosen, compiled
from skmlp.cuda.driver import device
from skmlp.cuda.memory import ACTIVATION, FIRST, N_IN, N_OUT, ROWS, STEP, A, B, W, X, Z
from skmlp.cuda.tiles import Factor, make_place, make_product, make_thread
from skmlp.formulas.random import random_bits, random_key

u = np.uint32


def make_gather(program):
    """Rows of X to the input of the first layer."""
    thread_of, threads = make_thread(program.tile), u(program.tile.threads**2)

    @device
    def gather(grid, shared, total, m, batch, layer):
        n_in, base, first = m.layers[0, N_IN], m.layers[0, X], m.batches[batch, FIRST]
        size = m.batches[batch, ROWS] * n_in
        place = u(grid.block * threads + thread_of().number)
        while place < size:
            row = u(place // n_in)
            begin = np.int64(m.order[first + row]) * np.int64(n_in)  # all of X may be more than 32 bits count
            m.values[base + place] = m.data[begin + np.int64(place - row * n_in)]
            place = u(place + grid.blocks * threads)

    return gather


def make_key(program):
    """Function that gives the key of a layer's random bits; 0 without dropout."""
    if not program.dropped:
        return device(lambda m, batch, layer: 0)
    key = compiled(random_key, program.real)
    return device(lambda m, batch, layer: key(m.seed, np.int64(m.batches[batch, STEP]), layer))


def make_mask(program):
    """Function that gives what the element at a place of a layer is multiplied by in dropout."""
    bits, zero, one = compiled(random_bits, program.real), program.real(0.0), program.real(1.0)

    @device
    def mask(m, layer, key, place):
        return m.scales[layer] if bits(key, np.int64(place)) >= m.limits[layer] else zero

    return mask if program.dropped else device(lambda m, layer, key, place: one)


def make_activate(program):
    """Function that gives the activation of z, after dropout, of the element at a place of a layer."""
    apply, mask, dropped = chosen(program.functions, 1), make_mask(program), program.dropped

    @device
    def activate(m, layer, key, place, z):
        a = apply(m.layers[layer, ACTIVATION], z)
        if dropped:
            a *= mask(m, layer, key, place)
        return a

    return activate


def make_forward(program):
    """A layer: z = x W + b; where nothing is normalised before it, also activation and dropout."""
    real, tile = program.real, program.tile
    side, each, plain = u(tile.side), tile.each, program.normalization is None
    product = make_product(real, tile, left_along=True, right_along=False)
    thread_of, place = make_thread(tile), make_place(tile)
    key_of, activate = make_key(program), make_activate(program)

    @device
    def forward(grid, shared, total, m, batch, layer):
        thread, key = thread_of(), key_of(m, batch, layer)
        rows, n_in, n_out = m.batches[batch, ROWS], m.layers[layer, N_IN], m.layers[layer, N_OUT]
        x, w, b = m.layers[layer, X], m.layers[layer, W], m.layers[layer, B]
        z, a = m.layers[layer, Z], m.layers[layer, A]
        activated = plain and layer + 1 < m.layers.shape[0]
        across = u((n_out + side - u(1)) // side)
        tiles = u((rows + side - u(1)) // side * across)
        number = grid.block
        while number < tiles:
            i, j = u(number // across * side), u(number % across * side)
            left, right = Factor(m.values, x, n_in, i, rows), Factor(m.parameters, w, n_out, j, n_out)
            product(total, shared, thread, left, right, n_in)
            for p in range(each):
                row = u(i + place(thread.row, p))
                for q in range(each):
                    column = u(j + place(thread.column, q))
                    if row < rows and column < n_out:
                        m.values[z + row * n_out + column] = total[p, q] + m.parameters[b + column]
            if activated:  # in a loop of its own: what is in registers stays there only if its indices are constants
                for p in range(each):
                    for q in range(each):
                        row, column = u(i + place(thread.row, p)), u(j + place(thread.column, q))
                        if row < rows and column < n_out:
                            at = u(row * n_out + column)
                            m.values[a + at] = activate(m, layer, key, at, m.values[z + at])
            number = u(number + grid.blocks)

    return forward
