"""With the JIT off the kernels compute what they compute when compiled, without a warning."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.cpu.small_epochs import epochs
from tests.ways import needs_jit

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def uncompiled(tmp_path_factory):
    """What the program saves in a process of its own, where nothing is compiled."""
    path = tmp_path_factory.mktemp("uncompiled") / "epochs.npz"
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-m", "tests.cpu.small_epochs", path], cwd=ROOT, env=environment, check=True)
    return np.load(path)


@needs_jit
@pytest.mark.parametrize("real, rtol", [("float32", 1e-3), ("float64", 1e-9)])
def test_epochs_are_those_of_compiled_kernels(uncompiled, real, rtol):
    for name, expected in epochs(real).items():
        np.testing.assert_allclose(uncompiled[name], expected, rtol=rtol, atol=rtol / 10, err_msg=name)
        # Of the exponential of 1e4 nothing finite is left.
        assert np.isfinite(expected).all() or name in (f"{real}, huge, loss poisson", f"{real}, huge, loss gamma")
