"""The CUDA back end: the same formulas, compiled for a GPU. :class:`skmlp.cuda.backend.CudaBackend` is its face."""
