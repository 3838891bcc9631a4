"""Matrix products of a layer: loops for small ones, BLAS for the rest, and a first layer that may be sparse.

All arrays are C-contiguous; ``x`` is (rows, n_in), ``weights`` (n_in, n_out), ``delta`` (rows, n_out).
"""

import numpy as np
from numba import types

from skmlp.cpu.compile import by_type, function, inlined
from skmlp.cpu.views import matrix

SMALL = 16_384
"""Multiplications below which a loop here takes less time than a call of BLAS."""


def all_small(rows, layout):
    """Whether no product of ``rows`` rows with a layer's weights goes to BLAS."""
    return rows * max(n_in * n_out for n_in, n_out in layout.shapes) <= SMALL


@inlined
def add_bias(bias, z):
    """z += bias."""
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            z[i, j] += bias[j]


@function
def forward_product(x, weights, bias, z):
    """z = x @ weights + bias."""
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
def weight_gradient(x, delta, gradient):
    """gradient = x.T @ delta."""
    n_in, n_out = gradient.shape
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
def input_gradient(delta, weights, back):
    """back = delta @ weights.T."""
    n_in, n_out = weights.shape
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


def _dense_first_product(X, rows, x, weights, bias, z):
    n_in = X.shape[1]
    gathered = matrix(x, 0, rows.size, n_in)
    for i in range(rows.size):
        row = rows[i]
        for p in range(n_in):
            gathered[i, p] = X[row, p]
    forward_product(gathered, weights, bias, z)


def _dense_first_gradient(X, rows, x, delta, gradient):
    weight_gradient(matrix(x, 0, rows.size, X.shape[1]), delta, gradient)


def _sparse_first_product(X, rows, x, weights, bias, z):
    n_out = z.shape[1]
    for i in range(rows.size):
        for j in range(n_out):
            z[i, j] = bias[j]
        for k in range(X.indptr[rows[i]], X.indptr[rows[i] + 1]):
            factor, column = X.data[k], X.indices[k]
            for j in range(n_out):
                z[i, j] += factor * weights[column, j]


def _sparse_first_gradient(X, rows, x, delta, gradient):
    n_out = gradient.shape[1]
    gradient[:] = 0
    for i in range(rows.size):
        for k in range(X.indptr[rows[i]], X.indptr[rows[i] + 1]):
            factor, column = X.data[k], X.indices[k]
            for j in range(n_out):
                gradient[column, j] += factor * delta[i, j]


# (X, rows, x, weights, bias, z): z = X[rows] @ weights + bias; a dense X leaves its rows in x for the way back.
first_product = by_type(np.ndarray, types.Array, _dense_first_product, _sparse_first_product)
# (X, rows, x, delta, gradient): gradient = X[rows].T @ delta.
first_gradient = by_type(np.ndarray, types.Array, _dense_first_gradient, _sparse_first_gradient)
