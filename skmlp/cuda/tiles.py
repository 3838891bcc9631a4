"""Products of matrices, tile by tile: a block of threads works out a square of the product in its registers.

What two tiles of the factors hold is brought to shared memory, ``depth`` columns and rows at a time, and each thread
multiplies ``each`` by ``each`` numbers of the product from there. Indices are unsigned, so that no code has to ask
whether they count from the end, and a thread's numbers lie in groups of four, which are read by one instruction.
"""

from functools import cache
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
    def share(self):
        """Numbers of a factor that each thread brings to shared memory."""
        return self.side * self.depth // self.threads**2

    @property
    def shape(self):
        """Of shared memory: two factors, ``depth`` rows of a side, and what keeps threads off each other's banks."""
        return 2, self.depth, self.side + 4


FINE, SMALL, LARGE = Tile(16, 2, 32), Tile(16, 4, 16), Tile(16, 8, 8)
SIMULATION = Tile(4, 2, 4)  # each thread of the simulator is one of Python's
ENOUGH = 128  # tiles, for the multiprocessors of a GPU


def tile_for(rows, units, real):
    """The largest tile of which a product of so many rows and the second widest layer has enough.

    In a larger tile each number that is brought to shared memory is used more often. float64 has no registers for the
    largest. Tiles change no bit, for each number of a product is summed in one order.
    """
    if SIMULATED:
        return SIMULATION
    width = sorted(units)[-2]
    for tile in (LARGE, SMALL) if real == np.float32 else (SMALL,):
        if -(-rows // tile.side) * -(-width // tile.side) >= ENOUGH:
            return tile
    return FINE


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


@cache
def make_thread(tile):
    """Function that says where a thread stands."""
    side = u(tile.threads)

    @device
    def thread():
        number = u(cuda.threadIdx.x)
        row = u(number // side)
        return Thread(number, row, u(number - row * side))

    return thread


@cache
def make_place(tile):
    """Function of a thread's row or column, and a number below ``each``: the row or column of the tile."""
    group = min(4, tile.each)
    stride, width = u(group * tile.threads), u(group)

    @device
    def place(thread, number):
        return u(thread * width + u(number) // width * stride + u(number) % width)

    return place


@cache
def make_load(real, tile, along_depth):
    """Functions that fetch a thread's share of a tile of a factor, and that put it in shared memory."""
    threads, side, depth, zero = u(tile.threads**2), u(tile.side), u(tile.depth), real(0.0)

    @device
    def place(number, turn):
        at = u(number + u(turn) * threads)
        if along_depth:
            i = u(at // depth)
            return i, u(at - i * depth)
        k = u(at // side)
        return u(at - k * side), k

    @device
    def fetch(ahead, number, factor, begin, end):
        for turn in range(ahead.size):
            i, k = place(number, turn)
            across, along = factor.first + i, begin + k
            at = across * factor.stride + along if along_depth else along * factor.stride + across
            ahead[turn] = factor.numbers[factor.base + at] if across < factor.size and along < end else zero

    @device
    def put(shared, number, ahead):
        for turn in range(ahead.size):
            i, k = place(number, turn)
            shared[k, i] = ahead[turn]

    return fetch, put


@cache
def make_product(real, tile, *, left_along, right_along):
    """Function that fills ``total`` with a thread's share of a tile of a product, of the depth ``end``.

    What comes next is fetched from memory while the threads multiply what they have.
    """
    each, depth, zero, step, share = tile.each, tile.depth, real(0.0), u(tile.depth), tile.share
    fetch_left, put_left = make_load(real, tile, left_along)
    fetch_right, put_right = make_load(real, tile, right_along)
    place = make_place(tile)

    @device
    def product(total, shared, thread, left, right, end):
        of_left = cuda.local.array(share, real)
        of_right = cuda.local.array(share, real)
        for a in range(each):
            for b in range(each):
                total[a, b] = zero
        begin = u(0)
        fetch_left(of_left, thread.number, left, begin, end)
        fetch_right(of_right, thread.number, right, begin, end)
        while begin < end:
            put_left(shared[0], thread.number, of_left)
            put_right(shared[1], thread.number, of_right)
            cuda.syncthreads()
            begin = u(begin + step)
            fetch_left(of_left, thread.number, left, begin, end)
            fetch_right(of_right, thread.number, right, begin, end)
            for k in range(depth):
                for a in range(each):
                    factor = shared[0, k, place(thread.row, a)]
                    for b in range(each):
                        total[a, b] += factor * shared[1, k, place(thread.column, b)]
            cuda.syncthreads()

    return product
