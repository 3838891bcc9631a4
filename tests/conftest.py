"""What all tests share."""

import signal

import pytest


@pytest.fixture(scope="session", autouse=True)
def interrupts():
    """Some tests press Ctrl-C, which a process in the background of a shell is told to ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
