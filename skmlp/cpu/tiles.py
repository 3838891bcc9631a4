"""Products of small and middle-sized matrices, tile by tile in the registers of the processor.

The sums of a tile, some rows by one or two vectors of columns, stay in registers while the inner dimension runs by.
Before that, those columns of the second factor are copied side by side, transposed if asked for, so that they are read
one after the other. Written in LLVM's vectors: of a loop over rows of twelve numbers a compiler leaves half to scalar
code. Where a matrix ends tiles overlap, or hold a row twice, and write the same values twice.
"""

from contextlib import contextmanager

import numpy as np
from llvmlite import binding, ir
from numba import types
from numba.core import cgutils, config
from numba.extending import intrinsic, overload
from numba.np.arrayobj import make_array

from skmlp.cpu.compile import OPTIONS, Family

DEPTH = 320  # longest inner dimension: so many pairs of vectors fit into the first-level cache
INTEGER, SHORT = ir.IntType(64), ir.IntType(32)


def widest():
    """Bytes of a vector of this processor; where Numba is told to compile for another one, of any processor."""
    features = {} if config.CPU_NAME else binding.get_host_cpu_features()
    return 64 if features.get("avx512f") else 32 if features.get("avx") else 16


WIDEST = widest()
ROWS = 8 if WIDEST == 64 else 4  # of a tile: as many as there are registers for


def lanes(columns, dtype):
    """Numbers in a vector for so many columns: as many as fit in, 4 at least if there are such; 0 for fewer columns."""
    count = most = WIDEST // np.dtype(dtype).itemsize
    while count > columns:
        count //= 2
    return count if count >= min(4, most) else 0


def multiply(a, b, row, c, transposed_a, transposed_b, size):
    """c = A @ B in vectors of ``size`` numbers, where A is a or its transpose, and so is B.

    The inner dimension is at most :data:`DEPTH`, and c has at least ``size`` columns. Where ``row`` is not empty it is
    added to each row of c; but if A is a transpose, it is filled with the sums of the columns of b.
    """
    c[...] = (a.T if transposed_a else a) @ (b.T if transposed_b else b)
    if row.size > 0 and transposed_a:
        row[...] = b.sum(axis=0)
    elif row.size > 0:
        c += row


@intrinsic
def _multiply(typing_context, a, b, row, c, transposed_a, transposed_b, size):
    def build(context, builder, signature, arguments):
        arrays = [
            make_array(kind)(context, builder, value) for kind, value in zip((a, b, row, c), arguments[:4], strict=True)
        ]
        real = context.get_value_type(a.dtype)
        product = Product(builder, real, size.literal_value, context.get_abi_sizeof(real))
        product.emit(*arrays, transposed_a.literal_value, transposed_b.literal_value)
        return context.get_dummy_value()

    if not all(isinstance(each, types.Literal) for each in (transposed_a, transposed_b, size)):
        return None
    return types.void(a, b, row, c, transposed_a, transposed_b, size), build


@overload(multiply, jit_options=OPTIONS)
def _multiply_overload(a, b, row, c, transposed_a, transposed_b, size):
    return lambda a, b, row, c, transposed_a, transposed_b, size: _multiply(
        a, b, row, c, transposed_a, transposed_b, size
    )


