"""Products of matrices, tile by tile: a block of threads works out a square of the product in its registers.

What two tiles of the factors hold is brought to shared memory, ``depth`` columns and rows at a time, and each thread
multiplies ``each`` by ``each`` numbers of the product from there. Indices are unsigned, so that no code has to ask
whether they count from the end, and a thread's numbers lie in groups of four, which are read by one instruction.
"""

from typing import Any, NamedTuple

import numpy as np

from skmlp.cuda.driver import SIMULATED, cuda, device

u = np.uint32


class Tile(NamedTuple):
    """A block has threads² threads, each of which works out each² numbers of a tile, ``depth`` products at a time."""

    threads: int
    each: int
    depth: int

    @property
    def side(self):
        """Rows and columns of a tile of the product."""
        return self.threads * self.each

    @property
    def shape(self):
        """Of shared memory: two factors, ``depth`` rows of a side, and what keeps threads off each other's banks."""
        return 2, self.depth, self.side + 4


SMALL, LARGE = Tile(16, 4, 16), Tile(16, 8, 8)
SIMULATION = Tile(4, 2, 4)  # each thread of the simulator is one of Python's
LARGE_SIDE = 512  # units and rows from which large tiles leave enough of them for all multiprocessors


def tile_for(rows, units, real):
    """The tile for batches of so many rows: float64 has no registers for large ones."""
    if SIMULATED:
        return SIMULATION
    widest = sorted(units)[-2:]
    return LARGE if real == np.float32 and min(rows, *widest) >= LARGE_SIDE else SMALL


class Thread(NamedTuple):
    """Where a thread stands in its block: its number, row and column."""

    number: Any
    row: Any
    column: Any


class Factor(NamedTuple):
    """A factor of a product, of which a tile begins at row or column ``first`` of ``size``.

    The number of row or column i and depth k stands at base + i stride + k where the depth lies in a row of memory, and
    at base + k stride + i elsewhere.
    """

    numbers: Any
    base: Any
    stride: Any
    first: Any
    size: Any


def make_thread(tile):
    """Function that says where a thread stands."""
    side = u(tile.threads)

    @device
    def thread():
        number = u(cuda.threadIdx.x)
        row = u(number // side)
        return Thread(number, row, u(number - row * side))

    return thread


def make_place(tile):
    """Function of a thread's row or column, and a number below ``each``: the row or column of the tile."""
    group = min(4, tile.each)
    stride, width = u(group * tile.threads), u(group)

    @device
    def place(thread, number):
        return u(thread * width + u(number) // width * stride + u(number) % width)

    return place


def make_load(real, tile, along_depth):
    """Function that brings a tile of a factor to shared memory."""
    threads, side, depth = u(tile.threads**2), u(tile.side), u(tile.depth)
    turns, zero = tile.side * tile.depth // tile.threads**2, real(0.0)

    @device
    def load(shared, number, factor, begin, end):
        for turn in range(turns):
            place = u(number + u(turn) * threads)
            if along_depth:
                i = u(place // depth)
                k = u(place - i * depth)
                at = factor.base + (factor.first + i) * factor.stride + begin + k
            else:
                k = u(place // side)
                i = u(place - k * side)
                at = factor.base + (begin + k) * factor.stride + factor.first + i
            inside = factor.first + i < factor.size and begin + k < end
            shared[k, i] = factor.numbers[at] if inside else zero

    return load


def make_product(real, tile, *, left_along, right_along):
    """Function that fills ``total`` with a thread's share of a tile of a product, of the depth ``end``."""
    each, depth, zero = tile.each, tile.depth, real(0.0)
    step = u(depth)
    load_left, load_right = make_load(real, tile, left_along), make_load(real, tile, right_along)
    place = make_place(tile)

    @device
    def product(total, shared, thread, left, right, end):
        for a in range(each):
            for b in range(each):
                total[a, b] = zero
        begin = u(0)
        while begin < end:
            load_left(shared[0], thread.number, left, begin, end)
            load_right(shared[1], thread.number, right, begin, end)
            cuda.syncthreads()
            for k in range(depth):
                for a in range(each):
                    factor = shared[0, k, place(thread.row, a)]
                    for b in range(each):
                        total[a, b] += factor * shared[1, k, place(thread.column, b)]
            cuda.syncthreads()
            begin = u(begin + step)

    return product
