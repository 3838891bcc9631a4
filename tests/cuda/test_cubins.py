"""Every kernel compiles for five generations of GPUs, and takes no more of a multiprocessor than it should."""

import numpy as np
import pytest
from numba import float32, int64, void

from skmlp.cuda.driver import SIMULATED, cuda
from tests.cuda.cubins import TOOLCHAIN, installed, measured, recorded
from tests.cuda.kernels import KERNELS

if SIMULATED:
    pytest.skip("the simulator compiles nothing", allow_module_level=True)
pytest.importorskip("numba_cuda", reason="numba-cuda is not installed, which compiles kernels where there is no GPU")

SHARED_MEMORY = 48 << 10  # bytes that a block gets on any GPU without asking
SAME_COMPILERS = installed() == TOOLCHAIN.read_text(encoding="utf-8").split()


@pytest.mark.parametrize("name", KERNELS)
def test_kernel_takes_no_more_than_it_should(name):
    kernel = KERNELS[name]
    found = measured(kernel.compiled, kernel.signature)
    spilt = {architecture: cost for architecture, cost in found.costs.items() if cost.stack or cost.spills}
    assert spilt == {}, "local arrays do not stay in registers"
    assert max(cost.shared for cost in found.costs.values()) <= SHARED_MEMORY
    if kernel.program.real == np.float32:
        assert found.doubles == [], "float32 is computed in float64"
    if SAME_COMPILERS:
        assert {architecture: cost.registers for architecture, cost in found.costs.items()} == recorded()[name]


@pytest.mark.skipif(not SAME_COMPILERS, reason=f"registers are not compared: other compilers than in {TOOLCHAIN.name}")
def test_every_kernel_is_in_the_table():
    assert recorded().keys() == KERNELS.keys()


def test_what_is_looked_for_is_found():
    side = 32

    @cuda.jit
    def wasteful(values, place):
        shared, local = cuda.shared.array((side, side), float32), cuda.local.array(side, float32)
        for k in range(place):
            local[k] = values[k]
            shared[k, place] = values[k]
        cuda.syncthreads()
        values[place] = local[place // 2] + shared[0, place] + 1.5 * place  # a float64

    found = measured(wasteful, void(float32[::1], int64))
    assert found.doubles
    for cost in found.costs.values():
        assert cost.registers > 0
        assert cost.stack >= 4 * side
        assert cost.shared >= 4 * side**2
