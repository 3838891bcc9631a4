"""What all tests share."""

import signal
import time
from _thread import _count as count_threads

import pytest


@pytest.fixture(scope="session", autouse=True)
def interrupts():
    """Some tests press Ctrl-C, which a process in the background of a shell is told to ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def no_thread_is_left():
    """Threads of any kind, once those that have done their work have had the time to end."""
    before = count_threads()
    yield
    until = time.monotonic() + 2.0
    while count_threads() > before and time.monotonic() < until:
        time.sleep(0.001)
    assert count_threads() <= before
