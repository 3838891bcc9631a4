"""The step: penalty, weight decay, clipping and optimiser update; and learned scales of the features around it."""

from math import sqrt

import numpy as np

from skmlp.cuda.compile import compiled
from skmlp.cuda.driver import device
from skmlp.cuda.memory import (
    CLIP_NORM,
    CONSTANTS,
    FACTOR,
    FEATURES,
    KIND,
    L1,
    L2,
    N_CONSTANTS,
    N_IN,
    N_OUT,
    PENALISED,
    RAW,
    SCALE_OF_BATCH,
    SHRINK,
    START,
    STEPPED,
    STOP,
    W,
)
from skmlp.cuda.sums import make_sums
from skmlp.cuda.tiles import make_thread
from skmlp.formulas.penalties import elastic_net, elastic_net_gradient

u = np.uint32
PER_THREAD = 4  # parameters of a chunk, which is worked on by one block


def chunks(segments, factors, tile):
    """The table of chunks: parts of segments, each with the place of its rate among the ``factors``."""
    size = PER_THREAD * tile.threads**2
    rows = [
        (begin, min(begin + size, stop), penalised, factors.index(factor))
        for start, stop, penalised, factor in segments
        for begin in range(start, stop, size)
    ]
    return np.array(rows, dtype=np.uint32).reshape(-1, 4)


def make_summed(program):
    """Function that adds up the gradient of a parameter over the slices of the batch."""
    zero = program.real(0.0)

    @device
    def summed(m, place):
        total = zero
        for k in range(m.gradient.shape[0]):
            total += m.gradient[k, place]
        return total

    return summed


def make_squares(program):
    """The squared norm of the gradient, penalty included, for clipping: a sum a block."""
    thread_of, threads, zero = make_thread(program.tile), u(program.tile.threads**2), program.real(0.0)
    summed, everywhere = make_summed(program), make_sums(program.real, program.tile)[2]
    slope = compiled(elastic_net_gradient, program.real)

    @device
    def squares(grid, shared, total, m, batch, layer):
        thread, mine = thread_of(), zero
        chunk = grid.block
        while chunk < m.chunks.shape[0]:
            penalised = m.chunks[chunk, PENALISED] > 0
            l1, l2 = (m.settings[L1], m.settings[L2]) if penalised else (zero, zero)
            place = u(m.chunks[chunk, START] + thread.number)
            while place < m.chunks[chunk, STOP]:
                g = summed(m, place) + slope(m.parameters[place], l1, l2)
                mine += g * g
                place = u(place + threads)
            chunk = u(chunk + grid.blocks)
        norm = everywhere(shared, thread, mine)
        if thread.number == 0:
            m.squares[grid.block] = norm

    return squares


def make_scale(program):
    """Function that gives what the gradient of a batch is multiplied by: 1 over its weight, less if it is clipped."""
    zero = program.real(0.0)

    @device
    def scale_of(grid, m, batch):
        scale = m.steps[batch, SCALE_OF_BATCH]
        if m.settings[CLIP_NORM] > zero:
            total = zero
            for k in range(grid.blocks):
                total += m.squares[k]
            norm = sqrt(total) * scale
            if norm > m.settings[CLIP_NORM]:
                scale *= m.settings[CLIP_NORM] / norm
        return scale

    return scale_of


def make_step(program):
    """Function that gives a parameter after a step, and changes its state values."""
    update = program.update

    @device
    def one(m, place, w, g, c):
        w, m.slots[0, place] = update(w, g, m.slots[0, place], c)
        return w

    @device
    def two(m, place, w, g, c):
        w, m.slots[0, place], m.slots[1, place] = update(w, g, m.slots[0, place], m.slots[1, place], c)
        return w

    @device
    def three(m, place, w, g, c):
        w, m.slots[0, place], m.slots[1, place], m.slots[2, place] = update(
            w, g, m.slots[0, place], m.slots[1, place], m.slots[2, place], c
        )
        return w

    return {1: one, 2: two, 3: three}[program.slots]


