"""Threads: as many for a fit, or a prediction, as are free.

The products here are not those of a BLAS library, so there is no pool of threads to be limited, and none that a fork
could break; but the limits that others set for such pools hold here too. SciPy's L-BFGS does call BLAS, whose sums
depend on its threads: for that time it has one (:class:`single_threaded_blas`).
"""

import os
import threading
import weakref
from functools import lru_cache

from joblib import cpu_count, effective_n_jobs
from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_workers, _limiters = weakref.WeakSet(), weakref.WeakSet()  # weak, so that none lost to an interrupt stays for ever
_found = None  # threads of each BLAS library before the first limiter came


class working:
    """Says that this thread is at work on a fit or a prediction: its core is not free for others."""

    def __enter__(self):
        """Take part."""
        self.thread = threading.get_ident()
        with _lock:
            _workers.add(self)
        return self

    def __exit__(self, *error):
        """Leave."""
        with _lock:
            _workers.discard(self)


@lru_cache(maxsize=1)
def _libraries():
    """Controllers of the BLAS libraries; looks through all that is loaded."""
    return ThreadpoolController().select(user_api="blas").lib_controllers


def _get_threads():
    return [library.get_num_threads() or 1 for library in _libraries()]


def _set_threads(numbers):
    for library, number in zip(_libraries(), numbers, strict=True):
        # threadpoolctl lets only that thread change the setting that did so first; here any may.
        release = getattr(library, "clear_controlling_thread", lambda force: None)
        release(force=True)
        library.set_num_threads(number)
        release(force=True)


class single_threaded_blas:
    """Limit BLAS to one thread inside the block: one setting a process, which the last to leave restores."""

    def __enter__(self):
        """Take part."""
        global _found
        with _lock:
            _limiters.add(self)
            if _found is None:
                _found = _get_threads()
                _set_threads([1] * len(_found))
        return self

    def __exit__(self, *error):
        """Leave; the last one restores."""
        global _found
        with _lock:
            _limiters.discard(self)
            if not _limiters and _found is not None:
                _set_threads(_found)
                _found = None


def allowed_threads(n_jobs):
    """Threads that a fit may use, its own included.

    With ``n_jobs`` None as many as there are cores for this process, by affinity, cgroup, and the limits that joblib
    and BLAS are under, less the other threads that are at work, which are those of other fits.
    """
    if n_jobs is not None:
        return effective_n_jobs(n_jobs)
    with _lock:
        others = {worker.thread for worker in _workers} - {threading.get_ident()}
        limits = _found or _get_threads()
    return max(1, min([cpu_count(), *limits]) - len(others))


if hasattr(os, "register_at_fork"):
    # The parent's threads, and a lock that one of them may hold, are not in the child.
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)
    os.register_at_fork(after_in_child=lambda: (_workers.clear(), _limiters.clear()))
