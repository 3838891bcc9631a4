"""The device that computes when one is asked for, or the error that says what it lacks."""

import os
import re
import warnings
from contextlib import suppress
from functools import cache

from skmlp.devices.backends import cuda_devices
from skmlp.devices.probe import missing, simulated

NAMES = re.compile("cpu|auto|cuda(?::(0|[1-9][0-9]*))?")
WORTH = 2e6
"""Multiplications from which on a step is worth a GPU. By data sheets and arithmetic: the waits of the whole GPU for
itself take some 20 µs a step, and a core of a CPU does 1e11 multiplications and additions a second."""


class DeviceError(RuntimeError, ValueError):
    """A device that was asked for is not to be had; the message says what is missing, and the command that mends it."""


def is_device(name):
    """Whether ``device`` may be this: 'cpu', 'cuda', 'cuda:N' or 'auto'.

    >>> [is_device(name) for name in ("cpu", "cuda", "cuda:1", "auto", "cuda:x", "gpu")]
    [True, True, True, True, False, False]
    """
    return isinstance(name, str) and NAMES.fullmatch(name) is not None


def worth_it(network, batch_size):
    """Whether steps on so many rows are large enough for a GPU to be faster: :data:`WORTH` weights times rows.

    Parameters
    ----------
    network : skmlp.network.layout.Network
    batch_size : int
    """
    return network.layout.n_weights * batch_size >= WORTH


def resolve(device, worth=True):
    """Where to compute: 'cpu' or 'cuda:N'.

    Parameters
    ----------
    device : {'cpu', 'cuda', 'cuda:N', 'auto'}
        'cuda' is 'cuda:0'. 'auto' is that if it is worth it and to be had, otherwise 'cpu' without a word; it never is
        Numba's simulator, which a GPU that is asked for by name may be.
    worth : bool, default=True
        Whether 'auto' may be a GPU.

    Raises
    ------
    DeviceError
        If a GPU is asked for by name and is not to be had.
    ValueError
        For any other name.
    """
    if device == "cpu":
        return device
    if not is_device(device):
        raise ValueError(f"device={device!r}: allowed are 'cpu', 'cuda', 'cuda:N' and 'auto'.")
    if device != "auto":
        return gpu(device)
    with warnings.catch_warnings(), suppress(DeviceError):
        warnings.simplefilter("ignore")
        if worth and not simulated():
            return gpu("cuda")
    return "cpu"


def gpu(device):
    """The GPU, as 'cuda:N'."""
    number = int(NAMES.fullmatch(device)[1] or 0)
    lacking = "" if simulated() else missing()
    if lacking:
        raise DeviceError(f"device={device!r} is not to be had: {lacking}.")
    count = n_gpus(device)
    if number >= count:
        there = "is 1 device, 'cuda:0'" if count == 1 else f"are {count} devices, 'cuda:0' to 'cuda:{count - 1}'"
        raise DeviceError(f"device={device!r} is not to be had: there {there}; nvidia-smi -L lists them.")
    return f"cuda:{number}"


def n_gpus(device):
    """Number of GPUs, of which there is one at least."""
    problem, cause = "CUDA finds no device", None
    try:
        count = _n_gpus()
    except Exception as error:  # whatever CUDA and its packages may raise
        count, cause = 0, error
        problem = f"CUDA cannot be started ({type(error).__name__}: {' '.join(str(error).split())})"
    if count:
        return count
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    among = "" if visible is None else f", with CUDA_VISIBLE_DEVICES={visible!r}"
    raise DeviceError(
        f"device={device!r} is not to be had: {problem}{among}; see whether the command nvidia-smi shows one."
    ) from cause


_n_gpus = cache(cuda_devices)  # an error is not kept
