"""Threads: one for the BLAS library while any fit or large prediction runs, and as many for a fit as are free.

The products of a shard are too small to share among threads, and a result must not depend on their number. Most BLAS
libraries have one setting for the process: the last user of this module to leave restores what the first one found.
(Whoever else changes the setting in the meantime, from another thread, may find it changed in turn.) OpenBLAS on
OpenMP has one setting a thread, which each thread sets and restores for itself. A fork waits until no kernel runs:
BLAS has locks that a child process must not inherit.
"""

import os
import threading
import time
import weakref
from functools import lru_cache

import scipy.linalg.cython_blas  # noqa: F401  (the library that compiled products call must be loaded to be limited)
from joblib import cpu_count, effective_n_jobs
from threadpoolctl import ThreadpoolController

_lock = threading.RLock()
_users = weakref.WeakSet()  # weak, so that a user lost to an interrupt does not stay for ever
_running = set()  # threads inside a kernel; one that an interrupt has left here does not wait for itself
LONGEST_WAIT = 2.0  # seconds for which a fork waits; a piece of kernel work takes a tenth of one
_found = None  # number of threads of each shared library before the first user came


@lru_cache(maxsize=1)
def _libraries():
    """Controllers of the libraries with one setting a process, and of those with one a thread."""
    libraries = ThreadpoolController().select(user_api="blas").lib_controllers  # looks through all that is loaded
    own = [library for library in libraries if getattr(library, "threading_layer", None) == "openmp"]
    return [library for library in libraries if library not in own], own


def _set_threads(libraries, numbers):
    for library, number in zip(libraries, numbers, strict=True):
        # threadpoolctl lets only that thread change the setting that did so first; here any may.
        release = getattr(library, "clear_controlling_thread", lambda force: None)
        release(force=True)
        library.set_num_threads(number)
        release(force=True)


def _get_threads(libraries):
    return [library.get_num_threads() for library in libraries]


class single_threaded_blas:
    """Limit BLAS to one thread inside the block. Leaving twice does no harm, so an interrupted exit can be repeated."""

    _own_found = None

    def __enter__(self):
        """Take part."""
        try:
            self._enter()
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(self, *error):
        """Leave; the last one restores."""
        try:
            self._leave()
        except KeyboardInterrupt:
            self._leave()
            raise

    def _enter(self):
        global _found
        shared, own = _libraries()
        self.thread = threading.get_ident()
        with _lock:
            _users.add(self)
            if _found is None:
                _found = _get_threads(shared)
                _set_threads(shared, [1] * len(shared))
        self._own_found = _get_threads(own)
        _set_threads(own, [1] * len(own))

    def _leave(self):
        global _found
        shared, own = _libraries()
        if self._own_found is not None:
            _set_threads(own, self._own_found)
        with _lock:
            _users.discard(self)
            if not _users and _found is not None:
                _set_threads(shared, _found)
                _found = None


def allowed_threads(n_jobs):
    """Threads that a fit may use, its own included, called inside of :class:`single_threaded_blas`.

    With ``n_jobs`` None as many as there are cores for this process, by affinity, cgroup, and the limits that joblib
    and BLAS were under, less the other threads that are inside, which are those of other fits.
    """
    if n_jobs is not None:
        return effective_n_jobs(n_jobs)
    with _lock:
        others = {user.thread for user in _users} - {threading.get_ident()}
        return max(1, min([cpu_count(), *(_found or [])]) - len(others))


class in_kernel:
    """Says that this thread is inside a kernel, which a fork in another thread waits for.

    BLAS takes locks of its own, and a child process would find them taken for ever.
    """

    def __enter__(self):
        """Wait for a fork to pass."""
        with _lock:
            _running.add(threading.get_ident())

    def __exit__(self, *error):
        """Let forks pass again."""
        _running.discard(threading.get_ident())


def _before_fork():
    """Take the lock, which a child must not inherit from another thread, when no kernel runs any more."""
    patience = time.monotonic() + LONGEST_WAIT
    _lock.acquire()
    while _running - {threading.get_ident()} and time.monotonic() < patience:
        _lock.release()
        try:
            time.sleep(0.0005)
        finally:  # an interrupt is no reason to leave without the lock
            _lock.acquire()


def _after_fork():
    """In a child process: the users were the parent's; the first of its own to leave restores what those found."""
    _users.clear()
    _running.clear()
    _lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_lock.release, after_in_child=_after_fork)