def make_update(program):
    """A step on all chunks, and the penalty before it: a sum a block."""
    real = program.real
    thread_of, threads, zero, one = make_thread(program.tile), u(program.tile.threads**2), real(0.0), real(1.0)
    summed, scale_of, step = make_summed(program), make_scale(program), make_step(program)
    penalty, slope = compiled(elastic_net, real), compiled(elastic_net_gradient, real)
    everywhere = make_sums(real, program.tile)[2]

    @device
    def constants(m, batch, factor):
        s, at = m.steps, CONSTANTS + np.int64(factor) * N_CONSTANTS
        return s[batch, at], s[batch, at + 1], s[batch, at + 2], s[batch, at + 3], s[batch, at + 4], s[batch, at + 5]

    @device
    def update(grid, shared, total, m, batch, layer):
        thread, mine = thread_of(), zero
        if m.batches[batch, KIND] & STEPPED > 0:
            scale = scale_of(grid, m, batch)
            chunk = grid.block
            while chunk < m.chunks.shape[0]:
                penalised = m.chunks[chunk, PENALISED] > 0
                l1, l2 = (m.settings[L1], m.settings[L2]) if penalised else (zero, zero)
                shrink = m.steps[batch, SHRINK] if penalised else one
                c = constants(m, batch, m.chunks[chunk, FACTOR])
                place = u(m.chunks[chunk, START] + thread.number)
                while place < m.chunks[chunk, STOP]:
                    w = m.parameters[place]
                    mine += penalty(w, l1, l2)
                    g = (summed(m, place) + slope(w, l1, l2)) * scale
                    m.parameters[place] = step(m, place, w * shrink, g, c)
                    place = u(place + threads)
                chunk = u(chunk + grid.blocks)
        all_of_block = everywhere(shared, thread, mine)
        if thread.number == 0:
            m.penalties[batch % m.penalties.shape[0], grid.block] = all_of_block

    return update


def make_features_back(program):
    """Learned scales s of the features, w = s v: before the step the gradient in w becomes those in s and v.

    They are written to the first slice; the others hold nothing.
    """
    thread_of, threads, zero = make_thread(program.tile), u(program.tile.threads**2), program.real(0.0)
    summed, everywhere = make_summed(program), make_sums(program.real, program.tile)[2]

    @device
    def features_back(grid, shared, total, m, batch, layer):
        thread, n_in, n_out = thread_of(), m.layers[0, N_IN], m.layers[0, N_OUT]
        feature = grid.block
        while feature < n_in:
            scale, mine = m.parameters[m.layers[0, FEATURES] + feature], zero
            column = thread.number
            while column < n_out:
                place = feature * n_out + column
                g = summed(m, m.layers[0, W] + place)
                mine += m.parameters[m.layers[0, RAW] + place] * g
                m.gradient[0, m.layers[0, RAW] + place] = scale * g
                column = u(column + threads)
            along = everywhere(shared, thread, mine)
            if thread.number == 0:
                m.gradient[0, m.layers[0, FEATURES] + feature] = along
            feature = u(feature + grid.blocks)

    return features_back


def make_features_forward(program):
    """After the step w = s v is worked out anew."""
    thread_of, threads = make_thread(program.tile), u(program.tile.threads**2)

    @device
    def features_forward(grid, shared, total, m, batch, layer):
        n_out = m.layers[0, N_OUT]
        size = m.layers[0, N_IN] * n_out
        place = u(grid.block * threads + thread_of().number)
        while place < size:
            scale = m.parameters[m.layers[0, FEATURES] + place // n_out]
            m.parameters[m.layers[0, W] + place] = scale * m.parameters[m.layers[0, RAW] + place]
            place = u(place + grid.blocks * threads)

    return features_forward
