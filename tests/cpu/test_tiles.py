"""Tiled products equal NumPy's, of every shape, and touch nothing beside."""

from functools import cache

import numpy as np
import pytest
from numba.core import config

from skmlp.cpu.compile import function
from skmlp.cpu.tiles import DEPTH, KINDS, multiply
from tests.cpu.operations import whole_numbers, within
from tests.ways import needs_jit

precisions = pytest.mark.parametrize("real, rtol", [("float32", 1e-5), ("float64", 1e-13)], ids=["float32", "float64"])
reals = pytest.mark.parametrize("real", ["float32", "float64"])
kinds = pytest.mark.parametrize("kind", KINDS)
# Around whole vectors, one block, two blocks, and several; of a prime so that blocks are not alike.
DEPTHS = (1, 2, 7, 8, 9, 16, 33, DEPTH - 1, DEPTH, DEPTH + 1, 2 * DEPTH - 1, 2 * DEPTH, 2 * DEPTH + 1, 787)
ROWS = range(1, 21)


@cache
def compiled(kind, real):
    real = np.dtype(real).type

    @function
    def run(a, b, row, c, rows, depth, columns):
        multiply(a, b, row, c, rows, depth, columns, kind, real)

    return run


def call(kind, real, a, b, row, c):
    """One product; ``row`` None for none."""
    rows, columns = c.shape
    where = [0 if array is None else address(array) for array in (a, b, row, c)]
    compiled(kind, real)(*where, rows, a.size // rows, columns)


def address(array):
    return array.reshape(-1) if config.DISABLE_JIT else array.__array_interface__["data"][0]


def stored(a, b, kind):
    """Two factors as they stand in memory, among numbers that are none."""
    transposed_a, transposed_b = KINDS[kind]
    return within(a.T if transposed_a else a, np.nan)[0], within(b.T if transposed_b else b, np.nan)[0]


def expected_row(b, row, kind):
    """What becomes of the row that goes with a product."""
    return b.sum(axis=0) if kind == "weights" else row


@kinds
@reals
@pytest.mark.parametrize("columns", range(1, 71))
def test_products_of_whole_numbers_are_exact_and_nothing_beside_is_touched(kind, real, columns):
    """Of every number of rows and columns, and of depths around the blocks; what C held before does not matter."""
    random = np.random.default_rng(columns)
    for depth in DEPTHS:
        all_a, all_b = (whole_numbers(random, shape, real) for shape in ((len(ROWS), depth), (depth, columns)))
        bias, product = whole_numbers(random, columns, real), all_a @ all_b
        for rows in ROWS if depth in (7, DEPTH + 1) else (1, 3, 8, 13):
            a, b = stored(all_a[:rows], all_b, kind)
            for with_row in (False, True):
                c, around_c = within(np.full((rows, columns), np.nan, dtype=real))
                row, around_row = within(bias)
                call(kind, real, a, b, row if with_row else None, c)
                added = bias if with_row and kind != "weights" else 0
                after = expected_row(all_b, bias, kind) if with_row else bias
                assert np.array_equal(around_c, within(product[:rows] + added)[1])
                assert np.array_equal(around_row, within(after)[1])


@kinds
@precisions
@pytest.mark.parametrize("columns", [1, 4, 7, 16, 17, 31, 32, 33, 50, 100, 300])
def test_products_equal_numpy_s(kind, real, rtol, columns):
    random = np.random.default_rng(columns)
    for rows, depth in [(1, 1), (2, 3), (9, 30), (16, DEPTH), (70, 2 * DEPTH + 3), (5, 2000)]:
        a, b = random.normal(size=(rows, depth)).astype(real), random.normal(size=(depth, columns)).astype(real)
        bias, c = random.normal(size=columns).astype(real), np.empty((rows, columns), dtype=real)
        row = bias.copy()
        call(kind, real, *stored(a, b, kind), row, c)
        product = a.astype(float) @ b.astype(float) + (0.0 if kind == "weights" else bias)
        atol = rtol * np.sqrt(depth)
        np.testing.assert_allclose(c, product, rtol=rtol, atol=atol)
        np.testing.assert_allclose(row, expected_row(b.astype(float), bias, kind), rtol=rtol, atol=atol)


@needs_jit
@kinds
@reals
@pytest.mark.parametrize("columns", [3, 24, 70])
@pytest.mark.parametrize("depth", [5, 40, DEPTH + 9])
def test_a_row_does_not_depend_on_the_others(kind, real, columns, depth):
    """Bit for bit: predictions are the same one by one."""
    random = np.random.default_rng(depth)
    a, b = random.normal(size=(21, depth)).astype(real), random.normal(size=(depth, columns)).astype(real)
    row, whole = random.normal(size=columns).astype(real), np.empty((21, columns), dtype=real)
    call(kind, real, *stored(a, b, kind), row.copy(), whole)
    for first, last in [(i, i + 1) for i in range(21)] + [(0, 2), (3, 10), (8, 21)]:
        part = np.empty((last - first, columns), dtype=real)
        call(kind, real, *stored(a[first:last], b, kind), row.copy(), part)
        np.testing.assert_array_equal(part, whole[first:last])


@kinds
@reals
@pytest.mark.parametrize("rows, depth, columns", [(9, 5, 16), (3, DEPTH + 2, 19), (1, 2 * DEPTH + 1, 1)])
def test_nan_and_infinity_are_passed_on(kind, real, rows, depth, columns):
    random = np.random.default_rng(columns)
    a, b = random.normal(size=(rows, depth)).astype(real), random.normal(size=(depth, columns)).astype(real)
    a[0, 0] = np.nan
    a[-1, -1] = np.inf
    b[-1, -1] = -np.inf
    c, row = np.empty((rows, columns), dtype=real), np.zeros(columns, dtype=real)
    with np.errstate(invalid="ignore"):
        call(kind, real, *stored(a, b, kind), row, c)
        product = a @ b
    np.testing.assert_array_equal(np.isnan(c), np.isnan(product))
    np.testing.assert_array_equal(np.isinf(c), np.isinf(product))
    np.testing.assert_array_equal(np.isinf(row), [False] * (columns - 1) + [kind == "weights"])


@kinds
@pytest.mark.parametrize("with_row", [False, True])
def test_without_the_jit_it_is_numpy_s_product(kind, with_row):
    random = np.random.default_rng(0)
    a, b, row = (whole_numbers(random, shape, "float64") for shape in ((3, 4), (4, 8), 8))
    places = [array.reshape(-1) for array in stored(a, b, kind)]
    c, bias = np.empty(24), row.copy()
    multiply(*places, bias if with_row else 0, c, 3, 4, 8, kind, np.float64)
    np.testing.assert_array_equal(c.reshape(3, 8), a @ b + (row if with_row and kind != "weights" else 0))
    np.testing.assert_array_equal(bias, expected_row(b, row, kind) if with_row else row)
