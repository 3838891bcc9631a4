"""Loss of raw outputs, with its gradient."""

from numba import typeof, types

from skmlp.cpu.compile import Family, formulas, function
from skmlp.cpu.custom import kernel_formula
from skmlp.formulas import losses
from skmlp.formulas.losses import LOSSES, LossSettings

formulas(losses)


@function
def row_weight(weights, row):
    """Weight of a row; 1 where no weights were given (an empty array)."""
    return weights[row] if weights.size > 0 else 1.0


@function
def in_type(array, settings):
    """Settings in the type of an array: as float64 they would promote what they meet."""
    real = array.dtype.type
    return LossSettings(real(settings.label_smoothing), real(settings.focal_gamma), real(settings.delta))


@function
def gather(targets, rows, taken):
    """taken = targets[rows]."""
    for i in range(rows.size):
        for j in range(taken.shape[1]):
            taken[i, j] = targets[rows[i], j]


def loss_loop(name):
    """Loop of one loss over the rows of a shard: returns Σ weight · loss and fills ``delta`` with its gradient in z."""
    formula = kernel_formula(LOSSES, name)
    value, gradient, by_row = formula.value, formula.gradient, formula.row

    def elementwise(z, targets, weights, rows, levels, settings, delta):
        total = 0.0
        s = in_type(delta, settings)
        gather(targets, rows, delta)
        if weights.size == 0:  # one loop over all outputs, which vectorises
            z, delta = z.reshape(z.size), delta.reshape(delta.size)
            for i in range(z.size):
                y = delta[i]
                total += value(z[i], y, s)
                delta[i] = gradient(z[i], y, s)
            return total
        for i in range(rows.size):
            weight = delta.dtype.type(weights[rows[i]])
            for j in range(z.shape[1]):
                y = delta[i, j]
                total += weight * value(z[i, j], y, s)
                delta[i, j] = weight * gradient(z[i, j], y, s)
        return total

    def over_rows(z, targets, weights, rows, levels, settings, delta):
        total = 0.0
        s = in_type(delta, settings)
        for i in range(rows.size):
            weight = delta.dtype.type(row_weight(weights, rows[i]))
            slope = delta[i]
            total += weight * by_row(z[i], targets[rows[i]], levels, s, slope)
            for j in range(slope.size):
                slope[j] *= weight
        return total

    return elementwise if by_row is None else over_rows


loss_loops = Family(
    loss_loop,
    lambda real: types.float64(
        real[:, ::1], real[:, ::1], real[::1], types.int64[::1], real[::1], typeof(LossSettings()), real[:, ::1]
    ),
)
loss_and_delta = loss_loops.call
