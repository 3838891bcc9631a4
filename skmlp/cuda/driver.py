"""Numba's CUDA for the rest of the package, and what of it differs between a GPU and the simulator.

No other module imports it, but that of the simulator's own (``simulation.py``). Kernels reach ``cuda`` as a global of
their module, for in the simulator it must not be a constant.
"""

import threading
import warnings
from contextlib import contextmanager

from numba import cuda
from numba.core import config

SIMULATED = bool(config.ENABLE_CUDASIM)
if SIMULATED:
    from skmlp.cuda.simulation import cuda
SIMULATED_MEMORY = 1 << 30  # bytes
RESERVE = 1 << 30  # bytes of a GPU's memory that are left to others, and to predictions during a fit
_launching = threading.RLock()  # the simulator runs one kernel at a time
_allocating = threading.Lock()


def device(function):
    """Compile a function that kernels call."""
    return function if SIMULATED else cuda.jit(device=True)(function)


def kernel(function):
    """Compile an entry point; it is called as ``kernel[blocks, threads, stream](...)``."""
    return cuda.jit(function)


def launchable(kernel, blocks, threads, stream):
    """A kernel with its block sizes, to be called with its arguments."""
    if SIMULATED:  # which would remember the sizes that were asked for last
        return lambda *arguments: kernel[blocks, threads, stream](*arguments)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that there are few blocks: there are as many as find work
        return kernel[blocks, threads, stream]


def shared_array(shape, real):
    """Function that gives a block its shared memory, aligned to vectors of 16 bytes; a kernel calls one such function.

    The simulator knows no alignment, and takes all arrays that are made in one line for one; but two threads that come
    to that line at the same time would get one each.
    """

    def simulated():
        with _allocating:
            return cuda.shared.array(shape, real)

    if SIMULATED:
        return simulated
    return cuda.jit(device=True, inline="always")(lambda: cuda.shared.array(shape, real, 16))


def event():
    """What streams wait for; nobody wants to know when it was."""
    return cuda.event() if SIMULATED else cuda.event(timing=False)


def device_count():
    """GPUs that can be used; 1 in the simulator. Fails where there is no driver."""
    return 1 if SIMULATED else len(cuda.gpus)


@contextmanager
def on_device(number):
    """Work on one GPU."""
    if SIMULATED:
        with _launching:
            yield
    else:
        with cuda.gpus[number]:
            yield


def can_cooperate():
    """Whether the GPU at work can run kernels whose blocks wait for each other."""
    return SIMULATED or bool(cuda.get_current_device().COOPERATIVE_LAUNCH)


def cooperating_blocks(kernel, threads, arguments):
    """The most blocks of a kernel with such arguments that the GPU at work holds at the same time."""
    if SIMULATED:
        return 1  # its blocks run one after the other
    signature = tuple(map(kernel.typeof_pyval, arguments))
    return kernel.compile(signature).max_cooperative_grid_blocks(threads)


def multiprocessors():
    """Of the GPU at work."""
    return 1 if SIMULATED else cuda.get_current_device().MULTIPROCESSOR_COUNT


def free_memory():
    """Bytes of the memory of the GPU at work that may be taken."""
    return SIMULATED_MEMORY if SIMULATED else max(0, cuda.current_context().get_memory_info().free - RESERVE)
