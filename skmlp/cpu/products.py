"""The products of a layer: by tiles, by loops where there is one output, by the stored values of a sparse X.

In what follows ``x`` is the layer's input (rows, n_in), ``w`` its weights (n_in, n_out), ``delta`` the gradient in its
pre-activations (rows, n_out).
"""

import numpy as np

from skmlp.cpu.compile import Family, function
from skmlp.cpu.loss import shard_rows
from skmlp.cpu.memory import (
    BACK,
    DATA,
    DELTA,
    FIRST,
    GRADIENT,
    INDICES,
    INDPTR,
    N_DATA,
    N_IN,
    N_OUT,
    N_ROWS,
    NOT_FINITE,
    PARAMETERS,
    SOURCE,
    SUMS,
    TOTAL,
    WORK,
    B,
    W,
    X,
    Z,
    matrix,
    pointer,
    vector,
)
from skmlp.cpu.tiles import multiply


@function
def input_of(memory, operation):
    """Where the layer's input begins: in a prediction the first layer's is a part of X."""
    return operation[X] + (memory[FIRST] * operation[N_IN] if operation[SOURCE] == DATA else 0)


@function
def column_sums(values, sums):
    """sums = Σ_rows values."""
    sums[:] = 0
    for i in range(values.shape[0]):
        for j in range(sums.size):
            sums[j] += values[i, j]


def forward(real):
    """z = x @ w + b."""

    def run(memory, operation):
        multiply(
            pointer(memory, operation[SOURCE], input_of(memory, operation), real),
            pointer(memory, PARAMETERS, operation[W], real),
            pointer(memory, PARAMETERS, operation[B], real),
            pointer(memory, WORK, operation[Z], real),
            memory[N_ROWS],
            operation[N_IN],
            operation[N_OUT],
            "forward",
            real,
        )

    return run


def weights(real):
    """Gradient of w: x.T @ delta; and that of b, the column sums of delta."""
    return gradient_product(real, "weights", GRADIENT)


def weights_added(real):
    """As :func:`weights`, added to the batch's: for its shards after the first, where one member does them all."""
    return gradient_product(real, "weights_added", TOTAL)


def gradient_product(real, kind, place):
    """Product of one kind, to a place in memory."""

    def run(memory, operation):
        multiply(
            pointer(memory, WORK, operation[X], real),
            pointer(memory, WORK, operation[DELTA], real),
            pointer(memory, place, operation[B], real) if operation[SUMS] else 0,
            pointer(memory, place, operation[W], real),
            operation[N_IN],
            memory[N_ROWS],
            operation[N_OUT],
            kind,
            real,
        )

    return run


def inputs(real):
    """Gradient of x: delta @ w.T."""

    def run(memory, operation):
        multiply(
            pointer(memory, WORK, operation[DELTA], real),
            pointer(memory, PARAMETERS, operation[W], real),
            0,
            pointer(memory, WORK, operation[BACK], real),
            memory[N_ROWS],
            operation[N_OUT],
            operation[N_IN],
            "inputs",
            real,
        )

    return run


def forward_one(real):
    """As :func:`forward`, for one output, four rows at a time."""

    def run(memory, operation):
        n_rows, n_in = memory[N_ROWS], operation[N_IN]
        x = matrix(memory, operation[SOURCE], input_of(memory, operation), n_rows, n_in, real)
        w, b = vector(memory, PARAMETERS, operation[W], n_in, real), vector(memory, PARAMETERS, operation[B], 1, real)
        z = vector(memory, WORK, operation[Z], n_rows, real)
        for i in range(0, n_rows, 4):
            second, third, fourth = min(i + 1, n_rows - 1), min(i + 2, n_rows - 1), min(i + 3, n_rows - 1)
            total = total_2 = total_3 = total_4 = b[0]
            for p in range(n_in):
                total += x[i, p] * w[p]
                total_2 += x[second, p] * w[p]
                total_3 += x[third, p] * w[p]
                total_4 += x[fourth, p] * w[p]
            z[i], z[second], z[third], z[fourth] = total, total_2, total_3, total_4

    return run


