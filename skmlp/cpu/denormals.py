"""Denormal numbers taken as 0 inside of kernels, where the processor can do that.

What an optimiser remembers of a parameter whose gradient stays 0 fades until it is a denormal number, and arithmetic on
one takes a hundred times as long. Each thread has a setting of its own, which a kernel changes and puts back.
"""

import platform

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from skmlp.cpu.compile import OPTIONS

KNOWN = platform.machine().lower() in ("x86_64", "amd64")
FLUSH = 0x8040  # of x86's MXCSR: results, and operands, that are denormal become 0


def swap_control(change, word):
    """With ``change`` set denormals to be taken as 0, else set ``word``; returns what was set before."""
    return 0


@intrinsic
def _swap(typing_context, change, word):
    def build(context, builder, signature, arguments):
        short = ir.IntType(32)
        cell = cgutils.alloca_once(builder, short)
        address = builder.bitcast(cell, cgutils.voidptr_t)
        kind = ir.FunctionType(ir.VoidType(), [address.type])
        names = "llvm.x86.sse.stmxcsr", "llvm.x86.sse.ldmxcsr"
        store, load = (cgutils.get_or_insert_function(builder.module, kind, name) for name in names)
        builder.call(store, [address])
        before = builder.load(cell)
        flushed = builder.or_(before, short(FLUSH))
        builder.store(builder.select(arguments[0], flushed, builder.trunc(arguments[1], short)), cell)
        builder.call(load, [address])
        return builder.zext(before, ir.IntType(64))

    return types.int64(types.boolean, types.int64), build


@overload(swap_control, jit_options=OPTIONS)
def _swap_overload(change, word):
    return (lambda change, word: _swap(change, word)) if KNOWN else (lambda change, word: 0)
