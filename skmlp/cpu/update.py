"""The step: penalty, weight decay, clipping and optimiser update in one pass over the parameters, chunk by chunk.

What is summed over parameters is summed within chunks and then over them, so that a sum does not depend on the number
of members, who share the chunks among them.
"""

import numpy as np

from skmlp.cpu.compile import Family, formulas, function
from skmlp.cpu.memory import (
    BATCH,
    BATCH_LOSS,
    BATCH_ROWS,
    BATCH_WEIGHT,
    CHUNKS,
    EPOCH_LOSS,
    EPOCH_ROWS,
    GRADIENT_SCALE,
    KEPT,
    MEMBER,
    MEMBERS,
    N_KEPT,
    N_TALLIES,
    N_TRAINED,
    N_WEIGHTS,
    PARAMETERS,
    RATES,
    SETTINGS,
    SLOTS,
    STEPS,
    TALLY,
    TOTAL,
    UPDATED_FROM,
    vector,
)
from skmlp.formulas import optimisers, penalties
from skmlp.formulas.optimisers import OPTIMISERS, Settings
from skmlp.formulas.penalties import elastic_net, elastic_net_gradient

formulas(optimisers)
formulas(penalties)

CHUNK = 8192  # parameters
assert len(Settings._fields) == 10, "settings_of reads ten"


@function
def n_chunks(memory):
    """Of the parameters that are updated after a batch."""
    return -(-(memory[N_TRAINED] - memory[UPDATED_FROM]) // CHUNK)


@function
def share(memory):
    """The chunks of the parameters that a member works on, from the first to the one after the last."""
    chunks = n_chunks(memory)
    return memory[MEMBER] * chunks // memory[MEMBERS], (memory[MEMBER] + 1) * chunks // memory[MEMBERS]


@function
def chunk_sums(memory, row):
    """The numbers noted for each chunk: its penalty (row 0) or the squared norm of its gradient (row 1)."""
    chunks = n_chunks(memory)
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
    def run(memory, start, w, gradient, n_weights, c, of_weights, of_others, scale):
        m = state_of(memory, 0, start, w.size, real)
        total = scale - scale
        for i in range(w.size):
            l1, l2, shrink = of_weights if i < n_weights else of_others
            total += elastic_net(w[i], l1, l2)
            g = (gradient[i] + elastic_net_gradient(w[i], l1, l2)) * scale
            w[i], m[i] = update(w[i] * shrink, g, m[i], c)
        return total

    return run


def two_slots(update, real):
    """Loop of an update with two state values a parameter; returns the penalty before it."""

    @function
    def run(memory, start, w, gradient, n_weights, c, of_weights, of_others, scale):
        m = state_of(memory, 0, start, w.size, real)
        v = state_of(memory, 1, start, w.size, real)
        total = scale - scale
        for i in range(w.size):
            l1, l2, shrink = of_weights if i < n_weights else of_others
            total += elastic_net(w[i], l1, l2)
            g = (gradient[i] + elastic_net_gradient(w[i], l1, l2)) * scale
            w[i], m[i], v[i] = update(w[i] * shrink, g, m[i], v[i], c)
        return total

    return run


def three_slots(update, real):
    """Loop of an update with three state values a parameter; returns the penalty before it."""

    @function
    def run(memory, start, w, gradient, n_weights, c, of_weights, of_others, scale):
        m = state_of(memory, 0, start, w.size, real)
        v = state_of(memory, 1, start, w.size, real)
        u = state_of(memory, 2, start, w.size, real)
        total = scale - scale
        for i in range(w.size):
            l1, l2, shrink = of_weights if i < n_weights else of_others
            total += elastic_net(w[i], l1, l2)
            g = (gradient[i] + elastic_net_gradient(w[i], l1, l2)) * scale
            w[i], m[i], v[i], u[i] = update(w[i] * shrink, g, m[i], v[i], u[i], c)
        return total

    return run


def squares_loop(name, real):
    """Squared norm of each chunk's gradient, penalty included, for clipping."""

    def run(memory, operation):
        s, squares = settings_of(memory), chunk_sums(memory, 1)
        first, last = share(memory)
        for chunk in range(first, last):
            start = memory[UPDATED_FROM] + chunk * CHUNK
            size = min(CHUNK, memory[N_TRAINED] - start)
            w = vector(memory, PARAMETERS, start, size, real)
            gradient = vector(memory, TOTAL, start, size, real)
            n_weights, total = memory[N_WEIGHTS] - start, 0.0
            for i in range(size):
                g = gradient[i]
                if i < n_weights:
                    g += elastic_net_gradient(w[i], real(s.l1), real(s.l2))
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
    scaled down where they are clipped. Weights alone bear penalty and decay. The parameters at the end, which have no
    place in the gradient, stay as they are.
    """
    optimiser = OPTIMISERS[name]
    prepare, walk = function(optimiser.constants), walker(optimiser, real)

    def run(memory, operation):
        s, penalties = settings_of(memory), chunk_sums(memory, 0)
        kept, rate = vector(memory, KEPT, 0, N_KEPT, np.float64), vector(memory, RATES, memory[BATCH], 1, np.float64)[0]
        kept[STEPS] += 1.0
        c = prepare(kept[STEPS], rate, s, kept)
        constants = real(c[0]), real(c[1]), real(c[2]), real(c[3]), real(c[4]), real(c[5])
        of_weights = real(s.l1), real(s.l2), real(1.0 - rate * s.weight_decay)
        of_others = real(0.0), real(0.0), real(1.0)
        scale = real(vector(memory, TALLY, GRADIENT_SCALE, 1, np.float64)[0])
        first, last = share(memory)
        for chunk in range(first, last):
            start = memory[UPDATED_FROM] + chunk * CHUNK
            size = min(CHUNK, memory[N_TRAINED] - start)
            w = vector(memory, PARAMETERS, start, size, real)
            gradient = vector(memory, TOTAL, start, size, real)
            n_weights = memory[N_WEIGHTS] - start
            penalties[chunk] = walk(memory, start, w, gradient, n_weights, constants, of_weights, of_others, scale)

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
