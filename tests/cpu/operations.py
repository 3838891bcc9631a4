"""Single operations: a loop by its address, carried out on a memory."""

import numpy as np

from skmlp.cpu import memory as places
from skmlp.cpu.epoch import carry_out
from skmlp.cpu.memory import N_FIELDS, Memory
from skmlp.cpu.plan import Plan

MARGIN = 61  # odd, so that what lies within is aligned to nothing


def operate(family, name, real, arrays, numbers, **fields):
    """Carry out one operation; arrays, numbers, and the fields of the operation are given by the names of places.

    Loops check nothing, so the values of the layers lie in memory that is watched meanwhile.
    """
    memory = Memory()
    for place in {"PARAMETERS", "GRADIENT", "TOTAL", "WORK", "DATA", "TARGETS", "WEIGHTS"} & arrays.keys():
        assert arrays[place].dtype == real, place  # which nothing else would notice
    work, around = within(arrays.get("WORK", np.zeros(0)))
    for place, value in {**arrays, **numbers}.items():
        memory[getattr(places, place)] = work if place == "WORK" else value
    record = np.zeros(N_FIELDS, dtype=np.int64)
    for field, value in fields.items():
        record[getattr(places, field)] = value
    plan = Plan(real)
    plan.add(family, name, record)
    carry_out(plan.array(), memory.cells)
    if "WORK" in arrays:
        arrays["WORK"][...] = work
        np.testing.assert_array_equal(around, within(work)[1], "written beside the values of the layers")


def within(array, around=7.0):
    """A copy of an array in the middle of memory that is watched, and that memory."""
    memory = np.full(array.size + 2 * MARGIN, around, dtype=array.dtype)
    inner = memory[MARGIN : MARGIN + array.size].reshape(array.shape)
    inner[...] = array
    return inner, memory


def whole_numbers(random, shape, real):
    """Numbers whose products and sums are exact in any order."""
    return random.integers(-8, 9, shape).astype(real)
