"""Threads that share an epoch or a prediction: the same bits, and no one left waiting."""

import os
import signal
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from skmlp.cpu import backend, team, threads
from skmlp.cpu.backend import BLOCK_ROWS, SHARD_ROWS, CpuBackend
from skmlp.cpu.memory import MEMBER
from skmlp.cpu.threads import allowed_threads, working
from skmlp.network.layout import Layout, Network
from tests.cpu.problem import cut_into_pieces, make_problem, optimisers
from tests.ways import needs_jit

pytestmark = needs_jit
ROWS = 9 * SHARD_ROWS + 30
BATCH = 4 * SHARD_ROWS  # the last batch has two shards, the last of them of 30 rows

needs_signals = pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no signals to threads on this system")


@pytest.fixture
def members(monkeypatch):
    """A function that sets the size of every team."""
    return lambda size: monkeypatch.setattr(
        backend, "team_size", lambda n_jobs, tasks, n_weights, rows: min(size, tasks)
    )


def trained(problem, real="float32", solver="adam", X=None, epochs=2, **more):
    """Parameters, losses and predictions of some epochs."""
    run = problem.run(real, batch_size=BATCH, solver=solver, **({} if X is None else {"X": X}), **more)
    outputs = np.zeros((problem.rows, problem.units[-1]), dtype=real)
    order = np.random.default_rng(3).permutation(problem.rows)
    losses = [run.run_epoch(order, np.full(3, 0.01), outputs) for _ in range(epochs)]
    return run.parameters, losses, outputs, *run.state


def beside(call):
    """What a function returns in another thread."""
    returned = []
    thread = threading.Thread(target=lambda: returned.append(call()))
    thread.start()
    thread.join()
    return returned[0]


def assert_same_bits(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)


