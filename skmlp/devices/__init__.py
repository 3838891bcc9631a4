"""Which device computes, the back end that goes with it, where compiled kernels are kept, and threads for a fit."""

from skmlp.devices.backends import allowed_threads, kernel_folder, make_backend, run_together
from skmlp.devices.choice import DeviceError, is_device, resolve, worth_it

__all__ = [
    "DeviceError",
    "allowed_threads",
    "is_device",
    "kernel_folder",
    "make_backend",
    "resolve",
    "run_together",
    "worth_it",
]
