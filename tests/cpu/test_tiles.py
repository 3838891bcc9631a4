"""Tiled products equal NumPy's, of every shape that has vectors, and touch nothing beside."""

import numpy as np
import pytest

from skmlp.cpu import tiles
from skmlp.cpu.compile import function
from skmlp.cpu.tiles import DEPTH, KINDS, WIDEST, lanes, multiply, product, product_loops
from tests.ways import needs_jit

reals = pytest.mark.parametrize("real, rtol", [("float32", 1e-5), ("float64", 1e-13)], ids=["float32", "float64"])
kinds = pytest.mark.parametrize("kind", KINDS)
SHAPES = [(1, 1), (1, 7), (2, 3), (7, 1), (8, 8), (9, 30), (16, 2), (23, 64), (40, DEPTH)]  # rows, inner dimension


@function
def call(address, a, b, row, c):
    product(address, a, b, row, c)


def factors(kind, rows, depth, columns, real):
    random = np.random.default_rng(rows + 100 * depth + columns)
    transposed_a, transposed_b = KINDS[kind]
    a = random.normal(size=(depth, rows) if transposed_a else (rows, depth)).astype(real)
    b = random.normal(size=(columns, depth) if transposed_b else (depth, columns)).astype(real)
    expected = (a.T if transposed_a else a).astype(float) @ (b.T if transposed_b else b).astype(float)
    return a, b, random.normal(size=columns).astype(real), expected


def within(rows, columns, real):
    """A matrix in the middle of memory that is watched, and that memory."""
    memory = np.full(rows * columns + 128, 7.0, dtype=real)
    return memory[64:-64].reshape(rows, columns), memory


@needs_jit
@kinds
@reals
@pytest.mark.parametrize("columns", [4, 5, 8, 12, 15, 16, 17, 31, 32, 33, 50, 64, 100])
def test_products_equal_numpy_s(kind, real, rtol, columns):
    address = product_loops.address(f"{kind}_{lanes(columns, real)}", real)
    for rows, depth in SHAPES:
        a, b, bias, expected = factors(kind, rows, depth, columns, real)
        for row in (bias.copy(), bias[:0]):
            c, memory = within(rows, columns, real)
            call(address, a, b, row, c)
            added = 0.0 if kind == "weights" or row.size == 0 else bias
            np.testing.assert_allclose(c, expected + added, rtol=rtol, atol=rtol * np.sqrt(depth))
            assert (memory[:64] == 7.0).all() and (memory[-64:] == 7.0).all()
            if row.size > 0:
                wanted = b.sum(axis=0, dtype=float) if kind == "weights" else bias
                np.testing.assert_allclose(row, wanted, rtol=rtol, atol=rtol * np.sqrt(depth))


@needs_jit
@kinds
def test_a_row_does_not_depend_on_the_others(kind):
    """Bit for bit: predictions are the same one by one."""
    a, b, row, _ = factors(kind, 21, 40, 24, "float32")
    address = product_loops.address(f"{kind}_{lanes(24, 'float32')}", "float32")
    whole, single = np.empty((21, 24), dtype="float32"), np.empty((1, 24), dtype="float32")
    call(address, a, b, row.copy(), whole)
    for i in range(21):
        one = np.ascontiguousarray(a[:, [i]] if KINDS[kind][0] else a[[i]])
        call(address, one, b, row.copy(), single)
        np.testing.assert_array_equal(single[0], whole[i])


@needs_jit
@kinds
def test_nan_and_infinity_are_passed_on(kind):
    a, b, row, _ = factors(kind, 9, 5, 16, "float64")
    a[0, 0] = np.nan
    b[-1, -1] = np.inf
    c = np.empty((9, 16))
    call(product_loops.address(f"{kind}_{lanes(16, 'float64')}", "float64"), a, b, row[:0], c)
    transposed_a, transposed_b = KINDS[kind]
    with np.errstate(invalid="ignore"):
        expected = (a.T if transposed_a else a) @ (b.T if transposed_b else b)
    np.testing.assert_array_equal(np.isnan(c), np.isnan(expected))


@kinds
def test_without_the_jit_it_is_numpy_s_product(kind):
    a, b, row, expected = factors(kind, 3, 4, 8, "float64")
    c, bias = np.empty((3, 8)), row.copy()
    multiply(a, b, row, c, *KINDS[kind], 8)
    np.testing.assert_allclose(c, expected if kind == "weights" else expected + bias)
    np.testing.assert_allclose(row, b.sum(axis=0) if kind == "weights" else bias)


@reals
def test_vectors_are_the_widest_that_fit(real, rtol):
    most = WIDEST // np.dtype(real).itemsize
    assert lanes(1, real) == 0
    assert lanes(10**6, real) == most
    for columns in range(4, 40):
        assert min(4, most) <= lanes(columns, real) <= columns


@pytest.mark.parametrize(
    "features, expected", [({"avx512f": True, "avx": True}, 64), ({"avx": True}, 32), ({}, 16)], ids=str
)
def test_vectors_of_the_processor(features, expected, monkeypatch):
    monkeypatch.setattr(tiles.binding, "get_host_cpu_features", lambda: features)
    monkeypatch.setattr(tiles.config, "CPU_NAME", None)
    assert tiles.widest() == expected


def test_vectors_for_any_processor(monkeypatch):
    """Where caches are made for other machines."""
    monkeypatch.setattr(tiles.config, "CPU_NAME", "generic")
    assert tiles.widest() == 16
