"""First layers of sparse data, column by column: weights of columns that a batch does not fill are left alone.

The weights of a column get a gradient of 0 wherever no row of the batch fills it. Where the optimiser says what steps
with such gradients come to (``rest``, :mod:`skmlp.formulas.optimisers`), a column is brought up to date when the next
batch fills it, and all are at the end of an epoch, or after some hundred steps. For that the entries of a batch are put
in the order of their columns. A penalty, decay or clipping would move, or depend on, all weights in every step.
"""

import numpy as np

from skmlp.cpu.compile import Family, function
from skmlp.cpu.loss import shard_rows
from skmlp.cpu.memory import (
    BATCH,
    COLUMN_PLACES,
    COLUMNS,
    DATA,
    DELTA,
    DONE,
    ENTRIES,
    ENTRY_ROWS,
    GRADIENT,
    GRADIENT_SCALE,
    INDICES,
    INDPTR,
    KEPT,
    LANES,
    N_COLUMNS,
    N_DATA,
    N_IN,
    N_OUT,
    N_ROWS,
    PARAMETERS,
    RATES,
    RESTS,
    SKIPPED,
    SLOTS,
    STARTS,
    SUMS,
    TALLY,
    WORK,
    B,
    Z,
    matrix,
    pointer,
    vector,
)
from skmlp.cpu.products import column_sums
from skmlp.cpu.update import settings_of, state_of, walker
from skmlp.cpu.vectors import fetch
from skmlp.formulas.optimisers import N_KEPT, OPTIMISERS, STEPS

AHEAD = 6  # columns between the one at hand and the one to be fetched
LONGEST_REST = 1000  # steps after which all columns are brought up to date


def can_rest(solver, settings):
    """Whether an optimiser may leave weights alone whose gradient is 0."""
    moves_all = (settings.l1, settings.l2, settings.weight_decay, settings.clip_norm)
    return OPTIMISERS[solver].rest is not None and not any(moves_all)


def rests(solver, settings):
    """Factors of all rests, (steps, 2)."""
    constants = OPTIMISERS[solver].rest_constants
    return np.array([constants(float(steps), settings) for steps in range(LONGEST_REST + 1)])


def sort_loop(name, real):
    """Put the entries of the shard in the order of their columns, these in the order in which they are met."""

    def run(memory, operation):
        rows, n_in = shard_rows(memory), operation[N_IN]
        indptr = vector(memory, INDPTR, 0, memory[N_DATA] + 1, np.int64)
        places = vector(memory, COLUMN_PLACES, 0, n_in, np.int64)
        room = min(n_in, count_entries(indptr, rows))
        columns = vector(memory, COLUMNS, 0, room, np.int64)
        starts = vector(memory, STARTS, 0, room + 2, np.int64)
        found = 0
        for i in range(rows.size):
            start = indptr[rows[i]]
            indices = vector(memory, INDICES, start, indptr[rows[i] + 1] - start, np.int64)
            for k in range(indices.size):
                column = indices[k]
                place = places[column]
                if place >= found or columns[place] != column:
                    place, found = found, found + 1
                    places[column], columns[place], starts[place + 2] = place, column, 0
                starts[place + 2] += 1
        starts[0] = starts[1] = 0
        for place in range(found):
            starts[place + 2] += starts[place + 1]
        entry_rows = vector(memory, ENTRY_ROWS, 0, starts[found + 1], np.int64)
        entries = vector(memory, ENTRIES, 0, starts[found + 1], real)
        for i in range(rows.size):
            start = indptr[rows[i]]
            size = indptr[rows[i] + 1] - start
            indices, values = vector(memory, INDICES, start, size, np.int64), vector(memory, DATA, start, size, real)
            for k in range(size):
                place = places[indices[k]] + 1
                entry_rows[starts[place]], entries[starts[place]] = i, values[k]
                starts[place] += 1
        memory[N_COLUMNS] = found

    return run


@function
def count_entries(indptr, rows):
    """Stored values of some rows."""
    total = 0
    for i in range(rows.size):
        total += indptr[rows[i] + 1] - indptr[rows[i]]
    return total


def rest_one(rest, real):
    """Loop of a rest with one state value a parameter."""

    @function
    def run(memory, start, w, constants):
        m = state_of(memory, 0, start, w.size, real)
        for i in range(w.size):
            w[i], m[i] = rest(w[i], m[i], constants)

    return run


def rest_two(rest, real):
    """Loop of a rest with two state values a parameter."""

    @function
    def run(memory, start, w, constants):
        m, v = state_of(memory, 0, start, w.size, real), state_of(memory, 1, start, w.size, real)
        for i in range(w.size):
            w[i], m[i], v[i] = rest(w[i], m[i], v[i], constants)

    return run


