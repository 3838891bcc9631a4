"""BLAS has one thread while anybody asks for it, and what it had before once nobody does."""

import threading
import time

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from skmlp.cpu import backend, threads
from skmlp.cpu.threads import single_threaded_blas
from tests.cpu.problem import make_problem


def blas_threads():
    return {info["filepath"]: info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"}


@pytest.fixture
def before():
    """Threads of each BLAS library, 2 for the time of the test."""
    with single_threaded_blas():  # loads the library of compiled products
        pass
    with threadpool_limits(2, user_api="blas"):
        threads = blas_threads()
        assert set(threads.values()) == {2}
        yield threads


@pytest.fixture
def limited(before):
    return dict.fromkeys(before, 1)


def test_limit_holds_inside_and_ends_outside(before, limited):
    with single_threaded_blas():
        assert blas_threads() == limited
    assert blas_threads() == before


def test_nested_use(before, limited):
    with single_threaded_blas():
        with single_threaded_blas():
            assert blas_threads() == limited
        assert blas_threads() == limited
    assert blas_threads() == before


def test_failing_use(before, limited):
    with pytest.raises(KeyboardInterrupt), single_threaded_blas():
        with pytest.raises(ZeroDivisionError), single_threaded_blas():
            raise ZeroDivisionError
        assert blas_threads() == limited
        raise KeyboardInterrupt
    assert blas_threads() == before


def test_use_again_and_again(before, limited):
    for _ in range(3):
        with single_threaded_blas():
            assert blas_threads() == limited
        assert blas_threads() == before


def test_the_last_of_several_users_restores(before, limited):
    """The first to come is the first to leave."""
    inside, leave = threading.Barrier(2), threading.Event()

    def use():
        with single_threaded_blas():
            inside.wait(timeout=10)
            leave.wait(timeout=10)

    first = threading.Thread(target=use)
    first.start()
    inside.wait(timeout=10)
    with single_threaded_blas():
        leave.set()
        first.join(timeout=10)
        assert not first.is_alive()
        assert blas_threads() == limited
    assert blas_threads() == before


def test_many_users_at_once(before):
    def use():
        for _ in range(20):
            with single_threaded_blas():
                assert set(blas_threads().values()) == {1}

    errors = []

    def record_errors():
        try:
            use()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=record_errors) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not errors
    assert blas_threads() == before


def test_training_is_limited(before, limited):
    with make_problem().backend().active():
        assert blas_threads() == limited
    assert blas_threads() == before


def test_large_prediction_is_limited_and_restores_after_an_error(before, limited, monkeypatch):
    seen = []

    def fail(*arguments):
        seen.append(blas_threads())
        raise MemoryError

    problem = make_problem(rows=100, n_in=100, hidden=(100,))
    monkeypatch.setattr(backend, "predict_rows", fail)
    with pytest.raises(MemoryError):
        problem.backend().predict(problem.vector, problem.X)
    assert seen == [limited]
    assert blas_threads() == before


# ---------------------------------------------------------------------------------------------------------------------
# Forks
# ---------------------------------------------------------------------------------------------------------------------


def beside(call):
    """What a function returns in another thread."""
    returned = []
    thread = threading.Thread(target=lambda: returned.append(call()))
    thread.start()
    thread.join(timeout=60)
    return returned[0]


def lock_is_free():
    free = threads._lock.acquire(blocking=False)
    if free:
        threads._lock.release()
    return free


@pytest.fixture
def naps(monkeypatch):
    """The naps of a fork; the first ends what it waits for."""
    taken = []

    def nap(seconds):
        taken.append(seconds)
        threads._running.clear()

    monkeypatch.setattr(time, "sleep", nap)
    yield taken
    threads._running.clear()


def test_a_fork_waits_for_the_kernels_of_other_threads(naps):
    beside(threads.in_kernel().__enter__)
    threads._before_fork()
    try:
        assert len(naps) == 1 and not beside(lock_is_free)
    finally:
        threads._lock.release()
    assert beside(lock_is_free)


def test_a_fork_does_not_wait_for_a_kernel_that_an_interrupt_has_lost(naps):
    threads.in_kernel().__enter__()
    threads._before_fork()
    threads._lock.release()
    assert not naps


def test_the_next_kernel_takes_the_place_of_one_that_an_interrupt_has_lost():
    threads.in_kernel().__enter__()
    with threads.in_kernel():
        assert len(threads._running) == 1
    assert not threads._running


def test_a_fork_that_is_interrupted_while_it_waits_has_the_lock_all_the_same(monkeypatch):
    def nap(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", nap)
    beside(threads.in_kernel().__enter__)
    try:
        with pytest.raises(KeyboardInterrupt):
            threads._before_fork()
        assert not beside(lock_is_free)
        threads._lock.release()
    finally:
        threads._running.clear()
