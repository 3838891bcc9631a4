"""The CPU back end computes what the naive statement says, in float64 to rounding and in float32 nearly so."""

import threading
import tracemalloc

import numpy as np
import pytest
from scipy import sparse

from skmlp.cpu import backend
from skmlp.cpu.backend import SHARD_ROWS
from skmlp.cpu.epoch import run_shards
from skmlp.cpu.predict import predict_rows
from skmlp.network.segments import segments
from tests.cpu.operations import MARGIN, within
from tests.cpu.problem import (
    close,
    cut_into_pieces,
    losses,
    make_problem,
    precisions,
)
from tests.ways import needs_jit

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


GUARDED = {
    "plain": {"weighted": False},
    "weighted": {},
    "one output": {"outputs": 1},
    "classes": {"loss": "categorical_log_loss", "outputs": 3},
    "batch normalisation": {"normalization": "batch"},
    "layer normalisation": {"normalization": "layer"},
    "dropout": {"activations": ("gelu", "relu")},
    "wide": {"hidden": (33, 70)},
}


@pytest.mark.parametrize("kind", GUARDED)
@pytest.mark.parametrize("real", ["float32", "float64"])
@pytest.mark.parametrize("storage", ["dense", "sparse"])
@pytest.mark.parametrize("rows, batch_size", [(7, 3), (2 * SHARD_ROWS + 5, SHARD_ROWS + 3)])
def test_nothing_beside_what_is_handed_in_is_written_into(kind, real, storage, rows, batch_size):
    """All arrays lie in the middle of memory that is watched; kernels know them by their addresses alone."""
    problem = make_problem(rows=rows, **GUARDED[kind])
    if kind == "dropout":
        problem.dropout = (0.3, 0.2)
    watched = []

    def guard(array):
        inner, memory = within(array)
        watched.append((inner, memory, memory.copy()))
        return inner

    X, targets, weights = problem.data(real)
    vector, outputs = guard(problem.vector.astype(real)), guard(np.zeros((rows, problem.units[-1]), dtype=real))
    size = problem.backend().network.layout.n_trained
    state = guard(np.zeros((2, size), dtype=real)), guard(np.array([1.0, 1.0, 0.0]))
    X = sparse.csr_array(X) if storage == "sparse" else guard(X)
    targets, weights = guard(targets), None if weights is None else guard(weights)
    order, rates = guard(np.arange(rows)), guard(np.full(-(-rows // batch_size), 0.01))
    model = problem.backend(real)
    settings = {"l1": 0.1, "clip_norm": 0.1}
    run = model.start(
        vector,
        X,
        targets,
        weights,
        batch_size=batch_size,
        solver="adam",
        settings=settings,
        segments=segments(model.network.layout),
        state=state,
        seed=3,
    )
    run.run_epoch(order, rates, outputs)
    model.predict_and_loss(vector, X, targets, weights)
    for inner, memory, before in watched:
        for side in (slice(None, MARGIN), slice(-MARGIN, None)):
            np.testing.assert_array_equal(memory[side], before[side])
        if all(inner is not changed for changed in (vector, outputs, *state)):
            np.testing.assert_array_equal(memory, before)
        else:
            assert np.isfinite(inner).all() and (memory != before).any()


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


@needs_jit
@pytest.mark.parametrize("rows", [1, 3, SHARD_ROWS, 2 * SHARD_ROWS + 9])
@precisions
def test_predictions_say_where_x_is_not_finite(rows, real, rtol, monkeypatch):
    """In any row of any block; who has looked already gets what comes of it."""
    monkeypatch.setattr(backend, "BLOCK_ROWS", SHARD_ROWS + 5)
    problem = make_problem(rows=rows, hidden=(3,))
    model, vector = problem.backend(real), problem.vector.astype(real)
    finite = model.predict(vector, problem.X, looked_at=False)
    np.testing.assert_array_equal(finite, model.predict(vector, problem.X))
    for row in {0, rows // 2, rows - 1}:
        for value in (np.nan, np.inf, -np.inf):
            X = problem.X.copy()
            X[row, 2] = value
            with pytest.raises(model.NotFiniteError):
                model.predict(vector, X, looked_at=False)
            spoilt = model.predict(vector, X)
            np.testing.assert_array_equal(np.delete(spoilt, row, axis=0), np.delete(finite, row, axis=0))
    close(model.predict(vector, problem.X, looked_at=False), problem.naive().predict(problem.X), rtol)


@pytest.mark.parametrize("rows", [0, 1, SHARD_ROWS, SHARD_ROWS + 1, 2 * SHARD_ROWS + 1])
def test_predictions_of_any_number_of_rows(rows):
    problem = make_problem(rows=max(rows, 1), hidden=(3,))
    model, X = problem.backend(), problem.X[:rows]
    close(model.predict(problem.vector, X), problem.naive().predict(X), 1e-12)


def test_prediction_needs_memory_for_one_block_whatever_the_rows(monkeypatch):
    """A conversion of the whole input would take 400 kB; a block takes 26 kB and the workspace of a shard 110."""
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
    assert peak < 200_000


def test_training_does_not_copy_what_needs_no_conversion():
    problem = make_problem(rows=1000, n_in=100, hidden=(2,), outputs=1, weighted=False)
    X, targets, _ = problem.data()

    def train():
        model = problem.backend()
        keywords = {"batch_size": 10, "solver": "adam", "settings": {}, "segments": segments(model.network.layout)}
        run = model.start(problem.vector.copy(), X, targets, None, **keywords)
        run.run_epoch(np.arange(1000), np.full(100, 0.01))

    train()  # compiles
    tracemalloc.start()
    try:
        train()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < X.nbytes / 10