def bring_up(name, real):
    """Function that brings the weights of one column up to date."""
    optimiser = OPTIMISERS[name]
    walk = {1: rest_one, 2: rest_two}[optimiser.slots](optimiser.rest, real)

    @function
    def run(memory, column, n_out, now):
        done = vector(memory, DONE, 0, column + 1, np.int64)
        if done[column] < now:
            constants = vector(memory, RESTS, 2 * (now - done[column]), 2, np.float64)
            start = column * n_out
            w = vector(memory, PARAMETERS, start, n_out, real)
            walk(memory, start, w, (real(constants[0]), real(constants[1])))
            done[column] = now

    return run


def forward_loop(name, real):
    """z = x @ w + b, w brought up to date; the entries of a row are added in the order of the batch's columns."""
    update = bring_up(name, real)

    def run(memory, operation):
        n_rows, n_out = memory[N_ROWS], operation[N_OUT]
        now = int(vector(memory, KEPT, STEPS, 1, np.float64)[0])
        z = matrix(memory, WORK, operation[Z], n_rows, n_out, real)
        b = vector(memory, PARAMETERS, operation[B], n_out, real)
        for i in range(n_rows):
            for j in range(n_out):
                z[i, j] = b[j]
        columns, starts, rows, values = sorted_entries(memory, real)
        for place in range(columns.size):
            fetch_ahead(memory, columns, place, n_out, real)
            column = columns[place]
            update(memory, column, n_out, now)
            w = vector(memory, PARAMETERS, column * n_out, n_out, real)
            for k in range(starts[place], starts[place + 1]):
                value, row = values[k], z[rows[k]]
                for j in range(n_out):
                    row[j] += value * w[j]

    return run


@function
def fetch_ahead(memory, columns, place, n_out, real):
    """Let the weights of a column that comes soon, and their first state values, be fetched into the cache."""
    if place + AHEAD < columns.size:
        start = columns[place + AHEAD] * n_out
        for first in range(0, n_out, LANES // 2):  # a cache line of float64, half a one of float32
            fetch(pointer(memory, PARAMETERS, start + first, real))
            fetch(pointer(memory, SLOTS, start + first, real))


@function
def sorted_entries(memory, real):
    """Columns of the batch, where the entries of each begin, and the row and value of each entry."""
    found = memory[N_COLUMNS]
    columns, starts = vector(memory, COLUMNS, 0, found, np.int64), vector(memory, STARTS, 0, found + 1, np.int64)
    size = starts[found]
    return columns, starts, vector(memory, ENTRY_ROWS, 0, size, np.int64), vector(memory, ENTRIES, 0, size, real)


def step_loop(name, real):
    """Gradient of the weights of the batch's columns, x.T @ delta, and their step; gradient of b."""
    optimiser = OPTIMISERS[name]
    prepare, walk = function(optimiser.constants), walker(optimiser, real)

    def run(memory, operation):
        n_rows, n_out = memory[N_ROWS], operation[N_OUT]
        delta = matrix(memory, WORK, operation[DELTA], n_rows, n_out, real)
        if operation[SUMS]:
            column_sums(delta, vector(memory, GRADIENT, operation[B], n_out, real))
        if memory[SKIPPED]:
            return
        kept, rate = vector(memory, KEPT, 0, N_KEPT, np.float64), vector(memory, RATES, memory[BATCH], 1, np.float64)[0]
        now = int(kept[STEPS])
        c = prepare(kept[STEPS] + 1.0, rate, settings_of(memory), kept)
        constants = real(c[0]), real(c[1]), real(c[2]), real(c[3]), real(c[4]), real(c[5])
        terms = real(0.0), real(0.0), real(1.0)  # no penalty, no decay
        scale = real(vector(memory, TALLY, GRADIENT_SCALE, 1, np.float64)[0])
        gradient = vector(memory, GRADIENT, 0, n_out, real)
        columns, starts, rows, values = sorted_entries(memory, real)
        done = vector(memory, DONE, 0, operation[N_IN], np.int64)
        for number in range(columns.size):
            place = columns.size - 1 - number  # the last ones are still in the cache
            gradient[:] = 0
            for k in range(starts[place], starts[place + 1]):
                value, row = values[k], delta[rows[k]]
                for j in range(n_out):
                    gradient[j] += value * row[j]
            start = columns[place] * n_out
            w = vector(memory, PARAMETERS, start, n_out, real)
            walk(memory, start, w, gradient, constants, terms, scale)
            done[columns[place]] = now + 1

    return run


def settle_loop(name, real):
    """Bring the weights of all columns up to date."""
    update = bring_up(name, real)

    def run(memory, operation):
        now = int(vector(memory, KEPT, STEPS, 1, np.float64)[0])
        for column in range(operation[N_IN]):
            update(memory, column, operation[N_OUT], now)

    return run


sort_loops, settle_loops = Family(sort_loop), Family(settle_loop)
forward_loops, step_loops = Family(forward_loop), Family(step_loop)
