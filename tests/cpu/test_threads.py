"""Threads at work are counted, limits that others set are heeded, and no pool of threads is touched."""

import gc
import os
import threading
import time

import numpy as np
import pytest
from joblib import Parallel, cpu_count, delayed, parallel_config
from threadpoolctl import threadpool_info, threadpool_limits

from skmlp.cpu import backend, threads
from skmlp.cpu.threads import allowed_threads, single_threaded_blas, working
from tests.cpu.problem import make_problem
from tests.ways import needs_jit


def blas_threads():
    return {info["filepath"]: info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"}


def beside(call):
    """What a function returns in another thread."""
    returned = []
    thread = threading.Thread(target=lambda: returned.append(call()))
    thread.start()
    thread.join(timeout=60)
    return returned[0]


@pytest.fixture
def free(monkeypatch):
    """Threads that another fit may have, of ten cores."""
    monkeypatch.setattr(threads, "cpu_count", lambda: 10)
    monkeypatch.setattr(threads, "_libraries", lambda: [])
    return lambda: beside(lambda: allowed_threads(None))


# ---------------------------------------------------------------------------------------------------------------------
# Counting
# ---------------------------------------------------------------------------------------------------------------------


def test_a_thread_at_work_has_one_core(free):
    assert free() == 10
    with working():
        assert free() == 9
    assert free() == 10


def test_nested_work_counts_once(free):
    with working():
        with working():
            assert free() == 9
        assert free() == 9
    assert free() == 10


def test_failing_work_ends(free):
    with pytest.raises(KeyboardInterrupt), working():
        with pytest.raises(ZeroDivisionError), working():
            raise ZeroDivisionError
        assert free() == 9
        raise KeyboardInterrupt
    assert free() == 10


def test_work_again_and_again(free):
    for _ in range(3):
        with working():
            assert free() == 9
        assert free() == 10


def test_work_that_an_interrupt_has_lost_does_not_count_for_ever(free):
    """Begun, but never ended."""
    working().__enter__()
    gc.collect()
    assert free() == 10


def test_one_thread_is_always_left(free, monkeypatch):
    monkeypatch.setattr(threads, "cpu_count", lambda: 1)
    with working():
        assert free() == 1


def test_many_at_once(free):
    """The count of each is that of all others."""
    meeting, counted = threading.Barrier(4), []

    def work():
        for _ in range(20):
            with working():
                meeting.wait(10)
                counted.append(allowed_threads(None))
                meeting.wait(10)

    others = [threading.Thread(target=work) for _ in range(4)]
    for thread in others:
        thread.start()
    for thread in others:
        thread.join(timeout=60)
    assert counted == [7] * 80
    assert free() == 10


def test_training_counts(free):
    with make_problem().backend().active():
        assert free() == 9
    assert free() == 10


@needs_jit
def test_predicting_in_threads_counts_and_ends_with_an_error(free, monkeypatch):
    seen, meeting = [], threading.Barrier(2)

    def fail(*arguments):
        meeting.wait(10)
        seen.append(free())
        meeting.wait(10)
        raise MemoryError

    monkeypatch.setattr(backend, "predict_rows", fail)
    monkeypatch.setattr(backend, "BLOCK_ROWS", 4)
    monkeypatch.setattr(backend, "team_size", lambda *arguments: 2)
    problem = make_problem(rows=7)
    with pytest.raises(MemoryError):
        problem.backend().predict(problem.vector, problem.X)
    assert seen == [8, 8] and free() == 10


# ---------------------------------------------------------------------------------------------------------------------
# Limits of others
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 2])
def test_blas_keeps_the_threads_it_has(limit, monkeypatch):
    """Within kernels too: nothing here calls it."""
    problem, seen = make_problem(rows=100, n_in=100, hidden=(100,)), []
    for name in ("predict_rows", "run_shards"):
        kernel = getattr(backend, name)
        monkeypatch.setattr(
            backend, name, lambda *arguments, kernel=kernel: seen.append(blas_threads()) or kernel(*arguments)
        )
    with threadpool_limits(limit, user_api="blas"):
        before = blas_threads()
        assert set(before.values()) == {limit}
        with problem.backend().active():
            problem.run(batch_size=50, solver="adam").run_epoch(np.arange(100), np.full(2, 0.1))
        problem.backend().predict(problem.vector, problem.X)
        assert seen and all(found == before for found in seen)
        assert blas_threads() == before


def test_blas_has_one_thread_until_the_last_limiter_leaves():
    """In any order, and after errors; meanwhile the threads that others may use are as before."""
    with threadpool_limits(2, user_api="blas"):
        before, allowed = blas_threads(), allowed_threads(None)
        first, second = single_threaded_blas(), single_threaded_blas()
        first.__enter__()
        with pytest.raises(ZeroDivisionError), second:
            assert allowed_threads(None) == allowed
            raise ZeroDivisionError
        assert set(blas_threads().values()) == {1}
        other = threading.Thread(target=first.__exit__)
        other.start()
        other.join()
        assert blas_threads() == before


def test_limits_of_the_user_are_seen_when_they_are_set(monkeypatch):
    monkeypatch.setattr(threads, "cpu_count", lambda: 4)
    with threadpool_limits(2, user_api="blas"):
        assert allowed_threads(None) == 2
        with threadpool_limits(1, user_api="blas"):
            assert allowed_threads(None) == 1
        assert allowed_threads(None) == 2


def test_limits_of_joblib(monkeypatch):
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    assert allowed_threads(None) == 1


def test_workers_of_joblib_share_the_cores():
    found = Parallel(n_jobs=2)(delayed(allowed_threads)(None) for _ in range(2))
    assert max(found) <= max(1, cpu_count() // 2)


@pytest.mark.parametrize("n_jobs", [1, 3])
def test_who_asks_for_threads_gets_as_many_as_joblib_would_give(n_jobs):
    with threadpool_limits(1, user_api="blas"), working():
        assert allowed_threads(n_jobs) == n_jobs
    with parallel_config(backend="threading", n_jobs=2):
        assert allowed_threads(n_jobs) == n_jobs


# ---------------------------------------------------------------------------------------------------------------------
# Forks
# ---------------------------------------------------------------------------------------------------------------------

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")


def in_child(call):
    """Whether a function returns true in a fork of this process."""
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if call() else 1)
        except BaseException:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@forks
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_counts_no_thread_of_its_parent(free):
    with working():
        assert free() == 9
        assert in_child(lambda: free() == 10)
        assert free() == 9


@forks
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_waits_for_a_thread_that_is_counting():
    """So that the child does not inherit a lock that no one would give back."""
    held, events = threading.Event(), []

    def hold():
        with threads._lock:
            held.set()
            time.sleep(0.2)
            events.append("given back")

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)

    def lock_is_free():
        return threads._lock.acquire(timeout=1) and events == ["given back"]

    assert in_child(lock_is_free)
    thread.join()
    assert beside(lambda: threads._lock.acquire(blocking=False) and not threads._lock.release())
