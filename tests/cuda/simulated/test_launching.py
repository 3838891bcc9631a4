"""However a plan is launched, and wherever data lie, the results are the same."""

import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from numba import cuda
from numba.cuda.simulator import kernelapi
from scipy import sparse

from skmlp.cuda import driver, feed, training
from skmlp.cuda.launch import Launcher, Launching
from skmlp.cuda.tiles import LARGE, Tile
from tests.cpu.problem import make_problem
from tests.cpu.test_columns import AsSparse
from tests.cuda.simulated.both import (
    COOPERATIVE,
    SMALL,
    assert_all_near,
    assert_follows_cpu,
    assert_identical,
    on_cuda,
    reals,
    trained,
)

STEP = {"clip_norm": 0.3, "weight_decay": 0.1}


def full_problem(**settings):
    """Of all that has phases of its own."""
    settings = {"normalization": "layer", "hidden": (9, 5), **settings}
    problem = make_problem(rows=13, n_in=3, scaled=True, rates={"feature_rate": 2.0}, **settings)
    return replace(problem, dropout=(0.3, 0.0)[: len(settings["hidden"])])


# ---------------------------------------------------------------------------------------------------------------------
# Kernels
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("normalization, real", [("batch", "float32"), ("layer", "float64")])
def test_one_kernel_of_one_block_equals_three_blocks_phase_by_phase(normalization, real):
    """In the simulator's own tile."""
    problem = full_problem(normalization=normalization)
    one, three = (
        assert_follows_cpu(problem, real, launching=launching, settings=STEP, epochs=1)
        for launching in (Launching(), Launching(cooperative=False, blocks=3))
    )
    assert_all_near(three, one, real)


def test_one_kernel_of_one_block_is_identical_to_phase_by_phase():
    problem = full_problem()
    one, other = (
        trained(on_cuda(problem, Launching(SMALL, 1, cooperative)), settings=STEP, epochs=1)
        for cooperative in (True, False)
    )
    assert_identical(one, other)


@pytest.mark.parametrize("blocks", [2, 11])
def test_blocks_of_any_number(blocks):
    """Also more than find work."""
    launching = Launching(SMALL, blocks, cooperative=False)
    assert_follows_cpu(full_problem(hidden=(9,)), launching=launching, settings=STEP, epochs=1, batch_size=13)


def is_one_kernel(launching, monkeypatch):
    """Whether a batch of training is one launch, of the kernel that goes through all phases."""
    launched = []
    monkeypatch.setattr(driver, "launchable", lambda kernel, *_: lambda *arguments: launched.append(kernel))
    run = on_cuda(make_problem(hidden=()), launching).run()
    run._launcher(False).run(None, [[0, 1, 0, 0]])
    assert len(launched) == 1 or run._program.epoch not in launched
    return launched == [run._program.epoch]


def test_one_kernel_is_taken_where_device_and_tile_allow_it(monkeypatch):
    assert is_one_kernel(Launching(), monkeypatch)
    assert not is_one_kernel(Launching(LARGE), monkeypatch)
    monkeypatch.setattr(driver, "can_cooperate", lambda: False)
    assert not is_one_kernel(Launching(), monkeypatch)


@pytest.mark.parametrize("attribute", [0, 1])
def test_the_driver_says_whether_blocks_can_wait_for_each_other(attribute, monkeypatch):
    device = SimpleNamespace(COOPERATIVE_LAUNCH=attribute)
    monkeypatch.setattr(driver, "SIMULATED", False)
    monkeypatch.setattr(driver, "cuda", SimpleNamespace(get_current_device=lambda: device))
    assert driver.can_cooperate() is bool(attribute)


def test_no_more_blocks_cooperate_than_the_device_holds():
    run = on_cuda(make_problem(hidden=()), Launching(SMALL, 3, cooperative=True)).run()
    assert run._launcher(False).blocks == driver.cooperating_blocks(None, None, None) == 1


@pytest.mark.parametrize("tile", [Tile(1, 4, 4), Tile(4, 1, 4), Tile(2, 8, 2), Tile(3, 4, 6)], ids=str)
def test_tiles_of_any_shape(tile):
    """Groups of numbers that lie side by side are of one to four, and a thread has one or two of them."""
    launching = Launching(tile, 2, cooperative=False)
    assert_follows_cpu(full_problem(), launching=launching, settings=STEP, epochs=1, batch_size=13)


