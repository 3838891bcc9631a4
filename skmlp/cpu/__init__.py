"""The CPU back end: Numba kernels, and the one module that owns how they are compiled."""

import skmlp.cpu.elementary  # noqa: F401  (puts exp, log and tanh into the formulas that kernels compile)
