"""Batch and layer normalisation of a shard of rows, forward and back.

A batch to be normalised is one shard. In prediction the running averages take the place of its mean and variance; so
they do in training where one row alone has weight, which has no variance: the averages then take in that row.
"""

from typing import NamedTuple

import numpy as np
from numba import types

from skmlp.cpu.compile import Family, by_type, formulas, function
from skmlp.cpu.loss import row_weight
from skmlp.cpu.products import column_sums
from skmlp.cpu.views import matrix, vector
from skmlp.formulas import normalization
from skmlp.formulas.normalization import averaged, averaged_variance, inverse_deviation, normalized_slope

formulas(normalization)

# Places in ``offsets``: where in the parameter vector a layer's biases and parameters of normalisation begin.
BIAS, SCALE, SHIFT, MEAN, VARIANCE, N_OFFSETS = range(6)
# Places in ``scratch``: each row's share in the statistics, kept for the way back, and those of the layer at hand.
SHARE, BATCH_MEAN, BATCH_VARIANCE, N_SCRATCH = range(4)


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


def normalize_batch(parameters, offsets, z, weights, rows, training, x, inverse, scratch):
    """Normalise each unit over the rows, in place, by the batch or by the running averages."""
    units = z.shape[1]
    scale, shift = vector(parameters, offsets[SCALE], units), vector(parameters, offsets[SHIFT], units)
    running_mean = vector(parameters, offsets[MEAN], units)
    running_variance = vector(parameters, offsets[VARIANCE], units)
    if not training:
        standardize_columns(z, running_mean, running_variance, scale, shift, x, inverse)
        return
    mean, variance = scratch[BATCH_MEAN, :units], scratch[BATCH_VARIANCE, :units]
    if set_shares(weights, rows, scratch[SHARE]) > 1:
        column_moments(z, scratch[SHARE], mean, variance)
        average_in(mean, variance, running_mean, running_variance)
    else:
        mean[:], variance[:] = running_mean, running_variance
        take_in_row(z, weights, rows, running_mean, running_variance)
    standardize_columns(z, mean, variance, scale, shift, x, inverse)


def normalize_layer(parameters, offsets, z, weights, rows, training, x, inverse, scratch):
    """Normalise each row over the units, in place."""
    units = z.shape[1]
    scale, shift = vector(parameters, offsets[SCALE], units), vector(parameters, offsets[SHIFT], units)
    share = z.dtype.type(1.0) / z.dtype.type(units)
    for i in range(z.shape[0]):
        mean = variance = z.dtype.type(0.0)
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


def normalize_batch_back(parameters, offsets, delta, x, inverse, scratch, gradient):
    """Turn the gradient in z into that in what was normalised; fill that of scale, shift and bias.

    The mean of a batch takes out what a bias adds, so its gradient is 0, and left to rounding it would wander.
    """
    n_rows, units = delta.shape
    scale, share = vector(parameters, offsets[SCALE], units), scratch[SHARE]
    total, along = vector(gradient, offsets[SHIFT], units), vector(gradient, offsets[SCALE], units)
    affine_gradient(delta, x, along, total)
    taken = share.dtype.type(0.0)
    for i in range(n_rows):
        taken += share[i]
        for j in range(units):
            slope, through = scale[j] * delta[i, j], share[i] * scale[j]
            delta[i, j] = normalized_slope(slope, inverse[j], through, total[j], along[j], x[i, j])
    bias = vector(gradient, offsets[BIAS], units)
    if taken > 0.0:
        bias[:] = 0
    else:
        column_sums(delta, bias)


