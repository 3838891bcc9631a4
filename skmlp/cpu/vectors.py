"""Code in LLVM's vectors, for loops over rows too short for what a compiler would make of them."""

from contextlib import contextmanager

import numpy as np
from llvmlite import binding, ir
from numba import types
from numba.core import cgutils, config
from numba.extending import intrinsic, overload

from skmlp.cpu.compile import OPTIONS

INTEGER, SHORT = ir.IntType(64), ir.IntType(32)


def widest():
    """Bytes of a vector of this processor; where Numba is told to compile for another one, of any processor."""
    features = {} if config.CPU_NAME else binding.get_host_cpu_features()
    return 64 if features.get("avx512f") else 32 if features.get("avx") else 16


WIDEST = widest()


def lanes(real):
    """Numbers of a type in a vector."""
    return WIDEST // np.dtype(real).itemsize


class Vectors:
    """Writes code for vectors of ``size`` numbers of the LLVM type ``real``, ``alignment`` bytes each."""

    def __init__(self, builder, real, size, alignment):
        self.builder, self.real, self.size, self.alignment = builder, real, size, alignment
        self.vector = ir.VectorType(real, size)
        self.zero = ir.Constant(self.vector, None)

    def pointer(self, address):
        """Pointer to numbers at an address."""
        return self.builder.inttoptr(address, self.real.as_pointer())

    def reserve(self, count):
        """Room for so many vectors on the stack."""
        return cgutils.alloca_once(self.builder, self.real, size=INTEGER(count * self.size))

    def variable(self):
        """A vector that changes: kept in a register."""
        return cgutils.alloca_once(self.builder, self.vector)

    def load(self, base, index, mask=None):
        """A vector from an element on; of its lanes outside of the mask none is read, and they are 0."""
        pointer = self._at(base, index)
        if mask is None:
            return self.builder.load(pointer, align=self.alignment)
        arguments = [pointer, SHORT(self.alignment), mask, self.zero]
        return self.builder.call(self._masked("load", self.vector, arguments), arguments)

    def store(self, value, base, index, mask=None):
        """A vector to an element and those after it, or those lanes of it that are in the mask."""
        pointer = self._at(base, index)
        if mask is None:
            self.builder.store(value, pointer, align=self.alignment)
        else:
            arguments = [value, pointer, SHORT(self.alignment), mask]
            self.builder.call(self._masked("store", ir.VoidType(), arguments), arguments)

    def prefetch(self, base, index):
        """Let the cache line of an element be fetched into the second-level cache."""
        prefetch(self.builder, self.builder.bitcast(self.builder.gep(base, [index]), ir.IntType(8).as_pointer()), 2)

    def _at(self, base, index):
        return self.builder.bitcast(self.builder.gep(base, [index]), self.vector.as_pointer())

    def _masked(self, what, returned, arguments):
        bits = self.alignment * 8
        name = f"llvm.masked.{what}.v{self.size}f{bits}.p0v{self.size}f{bits}"
        kind = ir.FunctionType(returned, [argument.type for argument in arguments])
        return cgutils.get_or_insert_function(self.builder.module, kind, name)

    def first(self, count):
        """Mask of the first ``count`` lanes."""
        numbers = ir.Constant(ir.VectorType(INTEGER, self.size), list(range(self.size)))
        return self.builder.icmp_signed("<", numbers, self.splat(count))

    def splat(self, value):
        """A vector of one value."""
        kind = ir.VectorType(value.type, self.size)
        single = self.builder.insert_element(ir.Constant(kind, ir.Undefined), value, SHORT(0))
        mask = ir.Constant(ir.VectorType(SHORT, self.size), [0] * self.size)
        return self.builder.shuffle_vector(single, single, mask)

    def add_product(self, total, factor, vector):
        """total += factor * vector, contracted where the processor can."""
        product = self.builder.fmul(factor, vector, flags=("contract",))
        self.builder.store(self.builder.fadd(self.builder.load(total), product, flags=("contract",)), total)

    def transposed(self, rows):
        """The columns of as many vectors as one has lanes: halves of ever smaller blocks change places."""
        rows, step = list(rows), self.size // 2
        while step:
            upper = [lane if not lane & step else self.size + lane - step for lane in range(self.size)]
            lower = [lane + step if not lane & step else self.size + lane for lane in range(self.size)]
            for first in (number for number in range(self.size) if not number & step):
                pair = rows[first], rows[first + step]
                rows[first], rows[first + step] = (
                    self.builder.shuffle_vector(*pair, ir.Constant(ir.VectorType(SHORT, self.size), mask))
                    for mask in (upper, lower)
                )
            step //= 2
        return rows

    def smaller(self, a, b):
        """The smaller of two integers."""
        return self.builder.select(self.builder.icmp_signed("<", a, b), a, b)

    @contextmanager
    def loop(self, stop, step=1):
        """A loop from 0; gives the index."""
        step = step if isinstance(step, ir.Value) else INTEGER(step)
        with cgutils.for_range_slice(self.builder, INTEGER(0), stop, step, INTEGER) as (index, _):
            yield index

    def either(self, condition, write):
        """``write(True)`` where the condition holds, else ``write(False)``."""
        with self.builder.if_else(condition) as (true, false):
            with true:
                write(True)
            with false:
                write(False)


def fetch(address):
    """Let the cache line at an address be fetched; nothing with the JIT off."""


@intrinsic
def _fetch(typing_context, address):
    def build(context, builder, signature, arguments):
        prefetch(builder, builder.inttoptr(arguments[0], ir.IntType(8).as_pointer()), 3)
        return context.get_dummy_value()

    return types.void(types.int64), build


@overload(fetch, jit_options=OPTIONS)
def _fetch_overload(address):
    return lambda address: _fetch(address)


def prefetch(builder, pointer, level):
    """Fetch a cache line into the first-level (3) or second-level cache (2)."""
    kind = ir.FunctionType(ir.VoidType(), [pointer.type, SHORT, SHORT, SHORT])
    call = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
    builder.call(call, [pointer, SHORT(0), SHORT(level), SHORT(1)])
