"""The step: penalty, weight decay, clipping and optimiser update in one pass over the parameters, chunk by chunk.

A chunk is part of one segment of the parameter vector, whose parameters have the same factor of the learning rate, and
bear penalty and decay or do not. What is summed over parameters is summed within chunks and then over them, so that a
sum does not depend on the number of members, who share the chunks among them.
"""

import numpy as np

from skmlp.cpu import memory as places
from skmlp.cpu.compile import Family, formulas, function
from skmlp.cpu.memory import (
    BATCH,
    BATCH_LOSS,
    BATCH_ROWS,
    BATCH_WEIGHT,
    CHUNK_BOUNDS,
    CHUNK_FACTORS,
    CHUNKS,
    EPOCH_LOSS,
    EPOCH_ROWS,
    GRADIENT_SCALE,
    KEPT,
    MEMBER,
    MEMBERS,
    N_CHUNKS,
    N_TALLIES,
    N_TRAINED,
    PARAMETERS,
    RATES,
    SETTINGS,
    SLOTS,
    TALLY,
    TOTAL,
    matrix,
    vector,
)
from skmlp.formulas import optimisers, penalties
from skmlp.formulas.optimisers import N_KEPT, OPTIMISERS, STEPS, Settings
from skmlp.formulas.penalties import elastic_net, elastic_net_gradient

formulas(optimisers)
formulas(penalties)

CHUNK = 8192  # parameters
START, STOP, PENALISED, N_BOUNDS = range(4)  # columns of CHUNK_BOUNDS
assert len(Settings._fields) == 10, "settings_of reads ten"


def chunk_contents(segments, first=0):
    """What a memory holds of the chunks in which parameters from ``first`` on are updated, by its place.

    ``segments`` is a sequence of (start, stop, penalised, factor of the learning rate); a chunk is part of one.
    """
    bounds, factors = [], []
    for start, stop, penalised, factor in segments:
        for begin in range(max(start, first), stop, CHUNK):
            bounds.append((begin, min(begin + CHUNK, stop), penalised))
            factors.append(factor)
    return {
        places.CHUNK_BOUNDS: np.array(bounds, dtype=np.int64).reshape(-1, N_BOUNDS),
        places.CHUNK_FACTORS: np.array(factors, dtype=np.float64),
        places.CHUNKS: np.zeros(2 * len(bounds)),
        places.N_CHUNKS: len(bounds),
    }


@function
def share(memory):
    """The chunks of the parameters that a member works on, from the first to the one after the last."""
    chunks = memory[N_CHUNKS]
    return memory[MEMBER] * chunks // memory[MEMBERS], (memory[MEMBER] + 1) * chunks // memory[MEMBERS]


@function
def chunk_bounds(memory):
    """Of each chunk where it begins and ends, and whether it bears penalty and decay."""
    return matrix(memory, CHUNK_BOUNDS, 0, memory[N_CHUNKS], N_BOUNDS, np.int64)


@function
def chunk_sums(memory, row):
    """The numbers noted for each chunk: its penalty (row 0) or the squared norm of its gradient (row 1)."""
    chunks = memory[N_CHUNKS]
    return vector(memory, CHUNKS, row * chunks, chunks, np.float64)


@function
def settings_of(memory):
    """Hyperparameters of the optimiser."""
    s = vector(memory, SETTINGS, 0, 10, np.float64)
    return Settings(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8], s[9])


@function
def state_of(memory, slot, start, size, real):
    """State values of some parameters."""
    return vector(memory, SLOTS, slot * memory[N_TRAINED] + start, size, real)


def one_slot(update, real):
    """Loop of an update with one state value a parameter; returns the penalty before it."""

    @function
    def run(memory, start, w, gradient, c, terms, scale):
        m = state_of(memory, 0, start, w.size, real)
        l1, l2, shrink = terms
        total = scale - scale
        for i in range(w.size):
            total += elastic_net(w[i], l1, l2)
            g = (gradient[i] + elastic_net_gradient(w[i], l1, l2)) * scale
            w[i], m[i] = update(w[i] * shrink, g, m[i], c)
        return total

    return run


def two_slots(update, real):
    """Loop of an update with two state values a parameter; returns the penalty before it."""

    @function
    def run(memory, start, w, gradient, c, terms, scale):
        m = state_of(memory, 0, start, w.size, real)
        v = state_of(memory, 1, start, w.size, real)
        l1, l2, shrink = terms
        total = scale - scale
        for i in range(w.size):
            total += elastic_net(w[i], l1, l2)
            g = (gradient[i] + elastic_net_gradient(w[i], l1, l2)) * scale
            w[i], m[i], v[i] = update(w[i] * shrink, g, m[i], v[i], c)
        return total

    return run