def normalize_layer_back(parameters, offsets, delta, x, inverse, scratch, gradient):
    """Turn the gradient in z into that in what was normalised; fill that of scale, shift and bias."""
    n_rows, units = delta.shape
    scale = vector(parameters, offsets[SCALE], units)
    affine_gradient(delta, x, vector(gradient, offsets[SCALE], units), vector(gradient, offsets[SHIFT], units))
    share = delta.dtype.type(1.0) / delta.dtype.type(units)
    for i in range(n_rows):
        total = along = delta.dtype.type(0.0)
        for j in range(units):
            delta[i, j] *= scale[j]
            total += delta[i, j]
            along += delta[i, j] * x[i, j]
        for j in range(units):
            delta[i, j] = normalized_slope(delta[i, j], inverse[i], share, total, along, x[i, j])
    column_sums(delta, vector(gradient, offsets[BIAS], units))


def normalize_loop(name):
    """Loop of a normalisation: z ← scale x + shift, x kept for the way back."""
    return {"batch": normalize_batch, "layer": normalize_layer}[name]


def normalize_back_loop(name):
    """Loop of its way back: delta, the gradient in z, becomes that in what was normalised."""
    return {"batch": normalize_batch_back, "layer": normalize_layer_back}[name]


def _forward(real):
    integers = types.int64[::1]
    matrix = real[:, ::1]
    return types.void(real[::1], integers, matrix, real[::1], integers, types.int64, matrix, real[::1], matrix)


def _back(real):
    matrix = real[:, ::1]
    return types.void(real[::1], types.int64[::1], matrix, matrix, real[::1], matrix, real[::1])


normalize_loops = Family(normalize_loop, _forward)
normalize_back_loops = Family(normalize_back_loop, _back)
call_forward, call_back = normalize_loops.call, normalize_back_loops.call


class NormalizationNumbers(NamedTuple):
    """Addresses of the loops, and a row of offsets a hidden layer."""

    forward: int
    back: int
    offsets: np.ndarray


def normalization_numbers(layout, dtype):
    """The normalisation of a network as kernels take it; compiles its loops, or loads them."""
    hidden = len(layout.units) - 2
    starts = layout.bias_offsets[:hidden] + layout.normalization_offsets[:-1]
    offsets = np.zeros((hidden, N_OFFSETS), dtype=np.int64)
    for layer in range(hidden):
        of_layer = starts[layer::hidden]
        offsets[layer, : len(of_layer)] = of_layer
    name = layout.normalization
    return NormalizationNumbers(
        normalize_loops.address(name, dtype), normalize_back_loops.address(name, dtype), offsets
    )


def _normalize(normalization, layer, parameters, z, weights, rows, training, work):
    x = matrix(work.standard, work.offsets[layer] * z.shape[0], z.shape[0], z.shape[1])
    offsets, inverse = normalization.offsets[layer], work.inverse[layer]
    arguments = parameters, offsets, z, weights, rows, training, x, inverse, work.scratch
    call_forward(normalization.forward, *arguments)


def _normalize_back(normalization, layer, parameters, delta, gradient, work):
    x = matrix(work.standard, work.offsets[layer] * delta.shape[0], delta.shape[0], delta.shape[1])
    offsets, inverse = normalization.offsets[layer], work.inverse[layer]
    call_back(normalization.back, parameters, offsets, delta, x, inverse, work.scratch, gradient)


def _as_it_is(normalization, layer, parameters, z, weights, rows, training, work):
    pass


def _back_as_it_is(normalization, layer, parameters, delta, gradient, work):
    pass


def _of_output(normalization, bias, none, output):
    return bias if output else none


def _of_every_layer(normalization, bias, none, output):
    return bias


# Kernels are compiled apart for networks with normalisation: code that is never run would cost small networks a tenth.
# (normalization, layer, parameters, z, weights, rows, training, work): z normalised in place.
normalize = by_type(tuple, types.BaseNamedTuple, _normalize, _as_it_is)
# (normalization, layer, parameters, delta, gradient, work): delta before normalisation, and gradients.
normalize_back = by_type(tuple, types.BaseNamedTuple, _normalize_back, _back_as_it_is)
# (normalization, bias, none, output): the gradient of the biases where it is left to do, else none.
unnormalized_bias = by_type(tuple, types.BaseNamedTuple, _of_output, _of_every_layer)