class Product:
    """Writes the code of one product of numbers of the LLVM type ``real``, in vectors of ``size``."""

    def __init__(self, builder, real, size, alignment):
        self.builder, self.real, self.size, self.alignment = builder, real, size, alignment
        self.vector = ir.VectorType(real, size)
        self.columns = cgutils.alloca_once(builder, real, size=INTEGER((DEPTH + 1) * 2 * size))

    def emit(self, a, b, row, c, transposed_a, transposed_b):
        """Panels of columns, tiles of rows."""
        builder, size = self.builder, self.size
        rows, n_columns = cgutils.unpack_tuple(builder, c.shape, 2)
        of_a, of_b = cgutils.unpack_tuple(builder, a.shape, 2), cgutils.unpack_tuple(builder, b.shape, 2)
        self.a, self.c, self.rows, self.n_columns = a.data, c.data, rows, n_columns
        self.depth = of_a[0] if transposed_a else of_a[1]
        self.row_step, self.depth_step = (INTEGER(1), of_a[1]) if transposed_a else (of_a[1], INTEGER(1))
        (row_length,) = cgutils.unpack_tuple(builder, row.shape, 1)
        has_row = builder.icmp_signed(">", row_length, INTEGER(0))
        last = builder.sub(n_columns, INTEGER(size))
        with self.loop(n_columns, 2 * size) as first:
            offsets = [self.smaller(first, last), self.smaller(builder.add(first, INTEGER(size)), last)]
            for place, offset in enumerate(offsets):
                if transposed_a:
                    self.begin_with_zeros(place)
                else:
                    with builder.if_else(has_row) as (given, missing):
                        with given:
                            self.store(self.load(row.data, offset), self.columns, self.places(INTEGER(0), place))
                        with missing:
                            self.begin_with_zeros(place)
                (self.copy_transposed if transposed_b else self.copy)(b.data, of_b[1], offset, place)
                if transposed_a:
                    with builder.if_then(has_row):
                        self.store(self.sum(place), row.data, offset)
            alone = builder.icmp_signed("<=", builder.sub(n_columns, first), INTEGER(size))
            with builder.if_else(alone) as (one, two):
                with one:
                    self.tiles(offsets[:1])
                with two:
                    self.tiles(offsets)

    def begin_with_zeros(self, place):
        """What the products of a vector of columns are added to."""
        self.store(ir.Constant(self.vector, None), self.columns, self.places(INTEGER(0), place))

    def sum(self, place):
        """Sum over the inner dimension of a vector of the copied columns."""
        total = cgutils.alloca_once(self.builder, self.vector)
        self.builder.store(ir.Constant(self.vector, None), total)
        with self.loop(self.depth) as p:
            value = self.load(self.columns, self.places(p, place, after=1))
            self.builder.store(self.builder.fadd(self.builder.load(total), value), total)
        return self.builder.load(total)

    def copy(self, b, row_length, offset, place):
        """A vector of columns of b."""
        with self.loop(self.depth) as p:
            source = self.builder.add(self.builder.mul(p, row_length), offset)
            self.store(self.load(b, source), self.columns, self.places(p, place, after=1))

    def copy_transposed(self, b, row_length, offset, place):
        """A vector of rows of b."""
        with self.loop(self.depth) as p:
            value = ir.Constant(self.vector, ir.Undefined)
            for lane in range(self.size):
                row = self.builder.add(offset, INTEGER(lane))
                source = self.builder.add(self.builder.mul(row, row_length), p)
                number = self.builder.load(self.builder.gep(b, [source]))
                value = self.builder.insert_element(value, number, SHORT(lane))
            self.store(value, self.columns, self.places(p, place, after=1))

    def tiles(self, offsets):
        """All tiles of one or two vectors of columns."""
        builder = self.builder
        last = builder.sub(self.rows, INTEGER(1))
        with self.loop(self.rows, ROWS) as first:
            rows = [self.smaller(builder.add(first, INTEGER(r)), last) for r in range(ROWS)]
            starts = [builder.gep(self.a, [builder.mul(row, self.row_step)]) for row in rows]
            sums = [[cgutils.alloca_once(builder, self.vector) for _ in offsets] for _ in rows]
            for row in sums:
                for place, total in enumerate(row):
                    builder.store(self.load(self.columns, self.places(INTEGER(0), place)), total)
            with self.loop(self.depth) as p:
                vectors = [self.load(self.columns, self.places(p, k, after=1)) for k in range(len(offsets))]
                step = builder.mul(p, self.depth_step)
                for begin, row in zip(starts, sums, strict=True):
                    factor = self.splat(builder.load(builder.gep(begin, [step])))
                    for vector, total in zip(vectors, row, strict=True):
                        self.add_product(factor, vector, total)
            for row, totals in zip(rows, sums, strict=True):
                begin = builder.mul(row, self.n_columns)
                for offset, total in zip(offsets, totals, strict=True):
                    self.store(builder.load(total), self.c, builder.add(begin, offset))

    def add_product(self, factor, vector, total):
        """total += factor * vector, contracted where the processor can."""
        product = self.builder.fmul(factor, vector, flags=("contract",))
        self.builder.store(self.builder.fadd(self.builder.load(total), product, flags=("contract",)), total)

    def places(self, p, place, after=0):
        """Where among the copied columns those of the inner index p stand; the start stands before them."""
        row = self.builder.mul(self.builder.add(p, INTEGER(after)), INTEGER(2 * self.size))
        return self.builder.add(row, INTEGER(place * self.size))

    def load(self, base, index):
        """A vector from an element on."""
        pointer = self.builder.bitcast(self.builder.gep(base, [index]), self.vector.as_pointer())
        return self.builder.load(pointer, align=self.alignment)

    def store(self, value, base, index):
        """A vector to an element and those after it."""
        pointer = self.builder.bitcast(self.builder.gep(base, [index]), self.vector.as_pointer())
        self.builder.store(value, pointer, align=self.alignment)

    def splat(self, value):
        """A vector of one value."""
        single = self.builder.insert_element(ir.Constant(self.vector, ir.Undefined), value, SHORT(0))
        mask = ir.Constant(ir.VectorType(SHORT, self.size), [0] * self.size)
        return self.builder.shuffle_vector(single, single, mask)

    def smaller(self, a, b):
        """The smaller of two integers."""
        return self.builder.select(self.builder.icmp_signed("<", a, b), a, b)

    @contextmanager
    def loop(self, stop, step=1):
        """A loop from 0; gives the index."""
        with cgutils.for_range_slice(self.builder, INTEGER(0), stop, INTEGER(step), INTEGER) as (index, _):
            yield index


KINDS = {"forward": (False, False), "weights": (True, False), "inputs": (False, True)}


def product_loop(name):
    """Loop of a product: which factors are transposed, and the numbers in a vector, as "forward_16"."""
    kind, size = name.split("_")
    transposed_a, transposed_b = KINDS[kind]
    size = int(size)

    def run(a, b, row, c):
        multiply(a, b, row, c, transposed_a, transposed_b, size)

    return run


def _signature(real):
    return types.void(real[:, ::1], real[:, ::1], real[::1], real[:, ::1])


product_loops = Family(product_loop, _signature)
product = product_loops.call
