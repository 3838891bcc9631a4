"""Loss of raw outputs, with its gradient."""

import numpy as np

from skmlp.cpu.compile import Family, formulas, function
from skmlp.cpu.custom import kernel_formula
from skmlp.cpu.memory import (
    DELTA,
    FIRST,
    LEVELS,
    LOSSES,
    MEMBER,
    N_DATA,
    N_LEVELS,
    N_OUT,
    N_ROWS,
    N_TARGETS,
    ORDER,
    SETTINGS,
    TARGETS,
    WEIGHTED,
    WEIGHTS,
    WORK,
    Z,
    matrix,
    padded,
    vector,
)
from skmlp.formulas import losses
from skmlp.formulas.losses import LOSSES as FORMULAS
from skmlp.formulas.losses import LossSettings, settings_at
from skmlp.formulas.optimisers import Settings

formulas(losses)

OF_LOSS = len(Settings._fields)  # where in SETTINGS the parameters of the loss begin
N_OF_LOSS = len(LossSettings._fields)


@function
def row_weights(memory, real):
    """Weights of all rows of the data; empty where none were given."""
    return vector(memory, WEIGHTS, 0, memory[N_DATA] if memory[WEIGHTED] else 0, real)


@function
def row_weight(weights, row):
    """Weight of a row, 1 where there are none."""
    return weights[row] if weights.size > 0 else weights.dtype.type(1.0)


@function
def shard_rows(memory):
    """Which rows of the data the shard at hand has."""
    return vector(memory, ORDER, memory[FIRST], memory[N_ROWS], np.int64)


@function
def loss_settings(memory, real):
    """In the type of the arrays: as float64 they would promote what they meet."""
    return settings_at(vector(memory, SETTINGS, OF_LOSS, N_OF_LOSS, np.float64), 0, real)


def loss_loop(name, real):
    """Loop of one loss over the rows of a shard: notes Σ weight · loss and fills ``delta`` with its gradient in z."""
    formula = kernel_formula(FORMULAS, name)
    value, gradient, by_row = formula.value, formula.gradient, formula.row

    def elementwise(memory, operation):
        rows, s = shard_rows(memory), loss_settings(memory, real)
        outputs, weights = operation[N_OUT], row_weights(memory, real)
        targets = matrix(memory, TARGETS, 0, memory[N_DATA], memory[N_TARGETS], real)
        taken = matrix(memory, WORK, operation[DELTA], rows.size, outputs, real)
        for i in range(rows.size):
            for j in range(outputs):
                taken[i, j] = targets[rows[i], j]
        size = rows.size * outputs
        z = vector(memory, WORK, operation[Z], padded(size), real)
        delta = vector(memory, WORK, operation[DELTA], padded(size), real)
        total = real(0.0)
        if weights.size == 0:
            for i in range(z.size):
                y = delta[i]
                total += value(z[i], y, s) if i < size else real(0.0)
                delta[i] = gradient(z[i], y, s)
        else:
            for i in range(rows.size):
                weight = weights[rows[i]]
                for k in range(i * outputs, (i + 1) * outputs):
                    y = delta[k]
                    total += weight * value(z[k], y, s)
                    delta[k] = weight * gradient(z[k], y, s)
        vector(memory, LOSSES, memory[MEMBER], 1, np.float64)[0] = total

    def over_rows(memory, operation):
        rows, s = shard_rows(memory), loss_settings(memory, real)
        weights, levels = row_weights(memory, real), vector(memory, LEVELS, 0, memory[N_LEVELS], real)
        targets = matrix(memory, TARGETS, 0, memory[N_DATA], memory[N_TARGETS], real)
        z = matrix(memory, WORK, operation[Z], rows.size, operation[N_OUT], real)
        delta = matrix(memory, WORK, operation[DELTA], rows.size, operation[N_OUT], real)
        total = 0.0
        for i in range(rows.size):
            weight, slope = row_weight(weights, rows[i]), delta[i]
            total += weight * by_row(z[i], targets[rows[i]], levels, s, slope)
            for j in range(slope.size):
                slope[j] *= weight
        vector(memory, LOSSES, memory[MEMBER], 1, np.float64)[0] = total

    return elementwise if by_row is None else over_rows


loss_loops = Family(loss_loop)
