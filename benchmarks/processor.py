"""What the processor can do at most, and what tiles reach by themselves: rates of arithmetic on one thread, float32.

A fused multiply-add counts as two operations. The rate of the processor is that of multiply-adds whose numbers all stay
in registers, as many side by side as it needs to keep busy; no program goes beyond it. Tiles are timed over and over on
the same matrices, which are in the cache then.
"""

import time

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from skmlp.cpu.tiles import multiply
from skmlp.cpu.vectors import INTEGER, WIDEST, Vectors, lanes

CHAINS = 12  # sums side by side: two units, four or five cycles each; they fit into sixteen registers


@intrinsic
def multiply_adds(typing_context, times):
    """x ← x / 2 + 1 in each lane of some vectors, so many times; returns one of them."""

    def build(context, builder, signature, arguments):
        real, size = ir.FloatType(), lanes(np.float32)
        code = Vectors(builder, real, size, 4)
        half, one = (code.splat(ir.Constant(real, value)) for value in (0.5, 1.0))
        totals = [code.variable() for _ in range(CHAINS)]
        for number, total in enumerate(totals):
            builder.store(code.splat(ir.Constant(real, float(number))), total)
        with code.loop(arguments[0]):
            for total in totals:
                product = builder.fmul(builder.load(total), half, flags=("contract",))
                builder.store(builder.fadd(product, one, flags=("contract",)), total)
        together = builder.load(totals[0])
        for total in totals[1:]:
            together = builder.fadd(together, builder.load(total))
        return builder.extract_element(together, INTEGER(0))

    return types.float32(types.int64), build


@njit
def run_multiply_adds(times):
    """As a kernel."""
    return multiply_adds(times)


def make_product(kind):
    """Kernel that works out a product of one kind so many times."""
    real = np.float32

    @njit(nogil=True)
    def run(a, b, c, rows, depth, columns, times):
        for _ in range(times):
            multiply(a, b, 0, c, rows, depth, columns, kind, real)

    return run


PRODUCTS = {kind: make_product(kind) for kind in ("forward", "weights", "inputs")}


def quickest(call):
    """Seconds of one repetition: the least of many rounds of a millisecond; ``call(times)`` makes so many."""
    call(1)
    started = time.perf_counter()
    call(10)
    times = max(1, int(0.01 / max(time.perf_counter() - started, 1e-8)))
    rounds = []
    for _ in range(60):
        started = time.perf_counter()
        call(times)
        rounds.append((time.perf_counter() - started) / times)
    return min(rounds)


def processor_rate():
    """Operations a second."""
    once = 10_000
    return 2 * once * CHAINS * (WIDEST // 4) / quickest(lambda times: run_multiply_adds(once * times))


def tile_rate(kind, rows, depth, columns):
    """Operations a second of C = A B, C of shape (rows, columns)."""
    rng = np.random.default_rng(0)
    matrices = [rng.standard_normal(size, dtype=np.float32) for size in (rows * depth, depth * columns, rows * columns)]
    addresses = [each.ctypes.data for each in matrices]
    work = 2 * rows * depth * columns
    return work / quickest(lambda times: PRODUCTS[kind](*addresses, rows, depth, columns, times))


def filled(rows, columns):
    """Share of the lanes of its tiles that a product fills: they hold four rows, and whole vectors of columns."""
    size = lanes(np.float32)
    return rows * columns / (-(-rows // 4) * 4 * -(-columns // size) * size)
