"""The memory that loops are handed: arrays by their places in it, compiled and not."""

import gc
import weakref
from functools import cache

import numpy as np
import pytest
from numba.core import config

from skmlp.cpu import memory as places
from skmlp.cpu.compile import function
from skmlp.cpu.memory import (
    LANES,
    N_PLACES,
    SLOTS,
    WORK,
    Memory,
    matrix,
    padded,
    pointer,
    vector,
)
from tests.ways import needs_jit, uncompiled

reals = pytest.mark.parametrize("real", [np.float32, np.float64, np.int64], ids=lambda real: real.__name__)


@pytest.fixture(params=["compiled", "python"])
def way(request, monkeypatch):
    """Also what memories hold depends on the way."""
    if request.param == "python":
        monkeypatch.setattr(config, "DISABLE_JIT", 1)
    return request.param


@cache
def accesses(real):
    """Functions that look at memory, and change it."""

    @function
    def copy_matrix(memory, start, rows, columns):
        return matrix(memory, WORK, start, rows, columns, real).copy()

    @function
    def copy_vector(memory, start, size):
        return vector(memory, WORK, start, size, real).copy()

    @function
    def negate_matrix(memory, start, rows, columns):
        view = matrix(memory, WORK, start, rows, columns, real)
        for i in range(view.shape[0]):
            for j in range(view.shape[1]):
                view[i, j] = -view[i, j]

    @function
    def negate_vector(memory, start, size):
        view = vector(memory, WORK, start, size, real)
        for i in range(view.size):
            view[i] = -view[i]

    @function
    def is_contiguous(memory, start, rows, columns):
        view = matrix(memory, WORK, start, rows, columns, real)
        return view.flags.c_contiguous and view.size == rows * columns and view.strides[1] == view.itemsize

    @function
    def point(memory, start):
        return pointer(memory, WORK, start, real)

    found = copy_matrix, copy_vector, negate_matrix, negate_vector, is_contiguous, point
    return {each.__name__: each for each in found}


def look(what, real, way, array, *where):
    """One of the functions above on a memory that holds an array."""
    memory, run = Memory(), accesses(real)[what]
    memory[WORK] = array
    return (run if way == "compiled" else uncompiled(run))(memory.cells, *where)


@pytest.mark.parametrize("start, rows, columns", [(0, 3, 4), (5, 3, 4), (2, 1, 7), (2, 7, 1), (4, 0, 3), (30, 0, 0)])
@reals
def test_matrix_is_a_reshaped_slice(way, start, rows, columns, real):
    flat = np.arange(30, dtype=real)
    result = look("copy_matrix", real, way, flat, start, rows, columns)
    assert result.dtype == real
    np.testing.assert_array_equal(result, flat[start : start + rows * columns].reshape(rows, columns))


@pytest.mark.parametrize("start, size", [(0, 4), (7, 5), (29, 1), (30, 0)])
@reals
def test_vector_is_a_slice(way, start, size, real):
    flat = np.arange(30, dtype=real)
    result = look("copy_vector", real, way, flat, start, size)
    assert result.dtype == real
    np.testing.assert_array_equal(result, flat[start : start + size])


@reals
def test_rows_of_a_matrix_follow_each_other(way, real):
    array = np.arange(30, dtype=real).reshape(5, 6)
    np.testing.assert_array_equal(look("copy_vector", real, way, array, 4, 9), np.arange(4, 13))


@reals
@pytest.mark.parametrize("what, where", [("negate_matrix", (4, 3, 5)), ("negate_vector", (4, 15))])
def test_views_write_through(way, what, where, real):
    flat = np.arange(1, 31, dtype=real)
    look(what, real, way, flat, *where)
    expected = np.arange(1, 31, dtype=real)
    expected[4:19] *= -1
    np.testing.assert_array_equal(flat, expected)


@reals
def test_matrix_knows_its_layout(way, real):
    assert look("is_contiguous", real, way, np.zeros(30, dtype=real), 4, 3, 5)


@reals
@needs_jit
def test_pointer_is_the_address_of_an_element(real):
    flat = np.zeros(30, dtype=real)
    assert look("point", real, "compiled", flat, 7) == flat[7:].ctypes.data


@reals
def test_pointer_is_what_begins_there_with_the_jit_off(real, monkeypatch):
    monkeypatch.setattr(config, "DISABLE_JIT", 1)
    flat = np.arange(30, dtype=real)
    view = look("point", real, "python", flat, 7)
    assert np.shares_memory(view, flat)
    np.testing.assert_array_equal(view, flat[7:])


@function
def pad(size):
    return padded(size)


@needs_jit
def test_padded_is_the_next_multiple_of_the_lanes():
    for size in range(3 * LANES):
        assert pad(size) % LANES == 0 and 0 <= pad(size) - size < LANES


def test_with_the_jit_off_nothing_is_padded():
    assert [padded(size) for size in range(3 * LANES)] == list(range(3 * LANES))


def test_a_memory_keeps_its_arrays_alive_and_no_others(way):
    memory, first, second = Memory(), np.zeros(3), np.zeros(4)
    seen = [weakref.ref(first), weakref.ref(second)]
    memory[WORK], memory[SLOTS] = first, second
    assert memory.array(WORK) is first and memory.array(SLOTS) is second
    del first, second
    gc.collect()
    assert all(each() is not None for each in seen)
    memory[WORK] = np.zeros(5)
    gc.collect()
    assert [each() is None for each in seen] == [True, False]


def test_numbers_are_held_as_they_are(way):
    memory = Memory()
    memory[places.N_ROWS], memory[places.SEED], memory[places.WEIGHTED] = 12, -(2**62), True
    assert [memory.cells[place] for place in (places.N_ROWS, places.SEED, places.WEIGHTED)] == [12, -(2**62), 1]
    assert len(memory.cells) == N_PLACES


@needs_jit
def test_a_member_s_memory_is_one_array_of_integers_without_a_gap():
    """A loop gets its address, and no length."""
    cells = Memory().cells
    assert cells.dtype == np.int64 and cells.flags.c_contiguous and not cells.any()
