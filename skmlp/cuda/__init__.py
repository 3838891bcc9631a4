"""The CUDA back end: Numba kernels for NVIDIA GPUs."""
