"""Threads of the BLAS library: one, while any fit or large prediction runs.

The products of a shard are too small to share among threads, and a result must not depend on their number. Most BLAS
libraries have one setting for the process: it is counted, and the last to leave restores what the first one found.
OpenBLAS on OpenMP has one a thread, which each thread sets and restores for itself.
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
def _controllers():
    """Controllers of the libraries with one setting a process, and of those with one a thread."""
    blas = ThreadpoolController().select(user_api="blas")  # looks through all loaded libraries: once a process
    paths = {True: [], False: []}
    for library in blas.info():
        paths[library.get("threading_layer") == "openmp"].append(library["filepath"])
    return blas.select(filepath=paths[False]), blas.select(filepath=paths[True])


def _release_control(controller):
    """Let any thread change the setting: threadpoolctl keeps that to the thread that did so first."""
    for library in controller.lib_controllers:
        if hasattr(library, "clear_controlling_thread"):
            library.clear_controlling_thread(force=True)


def _limit(controller):
    _release_control(controller)
    limiter = controller.limit(limits=1, user_api="blas")
    _release_control(controller)
    return limiter


def _restore(controller, limiter):
    _release_control(controller)
    limiter.restore_original_limits()
    _release_control(controller)


@contextmanager
def single_threaded_blas():
    """Limit BLAS to one thread inside the block."""
    global _users, _limiter
    shared, own = _controllers()
    with _lock:
        if _users == 0:
            _limiter = _limit(shared)
        _users += 1
    own_limiter = _limit(own)
    try:
        yield
    finally:
        _restore(own, own_limiter)
        with _lock:
            _users -= 1
            if _users == 0:
                _restore(shared, _limiter)
                _limiter = None
