"""These tests run in Numba's simulator of CUDA, which is asked for before Numba is imported: in a process of their own.

``tests/cuda/test_simulator.py`` starts it; elsewhere nothing here is collected.
"""

import os
import sys

import pytest

SIMULATED = os.environ.get("NUMBA_ENABLE_CUDASIM") == "1"
collect_ignore_glob = [] if SIMULATED else ["*"]


@pytest.fixture(scope="session", autouse=True)
def short_turns():
    """The simulator's threads wait for each other all the time, each for as long as the others' turns last."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    yield
    sys.setswitchinterval(before)
