"""Batch and layer normalisation of a shard of rows, forward and back.

A batch to be normalised is one shard. In prediction the running averages take the place of its mean and variance; so
they do in training where one row alone has weight, which has no variance: the averages then take in that row.
"""


from skmlp.cpu.compile import Family, formulas, function
from skmlp.cpu.loss import row_weight, row_weights, shard_rows
from skmlp.cpu.memory import (
    DELTA,
    GRADIENT,
    INVERSE,
    MEAN,
    MOMENTS,
    N_OUT,
    N_ROWS,
    PARAMETERS,
    SCALE,
    SHARES,
    SHIFT,
    STANDARD,
    TRAINING,
    VARIANCE,
    WORK,
    B,
    Z,
    matrix,
    vector,
)
from skmlp.cpu.products import column_sums
from skmlp.formulas import normalization
from skmlp.formulas.normalization import averaged, averaged_variance, inverse_deviation, normalized_slope

formulas(normalization)


@function
def set_shares(weights, rows, share):
    """Each row's share in the weight of the batch; all 0 where fewer than two rows have weight."""
    total, count = share.dtype.type(0.0), 0
    for i in range(rows.size):
        weight = share.dtype.type(row_weight(weights, rows[i]))
        share[i] = weight
        total += weight
        count += weight > 0.0
    for i in range(rows.size):
        share[i] = share[i] / total if count > 1 else share.dtype.type(0.0)
    return count


@function
def column_moments(z, share, mean, variance):
    """Weighted mean and variance of each column."""
    mean[:] = 0
    variance[:] = 0
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            mean[j] += share[i] * z[i, j]
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            away = z[i, j] - mean[j]
            variance[j] += share[i] * away * away


@function
def average_in(mean, variance, running_mean, running_variance):
    """Update the running averages by the statistics of a batch."""
    for j in range(mean.size):
        running_mean[j] = averaged(running_mean[j], mean[j])
        running_variance[j] = averaged(running_variance[j], variance[j])


@function
def take_in_row(z, weights, rows, mean, variance):
    """Update the running averages by the one row that has weight, if there is one."""
    for i in range(rows.size):
        if row_weight(weights, rows[i]) > 0.0:
            for j in range(z.shape[1]):
                away = z[i, j] - mean[j]
                mean[j] = averaged(mean[j], z[i, j])
                variance[j] = averaged_variance(variance[j], away)


@function
def standardize_columns(z, mean, variance, scale, shift, x, inverse):
    """x = (z - mean) / √(variance + ε), column by column; z = scale x + shift."""
    for j in range(z.shape[1]):
        inverse[j] = inverse_deviation(variance[j])
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            x[i, j] = (z[i, j] - mean[j]) * inverse[j]
            z[i, j] = scale[j] * x[i, j] + shift[j]


@function
def of_units(memory, operation, place, real):
    """Parameters of a layer, one a unit."""
    return vector(memory, PARAMETERS, operation[place], operation[N_OUT], real)


@function
def slope_of_units(memory, operation, place, real):
    """Their gradient."""
    return vector(memory, GRADIENT, operation[place], operation[N_OUT], real)


@function
def normalize_batch(memory, operation, real):
    """Normalise each unit over the rows, in place, by the batch or by the running averages."""
    n_rows, units = memory[N_ROWS], operation[N_OUT]
    z = matrix(memory, WORK, operation[Z], n_rows, units, real)
    x = matrix(memory, WORK, operation[STANDARD], n_rows, units, real)
    inverse = vector(memory, WORK, operation[INVERSE], units, real)
    scale, shift = of_units(memory, operation, SCALE, real), of_units(memory, operation, SHIFT, real)
    running_mean = of_units(memory, operation, MEAN, real)
    running_variance = of_units(memory, operation, VARIANCE, real)
    if not memory[TRAINING]:
        standardize_columns(z, running_mean, running_variance, scale, shift, x, inverse)
        return
    mean = vector(memory, WORK, operation[MOMENTS], units, real)
    variance = vector(memory, WORK, operation[MOMENTS] + units, units, real)
    rows, weights = shard_rows(memory), row_weights(memory, real)
    share = vector(memory, WORK, operation[SHARES], n_rows, real)
    if set_shares(weights, rows, share) > 1:
        column_moments(z, share, mean, variance)
        average_in(mean, variance, running_mean, running_variance)
    else:
        mean[:], variance[:] = running_mean, running_variance
        take_in_row(z, weights, rows, running_mean, running_variance)
    standardize_columns(z, mean, variance, scale, shift, x, inverse)


@function
def normalize_layer(memory, operation, real):
    """Normalise each row over the units, in place."""
    n_rows, units = memory[N_ROWS], operation[N_OUT]
    z = matrix(memory, WORK, operation[Z], n_rows, units, real)
    x = matrix(memory, WORK, operation[STANDARD], n_rows, units, real)
    inverse = vector(memory, WORK, operation[INVERSE], n_rows, real)
    scale, shift = of_units(memory, operation, SCALE, real), of_units(memory, operation, SHIFT, real)
    share = real(1.0) / real(units)
    for i in range(n_rows):
        mean = variance = real(0.0)
        for j in range(units):
            mean += z[i, j]
        mean *= share
        for j in range(units):
            away = z[i, j] - mean
            variance += away * away
        inverse[i] = inverse_deviation(variance * share)
        for j in range(units):
            x[i, j] = (z[i, j] - mean) * inverse[i]
            z[i, j] = scale[j] * x[i, j] + shift[j]


