"""The step: penalty and optimiser update in one pass over the parameters."""

from typing import NamedTuple

import numpy as np

from skmlp.cpu.compile import by_code, formulas, function, inlined
from skmlp.formulas import optimisers, penalties
from skmlp.formulas.optimisers import OPTIMISERS, Settings
from skmlp.formulas.penalties import elastic_net, elastic_net_gradient

formulas(optimisers)
formulas(penalties)


class StepRule(NamedTuple):
    """An optimiser with its hyperparameters, and the strengths of the penalty."""

    code: int
    settings: Settings
    l1: float
    l2: float


def update_loop(optimiser):
    """Loop of one optimiser over the parameters ``start`` to ``stop``; returns their penalty before the step.

    ``gradient`` is summed over the rows of the batch and times ``scale`` its mean, as is the penalty's.
    """
    update = optimiser.update

    @function
    def one_slot(start, stop, parameters, gradients, state, constants, l1, l2, scale):
        w, gradient, m = parameters[start:stop], gradients[start:stop], state[0][start:stop]
        total = scale - scale
        for i in range(w.size):
            total += elastic_net(w[i], l1, l2)
            g = (gradient[i] + elastic_net_gradient(w[i], l1, l2)) * scale
            w[i], m[i] = update(w[i], g, m[i], constants)
        return total

    @function
    def two_slots(start, stop, parameters, gradients, state, constants, l1, l2, scale):
        w, gradient = parameters[start:stop], gradients[start:stop]
        m, v = state[0][start:stop], state[1][start:stop]
        total = scale - scale
        for i in range(w.size):
            total += elastic_net(w[i], l1, l2)
            g = (gradient[i] + elastic_net_gradient(w[i], l1, l2)) * scale
            w[i], m[i], v[i] = update(w[i], g, m[i], v[i], constants)
        return total

    return {1: one_slot, 2: two_slots}[optimiser.slots]


step_constants = by_code([function(optimiser.constants) for optimiser in OPTIMISERS.values()])
update_slice = by_code([update_loop(optimiser) for optimiser in OPTIMISERS.values()])


@inlined
def update(parameters, gradient, state, n_weights, rule, step, rate, weight_sum):
    """One step on all parameters; returns the penalty before it, not divided by the weights of the batch."""
    real = parameters.dtype.type
    c = step_constants(rule.code, step, rate, rule.settings)
    constants = (real(c[0]), real(c[1]), real(c[2]), real(c[3]), real(c[4]), real(c[5]))
    scale = real(1.0 / weight_sum)
    l1, l2, none = real(rule.l1), real(rule.l2), real(0.0)
    penalty = none
    start, stop = np.int64(0), np.int64(n_weights)
    while start < parameters.size:  # weights, then biases, which bear no penalty
        penalty += update_slice(rule.code, start, stop, parameters, gradient, state, constants, l1, l2, scale)
        start, stop, l1, l2 = stop, np.int64(parameters.size), none, none
    return np.float64(penalty)
