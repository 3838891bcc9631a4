"""The CPU back end computes what the naive statement says, in float64 to rounding and in float32 nearly so."""

import threading
import tracemalloc

import numpy as np
import pytest
from scipy import sparse

from skmlp.cpu import backend
from skmlp.cpu.epoch import STEPS, run_shards
from skmlp.cpu.predict import predict_rows
from skmlp.cpu.structures import SHARD_ROWS
from skmlp.formulas.activations import ACTIVATIONS
from skmlp.formulas.losses import LOSSES
from skmlp.formulas.optimisers import OPTIMISERS
from tests import naive
from tests.cpu.problem import NONE, PENALTIES, make_problem
from tests.ways import needs_jit

SETTINGS = {
    "default": {},
    "plain": {"momentum": 0.0},
    "heavy ball": {"momentum": 0.8, "nesterov": 0.0},
    "other": {"beta_1": 0.7, "beta_2": 0.9, "epsilon": 1e-3, "rho": 0.6},
}
NETWORKS = {
    "no hidden layer": {"hidden": ()},
    "one hidden layer": {"hidden": (5,)},
    "single units": {"hidden": (1, 1), "n_in": 1, "outputs": 1},
    "mixed activations": {"hidden": (4, 3, 4, 3), "activations": ("relu", "logistic", "identity", "tanh")},
    "wide": {"hidden": (40, 3), "n_in": 2},
}

activations = pytest.mark.parametrize("activation", ACTIVATIONS)
losses = pytest.mark.parametrize("loss", LOSSES)
variants = pytest.mark.parametrize("loss, loss_settings", naive.LOSS_VARIANTS.values(), ids=naive.LOSS_VARIANTS)
penalties = pytest.mark.parametrize("penalty", PENALTIES.values(), ids=PENALTIES)
optimisers = pytest.mark.parametrize("optimiser", OPTIMISERS)
networks = pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
precisions = pytest.mark.parametrize("real, rtol", [("float32", 2e-4), ("float64", 1e-11)], ids=["float32", "float64"])


def close(actual, expected, rtol):
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol / 10)


def cut_into_pieces(monkeypatch, shards):
    """Let the back end hand out its work in pieces of ``shards`` shards, or all at once."""
    monkeypatch.setattr(backend, "FIRST_PIECE", 1e30 if shards is None else 0.0)
    monkeypatch.setattr(backend, "PAUSE", 1e30 if shards is None else 0.0)


# ---------------------------------------------------------------------------------------------------------------------
# Loss and gradient of one batch
# ---------------------------------------------------------------------------------------------------------------------


@activations
@losses
@penalties
def test_gradient_equals_central_differences(activation, loss, penalty):
    problem = make_problem(loss, (activation, activation))
    assert_gradient_equals_central_differences(problem, penalty)


def assert_gradient_equals_central_differences(problem, penalty=NONE):
    run = problem.run(penalty=penalty)
    gradient = run.loss_and_gradient(problem.vector)[1].copy()
    expected = naive.gradient_by_differences(lambda vector: run.loss_and_gradient(vector)[0], problem.vector)
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-9)


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
    problem = make_problem(loss, weighted=False)
    weights = np.ones(problem.rows)
    weights[[1, 3]] = 2.0
    twice = np.repeat(np.arange(problem.rows), weights.astype(int))
    weighted = problem.loss_and_gradient(weights=weights)
    repeated = problem.loss_and_gradient(X=problem.X[twice], targets=problem.y[twice], batch_size=len(twice))
    for one, other in zip(weighted, repeated, strict=True):
        close(one, other, 1e-12)


