"""Batch and layer normalisation: gradients, running averages, batches of one row, and nothing left to rounding."""

import numpy as np
import pytest

from skmlp.cpu.backend import SHARD_ROWS
from skmlp.formulas.normalization import averaged, averaged_variance, inverse_deviation, normalized_slope
from tests import naive
from tests.cpu.problem import (
    activations,
    assert_a_row_of_weight_2_counts_as_two_rows,
    assert_gradient_equals_central_differences,
    close,
    losses,
    make_problem,
    normalizations,
    optimisers,
    penalties,
    precisions,
)
from tests.cpu.test_epoch import assert_epochs_equal


@normalizations
@activations
@losses
@penalties
def test_gradient_equals_central_differences(normalization, activation, loss, penalty):
    problem = make_problem(loss, (activation, activation), normalization=normalization)
    assert_gradient_equals_central_differences(problem, penalty)


@normalizations
@pytest.mark.parametrize("rows", [1, 2, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_gradient_of_the_smallest_batches(normalization, rows, weighted):
    assert_gradient_equals_central_differences(make_problem(rows=rows, normalization=normalization, weighted=weighted))


@normalizations
def test_gradient_with_rows_of_weight_0(normalization):
    for kept in (1, 2, 4):
        problem = make_problem(rows=6, normalization=normalization)
        problem.row_weights[kept:] = 0.0
        assert_gradient_equals_central_differences(problem)


@normalizations
@losses
@penalties
@precisions
def test_loss_and_gradient_equal_the_naive_statement(normalization, loss, penalty, real, rtol):
    problem = make_problem(loss, normalization=normalization)
    expected = problem.naive().objective(problem.X, problem.y, problem.row_weights, *penalty)
    for ours, theirs in zip(problem.loss_and_gradient(real, penalty), expected, strict=True):
        close(ours, theirs, 5 * rtol)


@normalizations
@precisions
def test_predictions_equal_the_naive_statement(normalization, real, rtol):
    problem = make_problem(normalization=normalization)
    before = problem.vector.copy()
    close(
        problem.backend(real).predict(problem.vector.astype(real), problem.X), problem.naive().predict(problem.X), rtol
    )
    np.testing.assert_array_equal(problem.vector, before)


@normalizations
@optimisers
@pytest.mark.parametrize("batch_size", [1, 3, 6])
def test_epochs_equal_the_naive_statement(normalization, optimiser, batch_size):
    """Thirteen rows: the last batch has one row, whatever the size of the others."""
    problem = make_problem(rows=13, normalization=normalization)
    settings = {"epsilon": 1e-3}  # else rounding could turn a step on a gradient of 0
    assert_epochs_equal(
        problem, optimiser, settings, batch_size=batch_size, penalty=(0.3, 0.2), weight_decay=0.1, clip_norm=1.0
    )


@normalizations
def test_batches_of_more_rows_than_a_shard_are_normalised_whole(normalization):
    batch_size = SHARD_ROWS + 40
    problem = make_problem(rows=2 * batch_size + 5, n_in=2, hidden=(2,), outputs=1, normalization=normalization)
    assert_epochs_equal(problem, "adam", {}, batch_size=batch_size, epochs=2)


@normalizations
def test_weights_scale_freely(normalization):
    """Only their proportions count, in the statistics as in the mean loss."""
    problem = make_problem(normalization=normalization)
    loss, gradient = problem.loss_and_gradient()
    scaled = problem.loss_and_gradient(weights=8.0 * problem.row_weights)
    close(scaled[0], loss, 1e-12)
    close(scaled[1], gradient, 1e-12)


@normalizations
def test_a_row_of_weight_2_counts_as_two_rows(normalization):
    assert_a_row_of_weight_2_counts_as_two_rows(make_problem(normalization=normalization, weighted=False))


def test_a_batch_without_weight_moves_no_running_average():
    problem = make_problem(rows=12, normalization="batch")
    problem.row_weights[4:8] = 0.0
    run, without = (problem.run(batch_size=4, solver="adam") for _ in range(2))
    outputs = np.empty((12, 2))
    run.run_epoch(np.arange(12), np.full(3, 0.1), outputs)
    without.run_epoch(np.r_[0:4, 8:12], np.full(2, 0.1))
    np.testing.assert_array_equal(run.parameters, without.parameters)
    assert np.isfinite(outputs).all()


@precisions
def test_biases_before_batch_normalisation_have_no_gradient_at_all(real, rtol):
    """Rounding would let adam move them by whole steps."""
    problem = make_problem(rows=50, normalization="batch")
    gradient = problem.loss_and_gradient(real)[1]
    biases = problem.backend().network.layout.biases(gradient)
    assert all((bias == 0.0).all() for bias in biases[:-1])
    assert (biases[-1] != 0.0).all()


@normalizations
@pytest.mark.parametrize("real", ["float32", "float64"])
@pytest.mark.parametrize("size", [0.0, 1e-4, 1e4])
def test_extreme_inputs_give_finite_steps(normalization, real, size):
    """Columns that are constant, tiny or huge."""
    problem = make_problem(rows=20, activations=("relu", "tanh"), normalization=normalization)
    problem.X *= size
    problem.X[:, 0] = size
    run = problem.run(real, batch_size=5, solver="adam")
    losses = [run.run_epoch(np.arange(20), np.full(4, 0.01)) for _ in range(5)]
    assert np.isfinite(losses).all() and np.isfinite(run.parameters).all()
    assert run.parameters.dtype == real


@pytest.mark.parametrize("normalization", ["batch", "layer"])
def test_nan_in_the_data_reaches_the_loss(normalization):
    problem = make_problem(normalization=normalization)
    problem.X[2, 1] = np.nan
    assert np.isnan(problem.run(batch_size=3, solver="sgd").run_epoch(np.arange(7), np.full(3, 0.1)))


def test_running_averages_of_single_values_are_their_exponentially_weighted_moments():
    values = np.random.default_rng(0).normal(2.0, 3.0, 400)
    mean, variance = 0.0, 1.0
    for value in values:
        variance = averaged_variance(variance, value - mean)
        mean = averaged(mean, value)
    shares = 0.1 * 0.9 ** np.arange(400)[::-1]
    expected = (shares * values).sum()
    assert mean == pytest.approx(expected, rel=1e-10)
    assert variance == pytest.approx((shares * (values - expected) ** 2).sum(), rel=1e-10)


def test_slope_of_a_normalised_value_equals_its_jacobian():
    random = np.random.default_rng(1)
    values, slopes = random.normal(size=(2, 6))
    shares = random.dirichlet(np.ones(6))
    x = naive.standardized(values, shares)
    inverse = inverse_deviation(shares @ (values - shares @ values) ** 2)
    ours = [
        normalized_slope(slope, inverse, share, slopes.sum(), slopes @ x, at)
        for slope, share, at in zip(slopes, shares, x, strict=True)
    ]
    np.testing.assert_allclose(ours, slopes @ naive.standardized_jacobian(values, shares), rtol=1e-12)
