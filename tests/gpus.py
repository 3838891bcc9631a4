"""Machines with GPUs that are not there: they compute as the CPU does, and keep book of it."""

import sys
import threading
from contextlib import ExitStack, contextmanager
from types import ModuleType
from unittest.mock import patch

from skmlp.cpu.backend import CpuBackend
from skmlp.devices import backends, choice, probe


class Used(list):
    """What GPUs were used for: (device, 'fit', 'predict' or 'measure', thread)."""

    def __call__(self, what):
        return sorted({device for device, purpose, _ in self if purpose == what})


def make_backend_class(used):
    """The class of a back end that tells ``used`` what it does."""

    class CudaBackend(CpuBackend):
        def __init__(self, network, loss, dtype, levels=(), n_jobs=None, device=0, **loss_settings):
            super().__init__(network, loss, dtype, levels, n_jobs, **loss_settings)
            self.device = device

        def start(self, *arguments, **settings):
            used.append((self.device, "fit", threading.get_ident()))
            return super().start(*arguments, **settings)

        def predict(self, *arguments, **settings):
            used.append((self.device, "predict", threading.get_ident()))
            return super().predict(*arguments, **settings)

        def predict_and_loss(self, *arguments):
            used.append((self.device, "measure", threading.get_ident()))
            return super().predict_and_loss(*arguments)

    return CudaBackend


@contextmanager
def modules(given):
    """Let modules be these inside of the block; None: cannot be imported. Others may be imported meanwhile."""
    before = {name: sys.modules[name] for name in given if name in sys.modules}
    sys.modules.update(given)
    try:
        yield
    finally:
        for name in given:
            del sys.modules[name]
        sys.modules.update(before)


def clear_caches():
    for cached in (probe.missing, choice._n_gpus, backends.make_backend):
        cached.cache_clear()


@contextmanager
def machine(n_gpus=0, *, package=True, driver=True, simulator=False, failure=None):
    """Let this be a machine with so many GPUs inside of the block.

    Parameters
    ----------
    n_gpus : int
        What the driver says.
    package, driver : bool
        Whether numba-cuda is installed, and NVIDIA's driver.
    simulator : bool
        Whether CUDA is Numba's simulator.
    failure : Exception or None
        Raised when CUDA is asked for the number of devices.

    Yields
    ------
    used : Used
    """
    used = Used()
    fakes = {name: ModuleType(name) for name in ("skmlp.cuda.driver", "skmlp.cuda.backend")}
    fakes["skmlp.cuda.backend"].CudaBackend = make_backend_class(used)

    def device_count():
        if failure is not None:
            raise failure
        return n_gpus

    fakes["skmlp.cuda.driver"].device_count = device_count
    with ExitStack() as stack:
        stack.callback(clear_caches)
        stack.enter_context(modules(fakes))
        stack.enter_context(patch.object(choice, "simulated", return_value=simulator))
        stack.enter_context(patch.object(probe, "has_package", return_value=package))
        stack.enter_context(patch.object(probe, "has_driver", return_value=driver))
        clear_caches()
        yield used
