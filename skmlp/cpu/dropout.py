"""Dropout: values set to 0 at random, the others scaled up so that the expectation stays.

Srivastava et al., JMLR 2014. The mask of an element depends on the seed, the step, the layer and the place of the
element in its batch alone, so the way back computes it anew.
"""

from numba import types

from skmlp.cpu.compile import Family, formulas, inlined
from skmlp.formulas import random
from skmlp.formulas.random import random_bits

formulas(random)


def dropout_loop(name):
    """Loop over values in place; ``first`` is the place of the first in its batch."""

    def run(values, key, first, rate):
        limit = int(rate * 4294967296.0)
        scale = values.dtype.type(1.0 / (1.0 - rate))
        for i in range(values.size):
            values[i] *= scale if random_bits(key, first + i) >= limit else values.dtype.type(0.0)

    return run


dropout_loops = Family(dropout_loop, lambda real: types.void(real[::1], types.int64, types.int64, types.float64))
drop = dropout_loops.call


@inlined
def scale(values, factor):
    """values *= factor."""
    for i in range(values.size):
        values[i] *= factor
