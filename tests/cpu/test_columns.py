"""First layers of sparse data by columns: what a batch does not fill is left alone, and comes to the same."""

import numpy as np
import pytest
from scipy import sparse

from skmlp.cpu import backend, columns
from skmlp.cpu.backend import SHARD_ROWS
from skmlp.cpu.columns import LONGEST_REST, can_rest
from skmlp.formulas.optimisers import OPTIMISERS, Settings
from tests.cpu.problem import SETTINGS, close, cut_into_pieces, make_problem
from tests.cpu.test_epoch import assert_epochs_equal

RESTING = [name for name in OPTIMISERS if OPTIMISERS[name].rest]
resting = pytest.mark.parametrize("optimiser", RESTING)
PENALTY = {"l1": 0.1, "l2": 0.1, "weight_decay": 0.1, "clip_norm": 0.1}


def sparse_problem(rows=30, n_in=12, filled=0.15, **more):
    """Of which many batches leave columns unfilled; one column and one row are empty."""
    problem = make_problem(rows=rows, n_in=n_in, **more)
    problem.X[np.random.default_rng(1).random(problem.X.shape) > filled] = 0.0
    problem.X[:, 3] = problem.X[5] = 0.0
    return problem


class AsSparse:
    """A problem whose runs are on a sparse X."""

    def __init__(self, problem, X=None):
        self._problem, self._X = problem, X

    def __getattr__(self, name):
        return getattr(self._problem, name)

    def run(self, real="float64", **keywords):
        X = sparse.csr_array(self._problem.X.astype(real)) if self._X is None else self._X
        return self._problem.run(real, X=X, **keywords)


def test_what_moves_all_weights_lets_none_rest():
    assert all(can_rest(name, Settings()) == (name in RESTING) for name in OPTIMISERS)
    for name, value in PENALTY.items():
        assert not can_rest("sgd", Settings()._replace(**{name: value}))


@resting
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
def test_epochs_equal_the_naive_statement(optimiser, settings, weighted):
    problem = AsSparse(sparse_problem(weighted=weighted))
    assert_epochs_equal(problem, optimiser, settings, batch_size=4)


@resting
@pytest.mark.parametrize("shape", [{"hidden": ()}, {"hidden": (1,), "outputs": 1}, {"hidden": (40, 3)}], ids=str)
@pytest.mark.parametrize("normalization", [None, "batch", "layer"])
def test_networks_of_every_shape(optimiser, shape, normalization):
    problem = AsSparse(sparse_problem(rows=51, **shape, normalization=normalization))
    assert_epochs_equal(problem, optimiser, {"epsilon": 1e-3}, batch_size=13, epochs=1)


@resting
def test_in_single_precision(optimiser):
    problem = AsSparse(sparse_problem())
    assert_epochs_equal(problem, optimiser, {"epsilon": 1e-3}, batch_size=4, real="float32", rtol=1e-3)


@resting
@pytest.mark.parametrize("batch_size", [1, 2, 30])
def test_batches_of_any_size(optimiser, batch_size):
    assert_epochs_equal(AsSparse(sparse_problem()), optimiser, {"epsilon": 1e-3}, batch_size=batch_size)


def test_batches_of_more_rows_than_a_shard():
    problem = AsSparse(sparse_problem(rows=2 * SHARD_ROWS + 50, filled=0.002, n_in=60))
    assert_epochs_equal(problem, "sgd", {}, batch_size=SHARD_ROWS + 20, epochs=2)


@pytest.mark.parametrize("name", PENALTY)
def test_with_a_penalty_decay_or_clipping_nothing_rests_and_all_is_right(name):
    step = {name: PENALTY[name]} if name in ("weight_decay", "clip_norm") else {}
    penalty = (0.1, 0.0) if name == "l1" else (0.0, 0.1) if name == "l2" else (0.0, 0.0)
    assert_epochs_equal(AsSparse(sparse_problem()), "sgd", {}, batch_size=4, penalty=penalty, **step)


def test_entries_that_a_row_has_twice_are_added_and_zeros_may_be_stored():
    problem = make_problem(rows=3, n_in=4, hidden=(3,))
    problem.X[:] = [[1.0, 0.0, 3.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, -2.0]]
    values, indices = np.array([2.0, 1.0, 0.0, 1.0, -2.0]), np.array([2, 0, 1, 2, 3])
    X = sparse.csr_array((values, indices, np.array([0, 4, 4, 5])), shape=(3, 4))
    assert_epochs_equal(AsSparse(problem, X), "sgd", {}, batch_size=2)


