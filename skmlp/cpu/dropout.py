"""Dropout: values set to 0 at random, the others scaled up so that the expectation stays.

Srivastava et al., JMLR 2014. The mask of an element depends on the seed, the step, the layer and the place of the
element in its batch alone, so the way back computes it anew.
"""

import numpy as np

from skmlp.cpu.compile import Family, formulas, function
from skmlp.cpu.memory import DELTA, DROPOUT, KEPT, LAYER, N_OUT, N_ROWS, PLACE, SEED, WORK, A, padded, vector
from skmlp.formulas import random
from skmlp.formulas.optimisers import STEPS
from skmlp.formulas.random import random_bits, random_key

formulas(random)


@function
def drop(values, key, first, rate):
    """Drop out of values in place; ``first`` is the place of the first in its batch."""
    limit = int(rate * 4294967296.0)
    scale = values.dtype.type(1.0 / (1.0 - rate))
    for i in range(values.size):
        values[i] *= scale if random_bits(key, first + i) >= limit else values.dtype.type(0.0)


def dropout_loop(name, real):
    """Loop over the activations of a layer or, on the way back, over their gradient.

    There the activations become what they were before, but for zeros, whose gradient is 0.
    """
    back = name == "back"

    def run(memory, operation):
        size = padded(memory[N_ROWS] * operation[N_OUT])
        a = vector(memory, WORK, operation[A], size, real)
        rate = vector(memory, DROPOUT, operation[LAYER], 1, np.float64)[0]
        step = int(vector(memory, KEPT, STEPS, 1, np.float64)[0])
        key, first = random_key(memory[SEED], step, operation[LAYER]), memory[PLACE] * operation[N_OUT]
        if back:
            drop(vector(memory, WORK, operation[DELTA], size, real), key, first, rate)
            kept = real(1.0 - rate)
            for i in range(size):
                a[i] *= kept
        else:
            drop(a, key, first, rate)

    return run


dropout_loops = Family(dropout_loop)
