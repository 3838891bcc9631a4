"""Measuring: times of calls that take turns, memory at its peak, and what a process of its own finds.

This module imports nothing that takes long, so that a new process can time its own imports.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path


def seconds(call):
    """Time of one call."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def in_turn(calls, runs):
    """Seconds of each call in each run: they take turns, so that a slow minute of the machine meets all of them."""
    return [[seconds(call) for call in calls] for _ in range(runs)]


def medians(times):
    """Median of each column of :func:`in_turn`."""
    return [statistics.median(column) for column in zip(*times, strict=True)]


def ratio(times, column, to):
    """Median over the runs of one column over another."""
    return statistics.median(run[column] / run[to] for run in times)


def peak_memory(call):
    """What a call needs: bytes resident at its peak over those before it, and its result.

    Linux forgets the peak so far when asked to. Elsewhere it is the rise of the peak of the whole process, so earlier
    work must not have needed more than what is resident; there the figure is a lower bound.
    """
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        before = _highest()
        result = call()
        return _highest() - before, result
    before = _status("VmRSS")
    result = call()
    return _status("VmHWM") - before, result


def _status(name):
    """Bytes, by a line of /proc/self/status."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no {name}")


def _highest():
    """Bytes resident at the peak of this process so far."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def elsewhere(script, *arguments, limit=None, **environment):
    """What a new process of a script prints as JSON in its last line; RuntimeError with its last words if it fails.

    So it does if it takes longer than ``limit`` seconds.
    """
    command = [sys.executable, script, *(str(argument) for argument in arguments)]
    environment = {**os.environ, **environment}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"no end after {limit} s") from None
    if done.returncode:
        raise RuntimeError(done.stderr.strip().rpartition("\n")[2] or f"exit {done.returncode}")
    return json.loads(done.stdout.splitlines()[-1])