@function
def affine_gradient(delta, x, scale_gradient, shift_gradient):
    """Gradients of scale and shift."""
    column_sums(delta, shift_gradient)
    scale_gradient[:] = 0
    for i in range(delta.shape[0]):
        for j in range(delta.shape[1]):
            scale_gradient[j] += delta[i, j] * x[i, j]


@function
def normalize_batch_slopes(memory, operation, real):
    """Turn the gradient in z into that in what was normalised by the running averages."""
    n_rows, units = memory[N_ROWS], operation[N_OUT]
    delta = matrix(memory, WORK, operation[DELTA], n_rows, units, real)
    inverse, scale = vector(memory, WORK, operation[INVERSE], units, real), of_units(memory, operation, SCALE, real)
    for i in range(n_rows):
        for j in range(units):
            delta[i, j] *= scale[j] * inverse[j]


@function
def normalize_batch_back(memory, operation, real):
    """Turn the gradient in z into that in what was normalised; fill that of scale, shift and bias.

    The mean of a batch takes out what a bias adds, so its gradient is 0, and left to rounding it would wander.
    """
    n_rows, units = memory[N_ROWS], operation[N_OUT]
    delta = matrix(memory, WORK, operation[DELTA], n_rows, units, real)
    x = matrix(memory, WORK, operation[STANDARD], n_rows, units, real)
    inverse, share = vector(memory, WORK, operation[INVERSE], units, real), vector(
        memory, WORK, operation[SHARES], n_rows, real
    )
    scale = of_units(memory, operation, SCALE, real)
    total, along = slope_of_units(memory, operation, SHIFT, real), slope_of_units(memory, operation, SCALE, real)
    affine_gradient(delta, x, along, total)
    taken = real(0.0)
    for i in range(n_rows):
        taken += share[i]
        for j in range(units):
            slope, through = scale[j] * delta[i, j], share[i] * scale[j]
            delta[i, j] = normalized_slope(slope, inverse[j], through, total[j], along[j], x[i, j])
    bias = slope_of_units(memory, operation, B, real)
    if taken > 0.0:
        bias[:] = 0
    else:
        column_sums(delta, bias)


@function
def normalize_layer_slopes(memory, operation, real):
    """Turn the gradient in z into that in what was normalised."""
    n_rows, units = memory[N_ROWS], operation[N_OUT]
    delta = matrix(memory, WORK, operation[DELTA], n_rows, units, real)
    x = matrix(memory, WORK, operation[STANDARD], n_rows, units, real)
    inverse = vector(memory, WORK, operation[INVERSE], n_rows, real)
    scale = of_units(memory, operation, SCALE, real)
    share = real(1.0) / real(units)
    for i in range(n_rows):
        total = along = real(0.0)
        for j in range(units):
            delta[i, j] *= scale[j]
            total += delta[i, j]
            along += delta[i, j] * x[i, j]
        for j in range(units):
            delta[i, j] = normalized_slope(delta[i, j], inverse[i], share, total, along, x[i, j])


@function
def normalize_layer_back(memory, operation, real):
    """The same; fill the gradient of scale, shift and bias."""
    n_rows, units = memory[N_ROWS], operation[N_OUT]
    delta = matrix(memory, WORK, operation[DELTA], n_rows, units, real)
    x = matrix(memory, WORK, operation[STANDARD], n_rows, units, real)
    affine_gradient(
        delta, x, slope_of_units(memory, operation, SCALE, real), slope_of_units(memory, operation, SHIFT, real)
    )
    normalize_layer_slopes(memory, operation, real)
    column_sums(delta, slope_of_units(memory, operation, B, real))


NORMALIZATIONS = {
    "batch": (normalize_batch, normalize_batch_back, normalize_batch_slopes),
    "layer": (normalize_layer, normalize_layer_back, normalize_layer_slopes),
}


def normalize_loop(name, real):
    """Loop of a normalisation: z ← scale x + shift, x kept for the way back."""
    normalize = NORMALIZATIONS[name][0]

    def run(memory, operation):
        normalize(memory, operation, real)

    return run


def normalize_back_loop(name, real):
    """Loop of its way back: delta, the gradient in z, becomes that in what was normalised."""
    normalize_back = NORMALIZATIONS[name][1]

    def run(memory, operation):
        normalize_back(memory, operation, real)

    return run


def normalize_slopes_loop(name, real):
    """Loop of the way back alone, after a prediction: nothing is worked out for the parameters."""
    normalize_slopes = NORMALIZATIONS[name][2]

    def run(memory, operation):
        normalize_slopes(memory, operation, real)

    return run


normalize_loops, normalize_back_loops = Family(normalize_loop), Family(normalize_back_loop)
normalize_slopes_loops = Family(normalize_slopes_loop)