def weights_one(real):
    """As :func:`weights`, for one output."""

    def run(memory, operation):
        n_rows, n_in = memory[N_ROWS], operation[N_IN]
        x = matrix(memory, WORK, operation[X], n_rows, n_in, real)
        delta = vector(memory, WORK, operation[DELTA], n_rows, real)
        gradient = vector(memory, GRADIENT, operation[W], n_in, real)
        gradient[:] = 0
        total = real(0.0)
        for i in range(n_rows):
            factor = delta[i]
            total += factor
            for p in range(n_in):
                gradient[p] += factor * x[i, p]
        vector(memory, GRADIENT, operation[B], 1, real)[0] = total

    return run


def inputs_one(real):
    """As :func:`inputs`, for one output."""

    def run(memory, operation):
        n_rows, n_in = memory[N_ROWS], operation[N_IN]
        w, delta = vector(memory, PARAMETERS, operation[W], n_in, real), vector(
            memory, WORK, operation[DELTA], n_rows, real
        )
        back = matrix(memory, WORK, operation[BACK], n_rows, n_in, real)
        for i in range(n_rows):
            for p in range(n_in):
                back[i, p] = delta[i] * w[p]

    return run


def forward_sparse(real):
    """As :func:`forward`, for rows of a CSR matrix."""

    def run(memory, operation):
        rows, n_in, n_out = shard_rows(memory), operation[N_IN], operation[N_OUT]
        starts = vector(memory, INDPTR, 0, memory[N_DATA] + 1, np.int64)
        w, b = matrix(memory, PARAMETERS, operation[W], n_in, n_out, real), vector(
            memory, PARAMETERS, operation[B], n_out, real
        )
        z = matrix(memory, WORK, operation[Z], rows.size, n_out, real)
        for i in range(rows.size):
            start, stop = starts[rows[i]], starts[rows[i] + 1]
            values = vector(memory, DATA, start, stop - start, real)
            columns = vector(memory, INDICES, start, stop - start, np.int64)
            for j in range(n_out):
                z[i, j] = b[j]
            for k in range(values.size):
                value, column = values[k], columns[k]
                for j in range(n_out):
                    z[i, j] += value * w[column, j]

    return run


def weights_sparse(real):
    """As :func:`weights`, for rows of a CSR matrix."""

    def run(memory, operation):
        rows, n_in, n_out = shard_rows(memory), operation[N_IN], operation[N_OUT]
        starts = vector(memory, INDPTR, 0, memory[N_DATA] + 1, np.int64)
        delta = matrix(memory, WORK, operation[DELTA], rows.size, n_out, real)
        gradient = matrix(memory, GRADIENT, operation[W], n_in, n_out, real)
        if operation[SUMS]:
            column_sums(delta, vector(memory, GRADIENT, operation[B], n_out, real))
        gradient[:] = 0
        for i in range(rows.size):
            start, stop = starts[rows[i]], starts[rows[i] + 1]
            values = vector(memory, DATA, start, stop - start, real)
            columns = vector(memory, INDICES, start, stop - start, np.int64)
            for k in range(values.size):
                value, column = values[k], columns[k]
                for j in range(n_out):
                    gradient[column, j] += value * delta[i, j]

    return run


def gather(real):
    """The rows of a dense X that the shard has, side by side."""

    def run(memory, operation):
        rows, n_in = shard_rows(memory), operation[N_IN]
        data = matrix(memory, DATA, 0, memory[N_DATA], n_in, real)
        x = matrix(memory, WORK, operation[X], rows.size, n_in, real)
        for i in range(rows.size):
            row = rows[i]
            for p in range(n_in):
                x[i, p] = data[row, p]

    return run


def look(real):
    """Note whether the rows at hand of a dense X hold NaN or infinity, whose product with 0 is no number."""

    def run(memory, operation):
        x = vector(memory, DATA, input_of(memory, operation), memory[N_ROWS] * operation[N_IN], real)
        total = real(0.0)
        for i in range(x.size):
            total += x[i] * real(0.0)
        if total != total:
            memory[NOT_FINITE] = 1

    return run


OPERATIONS = (
    *(forward, weights, weights_added, inputs, forward_one, weights_one, inputs_one),
    *(forward_sparse, weights_sparse, gather, look),
)
PRODUCTS = {each.__name__: each for each in OPERATIONS}


def product_loop(name, real):
    """Loop of a product by its name."""
    return PRODUCTS[name](real)


product_loops = Family(product_loop)
