"""Rows are shuffled as NumPy's RandomState shuffles them, by the same draws."""

import threading

import numpy as np
import pytest
from numba.core import config

from skmlp.cpu.shuffle import shuffle


def both(rows, make):
    """Rows shuffled by ours and by NumPy, and the next draw of each generator."""
    shuffled = []
    for run in (shuffle, lambda order, random_state: random_state.shuffle(order)):
        order, random_state = rows.copy(), make()
        for _ in range(3):  # of which each goes on from the order before
            run(order, random_state)
        shuffled.append((order, random_state.random_sample()))
    return shuffled


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 100, 255, 256, 257, 1000, 70_001])
@pytest.mark.parametrize("seed", [0, 1, 12345])
def test_order_and_draws_are_those_of_numpy(size, seed):
    (ours, draw), (theirs, expected) = both(np.arange(size), lambda: np.random.RandomState(seed))
    np.testing.assert_array_equal(ours, theirs)
    assert draw == expected


@pytest.mark.parametrize("kind", [np.random.MT19937, np.random.PCG64, np.random.SFC64, np.random.Philox])
def test_whatever_generates_the_bits(kind):
    (ours, draw), (theirs, expected) = both(np.arange(100) ** 2, lambda: np.random.RandomState(kind(3)))
    np.testing.assert_array_equal(ours, theirs)
    assert draw == expected


def test_with_the_jit_off_it_is_numpy_s(monkeypatch):
    monkeypatch.setattr(config, "DISABLE_JIT", 1)
    (ours, draw), (theirs, expected) = both(np.arange(100), lambda: np.random.RandomState(5))
    np.testing.assert_array_equal(ours, theirs)
    assert draw == expected


def test_threads_that_share_a_generator_lose_no_row():
    random_state, orders = np.random.RandomState(0), [np.arange(5_000) for _ in range(4)]
    threads = [threading.Thread(target=shuffle, args=(order, random_state)) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all((np.sort(order) == np.arange(5_000)).all() for order in orders)
    assert len({order.tobytes() for order in orders}) == 4