def three_slots(update, real):
    """Loop of an update with three state values a parameter; returns the penalty before it."""

    @function
    def run(memory, start, w, gradient, c, terms, scale):
        m = state_of(memory, 0, start, w.size, real)
        v = state_of(memory, 1, start, w.size, real)
        u = state_of(memory, 2, start, w.size, real)
        l1, l2, shrink = terms
        total = scale - scale
        for i in range(w.size):
            total += elastic_net(w[i], l1, l2)
            g = (gradient[i] + elastic_net_gradient(w[i], l1, l2)) * scale
            w[i], m[i], v[i], u[i] = update(w[i] * shrink, g, m[i], v[i], u[i], c)
        return total

    return run


def squares_loop(name, real):
    """Squared norm of each chunk's gradient, penalty included, for clipping."""

    def run(memory, operation):
        s, squares, bounds = settings_of(memory), chunk_sums(memory, 1), chunk_bounds(memory)
        first, last = share(memory)
        for chunk in range(first, last):
            start, size = bounds[chunk, START], bounds[chunk, STOP] - bounds[chunk, START]
            w = vector(memory, PARAMETERS, start, size, real)
            gradient = vector(memory, TOTAL, start, size, real)
            l1, l2 = (real(s.l1), real(s.l2)) if bounds[chunk, PENALISED] else (real(0.0), real(0.0))
            total = 0.0
            for i in range(size):
                g = gradient[i] + elastic_net_gradient(w[i], l1, l2)
                total += g * g
            squares[chunk] = total

    return run


def clip_loop(name, real):
    """Scale the gradient of the batch down to ``clip_norm``, from the squared norms of all chunks."""

    def run(memory, operation):
        s, tally = settings_of(memory), vector(memory, TALLY, 0, N_TALLIES, np.float64)
        squares, total = chunk_sums(memory, 1), 0.0
        for chunk in range(squares.size):
            total += squares[chunk]
        norm = total**0.5 * tally[GRADIENT_SCALE]
        if norm > s.clip_norm:
            tally[GRADIENT_SCALE] *= s.clip_norm / norm

    return run


def walker(optimiser, real):
    """Loop of an optimiser's update over some parameters."""
    return {1: one_slot, 2: two_slots, 3: three_slots}[optimiser.slots](optimiser.update, real)


def update_loop(name, real):
    """One step of an optimiser on a member's chunks; notes their penalties before it, not divided by the weight.

    The gradient is summed over the rows of the batch; it and the penalty's are divided by the batch's weight, and
    scaled down where they are clipped. Weights alone bear penalty and decay. A chunk's factor is one of the learning
    rate, not of the decay. What is in no chunk stays as it is.
    """
    optimiser = OPTIMISERS[name]
    prepare, walk = function(optimiser.constants), walker(optimiser, real)

    @function
    def constants(memory, factor):
        kept, rate = vector(memory, KEPT, 0, N_KEPT, np.float64), vector(memory, RATES, memory[BATCH], 1, np.float64)[0]
        c = prepare(kept[STEPS], rate * factor, settings_of(memory), kept)
        return real(c[0]), real(c[1]), real(c[2]), real(c[3]), real(c[4]), real(c[5])

    def run(memory, operation):
        s, penalties, bounds = settings_of(memory), chunk_sums(memory, 0), chunk_bounds(memory)
        factors = vector(memory, CHUNK_FACTORS, 0, memory[N_CHUNKS], np.float64)
        kept, rate = vector(memory, KEPT, 0, N_KEPT, np.float64), vector(memory, RATES, memory[BATCH], 1, np.float64)[0]
        of_weights = real(s.l1), real(s.l2), real(1.0 - rate * s.weight_decay)
        of_others = real(0.0), real(0.0), real(1.0)
        scale = real(vector(memory, TALLY, GRADIENT_SCALE, 1, np.float64)[0])
        kept[STEPS] += 1.0
        before, before_2, factor = kept[0], kept[1], 1.0
        c = constants(memory, factor)
        first, last = share(memory)
        for chunk in range(first, last):
            if factors[chunk] != factor:
                factor, kept[0], kept[1] = factors[chunk], before, before_2  # once a step, whatever the factors
                c = constants(memory, factor)
            start, size = bounds[chunk, START], bounds[chunk, STOP] - bounds[chunk, START]
            w = vector(memory, PARAMETERS, start, size, real)
            gradient = vector(memory, TOTAL, start, size, real)
            terms = of_weights if bounds[chunk, PENALISED] else of_others
            penalties[chunk] = walk(memory, start, w, gradient, c, terms, scale)

    return run


def count_loop(name, real):
    """Count a batch in: its mean loss, penalty included, times its rows; the first member does it."""

    def run(memory, operation):
        if memory[MEMBER] == 0:
            tally = vector(memory, TALLY, 0, N_TALLIES, np.float64)
            penalties, penalty = chunk_sums(memory, 0), 0.0
            for chunk in range(penalties.size):
                penalty += penalties[chunk]
            tally[EPOCH_LOSS] += (tally[BATCH_LOSS] + penalty) / tally[BATCH_WEIGHT] * memory[BATCH_ROWS]
            tally[EPOCH_ROWS] += memory[BATCH_ROWS]

    return run


squares_loops, clip_loops = Family(squares_loop), Family(clip_loop)
update_loops, count_loops = Family(update_loop), Family(count_loop)