@resting
def test_work_in_pieces_is_bit_identical(optimiser, monkeypatch):
    problem, results = AsSparse(sparse_problem()), []
    for pieces in (None, 1, 3):
        cut_into_pieces(monkeypatch, pieces and 1)
        if pieces == 3:
            monkeypatch.setattr(backend, "FIRST_PIECE", 1e3)
        run = problem.run(batch_size=4, solver=optimiser)
        losses = [run.run_epoch(np.arange(30), np.full(8, 0.05)) for _ in range(3)]
        results.append((losses, run.parameters, *run.state))
    for result in results[1:]:
        for one, other in zip(result, results[0], strict=True):
            np.testing.assert_array_equal(one, other)


@resting
def test_rests_longer_than_any_table_are_cut(optimiser, monkeypatch):
    """All columns are brought up to date in time, many times an epoch."""
    monkeypatch.setattr(backend, "LONGEST_REST", 8)
    monkeypatch.setattr(columns, "LONGEST_REST", 8)
    assert_epochs_equal(AsSparse(sparse_problem(rows=61)), optimiser, {"epsilon": 1e-3}, batch_size=1, epochs=2)


def test_a_column_that_rests_for_an_epoch_of_more_steps_than_the_table_holds():
    rows = 2 * LONGEST_REST + 300
    X = np.zeros((rows, 2))
    X[:, 0], X[[0, -1], 1] = 1.0, 2.0
    problem = make_problem(rows=rows, n_in=2, hidden=(2,), outputs=1)
    problem.X = X
    dense, by_columns = problem.run(batch_size=1, solver="sgd"), AsSparse(problem).run(batch_size=1, solver="sgd")
    rates = np.full(rows, 1e-4)
    losses = [run.run_epoch(np.arange(rows), rates) for run in (dense, by_columns)]
    close(losses[1], losses[0], 1e-9)
    close(by_columns.parameters, dense.parameters, 1e-9)


@resting
def test_a_batch_without_weight_is_no_step(optimiser):
    problem = sparse_problem()
    problem.row_weights[4:8] = 0.0
    run, without = (AsSparse(problem).run(batch_size=4, solver=optimiser) for _ in range(2))
    outputs, rates = np.zeros((12, 2)), np.array([0.1, 0.2, 0.3])
    loss = run.run_epoch(np.arange(12), rates, outputs)
    assert loss == without.run_epoch(np.r_[0:4, 8:12], rates[[0, 2]])
    np.testing.assert_array_equal(run.parameters, without.parameters)
    np.testing.assert_array_equal(run.state[0], without.state[0])
    assert (outputs != 0.0).all()


@resting
def test_a_run_goes_on_from_its_state(optimiser):
    problem, rates = sparse_problem(), np.full(8, 0.1)
    through, first = (AsSparse(problem).run(batch_size=4, solver=optimiser) for _ in range(2))
    for _ in range(2):
        through.run_epoch(np.arange(30), rates)
    first.run_epoch(np.arange(30), rates)
    problem.vector = first.parameters
    state = tuple(part.copy() for part in first.state)
    second = AsSparse(problem).run(batch_size=4, solver=optimiser, state=state)
    second.run_epoch(np.arange(30), rates)
    np.testing.assert_array_equal(through.parameters, second.parameters)
    for one, other in zip(through.state, second.state, strict=True):
        np.testing.assert_array_equal(one, other)


@resting
def test_an_interrupt_leaves_all_columns_up_to_date(optimiser, monkeypatch):
    """As if the steps that were done had been all."""
    problem, inner = AsSparse(sparse_problem()), backend.run_shards
    cut_into_pieces(monkeypatch, 1)
    run, calls = problem.run(batch_size=4, solver=optimiser), []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return inner(*arguments)

    monkeypatch.setattr(backend, "run_shards", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run.run_epoch(np.arange(30), np.full(8, 0.05))
    monkeypatch.setattr(backend, "run_shards", inner)
    expected = problem.run(batch_size=4, solver=optimiser)
    expected.run_epoch(np.arange(16), np.full(4, 0.05))
    np.testing.assert_allclose(run.parameters, expected.parameters, rtol=1e-12)
    np.testing.assert_allclose(run.state[0], expected.state[0], rtol=1e-12)
