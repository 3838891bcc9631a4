"""Views over a part of a flat array, compiled and not."""

import numpy as np
import pytest

from skmlp.cpu.compile import function
from skmlp.cpu.views import matrix, vector
from tests.ways import REALS, uncompiled

reals = pytest.mark.parametrize("real", REALS, ids=lambda real: real.__name__)


@function
def copy_matrix(flat, start, rows, columns):
    return matrix(flat, start, rows, columns).copy()


@function
def copy_vector(flat, start, size):
    return vector(flat, start, size).copy()


@function
def negate_matrix(flat, start, rows, columns):
    view = matrix(flat, start, rows, columns)
    for i in range(view.shape[0]):
        for j in range(view.shape[1]):
            view[i, j] = -view[i, j]


@function
def negate_vector(flat, start, size):
    view = vector(flat, start, size)
    for i in range(view.size):
        view[i] = -view[i]


@function
def is_contiguous(flat, start, rows, columns):
    view = matrix(flat, start, rows, columns)
    return view.flags.c_contiguous and view.size == rows * columns and view.strides[1] == view.itemsize


def ways(compiled):
    return pytest.mark.parametrize("run", [compiled, uncompiled(compiled)], ids=["compiled", "python"])


SHAPES = pytest.mark.parametrize(
    "start, rows, columns", [(0, 3, 4), (5, 3, 4), (2, 1, 7), (2, 7, 1), (4, 0, 3), (30, 0, 0)]
)


@ways(copy_matrix)
@SHAPES
@reals
def test_matrix_is_a_reshaped_slice(run, start, rows, columns, real):
    flat = np.arange(30, dtype=real)
    result = run(flat, start, rows, columns)
    assert result.dtype == real
    np.testing.assert_array_equal(result, flat[start : start + rows * columns].reshape(rows, columns))


@ways(copy_vector)
@pytest.mark.parametrize("start, size", [(0, 4), (7, 5), (29, 1), (30, 0)])
@reals
def test_vector_is_a_slice(run, start, size, real):
    flat = np.arange(30, dtype=real)
    result = run(flat, start, size)
    assert result.dtype == real
    np.testing.assert_array_equal(result, flat[start : start + size])


@ways(negate_matrix)
def test_matrix_writes_through(run):
    flat = np.arange(1.0, 31.0)
    run(flat, 4, 3, 5)
    expected = np.arange(1.0, 31.0)
    expected[4:19] *= -1.0
    np.testing.assert_array_equal(flat, expected)


@ways(negate_vector)
def test_vector_writes_through(run):
    flat = np.arange(1.0, 31.0)
    run(flat, 4, 15)
    expected = np.arange(1.0, 31.0)
    expected[4:19] *= -1.0
    np.testing.assert_array_equal(flat, expected)


@ways(is_contiguous)
def test_matrix_knows_its_layout(run):
    assert run(np.zeros(30), 4, 3, 5)
