"""The GPU that is measured: what it is, and what it can do at most by its clock and its bus."""

from importlib.metadata import distributions

import numpy as np

from skmlp.cuda.driver import SIMULATED, cuda

CORES = {(6, 0): 64, (7, 0): 64, (7, 2): 64, (7, 5): 64, (8, 0): 64}
"""Units of float32 in a multiprocessor, by compute capability; all others have :data:`USUAL_CORES`."""
USUAL_CORES = 128
PACKAGES = ("numba-cuda", "cuda-", "nvidia-", "jax-cuda")


def describe():
    """What the GPU at work is: a record."""
    if SIMULATED:
        return {"name": "Numba's simulator: nothing of its times means anything", "packages": packages()}
    device, memory = cuda.get_current_device(), cuda.current_context().get_memory_info()
    name = device.name.decode() if isinstance(device.name, bytes) else str(device.name)
    return {
        "name": name,
        "compute capability": ".".join(map(str, device.compute_capability)),
        "multiprocessors": device.MULTIPROCESSOR_COUNT,
        "clock, MHz": device.CLOCK_RATE / 1e3,
        "memory, GiB": memory.total / 2**30,
        "free, GiB": memory.free / 2**30,
        "second-level cache, MiB": device.L2_CACHE_SIZE / 2**20,
        "cooperative kernels": bool(device.COOPERATIVE_LAUNCH),
        "driver's CUDA": driver_version(),
        **limits(device),
        "packages": packages(),
    }


def limits(device):
    """Float32 operations and bytes of memory a second, that no program goes beyond."""
    cores = CORES.get(tuple(device.compute_capability), USUAL_CORES)
    operations = 2e3 * cores * device.MULTIPROCESSOR_COUNT * device.CLOCK_RATE  # the rate is in kHz
    bytes_ = 2e3 * device.MEMORY_CLOCK_RATE * device.GLOBAL_MEMORY_BUS_WIDTH / 8  # two a clock
    return {"limit, TFLOP/s": operations / 1e12, "limit, GB/s": bytes_ / 1e9}


def driver_version():
    """The version of CUDA that the driver knows."""
    from numba.cuda.cudadrv.driver import driver

    return ".".join(map(str, driver.get_version()))


def packages():
    """What is installed of CUDA, with versions."""
    found = {each.metadata["Name"]: each.version for each in distributions() if each.metadata["Name"]}
    return ", ".join(f"{name} {found[name]}" for name in sorted(found) if name.lower().startswith(PACKAGES))


class Clock:
    """Seconds of work on the GPU, by its own clock: ``with clock: ...``, then ``clock.seconds``; NaN without a GPU."""

    def __init__(self, stream):
        self._stream, self.seconds = stream, 0.0
        self._events = cuda.event(), cuda.event()

    def __enter__(self):
        self._events[0].record(self._stream)
        return self

    def __exit__(self, *error):
        self._events[1].record(self._stream)
        self._events[1].synchronize()
        self.seconds = float("nan") if SIMULATED else self._events[0].elapsed_time(self._events[1]) / 1e3


def quickest(stream, call, runs=5):
    """Seconds of the quickest of some calls, after one that compiles."""
    call()
    times = []
    for _ in range(runs):
        with Clock(stream) as clock:
            call()
        times.append(clock.seconds)
    return float(np.min(times))
