"""Sums over the threads of a block, in one order whatever the device."""

from functools import cache

import numpy as np

from skmlp.cuda.driver import cuda, device

u = np.uint32


@cache
def make_sums(real, tile):
    """Functions that add up a value of each thread: over the threads of its column, of its row, and of the block."""
    threads, side, zero = tile.threads, u(tile.side), real(0.0)
    stride = u(threads)

    @device
    def down(shared, thread, value):
        shared[0, thread.number // side, thread.number % side] = value
        cuda.syncthreads()
        total = zero
        for k in range(threads):
            place = u(u(k) * stride + thread.column)
            total += shared[0, place // side, place % side]
        cuda.syncthreads()
        return total

    @device
    def across(shared, thread, value):
        shared[0, thread.number // side, thread.number % side] = value
        cuda.syncthreads()
        total = zero
        for k in range(threads):
            place = u(thread.row * stride + u(k))
            total += shared[0, place // side, place % side]
        cuda.syncthreads()
        return total

    @device
    def everywhere(shared, thread, value):
        return across(shared, thread, down(shared, thread, value))

    return down, across, everywhere
