"""Shuffling the rows of an epoch, by the draws that NumPy's RandomState would make: the same order in half the time."""

import ctypes

from llvmlite import ir
from numba import types
from numba.core import config
from numba.extending import intrinsic

from skmlp.cpu.compile import kernel


def shuffle(rows, random_state):
    """``random_state.shuffle(rows)`` for an array of int64, in place."""
    if config.DISABLE_JIT:
        random_state.shuffle(rows)
        return
    generator = random_state._bit_generator
    draws = generator.ctypes
    with generator.lock:
        shuffle_rows(rows, ctypes.cast(draws.next_uint32, ctypes.c_void_p).value, draws.state_address)


@intrinsic
def next_uint32(typing_context, function, state):
    """Call the generator's function for 32 random bits."""

    def build(context, builder, signature, arguments):
        kind = ir.FunctionType(ir.IntType(32), [ir.IntType(64)])
        bits = builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), [arguments[1]])
        return builder.zext(bits, ir.IntType(64))

    return types.int64(types.int64, types.int64), build


@kernel
def shuffle_rows(rows, function, state):
    """Fisher and Yates' shuffle from the end; a place up to i is drawn by masked bits, until one is not beyond it."""
    mask, i = 1, rows.size - 1
    while mask < i:
        mask = 2 * mask + 1
    while i > 0:
        half = mask // 2
        while i > half:
            place = next_uint32(function, state) & mask
            wanted = place <= i
            place = place if wanted else i  # no branch, which would be guessed wrong every third time
            rows[i], rows[place] = rows[place], rows[i]
            i -= wanted
        mask = half
