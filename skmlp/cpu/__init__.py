"""The CPU back end: Numba kernels, and the one module that owns how they are compiled."""
