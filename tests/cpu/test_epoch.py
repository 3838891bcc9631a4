"""Whole epochs of training on the back end."""

import numpy as np
import pytest

from skmlp.cpu.backend import LEAST_ROWS, SHARD_ROWS, shard_rows
from skmlp.formulas.optimisers import OPTIMISERS, STEPS
from tests import naive
from tests.cpu.problem import NONE, SETTINGS, activations, close, losses, make_problem, optimisers, precisions, variants


def steps(run):
    """Updates that a run has done."""
    return run.state[1][STEPS]


def assert_epochs_equal(
    problem, optimiser, settings, *, batch_size, penalty=NONE, epochs=3, real="float64", rtol=1e-9, **step
):
    """Some epochs, each of its own order and learning rates, with weight decay or clipping; returns the run."""
    run = problem.run(real, batch_size=batch_size, solver=optimiser, penalty=penalty, settings=settings | step)
    twin = naive.OPTIMISERS[optimiser](**{**naive.SETTINGS, **settings})
    random, vector = np.random.default_rng(5), problem.vector
    for _ in range(epochs):
        order = random.permutation(problem.rows)
        rates = random.uniform(0.01, 0.1, -(-problem.rows // batch_size))
        outputs = np.full((problem.rows, problem.units[-1]), np.nan, dtype=real)
        loss = run.run_epoch(order, rates, outputs)
        expected = problem.naive_epoch(vector, order, batch_size, twin, rates, penalty, **step)
        vector = expected.vector
        close(loss, expected.loss, rtol)
        close(run.parameters, vector, rtol)
        close(outputs, expected.predictions, rtol)
    return run


@optimisers
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
def test_epochs_equal_the_naive_statement(optimiser, settings, weighted):
    """Predictions of the pass, mean loss and parameters, with a last batch that is shorter."""
    problem = make_problem(rows=14, weighted=weighted)
    run = assert_epochs_equal(problem, optimiser, settings, batch_size=4, penalty=(0.3, 0.2))
    assert steps(run) == 3 * 4


MOVING = pytest.mark.parametrize("optimiser", [name for name in OPTIMISERS if name != "keep_gradient"])


@MOVING
@pytest.mark.parametrize(
    "step", [{"weight_decay": 0.5}, {"clip_norm": 0.1}, {"weight_decay": 0.2, "clip_norm": 0.3}], ids=str
)
def test_weight_decay_and_clipping_equal_the_naive_statement(optimiser, step):
    assert_epochs_equal(make_problem(rows=14), optimiser, {}, batch_size=4, penalty=(0.3, 0.2), **step)


def test_weight_decay_shrinks_weights_and_no_biases():
    """Where gradients are far smaller than the decay, which adam's steps would not show."""
    problem = make_problem(rows=8)
    plain, decayed = (
        problem.run(batch_size=8, solver="sgd", settings={"weight_decay": decay}) for decay in (0.0, 0.25)
    )
    for run in (plain, decayed):
        run.run_epoch(np.arange(8), np.full(1, 0.1))
    n_weights = problem.backend().network.layout.n_weights
    close((plain.parameters - decayed.parameters)[:n_weights], 0.025 * problem.vector[:n_weights], 1e-12)
    np.testing.assert_array_equal(plain.parameters[n_weights:], decayed.parameters[n_weights:])


@precisions
def test_clipping_bounds_the_norm_of_the_step_and_keeps_its_direction(real, rtol):
    """Plain gradient descent: the step is the rate times the gradient of the mean loss, penalty included."""
    problem = make_problem(rows=8)
    gradient = problem.loss_and_gradient(penalty=(0.3, 0.2))[1]
    norm = np.linalg.norm(gradient)
    for clip_norm in (0.5 * norm, 2.0 * norm):
        settings = {"momentum": 0.0, "clip_norm": clip_norm}
        run = problem.run(real, batch_size=8, solver="sgd", penalty=(0.3, 0.2), settings=settings)
        run.run_epoch(np.arange(8), np.full(1, 0.5))
        expected = problem.vector - 0.5 * gradient * min(1.0, clip_norm / norm)
        close(run.parameters, expected, 10 * rtol)


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_a_gradient_of_zero_is_not_clipped_to_nan(optimiser):
    problem = make_problem(rows=4, hidden=(), outputs=1)
    problem.vector[:] = 0.0
    problem.y[:] = 0.0
    run = problem.run(batch_size=4, solver=optimiser, settings={"clip_norm": 1.0})
    run.run_epoch(np.arange(4), np.full(1, 0.1))
    np.testing.assert_array_equal(run.parameters, 0.0)


@MOVING
@pytest.mark.parametrize("step", [{}, {"clip_norm": 1.0}], ids=["plain", "clipped"])
def test_nan_in_the_gradient_reaches_the_parameters(optimiser, step):
    problem = make_problem(rows=4)
    problem.X[1, 2] = np.nan
    run = problem.run(batch_size=4, solver=optimiser, settings=step)
    run.run_epoch(np.arange(4), np.full(1, 0.1))
    assert np.isnan(run.parameters).any()


@variants
def test_epochs_with_parameters_of_the_loss(loss, loss_settings):
    assert_epochs_equal(make_problem(loss, loss_settings=loss_settings, rows=9), "adam", {}, batch_size=4)


@losses
@activations
def test_epochs_of_every_loss_and_activation(loss, activation):
    assert_epochs_equal(make_problem(loss, (activation, activation), rows=9), "adam", {}, batch_size=4)


@pytest.mark.parametrize("batch_size", [1, 3, 5, 9])
def test_batches_of_any_size(batch_size):
    assert_epochs_equal(make_problem(rows=9), "sgd", {}, batch_size=batch_size, penalty=(0.0, 0.4))


@pytest.mark.parametrize(
    "batch_size",
    [2 * LEAST_ROWS - 1, 2 * LEAST_ROWS + 3, SHARD_ROWS, SHARD_ROWS + 1, 2 * SHARD_ROWS, 2 * SHARD_ROWS + 9],
)
def test_batches_of_several_shards(batch_size):
    """The last batch has fewer shards than the others."""
    for left in (5, batch_size // 2 + 1, batch_size - 1):
        problem = make_problem(rows=batch_size + left, n_in=2, hidden=(2,), outputs=1)
        assert_epochs_equal(problem, "adam", {}, batch_size=batch_size, epochs=2)


def test_shards_are_cut_by_the_size_of_the_batch():
    """One where a batch has few rows; else two at least, of whole tiles of rows, and of no more than is good."""
    for batch_size in range(1, 3_000):
        rows = shard_rows(batch_size)
        assert 1 <= rows <= min(batch_size, SHARD_ROWS)
        if batch_size < 2 * LEAST_ROWS - 1:
            assert rows == batch_size
        else:
            assert LEAST_ROWS <= rows < batch_size and rows % 8 == 0
        assert shard_rows(batch_size, dense=False) == min(batch_size, SHARD_ROWS)


def test_batches_of_sparse_rows_are_cut_where_they_must_be_alone():
    assert all(shard_rows(size, dense=False) == min(size, SHARD_ROWS) for size in range(1, 3_000))


@optimisers
def test_epochs_in_single_precision(optimiser):
    assert_epochs_equal(make_problem(rows=14), optimiser, {"epsilon": 1e-3}, batch_size=4, real="float32", rtol=1e-3)


def test_an_epoch_visits_the_rows_of_its_order_alone():
    problem = make_problem(rows=9)
    order = np.array([7, 2, 2, 5])
    run = problem.run(batch_size=2, solver="sgd")
    outputs = np.empty((len(order), 2))
    loss = run.run_epoch(order, np.full(2, 0.1), outputs)
    expected = problem.naive_epoch(problem.vector, order, 2, naive.Sgd(**naive.SETTINGS), np.full(2, 0.1))
    close(loss, expected.loss, 1e-12)
    close(run.parameters, expected.vector, 1e-12)
    close(outputs, expected.predictions, 1e-12)


def test_recording_predictions_changes_nothing():
    problem = make_problem(rows=9)
    with_outputs, without = (problem.run(batch_size=4, solver="adam") for _ in range(2))
    recorded = with_outputs.run_epoch(np.arange(9), np.full(3, 0.1), np.empty((9, 2)))
    assert recorded == without.run_epoch(np.arange(9), np.full(3, 0.1))
    np.testing.assert_array_equal(with_outputs.parameters, without.parameters)


@optimisers
def test_a_batch_without_weight_is_skipped(optimiser):
    """It changes neither parameters, nor the mean loss, nor the number of steps that Adam corrects by."""
    problem = make_problem(rows=12)
    problem.row_weights[4:8] = 0.0
    kept = np.r_[0:4, 8:12]
    run, without = (problem.run(batch_size=4, solver=optimiser, penalty=(0.3, 0.2)) for _ in range(2))
    rates = np.array([0.1, 0.2, 0.3])
    loss = run.run_epoch(np.arange(12), rates)
    assert loss == without.run_epoch(kept, rates[[0, 2]])
    assert steps(run) == steps(without) == 2
    np.testing.assert_array_equal(run.parameters, without.parameters)
    np.testing.assert_array_equal(run.state[0], without.state[0])


def test_skipped_batches_of_several_shards():
    rows = 2 * SHARD_ROWS + 10
    problem = make_problem(rows=2 * rows, n_in=2, hidden=(2,), outputs=1)
    problem.row_weights[:rows] = 0.0
    run, without = (problem.run(batch_size=rows, solver="adam") for _ in range(2))
    rates = np.full(2, 0.1)
    assert run.run_epoch(np.arange(2 * rows), rates) == without.run_epoch(np.arange(rows, 2 * rows), rates[:1])
    assert steps(run) == 1
    np.testing.assert_array_equal(run.parameters, without.parameters)


@losses
def test_recorded_rows_of_a_skipped_batch_are_predictions_too(loss):
    """Epoch after epoch into one array, as training records them."""
    problem = make_problem(loss, rows=12)
    problem.row_weights[4:8] = 0.0
    run, outputs = problem.run(batch_size=4, solver="keep_gradient"), np.zeros((12, 2))
    for _ in range(3):
        run.run_epoch(np.arange(12), np.full(3, 0.01), outputs)
    np.testing.assert_allclose(outputs, problem.backend().predict(problem.vector, problem.X), rtol=1e-12)


def test_with_every_batch_skipped_there_is_no_loss():
    problem = make_problem()
    problem.row_weights[:] = 0.0
    run = problem.run(batch_size=3, solver="adam")
    assert np.isnan(run.run_epoch(np.arange(problem.rows), np.full(3, 0.1)))
    assert steps(run) == 0
    np.testing.assert_array_equal(run.parameters, problem.vector)


def test_a_row_of_weight_0_counts_for_the_mean_loss_of_its_batch_alone():
    """The loss of a batch is its weighted mean, and enters the epoch's with all rows of the batch."""
    problem = make_problem(rows=4)
    problem.row_weights[:] = [1.0, 1.0, 1.0, 0.0]
    run = problem.run(batch_size=2, solver="sgd")
    losses = problem.naive().losses(problem.X, problem.y)
    close(run.run_epoch(np.arange(4), np.zeros(2)), (losses[0] + losses[1] + 2 * losses[2]) / 4, 1e-12)


@optimisers
def test_a_run_goes_on_from_its_state(optimiser):
    problem = make_problem(rows=9)
    rates = np.full(3, 0.1)
    through = problem.run(batch_size=4, solver=optimiser)
    first = problem.run(batch_size=4, solver=optimiser)
    for _ in range(2):
        through.run_epoch(np.arange(9), rates)
    first.run_epoch(np.arange(9), rates)
    problem.vector = first.parameters
    state = tuple(part.copy() for part in first.state)
    second = problem.run(batch_size=4, solver=optimiser, state=state)
    second.run_epoch(np.arange(9), rates)
    assert steps(through) == steps(second) == 6
    np.testing.assert_array_equal(through.parameters, second.parameters)
    for one, other in zip(through.state, second.state, strict=True):
        np.testing.assert_array_equal(one, other)
