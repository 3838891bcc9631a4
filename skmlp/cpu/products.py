"""Matrix products of a layer: by tiles, by BLAS where they are too deep for that, by loops for the narrowest.

All arrays are C-contiguous; ``x`` is (rows, n_in), ``weights`` (n_in, n_out), ``delta`` (rows, n_out). ``tiles`` is
the address of the tiled product, 0 where there is none for the shape; ``none`` is an empty row. The first layer may be
sparse.
"""

import numpy as np
from numba import types
from numba.core import config

from skmlp.cpu.compile import by_type, function, inlined
from skmlp.cpu.tiles import DEPTH, lanes, product, product_loops
from skmlp.cpu.views import matrix

SMALL = 16_384
"""Multiplications below which a loop here takes less time than a call of BLAS."""
FEW, WIDE = 65_536, 128
"""Multiplications up to which, and columns from which on, tiles take less time than BLAS for a gradient of weights."""


def tile_addresses(layout, dtype):
    """Addresses of the tiled products of each layer: forward, of the weights' gradient, of the inputs' gradient."""
    addresses = np.zeros((len(layout.shapes), 3), dtype=np.int64)
    for layer, (n_in, n_out) in enumerate(layout.shapes):
        depths_and_columns = {"forward": (n_in, n_out), "weights": (1, n_out), "inputs": (n_out, n_in)}
        for place, (kind, (depth, columns)) in enumerate(depths_and_columns.items()):
            if depth <= DEPTH and lanes(columns, dtype) and not config.DISABLE_JIT:
                addresses[layer, place] = product_loops.address(f"{kind}_{lanes(columns, dtype)}", dtype)
    return addresses


def needs_blas(rows, layout, dtype):
    """Whether a product of ``rows`` rows with a layer's weights goes to BLAS."""
    return any(
        rows * n_in * n_out > SMALL and (n_in > DEPTH or not lanes(n_out, dtype)) for n_in, n_out in layout.shapes
    )


@inlined
def add_bias(bias, z):
    """z += bias."""
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            z[i, j] += bias[j]


@function
def forward_product(x, weights, bias, z, tiles):
    """z = x @ weights + bias."""
    if tiles != 0:
        product(tiles, x, weights, bias, z)
        return
    n_in, n_out = weights.shape
    if x.shape[0] * n_in * n_out > SMALL:
        np.dot(x, weights, z)
        add_bias(bias, z)
        return
    for i in range(x.shape[0]):
        if n_out == 1:
            total = bias[0]
            for p in range(n_in):
                total += x[i, p] * weights[p, 0]
            z[i, 0] = total
        else:
            for j in range(n_out):
                z[i, j] = bias[j]
            for p in range(n_in):
                factor = x[i, p]
                for j in range(n_out):
                    z[i, j] += factor * weights[p, j]


@function
def column_sums(values, sums):
    """sums = Σ_rows values, unless it is empty."""
    sums[:] = 0
    for i in range(values.shape[0]):
        for j in range(sums.size):
            sums[j] += values[i, j]


@function
def weight_gradient(x, delta, gradient, sums, tiles):
    """gradient = x.T @ delta, and sums = Σ_rows delta unless it is empty."""
    n_in, n_out = gradient.shape
    few = x.shape[0] * n_in * n_out <= FEW
    if tiles != 0 and x.shape[0] <= DEPTH and (few or n_out >= WIDE):
        product(tiles, x, delta, sums, gradient)
        return
    column_sums(delta, sums)
    if x.shape[0] * n_in * n_out > SMALL:
        np.dot(x.T, delta, gradient)
        return
    gradient[:] = 0
    for i in range(x.shape[0]):
        if n_out == 1:
            factor = delta[i, 0]
            for p in range(n_in):
                gradient[p, 0] += factor * x[i, p]
        else:
            for p in range(n_in):
                factor = x[i, p]
                for j in range(n_out):
                    gradient[p, j] += factor * delta[i, j]


@function
def input_gradient(delta, weights, back, none, tiles):
    """back = delta @ weights.T."""
    n_in, n_out = weights.shape
    if tiles != 0 and n_out > 1:
        product(tiles, delta, weights, none, back)
        return
    if delta.shape[0] * n_in * n_out > SMALL:
        np.dot(delta, weights.T, back)
        return
    for i in range(delta.shape[0]):
        if n_out == 1:
            factor = delta[i, 0]
            for p in range(n_in):
                back[i, p] = factor * weights[p, 0]
        else:
            for p in range(n_in):
                total = back.dtype.type(0.0)
                for j in range(n_out):
                    total += delta[i, j] * weights[p, j]
                back[i, p] = total


def _dense_first_product(X, rows, x, weights, bias, z, tiles):
    n_in = X.shape[1]
    gathered = matrix(x, 0, rows.size, n_in)
    for i in range(rows.size):
        row = rows[i]
        for p in range(n_in):
            gathered[i, p] = X[row, p]
    forward_product(gathered, weights, bias, z, tiles)


def _dense_first_gradient(X, rows, x, delta, gradient, sums, tiles):
    weight_gradient(matrix(x, 0, rows.size, X.shape[1]), delta, gradient, sums, tiles)


def _sparse_first_product(X, rows, x, weights, bias, z, tiles):
    n_out = z.shape[1]
    for i in range(rows.size):
        for j in range(n_out):
            z[i, j] = bias[j]
        for k in range(X.indptr[rows[i]], X.indptr[rows[i] + 1]):
            factor, column = X.data[k], X.indices[k]
            for j in range(n_out):
                z[i, j] += factor * weights[column, j]


def _sparse_first_gradient(X, rows, x, delta, gradient, sums, tiles):
    column_sums(delta, sums)
    n_out = gradient.shape[1]
    gradient[:] = 0
    for i in range(rows.size):
        for k in range(X.indptr[rows[i]], X.indptr[rows[i] + 1]):
            factor, column = X.data[k], X.indices[k]
            for j in range(n_out):
                gradient[column, j] += factor * delta[i, j]


# (X, rows, x, weights, bias, z, tiles): z = X[rows] @ weights + bias; a dense X leaves its rows in x for the way back.
first_product = by_type(np.ndarray, types.Array, _dense_first_product, _sparse_first_product)
# (X, rows, x, delta, gradient, sums, tiles): gradient = X[rows].T @ delta, sums = Σ_rows delta unless it is empty.
first_gradient = by_type(np.ndarray, types.Array, _dense_first_gradient, _sparse_first_gradient)
