"""The step: penalty, weight decay, clipping and optimiser update in one pass over the parameters."""

from typing import NamedTuple

from numba import typeof, types

from skmlp.cpu.compile import Family, formulas, function
from skmlp.formulas import optimisers, penalties
from skmlp.formulas.optimisers import OPTIMISERS, Settings
from skmlp.formulas.penalties import elastic_net, elastic_net_gradient

formulas(optimisers)
formulas(penalties)


class StepRule(NamedTuple):
    """Address of an optimiser's loop, its hyperparameters, and the seed of dropout, negative for none."""

    address: int
    settings: Settings
    seed: int


def one_slot(update):
    """Loop of an update with one state value a parameter; returns the penalty before it."""

    @function
    def run(w, gradient, state, start, stop, c, l1, l2, shrink, scale):
        w, gradient, m = w[start:stop], gradient[start:stop], state[0][start:stop]
        total = scale - scale
        for i in range(w.size):
            total += elastic_net(w[i], l1, l2)
            g = (gradient[i] + elastic_net_gradient(w[i], l1, l2)) * scale
            w[i], m[i] = update(w[i] * shrink, g, m[i], c)
        return total

    return run


def two_slots(update):
    """Loop of an update with two state values a parameter; returns the penalty before it."""

    @function
    def run(w, gradient, state, start, stop, c, l1, l2, shrink, scale):
        w, gradient = w[start:stop], gradient[start:stop]
        m, v = state[0][start:stop], state[1][start:stop]
        total = scale - scale
        for i in range(w.size):
            total += elastic_net(w[i], l1, l2)
            g = (gradient[i] + elastic_net_gradient(w[i], l1, l2)) * scale
            w[i], m[i], v[i] = update(w[i] * shrink, g, m[i], v[i], c)
        return total

    return run


def three_slots(update):
    """Loop of an update with three state values a parameter; returns the penalty before it."""

    @function
    def run(w, gradient, state, start, stop, c, l1, l2, shrink, scale):
        w, gradient = w[start:stop], gradient[start:stop]
        m, v, u = state[0][start:stop], state[1][start:stop], state[2][start:stop]
        total = scale - scale
        for i in range(w.size):
            total += elastic_net(w[i], l1, l2)
            g = (gradient[i] + elastic_net_gradient(w[i], l1, l2)) * scale
            w[i], m[i], v[i], u[i] = update(w[i] * shrink, g, m[i], v[i], u[i], c)
        return total

    return run


@function
def squared_norm(w, gradient, start, stop, l1, l2):
    """Σ of the squared gradients of the parameters from start to stop, penalty included."""
    w, gradient = w[start:stop], gradient[start:stop]
    total = 0.0
    for i in range(w.size):
        g = gradient[i] + elastic_net_gradient(w[i], l1, l2)
        total += g * g
    return total


def update_loop(name):
    """One step of an optimiser; returns the penalty before it, not divided by ``weight_sum``.

    The parameters that have no place in ``gradient`` are those at the end, and stay as they are.
    ``gradient`` is summed over the rows of the batch; it and the penalty's are divided by ``weight_sum``, the summed
    weights of the batch. The first ``n_weights`` parameters are the weights; the rest bear neither penalty nor decay.
    The gradient is scaled down to the norm ``clip_norm`` where that is positive and less.
    """
    optimiser = OPTIMISERS[name]
    prepare = function(optimiser.constants)
    segment = {1: one_slot, 2: two_slots, 3: three_slots}[optimiser.slots](optimiser.update)

    def run(parameters, gradient, state, memory, n_weights, settings, step, rate, weight_sum):
        real = parameters.dtype.type
        size = gradient.size
        l1, l2, none, one = real(settings.l1), real(settings.l2), real(0.0), real(1.0)
        factor = 1.0 / weight_sum
        if settings.clip_norm > 0.0:
            squares = squared_norm(parameters, gradient, 0, n_weights, l1, l2)
            squares += squared_norm(parameters, gradient, n_weights, size, none, none)
            factor *= min(1.0, settings.clip_norm / max(squares**0.5 / weight_sum, 1e-300))
        c = prepare(step, rate, settings, memory)
        constants = (real(c[0]), real(c[1]), real(c[2]), real(c[3]), real(c[4]), real(c[5]))
        scale, shrink = real(factor), real(1.0 - rate * settings.weight_decay)
        penalty = none
        start, stop = 0, n_weights
        while start < size:
            penalty += segment(parameters, gradient, state, start, stop, constants, l1, l2, shrink, scale)
            start, stop, l1, l2, shrink = stop, size, none, none, one
        return penalty

    return run


def signature(real):
    """Of the update loops."""
    number, integer = types.float64, types.int64
    return number(real[::1], real[::1], real[:, ::1], number[::1], integer, typeof(Settings()), number, number, number)


update_loops = Family(update_loop, signature)
update = update_loops.call