KINDS = {
    "plain": {},
    "unweighted": {"weighted": False},
    "layer normalisation": {"normalization": "layer"},
    "classes": {"loss": "categorical_log_loss", "outputs": 3},
    "no hidden layer": {"hidden": ()},
    "one output": {"outputs": 1},
    "parameters in several chunks": {"n_in": 90, "hidden": (120, 60)},
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("real", ["float32", "float64"])
@pytest.mark.parametrize("size", [2, 3, 4, 7])
def test_the_number_of_members_changes_no_bit(kind, real, size, members):
    problem = make_problem(**{"rows": ROWS, "hidden": (6, 3), **kind})
    members(1)
    alone = trained(problem, real)
    members(size)
    assert_same_bits(trained(problem, real), alone)


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("more", [{"seed": 5}, {"penalty": (0.3, 0.2)}, {"settings": {"clip_norm": 0.1}}], ids=str)
@pytest.mark.parametrize("shape", [{}, {"n_in": 90, "hidden": (120, 60)}], ids=["one chunk", "several chunks"])
def test_nor_with_dropout_penalty_or_clipping(size, more, shape, members):
    problem = make_problem(rows=ROWS, **shape)
    problem.dropout = (0.3, 0.2) if "seed" in more else ()
    members(1)
    alone = trained(problem, **more)
    members(size)
    assert_same_bits(trained(problem, **more), alone)


@optimisers
def test_nor_with_any_optimiser(optimiser, members):
    """Each member counts the steps, and keeps what the optimiser keeps, for itself."""
    problem = make_problem(rows=ROWS)
    members(1)
    alone = trained(problem, solver=optimiser)
    members(3)
    assert_same_bits(trained(problem, solver=optimiser), alone)


@pytest.mark.parametrize("size", [2, 3])
def test_nor_with_sparse_rows_and_batches_without_weight(size, members):
    problem = make_problem(rows=ROWS)
    problem.row_weights[BATCH : 2 * BATCH] = 0.0
    sparse = csr_array(np.where(problem.X > 0.5, problem.X, 0.0).astype("float32"))
    members(1)
    alone = trained(problem, X=sparse)
    members(size)
    assert_same_bits(trained(problem, X=sparse), alone)


def test_nor_with_the_number_changing_from_epoch_to_epoch(members, monkeypatch):
    problem = make_problem(rows=ROWS)
    members(1)
    alone = trained(problem, epochs=4)
    sizes = iter([2, 1, 3, 2])
    monkeypatch.setattr(backend, "team_size", lambda *arguments: next(sizes))
    assert_same_bits(trained(problem, epochs=4), alone)


def test_nor_with_work_in_pieces(members, monkeypatch):
    problem = make_problem(rows=ROWS)
    members(1)
    alone = trained(problem)
    members(3)
    cut_into_pieces(monkeypatch, 1)
    assert_same_bits(trained(problem), alone)


@pytest.mark.parametrize("late", [0, 1])
def test_nor_does_a_member_that_lets_the_others_wait(late, members, monkeypatch):
    problem = make_problem(rows=ROWS)
    members(1)
    alone = trained(problem)
    inner = backend.run_shards

    def delayed(*arguments):
        if arguments[-1][MEMBER] == late:
            time.sleep(0.01)
        return inner(*arguments)

    members(2)
    monkeypatch.setattr(backend, "run_shards", delayed)
    assert_same_bits(trained(problem), alone)


@pytest.mark.parametrize("size", [2, 3])
def test_nor_those_of_predictions(size, members):
    rows = 5 * BLOCK_ROWS + 11
    random = np.random.default_rng(0)
    network = CpuBackend(Network(Layout((3, 4, 2)), ("tanh",), "identity"), "squared_error", "float32")
    vector = random.normal(size=network.network.layout.size).astype("float32")
    X, y = random.normal(size=(rows, 3)), random.normal(size=(rows, 2)).astype("float32")
    members(1)
    alone = network.predict_and_loss(vector, X, y, None)
    members(size)
    assert_same_bits(network.predict_and_loss(vector, X, y, None), alone)
    assert_same_bits(network.predict_and_loss(vector, csr_array(X), y, None)[0], alone[0])


# ---------------------------------------------------------------------------------------------------------------------
# Failures
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", [0, 1, 2])
@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt])
def test_a_member_that_fails_leaves_no_one_waiting(who, error, members, monkeypatch):
    inner = backend.run_shards

    def fail(*arguments):
        if arguments[-1][MEMBER] == who:
            raise error
        return inner(*arguments)

    members(3)
    problem = make_problem(rows=ROWS)
    expected = trained(problem)
    monkeypatch.setattr(backend, "run_shards", fail)
    with pytest.raises(error):
        trained(problem)
    monkeypatch.setattr(backend, "run_shards", inner)
    assert_same_bits(trained(problem), expected)


def press_ctrl_c():
    """A real signal, which ends the waiting for a lock, as ``_thread.interrupt_main`` does not."""
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)


@needs_signals
def test_an_interrupt_while_waiting_is_held_back_till_all_have_ended():
    """A real one: CPython takes a thread for ended when the join that waits for it is interrupted."""
    ended = []

    def work(member):
        if member == 1:
            threading.Timer(0.05, press_ctrl_c).start()
            time.sleep(0.3)
            ended.append(True)

    with pytest.raises(KeyboardInterrupt):
        team.run_together(2, work)
    assert ended


@needs_signals
def test_members_end_although_a_second_interrupt_keeps_the_first_from_aborting():
    aborted, calls = threading.Event(), []

    def work(member):
        if member == 0:
            raise KeyboardInterrupt
        assert aborted.wait(10)

    def abort():
        calls.append("abort")
        if len(calls) == 1:
            threading.Timer(0.05, press_ctrl_c).start()
            raise KeyboardInterrupt  # as Ctrl-C would, before anything is done
        aborted.set()

    with pytest.raises(KeyboardInterrupt):
        team.run_together(2, work, abort)
    assert aborted.is_set()