@losses
def test_without_weights_every_row_weighs_1(loss):
    problem = make_problem(loss, weighted=False)
    unweighted = problem.loss_and_gradient()
    weighted = problem.loss_and_gradient(weights=np.ones(problem.rows))
    for one, other in zip(unweighted, weighted, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("rows", [SHARD_ROWS - 1, SHARD_ROWS, SHARD_ROWS + 1, 2 * SHARD_ROWS + 37])
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


# ---------------------------------------------------------------------------------------------------------------------
# Epochs
# ---------------------------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("batch_size", [SHARD_ROWS, SHARD_ROWS + 1, 2 * SHARD_ROWS + 9])
def test_batches_of_several_shards(batch_size):
    """The last batch has fewer shards than the others."""
    problem = make_problem(rows=2 * batch_size + 5, n_in=2, hidden=(2,), outputs=1)
    assert_epochs_equal(problem, "adam", {}, batch_size=batch_size, epochs=2)


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


# ---------------------------------------------------------------------------------------------------------------------
# What must not change a result
# ---------------------------------------------------------------------------------------------------------------------


def trained(problem, real="float64", batch_size=SHARD_ROWS + 3, **more):
    """Parameters, losses and predictions after two epochs."""
    run = problem.run(real, batch_size=batch_size, solver="adam", penalty=(0.3, 0.2), **more)
    order, rates = np.arange(problem.rows)[::-1].copy(), np.full(-(-problem.rows // batch_size), 0.05)
    outputs = np.zeros((problem.rows, problem.units[-1]), dtype=real)
    losses = [run.run_epoch(order, rates, outputs) for _ in range(2)]
    return run.parameters, np.array(losses), outputs


def assert_identical(first, second):
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.fixture
def large():
    """Batches of two shards, the last one of one shard."""
    return make_problem(rows=2 * SHARD_ROWS + 20, n_in=3, hidden=(3,))


@pytest.mark.parametrize("real", ["float32", "float64"])
def test_work_in_pieces_is_bit_identical(large, real, monkeypatch):
    cut_into_pieces(monkeypatch, None)
    whole = trained(large, real)
    cut_into_pieces(monkeypatch, 1)
    pieces = []
    inner = backend.run_shards
    monkeypatch.setattr(backend, "run_shards", lambda *arguments: pieces.append(arguments) or inner(*arguments))
    assert_identical(trained(large, real), whole)
    assert len(pieces) > 4


def test_two_threads_are_bit_identical_to_one(large):
    alone = trained(large)
    results = [None] * 4
    threads = [threading.Thread(target=lambda i=i: results.__setitem__(i, trained(large))) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        assert_identical(result, alone)


def kinds_of_memory(array, path):
    """The same values in writable, read-only, mapped and Fortran-ordered memory."""
    frozen = array.copy()
    frozen.flags.writeable = False
    np.save(path, array)
    return {
        "read-only": frozen,
        "mapped": np.load(path, mmap_mode="r"),
        "fortran": np.asfortranarray(array),
        "strided": np.repeat(array, 2, axis=0)[::2],
    }


def test_input_of_any_memory_is_bit_identical_and_compiles_nothing_anew(large, tmp_path):
    model = large.backend()
    predicted = model.predict(large.vector, large.X)
    expected = trained(large)
    compiled = [len(getattr(kernel, "signatures", [])) for kernel in (run_shards, predict_rows)]
    for X in kinds_of_memory(large.X, tmp_path / "X.npy").values():
        assert_identical(trained(large, X=X), expected)
        np.testing.assert_array_equal(model.predict(large.vector, X), predicted)
    assert [len(getattr(kernel, "signatures", [])) for kernel in (run_shards, predict_rows)] == compiled


@needs_jit
@pytest.mark.parametrize("part", ["targets", "weights"])
def test_read_only_targets_and_weights_compile_nothing_anew(large, part):
    X, targets, weights = large.data()
    expected = trained(large)
    compiled = len(run_shards.signatures), len(predict_rows.signatures)
    data = {"targets": targets, "weights": weights}
    data[part].flags.writeable = False
    assert_identical(trained(large, **data), expected)
    large.backend().predict_and_loss(large.vector, X, **data)
    assert (len(run_shards.signatures), len(predict_rows.signatures)) == compiled


def test_the_input_is_not_written_into(large):
    X, targets, weights = large.data()
    before = [array.copy() for array in (X, targets, weights)]
    trained(large, X=X, targets=targets, weights=weights)
    assert_identical((X, targets, weights), before)


def as_sparse(X, kind):
    return {"int32": sparse.csr_matrix(X), "int64": with_wide_indices(sparse.csr_array(X))}[kind]


def with_wide_indices(X):
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return X


@pytest.mark.parametrize("kind", ["int32", "int64"])
@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("hidden", [(), (3,)], ids=["no hidden layer", "one hidden layer"])
def test_sparse_equals_dense_within_rounding(kind, outputs, hidden):
    problem = make_problem(rows=SHARD_ROWS + 20, n_in=5, hidden=hidden, outputs=outputs)
    problem.X[np.random.default_rng(6).random(problem.X.shape) < 0.6] = 0.0
    problem.X[3] = 0.0  # a row that stores nothing
    X = as_sparse(problem.X, kind)
    for ours, theirs in zip(trained(problem, X=X), trained(problem), strict=True):
        close(ours, theirs, 1e-11)
    model = problem.backend()
    close(model.predict(problem.vector, X), model.predict(problem.vector, problem.X), 1e-12)


def test_integer_widths_of_sparse_input_are_bit_identical(large):
    assert_identical(trained(large, X=as_sparse(large.X, "int32")), trained(large, X=as_sparse(large.X, "int64")))


# ---------------------------------------------------------------------------------------------------------------------
# Prediction
# ---------------------------------------------------------------------------------------------------------------------


@losses
@pytest.mark.parametrize("block_rows", [1, 4, 7, 4096])
@precisions
def test_predictions_in_blocks_equal_the_naive_statement(loss, block_rows, real, rtol, monkeypatch):
    monkeypatch.setattr(backend, "BLOCK_ROWS", block_rows)
    problem = make_problem(loss, rows=9)
    model, twin = problem.backend(real), problem.naive()
    vector = problem.vector.astype(real)
    for X in (problem.X, sparse.csr_matrix(problem.X)):
        p = model.predict(vector, X)
        assert p.dtype == real and p.flags.c_contiguous
        close(p, twin.predict(problem.X), rtol)
        close(model.predict(vector, X, raw=True), twin.raw(problem.X), rtol)


@losses
@pytest.mark.parametrize("block_rows", [4, 4096])
@pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
@precisions
def test_predict_and_loss(loss, block_rows, weighted, real, rtol, monkeypatch):
    """The mean loss is weighted, and without the penalty."""
    monkeypatch.setattr(backend, "BLOCK_ROWS", block_rows)
    problem = make_problem(loss, rows=9, weighted=weighted)
    model, twin = problem.backend(real), problem.naive()
    X, targets, weights = problem.data(real)
    p, mean = model.predict_and_loss(problem.vector.astype(real), X, targets, weights)
    close(p, twin.predict(problem.X), rtol)
    close(mean, np.average(twin.losses(problem.X, problem.y), weights=problem.row_weights), rtol)


@pytest.mark.parametrize("rows", [0, 1, SHARD_ROWS, SHARD_ROWS + 1, 2 * SHARD_ROWS + 1])
def test_predictions_of_any_number_of_rows(rows):
    problem = make_problem(rows=max(rows, 1), hidden=(3,))
    model, X = problem.backend(), problem.X[:rows]
    close(model.predict(problem.vector, X), problem.naive().predict(X), 1e-12)


def test_prediction_needs_memory_for_one_block_whatever_the_rows(monkeypatch):
    """A conversion of the whole input would take 400 kB."""
    monkeypatch.setattr(backend, "BLOCK_ROWS", 64)
    problem = make_problem(rows=1000, n_in=100, hidden=(2,), outputs=1)
    model, vector = problem.backend("float32"), problem.vector.astype("float32")
    model.predict(vector, problem.X[:100])  # compiles
    tracemalloc.start()
    try:
        model.predict(vector, problem.X)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 150_000


def test_training_does_not_copy_what_needs_no_conversion():
    problem = make_problem(rows=1000, n_in=100, hidden=(2,), outputs=1, weighted=False)
    X, targets, _ = problem.data()
    problem.run(batch_size=10, X=X, targets=targets, weights=None)
    tracemalloc.start()
    try:
        problem.backend().start(problem.vector, X, targets, None, batch_size=10, solver="adam", settings={})
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < X.nbytes / 10
