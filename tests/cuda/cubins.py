"""Cubins of all kernels for GPUs that need not be there, and what each kernel takes of a multiprocessor.

``python -m tests.cuda.cubins`` writes the table of registers anew.
"""

import csv
import re
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import cache
from importlib import metadata
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple
from unittest.mock import patch

from tests.cuda.kernels import KERNELS

ARCHITECTURES = {"sm_75": (7, 5), "sm_80": (8, 0), "sm_90": (9, 0), "sm_100": (10, 0), "sm_120": (12, 0)}
TABLE, TOOLCHAIN = (Path(__file__).with_name(name) for name in ("registers.csv", "toolchain.txt"))
# What decides on registers.
PACKAGES = (
    "llvmlite",
    "numba",
    "numba-cuda",
    "nvidia-cuda-nvrtc",
    "nvidia-cuda-runtime",
    "nvidia-nvjitlink",
    "nvidia-nvvm",
)


class Cost(NamedTuple):
    """What a kernel takes for an architecture: registers of a thread, and bytes."""

    registers: int
    stack: int
    spills: int
    shared: int


class Measured(NamedTuple):
    """The costs of a kernel by architecture, and its instructions that take or give float64."""

    costs: dict
    doubles: list


def measured(kernel, signature):
    """What a kernel takes, compiled and linked as Numba does it for a launch."""
    from numba.cuda.compiler import _compile_pyfunc_with_fixup

    with no_device_needed():
        library, _ = _compile_pyfunc_with_fixup(kernel.py_func, signature, device=False, abi="numba")
    # What is float64 is decided before any architecture is looked at.
    code = library.get_asm_str(cc=min(ARCHITECTURES.values()))
    doubles = [line.strip() for line in code.splitlines() if re.search(r"\.f64\b", line)]
    at_link_time = kernel.targetoptions["lto"]
    return Measured({name: cost(library, name, at_link_time) for name in ARCHITECTURES}, doubles)


def cost(library, architecture, at_link_time):
    """What the kernel of a library takes for an architecture, if that is optimised at link time or not."""
    parts = linker_log(library, architecture, at_link_time).split("Function properties for ")[1:]
    ours = "".join(part for part in parts if part.strip("'").startswith(library._entry_name))
    assembled = [part for part in parts if "stack frame" in part]  # NVIDIA's library has been so before
    assert ours and assembled, "the log has nothing about the kernel"
    return Cost(
        registers=largest(r"[Uu]sed (\d+) registers", ours),
        stack=largest(r"(\d+) bytes stack frame", "".join(assembled)),
        spills=largest(r"(\d+) bytes spill", "".join(assembled)),
        shared=largest(r"(\d+) bytes smem", ours),
    )


def linker_log(library, architecture, at_link_time):
    """What assembler and linker say while they make the cubin of a library."""
    from cuda.bindings import nvjitlink

    capability = ARCHITECTURES[architecture]
    options = [f"-arch={architecture}", "-Xptxas=-v", "-verbose", *(["-lto"] if at_link_time else [])]
    linker = nvjitlink.create(len(options), options)
    try:
        if at_link_time:
            code, kind = library.get_ltoir(cc=capability), nvjitlink.InputType.LTOIR
        else:
            code, kind = library.get_asm_str(cc=capability).encode(), nvjitlink.InputType.PTX
        nvjitlink.add_data(linker, kind, code, len(code), "kernel")
        if library.use_cooperative:
            runtime = device_runtime()
            nvjitlink.add_data(linker, nvjitlink.InputType.LIBRARY, runtime, len(runtime), "cudadevrt")
        nvjitlink.complete(linker)
        assert nvjitlink.get_linked_cubin_size(linker) > 0
        log = bytearray(nvjitlink.get_info_log_size(linker))
        nvjitlink.get_info_log(linker, log)
    finally:
        nvjitlink.destroy(linker)
    return log.decode()


def largest(pattern, text):
    """The largest of the numbers that a pattern finds; 0 if there is none."""
    return max(map(int, re.findall(pattern, text)), default=0)


@contextmanager
def no_device_needed():
    """Numba asks the GPU at work for its architecture when it compiles what kernels call."""
    oldest = SimpleNamespace(compute_capability=min(ARCHITECTURES.values()))
    with patch("numba.cuda.dispatcher.get_current_device", lambda: oldest):
        yield


@cache
def device_runtime():
    """NVIDIA's library, which holds how blocks wait for each other."""
    from numba.cuda.cudadrv.libs import get_cudalib

    return Path(get_cudalib("cudadevrt", static=True)).read_bytes()


def installed():
    """Lines of ``toolchain.txt`` for what is installed here."""
    return [f"{name}=={metadata.version(name)}" for name in PACKAGES]


def registers(name):
    """By architecture, of a kernel by its name."""
    kernel = KERNELS[name]
    return [cost.registers for cost in measured(kernel.compiled, kernel.signature).costs.values()]


def write():
    """Write the table, and what it was made with."""
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as processes:
        rows = [[name, *found] for name, found in zip(KERNELS, processes.map(registers, KERNELS), strict=True)]
    with TABLE.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([["kernel", *ARCHITECTURES], *rows])
    TOOLCHAIN.write_text("\n".join([*installed(), ""]), encoding="utf-8")


def recorded():
    """The table: registers by kernel and architecture."""
    with TABLE.open(newline="", encoding="utf-8") as file:
        return {row.pop("kernel"): {name: int(count) for name, count in row.items()} for row in csv.DictReader(file)}


if __name__ == "__main__":
    write()