def test_threads_that_come_for_shared_memory_at_the_same_time_share_it(monkeypatch):
    inner = np.empty

    def slow(shape, dtype=float, **others):
        if shape == SMALL.shape:
            time.sleep(0.005)
        return inner(shape, dtype, **others)

    problem = make_problem(rows=3, n_in=3, hidden=())
    expected = trained(problem, epochs=1)
    monkeypatch.setattr(kernelapi.np, "empty", slow)
    assert_all_near(trained(on_cuda(problem), epochs=1), expected, "float64")


def test_recording_outputs_changes_nothing():
    problem = on_cuda(full_problem())
    recorded, other = (trained(problem, recording=recording, epochs=1) for recording in (True, False))
    del recorded["outputs"], other["outputs"]
    assert_identical(recorded, other)


# ---------------------------------------------------------------------------------------------------------------------
# Pieces of an epoch
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "seconds, pieces",
    [(1 / 64, [4, 4, 8, 16, 32, 64, 64, 8]), (1 / 2, [4, 4, *[2] * 96]), (8.0, [4, 4, *[1] * 192])],
    ids=["fast", "slow", "very slow"],
)
def test_pieces_become_as_long_as_a_pause(seconds, pieces, monkeypatch):
    """By a clock that goes on by so much with each batch; the second piece is cut before the first has ended."""
    problem = on_cuda(make_problem(rows=200, n_in=1, hidden=(), outputs=1))
    clock, sizes = [0.0], []

    def run(launcher, memory, batches):
        sizes.append(len(batches))
        clock[0] += seconds * len(batches)

    monkeypatch.setattr(training, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    monkeypatch.setattr(training, "PAUSE", 1.0)
    monkeypatch.setattr(training, "FIRST_PIECE", 4.0)  # multiplications, one for each row
    monkeypatch.setattr(Launcher, "run", run)
    monkeypatch.setattr(training.TrainingRun, "_sums", lambda run, batches, blocks: np.zeros(batches))
    problem.run(batch_size=1).run_epoch(np.arange(200), np.ones(200))
    assert sizes == pieces


# ---------------------------------------------------------------------------------------------------------------------
# Data
# ---------------------------------------------------------------------------------------------------------------------

STREAMED = replace(COOPERATIVE, room=0)


def staged(monkeypatch, rows, problem, real):
    """Let pieces of streamed data be of so many rows."""
    numbers = problem.units[0] + problem.y.shape[1] + 1
    monkeypatch.setattr(feed, "STAGING", rows * numbers * np.dtype(real).itemsize)


@reals
def test_data_stay_on_the_gpu_as_long_as_they_have_room(real, monkeypatch):
    """X, targets and weights, to the byte; the driver says how much room there is, unless it is given."""
    problem = on_cuda(make_problem(rows=7, n_in=4, outputs=2))
    needed = 7 * (4 + 2 + 1) * np.dtype(real).itemsize
    for room, kind in ((needed, feed.Resident), (needed - 1, feed.Streamed)):
        assert type(on_cuda(problem, Launching(SMALL, room=room)).run(real)._feed) is kind
        monkeypatch.setattr(driver, "SIMULATED_MEMORY", room)
        assert type(problem.run(real)._feed) is kind


@pytest.mark.parametrize("free, room", [(3, 0), (driver.RESERVE, 0), (driver.RESERVE + 5, 5)])
def test_some_memory_of_a_gpu_is_left_to_others(free, room, monkeypatch):
    context = SimpleNamespace(get_memory_info=lambda: SimpleNamespace(free=free))
    monkeypatch.setattr(driver, "SIMULATED", False)
    monkeypatch.setattr(driver, "cuda", SimpleNamespace(current_context=lambda: context))
    assert driver.free_memory() == room


def test_streamed_data_go_through_pinned_memory(monkeypatch):
    """From other memory the GPU cannot read while it works."""
    pinned, inner = [], cuda.pinned_array
    monkeypatch.setattr(cuda, "pinned_array", lambda *shape: pinned.append(inner(*shape)) or pinned[-1])
    data = make_problem(rows=5).data()
    streamed = feed.make_feed(*data, np.dtype("float64"), batch_size=5, room=0)
    for piece in (np.array([3, 1]), np.array([4, 0])):
        streamed.load(piece, cuda.stream())
        for source in data:
            there = [array for array in pinned if np.array_equal(array[:2], source[piece].reshape(2, -1))]
            assert len(there) == 1
    assert len(pinned) == 6


@pytest.mark.parametrize("weighted, real", [(True, "float32"), (False, "float64")], ids=["weighted", "unweighted"])
@pytest.mark.parametrize("rows", [5, 11, 100])
def test_streamed_data_are_identical_to_resident(rows, weighted, real, monkeypatch):
    """Pieces of one batch, of two, and of all."""
    monkeypatch.setattr(training, "PAUSE", 1e30)
    problem = make_problem(rows=23, n_in=3, hidden=(), weighted=weighted)
    staged(monkeypatch, rows, problem, real)
    loads = []
    load = feed.Streamed.load
    monkeypatch.setattr(
        feed.Streamed, "load", lambda self, rows, stream: loads.append(rows) or load(self, rows, stream)
    )
    expected = assert_follows_cpu(problem, real)
    assert not loads
    assert_identical(trained(on_cuda(problem, STREAMED), real, penalty=(0.03, 0.2)), expected)
    assert len(loads) == 1 + 2 * {5: 5, 11: 3, 100: 1}[rows]


def test_a_piece_of_streamed_data_stays_while_the_next_is_loaded():
    data = make_problem(rows=13).data()
    streamed = feed.make_feed(*data, np.dtype("float64"), batch_size=4, room=0)
    pieces = [np.array([3, 1, 12, 7]), np.array([2, 5, 0, 9])]
    loaded = [streamed.load(rows, driver.cuda.stream()) for rows in pieces]
    for rows, piece in zip(pieces, loaded, strict=True):
        order = piece["order"].copy_to_host()
        for name, source in zip(("data", "targets", "weights"), data, strict=True):
            there = piece[name].copy_to_host().reshape(len(order), -1)
            np.testing.assert_array_equal(there[order[:4]], source[rows].reshape(4, -1))


def test_streamed_data_of_batches_without_weight(monkeypatch):
    """Which are left out, and yet lie between others."""
    problem = make_problem(rows=23, n_in=3, hidden=())
    problem.row_weights[:] = 0.0
    problem.row_weights[[0, 1, 9, 22]] = 1.0
    staged(monkeypatch, 6, problem, "float64")
    for launching in (STREAMED, COOPERATIVE):
        assert_follows_cpu(problem, launching=launching, batch_size=3, recording=False)
        assert_follows_cpu(problem, launching=launching, batch_size=3)


@reals
def test_sparse_rows_are_identical_to_dense(real):
    problem = make_problem(rows=13, n_in=9, hidden=(5,))
    problem.X[np.abs(problem.X) < 0.5] = 0.0
    dense = assert_follows_cpu(problem, real, epochs=1)
    for kind in (sparse.csr_matrix, sparse.csr_array):
        thin = trained(on_cuda(problem), real, epochs=1, penalty=(0.03, 0.2), X=kind(problem.X.astype(real)))
        assert_identical(thin, dense)
    assert_all_near(trained(AsSparse(problem), real, epochs=1, penalty=(0.03, 0.2)), dense, real)


def test_data_of_any_memory():
    problem = make_problem(rows=13, n_in=3, hidden=())
    expected = trained(on_cuda(problem), epochs=1)
    X, targets, weights = problem.data()
    frozen = X.copy()
    frozen.flags.writeable = False
    for other in (frozen, np.asfortranarray(X), np.repeat(X, 2, axis=0)[::2]):
        for launching in (COOPERATIVE, STREAMED):
            assert_identical(trained(on_cuda(problem, launching), epochs=1, X=other), expected)
    before = [array.copy() for array in (X, targets, weights)]
    trained(on_cuda(problem), epochs=1, X=X, targets=targets, weights=weights)
    for array, same in zip((X, targets, weights), before, strict=True):
        np.testing.assert_array_equal(array, same)
