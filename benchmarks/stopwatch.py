"""A stopwatch for the operations of a fit, inside of the fit itself.

A plan is a list of operations, so a stopwatch is one more operation, put before each of the others and at the end of
each plan: it adds the time since its last reading to what went on meanwhile, and notes what comes now. So each
operation finds the caches as they are in a fit, and all of a fit's time is accounted for. A reading takes some twenty
nanoseconds; it is measured where it happens, and taken off.
"""

import platform
import time
from unittest import mock

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

import skmlp.cpu.plan
from skmlp.cpu.compile import Family
from skmlp.cpu.memory import N_FIELDS, N_IN, N_OUT, A, X, vector
from skmlp.cpu.plan import Plan

COUNTER = platform.machine().lower() in ("x86_64", "amd64")
ROOM = 200  # things that are told apart
READING, CURRENT, TIMES, COUNTS, N_CELLS = 0, 1, 2, 2 + ROOM, 2 + 2 * ROOM
WATCH, THING = X, A  # of a stopwatch's operation: address of its cells, and what comes now

OUTSIDE, BETWEEN, LOOP, WATCHING = "before and after", "between epochs", "loop", "stopwatch"


@intrinsic
def clock(typing_context):
    """The processor's counter of cycles, or where that is not to be had the nanoseconds of the system's clock."""

    def counter(context, builder, signature, arguments):
        kind = ir.FunctionType(ir.IntType(64), [])
        return builder.call(builder.module.declare_intrinsic("llvm.readcyclecounter", fnty=kind), [])

    def system(context, builder, signature, arguments):
        integer, number = ir.IntType(64), ir.IntType(32)
        cell = cgutils.alloca_once(builder, integer, size=ir.Constant(integer, 2))
        kind = ir.FunctionType(number, [number, cell.type])
        function = cgutils.get_or_insert_function(builder.module, kind, "clock_gettime")
        builder.call(function, [ir.Constant(number, time.CLOCK_MONOTONIC), cell])
        rest = builder.load(builder.gep(cell, [ir.Constant(integer, 1)]))
        return builder.add(builder.mul(builder.load(cell), ir.Constant(integer, 10**9)), rest)

    return types.int64(), counter if COUNTER else system


def reading_loop(name, real):
    """Loop of a stopwatch's operation."""

    def run(memory, operation):
        watch, now = vector(operation, WATCH, 0, N_CELLS, np.int64), clock()
        thing = watch[CURRENT]
        watch[TIMES + thing] += now - watch[READING]
        watch[COUNTS + thing] += 1
        watch[READING], watch[CURRENT] = now, operation[THING]

    return run


@njit
def press(watch, thing):
    """The same from Python."""
    now = clock()
    watch[TIMES + watch[CURRENT]] += now - watch[READING]
    watch[READING], watch[CURRENT] = now, thing


reading_loops = Family(reading_loop)


class Stopwatch:
    """Tells how long things take, which are known by any names that can be keys."""

    def __init__(self):
        self.cells, self.things = np.zeros(N_CELLS, dtype=np.int64), []

    def number(self, thing):
        """Of a thing."""
        if thing not in self.things:
            self.things.append(thing)
        return self.things.index(thing)

    def seconds(self, call):
        """Seconds of a call, of each thing in it, and how often that was met.

        The time of the readings is taken off, and is a thing of its own.
        """
        self.cells[:] = 0
        press(self.cells, self.number(OUTSIDE))
        self.cells[TIMES:] = 0
        started = time.perf_counter()
        with mock.patch.object(skmlp.cpu.plan, "Plan", self.watched()):
            call()
        whole = time.perf_counter() - started
        press(self.cells, 0)
        times, counts = self.cells[TIMES:COUNTS] * (whole / self.cells[TIMES:COUNTS].sum()), self.cells[COUNTS:]
        of_watching = self.number(WATCHING)
        each = times[of_watching] / max(1, counts[of_watching])
        corrected = {thing: max(0.0, times[i] - each * counts[i]) for i, thing in enumerate(self.things)}
        met = {thing: int(counts[i]) for i, thing in enumerate(self.things)}
        return whole, corrected | {WATCHING: each * counts.sum()}, met

    def watched(self):
        """The class of plans with a stopwatch in them."""
        stopwatch = self

        class Watched(Plan):
            """Notes what comes before each operation, and what comes after the last."""

            def __init__(self, dtype):
                super().__init__(dtype)
                self._after = BETWEEN

            def read(self, thing):
                operation = np.zeros(N_FIELDS, dtype=np.int64)
                operation[[WATCH, THING]] = stopwatch.cells.ctypes.data, stopwatch.number(thing)
                super().add(reading_loops, 0, operation)

            def add(self, family, name, record=None):
                sizes = (0, 0) if record is None else (int(record[N_IN]), int(record[N_OUT]))
                self.read((family, name, *sizes))
                super().add(family, name, record)
                # Whatever ends the work of an epoch is a plan of nothing, or of this alone.
                self._after = BETWEEN if family is skmlp.cpu.columns.settle_loops else LOOP

            def array(self):
                for thing in (WATCHING, self._after):
                    self.read(thing)
                return super().array()

        return Watched
