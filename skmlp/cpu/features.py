"""Learned scales of the features: the first layer's weights are w = s v, row by row, and training changes s and v.

So nothing else has to know of scales: before a step the gradient in w becomes those in s and v, and after it w is
worked out anew. It is the layer that multiplies each feature by a learned number, of RealMLP (Holzmüller, Grinsztajn &
Steinwart, NeurIPS 2024), at the price of the weights instead of the rows.
"""

from skmlp.cpu.compile import Family, function
from skmlp.cpu.memory import (
    MEMBER,
    MEMBERS,
    N_IN,
    N_OUT,
    PARAMETERS,
    RAW,
    SCALES,
    TOTAL,
    W,
    matrix,
    vector,
)


@function
def share(memory, n):
    """A member's features."""
    return memory[MEMBER] * n // memory[MEMBERS], (memory[MEMBER] + 1) * n // memory[MEMBERS]


def feature_loop(name, real):
    """Loop over a member's features, before the step ("back") or after it ("forward")."""

    def back(memory, operation):
        n_in, n_out = operation[N_IN], operation[N_OUT]
        v = matrix(memory, PARAMETERS, operation[RAW], n_in, n_out, real)
        s = vector(memory, PARAMETERS, operation[SCALES], n_in, real)
        gradient = matrix(memory, TOTAL, operation[W], n_in, n_out, real)
        in_v = matrix(memory, TOTAL, operation[RAW], n_in, n_out, real)
        in_s = vector(memory, TOTAL, operation[SCALES], n_in, real)
        first, last = share(memory, n_in)
        for i in range(first, last):
            factor, total = s[i], real(0.0)
            for j in range(n_out):
                total += v[i, j] * gradient[i, j]
                in_v[i, j] = factor * gradient[i, j]
            in_s[i] = total

    def forward(memory, operation):
        n_in, n_out = operation[N_IN], operation[N_OUT]
        v = matrix(memory, PARAMETERS, operation[RAW], n_in, n_out, real)
        s = vector(memory, PARAMETERS, operation[SCALES], n_in, real)
        w = matrix(memory, PARAMETERS, operation[W], n_in, n_out, real)
        first, last = share(memory, n_in)
        for i in range(first, last):
            factor = s[i]
            for j in range(n_out):
                w[i, j] = factor * v[i, j]

    return back if name == "back" else forward


feature_loops = Family(feature_loop)
