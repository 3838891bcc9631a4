"""Batch and layer normalisation, forward and back; the activation comes with it.

A row of threads works on a row of values, or a column of threads on a column, and all read the sums. In prediction the
running averages take the place of a batch's mean and variance; so they do in training where one row alone has weight,
which has no variance: the averages then take in that row.
"""

import numpy as np

from skmlp.cuda.compile import compiled
from skmlp.cuda.driver import cuda, device
from skmlp.cuda.forward import make_activate, make_key
from skmlp.cuda.loss import make_row_weight
from skmlp.cuda.memory import (
    DELTA,
    INVERSE,
    KIND,
    MEAN,
    N_OUT,
    ROWS,
    SCALE,
    SCALE_OF_BATCH,
    SHIFT,
    SLOPE,
    STANDARD,
    VARIANCE,
    VARIED,
    A,
    Z,
)
from skmlp.cuda.sums import make_sums
from skmlp.cuda.tiles import make_thread
from skmlp.formulas.normalization import averaged, averaged_variance, inverse_deviation, normalized_slope

u = np.uint32


def make_standardize(program):
    """Function that normalises one value: notes it for the way back, and works out z and the activation."""
    activate = make_activate(program)

    @device
    def standardize(m, layer, key, place, column, mean, inverse):
        z = m.layers[layer, Z] + place
        x = (m.values[z] - mean) * inverse
        value = m.parameters[m.layers[layer, SCALE] + column] * x + m.parameters[m.layers[layer, SHIFT] + column]
        m.values[m.layers[layer, STANDARD] + place] = x
        m.values[z] = value
        m.values[m.layers[layer, A] + place] = activate(m, layer, key, place, value)

    return standardize


def make_share(program):
    """Function that gives a row's share in the weight of the batch; 0 where fewer than two rows have weight."""
    row_weight, zero = make_row_weight(program), program.real(0.0)

    @device
    def share(m, batch, row):
        varied = m.batches[batch, KIND] & VARIED > 0
        return row_weight(m, batch, row) * m.steps[batch, SCALE_OF_BATCH] if varied else zero

    return share


def make_moments(program):
    """Function that gives the weighted mean and variance of a column, or the sums that its way back needs."""
    threads, zero = u(program.tile.threads), program.real(0.0)
    share, down = make_share(program), make_sums(program.real, program.tile)[0]

    @device
    def moments(shared, thread, m, batch, layer, column):
        rows, width, z = m.batches[batch, ROWS], m.layers[layer, N_OUT], m.layers[layer, Z]
        mine = zero
        row = thread.row
        while row < rows and column < width:
            mine += share(m, batch, row) * m.values[z + row * width + column]
            row = u(row + threads)
        mean = down(shared, thread, mine)
        mine = zero
        row = thread.row
        while row < rows and column < width:
            away = m.values[z + row * width + column] - mean
            mine += share(m, batch, row) * away * away
            row = u(row + threads)
        return mean, down(shared, thread, mine)

    return moments


def make_take_in(program):
    """Functions that update the running averages of a unit: by a batch, and by the one row that has weight."""
    average, average_variance = compiled(averaged, program.real), compiled(averaged_variance, program.real)
    row_weight, zero = make_row_weight(program), program.real(0.0)

    @device
    def take_in(m, layer, column, mean, variance):
        at, other = m.layers[layer, MEAN] + column, m.layers[layer, VARIANCE] + column
        m.parameters[at] = average(m.parameters[at], mean)
        m.parameters[other] = average(m.parameters[other], variance)

    @device
    def take_in_row(m, batch, layer, column):
        at, other = m.layers[layer, MEAN] + column, m.layers[layer, VARIANCE] + column
        width, z = m.layers[layer, N_OUT], m.layers[layer, Z]
        for row in range(m.batches[batch, ROWS]):
            if row_weight(m, batch, u(row)) > zero:
                value = m.values[z + u(row) * width + column]
                away = value - m.parameters[at]
                m.parameters[at] = average(m.parameters[at], value)
                m.parameters[other] = average_variance(m.parameters[other], away)

    return take_in, take_in_row


def make_statistics(program):
    """Function that gives the mean and the variance by which a column is normalised, and keeps the running averages."""
    moments, training = make_moments(program), program.training
    take_in, take_in_row = make_take_in(program)

    @device
    def statistics(shared, thread, m, batch, layer, column):
        unit = u(min(column, u(m.layers[layer, N_OUT] - u(1))))
        mine = thread.row == 0 and column < m.layers[layer, N_OUT]
        if training and m.batches[batch, KIND] & VARIED > 0:
            mean, variance = moments(shared, thread, m, batch, layer, column)
            if mine:
                take_in(m, layer, column, mean, variance)
        else:
            mean = m.parameters[m.layers[layer, MEAN] + unit]
            variance = m.parameters[m.layers[layer, VARIANCE] + unit]
            if training:
                cuda.syncthreads()
                if mine:
                    take_in_row(m, batch, layer, column)
                cuda.syncthreads()
        return mean, variance

    return statistics


