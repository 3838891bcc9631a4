"""Threads: as many for a fit, or a prediction, as are free.

The products here are not those of a BLAS library, so there is no pool of threads to be limited, and none that a fork
could break; but the limits that others set for such pools hold here too.
"""

import os
import threading
import weakref
from functools import lru_cache

from joblib import cpu_count, effective_n_jobs
from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_workers = weakref.WeakSet()  # weak, so that one lost to an interrupt does not stay for ever


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


def allowed_threads(n_jobs):
    """Threads that a fit may use, its own included.

    With ``n_jobs`` None as many as there are cores for this process, by affinity, cgroup, and the limits that joblib
    and BLAS are under, less the other threads that are at work, which are those of other fits.
    """
    if n_jobs is not None:
        return effective_n_jobs(n_jobs)
    with _lock:
        others = {worker.thread for worker in _workers} - {threading.get_ident()}
    limits = [library.get_num_threads() or 1 for library in _libraries()]
    return max(1, min([cpu_count(), *limits]) - len(others))


if hasattr(os, "register_at_fork"):
    # The parent's threads, and a lock that one of them may hold, are not in the child.
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)
    os.register_at_fork(after_in_child=_workers.clear)
