"""What it costs to launch a kernel, to let all blocks of a GPU wait for each other, and to copy data."""

import time
from functools import partial

import numpy as np
from gpu_device import quickest
from measure import seconds

from skmlp.cuda.driver import SIMULATED, cooperating_blocks, cuda, kernel, launchable, multiprocessors
from skmlp.cuda.memory import Memory

THREADS = 256  # of a block, as in the kernels of training
LAUNCHES = 1000
SYNCS = 100, 2000


@kernel
def nothing(numbers):
    """A kernel that does nothing."""


@kernel
def nothing_of_memory(memory, batch, layer):
    """The same, with what a kernel of training is handed."""


@kernel
def syncs(numbers, times):
    """Blocks that wait for each other, and do nothing else."""
    everybody = cuda.cg.this_grid()
    for _ in range(times):
        everybody.sync()


def launches(quick):
    """Records of a launch from Python: µs when more follow at once, and when its end is waited for."""
    numbers, integers = cuda.device_array(8, np.float32), cuda.device_array((4, 4), np.uint32)
    arrays = {"limits", "order", "batches", "layers", "chunks"}
    memory = Memory(**{name: integers if name in arrays else numbers for name in Memory._fields} | {"seed": 0})
    cases = {"one array": (nothing, (numbers,)), "the memory of training": (nothing_of_memory, (memory, 0, 0))}
    stream, threads, times = cuda.stream(), 1 if SIMULATED else THREADS, 10 if quick else LAUNCHES
    records = []
    for name, (function, arguments) in cases.items():
        configured = launchable(function, multiprocessors(), threads, stream)
        each = [1e6 * launch(configured, arguments, stream, times, waiting) for waiting in (False, True)]
        records.append({"kernel of": name, "more follow, µs": each[0], "waited for, µs": each[1]})
    return records


def launch(configured, arguments, stream, times, waiting):
    """Seconds of one of so many launches; ``waiting``: for the end of each."""
    configured(*arguments)  # compiles
    stream.synchronize()
    started = time.perf_counter()
    for _ in range(times):
        configured(*arguments)
        if waiting:
            stream.synchronize()
    stream.synchronize()
    return (time.perf_counter() - started) / times


def waits(quick):
    """Records of all blocks waiting for each other: µs, by their number."""
    numbers, stream = cuda.device_array(8, np.float32), cuda.stream()
    threads = 1 if SIMULATED else THREADS
    most, there = cooperating_blocks(syncs, threads, (numbers, np.int64(0))), multiprocessors()
    counts, runs = (2, 5) if SIMULATED else SYNCS, 2 if quick else 5
    records = []
    for blocks in sorted({min(most, max(1, int(blocks))) for blocks in (1, there / 2, there, 2 * there, most)}):
        configured = launchable(syncs, blocks, threads, stream)
        few, many = (quickest(stream, partial(configured, numbers, count), runs) for count in counts)
        each = (many - few) / (counts[1] - counts[0])
        records.append({"blocks": blocks, "a multiprocessor": blocks / there, "a wait, µs": 1e6 * each})
    return records


def copies(quick):
    """Records of copies to the GPU and back: GB/s, of memory as it is and of memory that the GPU reads itself."""
    records = []
    for megabytes in (1,) if SIMULATED else (1, 16, 256):
        size = megabytes * 1_000_000 // 4
        there = cuda.device_array(size, np.float32)
        for name, here in {"usual": np.empty(size, np.float32), "pinned": cuda.pinned_array(size, np.float32)}.items():
            here[:] = 1.0
            ways = {"to the GPU, GB/s": there.copy_to_device, "back, GB/s": there.copy_to_host}
            rates = {way: rate(partial(copy, here), here.nbytes, 3 if quick else 10) for way, copy in ways.items()}
            records.append({"MB": megabytes, "memory": name, **rates})
    return records


def rate(copy, size, runs):
    """GB/s of the quickest copy of so many bytes."""
    copy()
    return size / min(seconds(lambda: (copy(), cuda.synchronize())) for _ in range(runs)) / 1e9
