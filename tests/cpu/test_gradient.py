"""Loss and gradient of a batch, as the back end gives them to a solver."""

import numpy as np
import pytest

from skmlp.cpu.backend import SHARD_ROWS
from tests.cpu.problem import (
    activations,
    assert_a_row_of_weight_2_counts_as_two_rows,
    assert_gradient_equals_central_differences,
    close,
    losses,
    make_problem,
    networks,
    penalties,
    precisions,
    variants,
)


@activations
@losses
@penalties
def test_gradient_equals_central_differences(activation, loss, penalty):
    problem = make_problem(loss, (activation, activation))
    assert_gradient_equals_central_differences(problem, penalty)


LEVELS = {"one level": (0.2,), "two levels": (0.1, 0.9), "four levels": (0.05, 0.3, 0.5, 0.99)}
levels = pytest.mark.parametrize("levels", LEVELS.values(), ids=LEVELS)


@variants
@penalties
def test_gradient_with_parameters_of_the_loss_equals_central_differences(loss, loss_settings, penalty):
    assert_gradient_equals_central_differences(make_problem(loss, loss_settings=loss_settings, outputs=3), penalty)


@levels
@penalties
def test_gradient_of_quantiles_equals_central_differences(levels, penalty):
    problem = make_problem("quantile", loss_settings={"levels": levels}, outputs=len(levels))
    assert_gradient_equals_central_differences(problem, penalty)


@variants
@precisions
def test_parameters_of_the_loss_equal_the_naive_statement(loss, loss_settings, real, rtol):
    problem = make_problem(loss, loss_settings=loss_settings, outputs=3)
    expected = problem.naive().objective(problem.X, problem.y, problem.row_weights, 0.3, 0.2)
    for ours, theirs in zip(problem.loss_and_gradient(real, (0.3, 0.2)), expected, strict=True):
        close(ours, theirs, rtol)


@levels
@precisions
def test_quantiles_equal_the_naive_statement_and_never_cross(levels, real, rtol):
    problem = make_problem("quantile", loss_settings={"levels": levels}, outputs=len(levels))
    expected = problem.naive().objective(problem.X, problem.y, problem.row_weights, 0.3, 0.2)
    for ours, theirs in zip(problem.loss_and_gradient(real, (0.3, 0.2)), expected, strict=True):
        close(ours, theirs, rtol)
    p = problem.backend(real).predict(problem.vector.astype(real), 100.0 * problem.X)
    assert (np.diff(p, axis=1) >= 0.0).all()


@pytest.mark.parametrize("loss", ["binary_log_loss", "categorical_log_loss"])
def test_what_is_measured_knows_no_label_smoothing(loss):
    smoothed, plain = make_problem(loss, loss_settings={"label_smoothing": 0.3}), make_problem(loss)
    data = plain.data()
    measured = [problem.backend().predict_and_loss(plain.vector, *data) for problem in (smoothed, plain)]
    for one, other in zip(*measured, strict=True):
        np.testing.assert_array_equal(one, other)
    assert abs(smoothed.loss_and_gradient()[0] - plain.loss_and_gradient()[0]) > 1e-3


@activations
@losses
@penalties
@precisions
def test_loss_and_gradient_equal_the_naive_statement(activation, loss, penalty, real, rtol):
    problem = make_problem(loss, (activation, activation))
    expected = problem.naive().objective(problem.X, problem.y, problem.row_weights, *penalty)
    for ours, theirs in zip(problem.loss_and_gradient(real, penalty), expected, strict=True):
        close(ours, theirs, rtol)


@networks
@losses
@precisions
def test_networks_of_every_shape(network, loss, real, rtol):
    problem = make_problem(loss, **network)
    expected = problem.naive().objective(problem.X, problem.y, problem.row_weights, 0.0, 0.0)
    for ours, theirs in zip(problem.loss_and_gradient(real), expected, strict=True):
        close(ours, theirs, rtol)
    p = problem.backend(real).predict(problem.vector.astype(real), problem.X)
    close(p, problem.naive().predict(problem.X), rtol)


@losses
def test_weights_multiply_the_losses_and_gradients_of_their_rows(loss):
    problem = make_problem(loss, rows=4)
    singles = [
        problem.loss_and_gradient(X=problem.X[[i]], targets=problem.y[[i]], weights=None, batch_size=1)
        for i in range(problem.rows)
    ]
    weighted, gradient = problem.loss_and_gradient()
    close(weighted, np.average([single[0] for single in singles], weights=problem.row_weights), 1e-12)
    close(gradient, np.average([single[1] for single in singles], weights=problem.row_weights, axis=0), 1e-12)


@losses
def test_a_row_of_weight_2_counts_as_two_rows(loss):
    assert_a_row_of_weight_2_counts_as_two_rows(make_problem(loss, weighted=False))


@losses
def test_without_weights_every_row_weighs_1(loss):
    problem = make_problem(loss, weighted=False)
    unweighted = problem.loss_and_gradient()
    weighted = problem.loss_and_gradient(weights=np.ones(problem.rows))
    for one, other in zip(unweighted, weighted, strict=True):
        close(one, other, 1e-13)  # summed in another order


@pytest.mark.parametrize("rows", [190, 191, SHARD_ROWS - 1, SHARD_ROWS, SHARD_ROWS + 1, 2 * SHARD_ROWS + 37])
@precisions
def test_a_batch_of_several_shards_is_one_batch(rows, real, rtol):
    problem = make_problem(rows=rows, hidden=(3,))
    expected = problem.naive().objective(problem.X, problem.y, problem.row_weights, 0.3, 0.2)
    for ours, theirs in zip(problem.loss_and_gradient(real, (0.3, 0.2)), expected, strict=True):
        close(ours, theirs, rtol)


@activations
@losses
def test_nan_in_the_data_reaches_the_loss(activation, loss):
    problem = make_problem(loss, (activation, activation))
    problem.X[2, 1] = np.nan
    run = problem.run(batch_size=3, solver="sgd")
    assert np.isnan(run.run_epoch(np.arange(problem.rows), np.full(3, 0.1)))
