"""Threads of the BLAS library: one, while any fit or large prediction runs.

The products of a shard are too small to share among threads, and a result must not depend on their number. The limit
is the process's, so it is counted: the last to leave restores what the first one found.
"""

import threading
from contextlib import contextmanager
from functools import lru_cache

import scipy.linalg.cython_blas  # noqa: F401  (the library that compiled products call must be loaded to be limited)
from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_users = 0
_limiter = None


@lru_cache(maxsize=1)
def _controller():
    return ThreadpoolController()  # looks through all loaded libraries: once a process


@contextmanager
def single_threaded_blas():
    """Limit BLAS to one thread inside the block."""
    global _users, _limiter
    with _lock:
        if _users == 0:
            _limiter = _controller().limit(limits=1, user_api="blas")
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                _limiter.restore_original_limits()
                _limiter = None