def make_normalize_batch(program):
    """Each unit over the rows."""
    threads, thread_of = u(program.tile.threads), make_thread(program.tile)
    statistics, standardize, key_of = make_statistics(program), make_standardize(program), make_key(program)
    inverse_of = compiled(inverse_deviation, program.real)

    @device
    def normalize(grid, shared, total, m, batch, layer):
        thread, key = thread_of(), key_of(m, batch, layer)
        rows, width = m.batches[batch, ROWS], m.layers[layer, N_OUT]
        first = u(grid.block * threads)
        while first < width:
            column = u(first + thread.column)
            mean, variance = statistics(shared, thread, m, batch, layer, column)
            inverse = inverse_of(variance)
            if thread.row == 0 and column < width:
                m.values[m.layers[layer, INVERSE] + column] = inverse
            row = thread.row
            while row < rows and column < width:
                standardize(m, layer, key, u(row * width + column), column, mean, inverse)
                row = u(row + threads)
            first = u(first + grid.blocks * threads)

    return normalize


def make_normalize_layer(program):
    """Each row over the units."""
    threads, thread_of, real = u(program.tile.threads), make_thread(program.tile), program.real
    zero, one, inverse_of = real(0.0), real(1.0), compiled(inverse_deviation, real)
    standardize, key_of, across = make_standardize(program), make_key(program), make_sums(program.real, program.tile)[1]

    @device
    def normalize(grid, shared, total, m, batch, layer):
        thread, key = thread_of(), key_of(m, batch, layer)
        rows, width, z = m.batches[batch, ROWS], m.layers[layer, N_OUT], m.layers[layer, Z]
        share = one / real(width)
        first = u(grid.block * threads)
        while first < rows:
            row = u(first + thread.row)
            mine = zero
            column = thread.column
            while column < width and row < rows:
                mine += m.values[z + row * width + column]
                column = u(column + threads)
            mean = across(shared, thread, mine) * share
            mine = zero
            column = thread.column
            while column < width and row < rows:
                away = m.values[z + row * width + column] - mean
                mine += away * away
                column = u(column + threads)
            inverse = inverse_of(across(shared, thread, mine) * share)
            if thread.column == 0 and row < rows:
                m.values[m.layers[layer, INVERSE] + row] = inverse
            column = thread.column
            while column < width and row < rows:
                standardize(m, layer, key, u(row * width + column), column, mean, inverse)
                column = u(column + threads)
            first = u(first + grid.blocks * threads)

    return normalize


def make_normalize_batch_back(program):
    """The gradient in what was normalised over the rows, and those of scales and shifts, in the first slice."""
    threads, thread_of, zero = u(program.tile.threads), make_thread(program.tile), program.real(0.0)
    share, down = make_share(program), make_sums(program.real, program.tile)[0]
    slope_of = compiled(normalized_slope, program.real)

    @device
    def normalize_back(grid, shared, total, m, batch, layer):
        thread = thread_of()
        rows, width = m.batches[batch, ROWS], m.layers[layer, N_OUT]
        slope, standard, delta = m.layers[layer, SLOPE], m.layers[layer, STANDARD], m.layers[layer, DELTA]
        first = u(grid.block * threads)
        while first < width:
            column = u(first + thread.column)
            mine, mine_along = zero, zero
            row = thread.row
            while row < rows and column < width:
                at = row * width + column
                mine += m.values[slope + at]
                mine_along += m.values[slope + at] * m.values[standard + at]
                row = u(row + threads)
            summed, along = down(shared, thread, mine), down(shared, thread, mine_along)
            if thread.row == 0 and column < width:
                m.gradient[0, m.layers[layer, SHIFT] + column] = summed
                m.gradient[0, m.layers[layer, SCALE] + column] = along
            row = thread.row
            while row < rows and column < width:
                at = row * width + column
                scale = m.parameters[m.layers[layer, SCALE] + column]
                inverse = m.values[m.layers[layer, INVERSE] + column]
                through, x = share(m, batch, row) * scale, m.values[standard + at]
                m.values[delta + at] = slope_of(scale * m.values[slope + at], inverse, through, summed, along, x)
                row = u(row + threads)
            first = u(first + grid.blocks * threads)

    return normalize_back


def make_normalize_layer_back(program):
    """The gradient in what was normalised over the units."""
    threads, thread_of, real = u(program.tile.threads), make_thread(program.tile), program.real
    zero, one, slope_of = real(0.0), real(1.0), compiled(normalized_slope, real)
    across = make_sums(real, program.tile)[1]

    @device
    def normalize_back(grid, shared, total, m, batch, layer):
        thread = thread_of()
        rows, width, scales = m.batches[batch, ROWS], m.layers[layer, N_OUT], m.layers[layer, SCALE]
        slope, standard, delta = m.layers[layer, SLOPE], m.layers[layer, STANDARD], m.layers[layer, DELTA]
        share = one / real(width)
        first = u(grid.block * threads)
        while first < rows:
            row = u(first + thread.row)
            mine, mine_along = zero, zero
            column = thread.column
            while column < width and row < rows:
                at = row * width + column
                part = m.parameters[scales + column] * m.values[slope + at]
                mine += part
                mine_along += part * m.values[standard + at]
                column = u(column + threads)
            summed, along = across(shared, thread, mine), across(shared, thread, mine_along)
            column = thread.column
            while column < width and row < rows:
                at = row * width + column
                part = m.parameters[scales + column] * m.values[slope + at]
                inverse = m.values[m.layers[layer, INVERSE] + row]
                m.values[delta + at] = slope_of(part, inverse, share, summed, along, m.values[standard + at])
                column = u(column + threads)
            first = u(first + grid.blocks * threads)

    return normalize_back
