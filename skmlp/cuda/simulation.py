"""What stands for Numba's ``cuda`` in its simulator, inside of kernels and outside."""

from numba import cuda as host
from numba.cuda.simulator.kernel import _get_kernel_context


class Simulation:
    """Gives what the kernel at work has, else what programs have.

    The simulator itself puts the one in the place of the other in the module of a function for the time of a call, and
    takes it away from under other threads that are in the same function.
    """

    def __getattr__(self, name):
        kernel = _get_kernel_context()
        return getattr(kernel, name) if hasattr(kernel, name) else getattr(host, name)


cuda = Simulation()
