"""Every kernel compiles for five generations of GPUs, and takes no more of a multiprocessor than it should."""

from functools import cache

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


def of_each(names):
    """Decorator: a test of each of these kernels, all tests of a kernel in one process."""
    return pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in names])


@cache
def measured_once(name):
    return measured(KERNELS[name].compiled, KERNELS[name].signature)


@of_each(KERNELS)
def test_local_arrays_stay_in_registers(name):
    costs = measured_once(name).costs
    spilt = {architecture: cost for architecture, cost in costs.items() if cost.stack or cost.spills}
    assert spilt == {}


@of_each(KERNELS)
def test_shared_memory_is_what_every_gpu_gives(name):
    assert max(cost.shared for cost in measured_once(name).costs.values()) <= SHARED_MEMORY


@of_each([name for name, kernel in KERNELS.items() if kernel.program.real == np.float32])
def test_float32_is_not_computed_in_float64(name):
    assert measured_once(name).doubles == []


@of_each(KERNELS)
def test_registers_are_those_of_the_table(name):
    if installed() != TOOLCHAIN.read_text(encoding="utf-8").split():
        pytest.skip(f"other compilers than those of {TOOLCHAIN.name} are installed")
    costs = measured_once(name).costs
    assert {architecture: cost.registers for architecture, cost in costs.items()} == recorded()[name]


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
