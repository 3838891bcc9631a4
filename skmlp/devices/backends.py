"""What is to be had from back ends, each of which is imported when it is first needed.

So importing the package loads no compiler, and what computes on the CPU loads nothing of CUDA.
"""

import sys
import threading
from contextlib import suppress
from functools import lru_cache
from importlib import import_module


@lru_cache(maxsize=64)  # a back end holds no data, and making one would take longer than predicting a row
def make_backend(device, network, loss, dtype, levels=(), n_jobs=None, **loss_settings):
    """The back end for ``device``.

    Parameters
    ----------
    device : {'cpu', 'cuda:N'}
        As :func:`skmlp.devices.choice.resolve` gives it.
    network : skmlp.network.layout.Network
    loss : str or skmlp.formulas.custom.CustomLoss
    dtype : dtype
    levels : sequence of float
    n_jobs : int or None
    **loss_settings : float
    """
    if device == "cpu":
        import_uninterrupted("skmlp.cpu.backend")
        from skmlp.cpu.backend import CpuBackend

        return CpuBackend(network, loss, dtype, levels, n_jobs, **loss_settings)
    import_uninterrupted("skmlp.cuda.backend")
    from skmlp.cuda.backend import CudaBackend

    number = int(device.removeprefix("cuda:"))
    return CudaBackend(network, loss, dtype, levels, n_jobs, device=number, **loss_settings)


def cuda_devices():
    """Number of CUDA devices; where there is one, the back end has been imported. Raises whatever CUDA raises."""
    import_uninterrupted("skmlp.cuda.driver")
    from skmlp.cuda.driver import device_count

    count = device_count()
    if count:
        import_uninterrupted("skmlp.cuda.backend")
        import_module("skmlp.cuda.backend")
    return count


def kernel_folder():
    """The folder in which compiled kernels are kept; None where none can be written."""
    import_uninterrupted("skmlp.cpu.cache")
    from skmlp.cpu.cache import KernelCache, attach

    try:
        return KernelCache(attach).cache_path  # of any function there: all that is compiled has its source beside it
    except (RuntimeError, OSError):
        return None


def allowed_threads(n_jobs):
    """Threads that a fit may use, its own included; with ``n_jobs`` None as many as there are free cores."""
    import_uninterrupted("skmlp.cpu.threads")
    from skmlp.cpu import threads

    return threads.allowed_threads(n_jobs)


def run_together(size, work, abort):
    """Call ``work(member)`` in so many threads, this one included; ``abort()`` is called when one fails."""
    import_uninterrupted("skmlp.cpu.team")
    from skmlp.cpu import team

    team.run_together(size, work, abort)


def import_uninterrupted(module):
    """Import in a thread of its own: a Ctrl-C in the middle would leave Numba half imported, of no use from then on."""

    def attempt():
        with suppress(Exception):  # the caller's own import raises it again
            import_module(module)

    if module not in sys.modules:
        thread = threading.Thread(target=attempt)
        thread.start()
        thread.join()
