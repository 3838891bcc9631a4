"""The step: penalty and optimiser update in one pass over the parameters."""

from typing import NamedTuple

from numba import typeof, types

from skmlp.cpu.compile import Family, formulas, function
from skmlp.formulas import optimisers, penalties
from skmlp.formulas.optimisers import OPTIMISERS, Settings
from skmlp.formulas.penalties import elastic_net, elastic_net_gradient

formulas(optimisers)
formulas(penalties)


class StepRule(NamedTuple):
    """Address of an optimiser's loop, its hyperparameters, and the strengths of the penalty."""

    address: int
    settings: Settings
    l1: float
    l2: float


def one_slot(update):
    """Loop of an update with one state value a parameter; returns the penalty before it."""

    @function
    def run(w, gradient, state, start, stop, c, l1, l2, scale):
        w, gradient, m = w[start:stop], gradient[start:stop], state[0][start:stop]
        total = scale - scale
        for i in range(w.size):
            total += elastic_net(w[i], l1, l2)
            g = (gradient[i] + elastic_net_gradient(w[i], l1, l2)) * scale
            w[i], m[i] = update(w[i], g, m[i], c)
        return total

    return run


def two_slots(update):
    """Loop of an update with two state values a parameter; returns the penalty before it."""

    @function
    def run(w, gradient, state, start, stop, c, l1, l2, scale):
        w, gradient = w[start:stop], gradient[start:stop]
        m, v = state[0][start:stop], state[1][start:stop]
        total = scale - scale
        for i in range(w.size):
            total += elastic_net(w[i], l1, l2)
            g = (gradient[i] + elastic_net_gradient(w[i], l1, l2)) * scale
            w[i], m[i], v[i] = update(w[i], g, m[i], v[i], c)
        return total

    return run


def update_loop(name):
    """One step of an optimiser on all parameters; returns the penalty before it, not divided by ``weight_sum``.

    ``gradient`` is summed over the rows of the batch; it and the penalty's are divided by ``weight_sum``, the summed
    weights of the batch. The first ``n_weights`` parameters are the weights; the rest bear no penalty.
    """
    optimiser = OPTIMISERS[name]
    prepare = function(optimiser.constants)
    segment = {1: one_slot, 2: two_slots}[optimiser.slots](optimiser.update)

    def run(parameters, gradient, state, n_weights, settings, l1, l2, step, rate, weight_sum):
        real = parameters.dtype.type
        c = prepare(step, rate, settings)
        constants = (real(c[0]), real(c[1]), real(c[2]), real(c[3]), real(c[4]), real(c[5]))
        strength, ridge, none, scale = real(l1), real(l2), real(0.0), real(1.0 / weight_sum)
        penalty = none
        start, stop = 0, n_weights
        while start < parameters.size:
            penalty += segment(parameters, gradient, state, start, stop, constants, strength, ridge, scale)
            start, stop, strength, ridge = stop, parameters.size, none, none
        return penalty

    return run


def signature(real):
    """Of the update loops."""
    number = types.float64
    return number(
        real[::1], real[::1], real[:, ::1], types.int64, typeof(Settings()), number, number, number, number, number
    )


update_loops = Family(update_loop, signature)
update = update_loops.call
