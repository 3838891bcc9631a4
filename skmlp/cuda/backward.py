"""From the loss's gradient in the raw outputs to that in every parameter."""

import numpy as np

from skmlp.cuda.compile import chosen
from skmlp.cuda.driver import device
from skmlp.cuda.forward import make_key, make_mask
from skmlp.cuda.memory import (
    ACTIVATION,
    DELTA,
    KIND,
    N_IN,
    N_OUT,
    ROWS,
    SCALE,
    SHIFT,
    SLOPE,
    STANDARD,
    TILES,
    VARIED,
    A,
    B,
    W,
    X,
    Z,
)
from skmlp.cuda.sums import make_sums
from skmlp.cuda.tiles import Factor, make_place, make_product, make_thread

u = np.uint32


def make_derivative(program):
    """Function that gives the gradient in z from that in the activation, of the element at a place of a layer."""
    derivative, mask, dropped = chosen(program.derivatives, 2), make_mask(program), program.dropped
    one = program.real(1.0)

    @device
    def through(m, layer, key, place, slope):
        z, a = m.values[m.layers[layer, Z] + place], m.values[m.layers[layer, A] + place]
        if dropped:  # what is dropped has no gradient, and the others were scaled up
            slope *= mask(m, layer, key, place)
            a *= one / m.scales[layer]
        return slope * derivative(m.layers[layer, ACTIVATION], z, a)

    return through


def make_backward(program):
    """The gradient in the values of the layer before: delta W.T, and on through dropout and activation."""
    real, tile = program.real, program.tile
    side, each = u(tile.side), tile.each
    target = DELTA if program.normalization is None else SLOPE
    product = make_product(real, tile, left_along=True, right_along=True)
    thread_of, place = make_thread(tile), make_place(tile)
    key_of, through = make_key(program), make_derivative(program)

    @device
    def backward(grid, shared, total, m, batch, layer):
        thread, key = thread_of(), key_of(m, batch, layer - 1)
        rows, n_in, n_out = m.batches[batch, ROWS], m.layers[layer, N_IN], m.layers[layer, N_OUT]
        delta, w, before = m.layers[layer, DELTA], m.layers[layer, W], m.layers[layer - 1, target]
        across = u((n_in + side - u(1)) // side)
        tiles = u((rows + side - u(1)) // side * across)
        number = grid.block
        while number < tiles:
            i, j = u(number // across * side), u(number % across * side)
            left, right = Factor(m.values, delta, n_out, i, rows), Factor(m.parameters, w, n_out, j, n_in)
            product(total, shared, thread, left, right, n_out)
            for p in range(each):
                row = u(i + place(thread.row, p))
                for q in range(each):
                    column = u(j + place(thread.column, q))
                    if row < rows and column < n_in:
                        m.values[before + row * n_in + column] = total[p, q]
            for p in range(each):  # in loops of its own, as on the way forward
                for q in range(each):
                    row, column = u(i + place(thread.row, p)), u(j + place(thread.column, q))
                    if row < rows and column < n_in:
                        at = u(row * n_in + column)
                        m.values[before + at] = through(m, layer - 1, key, at, m.values[before + at])
            number = u(number + grid.blocks)

    return backward


def make_column_sums(program):
    """Function that gives the sums of the columns of a tile over some rows, of numbers or products of numbers."""
    threads = u(program.tile.threads)
    down, zero = make_sums(program.real, program.tile)[0], program.real(0.0)

    @device
    def column_sums(shared, thread, m, slope, other, width, column, begin, end):
        mine = zero
        row = u(begin + thread.row)
        while row < end and column < width:
            at = row * width + column
            mine += m.values[slope + at] * m.values[other + at] if other > 0 else m.values[slope + at]
            row = u(row + threads)
        return down(shared, thread, mine)

    return column_sums


def make_unit_gradients(program):
    """Function for the gradients of the biases of a tile's units and, where rows are normalised, of scales and shifts.

    With batch normalisation a mean takes out what a bias adds, so its gradient is 0.
    """
    each, threads, zero = program.tile.each, program.tile.threads, program.real(0.0)
    by_batch, by_row = program.normalization == "batch", program.normalization == "layer"
    column_sums = make_column_sums(program)

    @device
    def of_units(shared, thread, m, batch, layer, slice_, j, begin, end):
        delta, width = m.layers[layer, DELTA], m.layers[layer, N_OUT]
        hidden = layer + 1 < m.layers.shape[0]
        constant = by_batch and hidden and m.batches[batch, KIND] & VARIED > 0
        for q in range(each):
            column = u(j + u(q * threads) + thread.column)
            mine = thread.row == 0 and column < width
            bias = column_sums(shared, thread, m, delta, u(0), width, column, begin, end)
            if mine:
                m.gradient[slice_, m.layers[layer, B] + column] = zero if constant else bias
            if by_row and hidden:
                slope, standard = m.layers[layer, SLOPE], m.layers[layer, STANDARD]
                shift = column_sums(shared, thread, m, slope, u(0), width, column, begin, end)
                scale = column_sums(shared, thread, m, slope, standard, width, column, begin, end)
                if mine:
                    m.gradient[slice_, m.layers[layer, SHIFT] + column] = shift
                    m.gradient[slice_, m.layers[layer, SCALE] + column] = scale

    return of_units


def make_gradient(program):
    """The gradients of all weights and biases, a tile and a slice of the rows at a time.

    The rows of a batch are cut into slices where the weights alone would keep few blocks busy. The update adds up the
    slices in their order.
    """
    real, tile = program.real, program.tile
    side, each, one = u(tile.side), tile.each, u(1)
    product = make_product(real, tile, left_along=False, right_along=False)
    thread_of, place, of_units = make_thread(tile), make_place(tile), make_unit_gradients(program)

    @device
    def gradient(grid, shared, total, m, batch, tiles):
        thread = thread_of()
        slices, rows, last = u(m.gradient.shape[0]), m.batches[batch, ROWS], m.layers.shape[0] - 1
        of_slice = u((rows + slices - one) // slices)
        number = grid.block
        while number < u(tiles) * slices:
            slice_ = u(number // u(tiles))
            rest, layer = u(number - slice_ * u(tiles)), last
            while rest < m.layers[layer, TILES]:
                layer -= 1
            rest = u(rest - m.layers[layer, TILES])
            n_in, n_out = m.layers[layer, N_IN], m.layers[layer, N_OUT]
            across = u((n_out + side - one) // side)
            i, j = u(rest // across * side), u(rest % across * side)
            begin = min(u(slice_ * of_slice), rows)
            end = min(u(begin + of_slice), rows)
            left = Factor(m.values, m.layers[layer, X] + begin * n_in, n_in, i, n_in)
            right = Factor(m.values, m.layers[layer, DELTA] + begin * n_out, n_out, j, n_out)
            product(total, shared, thread, left, right, u(end - begin))
            for p in range(each):
                row = u(i + place(thread.row, p))
                for q in range(each):
                    column = u(j + place(thread.column, q))
                    if row < n_in and column < n_out:
                        m.gradient[slice_, m.layers[layer, W] + row * n_out + column] = total[p, q]
            if i == 0:
                of_units(shared, thread, m, batch, layer, slice_, j, begin, end)
            number = u(number + grid.blocks)

    return gradient
