"""Code in vectors: as wide as the processor has them, transposed, and masked without a look at what lies beside."""

import numpy as np
import pytest
from numba import types
from numba.extending import intrinsic

from skmlp.cpu import vectors
from skmlp.cpu.compile import function
from skmlp.cpu.vectors import INTEGER, WIDEST, Vectors, lanes
from tests.ways import REALS, needs_jit

reals = pytest.mark.parametrize("real", REALS, ids=lambda real: real.__name__)


@reals
def test_a_vector_has_as_many_numbers_as_fit(real):
    assert lanes(real) * np.dtype(real).itemsize == WIDEST
    assert lanes(real) & (lanes(real) - 1) == 0, "a power of two"


@pytest.mark.parametrize(
    "features, expected", [({"avx512f": True, "avx": True}, 64), ({"avx": True}, 32), ({}, 16)], ids=str
)
def test_vectors_of_the_processor(features, expected, monkeypatch):
    monkeypatch.setattr(vectors.binding, "get_host_cpu_features", lambda: features)
    monkeypatch.setattr(vectors.config, "CPU_NAME", None)
    assert vectors.widest() == expected


def test_vectors_for_any_processor(monkeypatch):
    """Where caches are made for other machines."""
    monkeypatch.setattr(vectors.config, "CPU_NAME", "generic")
    assert vectors.widest() == 16


def written(write, real, size):
    """A compiled function of addresses and an integer, (source, target, count), whose code ``write`` writes."""

    @intrinsic
    def code(typing_context, source, target, count):
        def build(context, builder, signature, arguments):
            number = context.get_value_type(types.float32 if real is np.float32 else types.float64)
            code = Vectors(builder, number, size, context.get_abi_sizeof(number))
            write(code, code.pointer(arguments[0]), code.pointer(arguments[1]), arguments[2])
            return context.get_dummy_value()

        return types.void(*[types.int64] * 3), build

    @function
    def run(source, target, count):
        code(source, target, count)

    return run


def carry_out(write, real, size, source, target, count=0):
    written(write, real, size)(source.ctypes.data, target.ctypes.data, count)


@needs_jit
@reals
@pytest.mark.parametrize("size", [2, 4, 8, 16])
def test_transposed_swaps_rows_and_columns(real, size):
    def write(code, source, target, count):
        rows = [code.load(source, INTEGER(i * size)) for i in range(size)]
        for i, row in enumerate(code.transposed(rows)):
            code.store(row, target, INTEGER(i * size))

    square, result = np.arange(size * size, dtype=real).reshape(size, size), np.zeros((size, size), dtype=real)
    carry_out(write, real, size, square, result)
    np.testing.assert_array_equal(result, square.T)


@needs_jit
@reals
def test_masks_take_the_first_lanes(real):
    """What is not loaded is 0, what is not stored stays, for counts below 0 and above the lanes too."""
    size = lanes(real)

    def load(code, source, target, count):
        code.store(code.load(source, INTEGER(1), code.first(count)), target, INTEGER(1))

    def store(code, source, target, count):
        code.store(code.load(source, INTEGER(1)), target, INTEGER(1), code.first(count))

    for count in (-1, 0, 1, size - 1, size, size + 3):
        taken = min(max(count, 0), size)
        source, target = np.arange(1, size + 3, dtype=real), np.full(size + 2, 7, dtype=real)
        expected = target.copy()
        expected[1 : 1 + taken] = source[1 : 1 + taken]
        carry_out(store, real, size, source, target, count)
        np.testing.assert_array_equal(target, expected)
        target[:] = 7
        expected[1 + taken : 1 + size] = 0
        source[1 + taken :] = np.nan
        carry_out(load, real, size, source, target, count)
        np.testing.assert_array_equal(target, expected)


@needs_jit
@reals
def test_products_are_added_up(real):
    size = lanes(real)

    def write(code, source, target, count):
        total = code.variable()
        code.builder.store(code.load(target, INTEGER(0)), total)
        with code.loop(count) as index:
            factor = code.splat(code.builder.load(code.builder.gep(source, [index])))
            code.add_product(total, factor, code.load(source, index))
        code.store(code.builder.load(total), target, INTEGER(0))

    source, target = np.arange(size + 5, dtype=real), np.ones(size, dtype=real)
    carry_out(write, real, size, source, target, 5)
    np.testing.assert_array_equal(target, 1 + sum(source[k] * source[k : k + size] for k in range(5)))


@needs_jit
@pytest.mark.parametrize("stop, step", [(0, 1), (5, 1), (7, 3), (6, 3)])
def test_loops_and_choices(stop, step):
    """Each index once, up to the stop; below 3 the one choice, else the other."""
    real, size = np.float64, lanes(np.float64)

    def write(code, source, target, count):
        with code.loop(count, step) as index:

            def mark(small):
                place = code.builder.gep(target, [code.smaller(index, INTEGER(4))])
                value = code.builder.fadd(code.builder.load(place), code.zero.type.element(1.0 if small else 10.0))
                code.builder.store(value, place)

            code.either(code.builder.icmp_signed("<", index, INTEGER(3)), mark)

    target, expected = np.zeros(5), np.zeros(5)
    carry_out(write, real, size, target, target, stop)
    for index in range(0, stop, step):
        expected[min(index, 4)] += 1.0 if index < 3 else 10.0
    np.testing.assert_array_equal(target, expected)
