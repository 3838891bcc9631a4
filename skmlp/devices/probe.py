"""What CUDA needs and is not there, as far as that can be seen without importing Numba or starting CUDA.

Takes a fraction of a millisecond (``benchmarks/devices.py``).
"""

import ctypes
import os
import sys
from functools import cache
from importlib.util import find_spec

import numpy as np

TOO_NEW = (2, 5)  # of NumPy, for numba-cuda 0.30
INSTALL = "pip install 'skmlp[cuda13]', or pip install 'skmlp[cuda12]' if the driver is older than version 580"


def simulated():
    """Whether CUDA is, or will be when it is imported, the simulator of Numba, which ``NUMBA_ENABLE_CUDASIM`` asks for.

    Numba reads the variable when it is imported, and its ``cuda`` goes by what Numba has read.
    """
    if "numba.cuda" in sys.modules:
        return "numba.cuda.simulator_init" in sys.modules
    if "numba.core.config" in sys.modules:
        return bool(sys.modules["numba.core.config"].ENABLE_CUDASIM)
    try:
        return bool(int(os.environ.get("NUMBA_ENABLE_CUDASIM", "0")))
    except ValueError:
        return False


@cache
def missing():
    """All that is missing, each with what mends it; an empty text where nothing is, as far as can be seen."""
    if sys.platform == "darwin":
        return "there is no CUDA for macOS; use device='cpu'"
    found = []
    if not has_package():
        found.append(f"numba-cuda is not installed: {INSTALL}")
    if numpy_version() >= TOO_NEW:
        newest = ".".join(map(str, TOO_NEW))
        found.append(f"numba-cuda cannot compile with NumPy {np.__version__}: pip install 'numpy<{newest}'")
    if not has_driver():
        found.append(
            f"there is no NVIDIA driver ({driver_library()} cannot be loaded): install the one that "
            "https://www.nvidia.com/drivers has for the GPU, until the command nvidia-smi shows it (containers see it "
            "with docker run --gpus all)"
        )
    return "; ".join(found)


def has_package():
    """Whether numba-cuda is installed."""
    return find_spec("numba_cuda") is not None


def numpy_version():
    """Major and minor version of NumPy."""
    return tuple(map(int, np.__version__.split(".")[:2]))


def has_driver():
    """Whether the library of the NVIDIA driver can be loaded."""
    try:
        ctypes.CDLL(driver_library())
    except OSError:
        return False
    return True


def driver_library():
    """Name of the driver's library on this system."""
    return "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