@pytest.mark.parametrize("begins", [False, True])
def test_a_thread_whose_start_is_interrupted_is_waited_for_if_it_begins(begins, monkeypatch):
    monkeypatch.setattr(team, "GRACE", 0.05)
    start, ended = team.start_new_thread, []

    def interrupted(*arguments):
        if begins:
            start(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(team, "start_new_thread", interrupted)
    with pytest.raises(KeyboardInterrupt):
        team.run_together(2, lambda member: (time.sleep(0.2), ended.append(member)))
    assert ended == [1] * begins


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_process_may_be_forked_after_a_fit_in_threads(members):
    problem = make_problem(rows=ROWS)
    members(2)
    expected = trained(problem)
    child = os.fork()
    if child == 0:
        try:
            assert_same_bits(trained(problem), expected)
        except BaseException:
            os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


# ---------------------------------------------------------------------------------------------------------------------
# How many
# ---------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def four_cores(monkeypatch):
    monkeypatch.setattr(threads, "cpu_count", lambda: 4)


def test_small_work_is_for_one(four_cores):
    assert team.team_size(None, 1, 10**6, 10**6) == 1
    assert team.team_size(None, 8, 100, 10**9) == 1
    assert team.team_size(None, 8, 10**4, 10**3) == 1
    assert team.team_size(1, 8, 10**6, 10**6) == 1


@pytest.fixture
def blas(monkeypatch):
    """A function that sets the limits of threads that BLAS libraries are under."""

    def limit(*limits):
        libraries = [SimpleNamespace(get_num_threads=lambda limit=limit: limit) for limit in limits]
        monkeypatch.setattr(threads, "_libraries", lambda: libraries)

    return limit


def test_large_work_is_for_the_cores_that_are_allowed(four_cores, blas):
    for limits, expected in [((8,), 4), ((2,), 2), ((8, 3), 3), ((None,), 1), ((), 4)]:
        blas(*limits)
        assert team.team_size(None, 8, 10**5, 10**5) == expected
    assert team.team_size(None, 3, 10**5, 10**5) == 3


def test_whoever_asks_for_threads_gets_them():
    assert team.team_size(3, 8, 10, 10) == 3
    assert team.team_size(3, 2, 10, 10) == 2
    assert team.team_size(-1, 10**6, 10, 10) == threads.effective_n_jobs(-1)


@pytest.mark.parametrize("limit", [1, 3])
def test_limits_of_blas_are_limits_of_the_team(limit, four_cores):
    """Although nothing here calls it: whoever sets them means to have the other cores for something else."""
    with threadpool_limits(limit, user_api="blas"):
        assert allowed_threads(None) == limit


@pytest.mark.parametrize("limit", [1, 3])
def test_limits_of_blas_are_limits_of_predictions(limit, four_cores, monkeypatch):
    members = set()
    monkeypatch.setattr(
        backend, "predict_rows", lambda *arguments: members.add(threading.get_ident()) or time.sleep(0.01)
    )
    network = CpuBackend(Network(Layout((40, 40, 1)), ("relu",), "identity"), "squared_error", "float32")
    vector, X = np.zeros(network.network.layout.size, dtype="float32"), np.zeros((130_000, 40), dtype="float32")
    with threadpool_limits(limit, user_api="blas"):
        network.predict(vector, X)
    assert len(members) == limit


def test_other_fits_have_their_threads_and_own_nested_ones_do_not_count(four_cores, blas):
    blas(4)
    with working(), working():
        assert allowed_threads(None) == 4
        counted = []

        def beside():
            with working():
                counted.append(allowed_threads(None))

        other = threading.Thread(target=beside)
        other.start()
        other.join()
        assert counted == [3]


def test_every_member_is_at_work(four_cores, blas):
    """So that another fit leaves all of them their cores."""
    blas(4)
    meeting, seen = threading.Barrier(3), []

    def work(member):
        meeting.wait(10)
        if member == 0:
            seen.append(beside(lambda: allowed_threads(None)))
        meeting.wait(10)

    team.run_together(3, work)
    assert seen == [1] and allowed_threads(None) == 4
