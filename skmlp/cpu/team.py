"""Threads that share an epoch: a barrier, and the sums of losses and gradients in the order of the shards.

Each member of a team runs the training kernel for every T-th shard of a batch. They are ordinary threads of Python,
without its lock inside a kernel, so there is no pool that a fork could break, and no threading layer that could abort.
Each element of the gradient is added up in the order of the shards, so the number of members changes no bit.
"""

import os
import threading
from _thread import start_new_thread
from functools import partial

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils, config
from numba.extending import intrinsic, overload
from numba.np.arrayobj import make_array

from skmlp.cpu.compile import OPTIONS, Family, function, ordered
from skmlp.cpu.loss import row_weights, shard_rows
from skmlp.cpu.memory import (
    ABORTED,
    BARRIER,
    BATCH_LOSS,
    BATCH_WEIGHT,
    FILLED,
    GRADIENT_SCALE,
    LOSSES,
    MEMBER,
    MEMBERS,
    N_IN,
    N_TALLIES,
    N_TRAINED,
    PART,
    PARTS,
    SKIPPED,
    TALLY,
    TOTAL,
    TURN,
    W,
    vector,
)
from skmlp.cpu.threads import allowed_threads, working

ARRIVED, GENERATION, GIVEN_UP, N_CELLS = 0, 16, 32, 48  # places in the barrier, a cache line or more apart
# Looks at the barrier before a member sleeps, some 50 µs: a nap takes as long. Where others use the processors too,
# a member that looked on, or yielded (sched_yield) without sleeping, would lose the rest of its turn at each barrier.
SPINS = 100_000

GRACE = 1.0  # seconds in which a thread begins that has been started

WORTHY_SHARD = 1_000  # weights of a network whose shards take long enough for several threads
WORTHY_WORK = 2e8  # weights times rows: some ten milliseconds


def team_size(n_jobs, tasks, n_weights, rows):
    """Threads for work of so many tasks: more than one only where a task, and the whole, is worth it."""
    if tasks < 2 or n_jobs == 1 or config.DISABLE_JIT:
        return 1
    if n_jobs is None and (n_weights < WORTHY_SHARD or n_weights * rows < WORTHY_WORK):
        return 1
    return min(tasks, allowed_threads(n_jobs))


def run_together(size, work, abort=lambda: None):
    """Call ``work(member)`` for so many members, the first in this thread; raises what one of them raised.

    ``abort()`` is called when a member fails, so that the others need not wait for it. No thread outlives the call,
    whatever the user presses: what the members work on may go away then.
    """
    errors, wanted, begun, ended = [], [], [], []

    def attempt(member, lock):
        begun.append(member)
        try:
            with working():
                work(member)
        except BaseException as error:
            abort()
            errors.append(error)
        finally:
            ended.append(member)
            lock.release()

    try:
        for member in range(1, size):
            lock = threading.Lock()
            lock.acquire()
            wanted.append((member, lock))
            start_new_thread(attempt, (member, lock))
        with working():
            work(0)
    except BaseException:
        abort()
        raise
    finally:
        wait_for(wanted, begun, ended, abort)
    if errors:
        raise errors[0]


class Team:
    """Members of a team, by their memories, and the barrier at which they meet."""

    def __init__(self, members, barrier):
        self.members, self._barrier = members, barrier

    def run(self, work):
        """Call ``work(member)`` for each; when one fails the others give up."""
        if len(self.members) == 1:
            work(0)
            return
        self._barrier[:] = 0
        run_together(len(self.members), work, abort=partial(self._barrier.__setitem__, GIVEN_UP, 1))


def wait_for(wanted, begun, ended, abort):
    """Wait for the members of ``wanted`` until they are among ``ended``; their locks are released then.

    A Ctrl-C is held back till then, and aborts their work. What it could tear is not used here: ``threading`` is plain
    Python, so that an event may stay locked for ever, and (in CPython 3.11) a thread whose join was interrupted counts
    as ended.
    """
    interrupt = None
    for member, lock in wanted:
        while member not in ended:
            try:
                if not lock.acquire(timeout=GRACE) and member not in begun:
                    break  # a Ctrl-C came just before its start
            except KeyboardInterrupt as error:
                interrupt = error
                abort()  # again, for a second Ctrl-C may have cut short what the first one began
    if interrupt is not None:
        raise interrupt


def _pointer(context, builder, array_type, array, index):
    source = make_array(array_type)(context, builder, array)
    return cgutils.gep_inbounds(builder, source.data, index)


@intrinsic
def atomic_add(typing_context, array, index, value):
    """Add to an element at once; returns what it was."""

    def build(context, builder, signature, arguments):
        pointer = _pointer(context, builder, array, arguments[0], arguments[1])
        return builder.atomic_rmw("add", pointer, arguments[2], "seq_cst")

    return types.int64(array, types.int64, types.int64), build


@intrinsic
def atomic_load(typing_context, array, index):
    """An element as other threads left it."""

    def build(context, builder, signature, arguments):
        pointer = _pointer(context, builder, array, arguments[0], arguments[1])
        return builder.load_atomic(pointer, "seq_cst", 8)

    return types.int64(array, types.int64), build


def nap():
    """Sleep as briefly as the system can, where it has a call for that."""


@intrinsic
def _usleep(typing_context, microseconds):
    def build(context, builder, signature, arguments):
        kind = ir.FunctionType(ir.IntType(32), [ir.IntType(32)])
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, "usleep"), arguments)

    return types.int32(types.uint32), build


@overload(nap, jit_options=OPTIONS)
def _nap():
    return (lambda: _usleep(1)) if os.name == "posix" else (lambda: None)


@function
def wait(memory):
    """Wait for all members; returns whether to go on, and notes where not."""
    barrier = vector(memory, BARRIER, 0, N_CELLS, np.int64)
    generation = atomic_load(barrier, GENERATION)
    if atomic_add(barrier, ARRIVED, 1) == memory[MEMBERS] - 1:
        atomic_add(barrier, ARRIVED, -memory[MEMBERS])
        atomic_add(barrier, GENERATION, 1)
        return True
    spins = 0
    while atomic_load(barrier, GENERATION) == generation:
        if atomic_load(barrier, GIVEN_UP) > 0:
            memory[ABORTED] = 1
            return False
        spins += 1
        if spins > SPINS:
            nap()
    return True


@ordered
def add_losses(memory):
    """Add the losses of a round to that of the batch, shard by shard."""
    tally, losses = vector(memory, TALLY, 0, N_TALLIES, np.float64), vector(
        memory, LOSSES, 0, memory[MEMBERS], np.float64
    )
    for k in range(memory[FILLED]):
        tally[BATCH_LOSS] += losses[k]


def open_loop(name, real):
    """Begin a batch: its loss is 0, its weight the sum of its rows', by which its gradient is to be divided."""

    def run(memory, operation):
        tally, weights = vector(memory, TALLY, 0, N_TALLIES, np.float64), row_weights(memory, real)
        rows, total = shard_rows(memory), 0.0
        if weights.size == 0:
            total += rows.size
        for i in range(rows.size if weights.size > 0 else 0):
            total += weights[rows[i]]
        tally[BATCH_LOSS], tally[BATCH_WEIGHT] = 0.0, total
        memory[SKIPPED] = 0 if total > 0.0 else 1
        tally[GRADIENT_SCALE] = 1.0 / total if total > 0.0 else 0.0

    return run


def combine_loop(name, real):
    """End a round: add up what the members have done, when all have come.

    Of the parts the first of a batch is the total already. Each member adds up in its share of the parameters, and the
    first member the losses. One member alone has added its shards up already.
    """

    def alone(memory, operation):
        add_losses(memory)

    def together(memory, operation):
        if not wait(memory):
            return
        if memory[MEMBER] == 0:
            add_losses(memory)
        member, members, n = memory[MEMBER], memory[MEMBERS], memory[N_TRAINED]
        begin, end = member * n // members, (member + 1) * n // members
        for k in range(1 if memory[TURN] == 0 else 0, memory[FILLED]):
            add(memory, begin, end - begin, PARTS, k * n, real)
        wait(memory)

    return alone if name == "alone" else together


@function
def add(memory, begin, size, place, start, real):
    """Add a part of the gradient, at a place in memory, to the total."""
    total = vector(memory, TOTAL, begin, size, real)
    part = vector(memory, place, start + begin, size, real)
    for i in range(size):
        total[i] += part[i]


def add_loop(name, real):
    """Add a part of the gradient, N_IN numbers from W on, to that of the batch, where one member does all shards."""

    def run(memory, operation):
        add(memory, operation[W], operation[N_IN], PART, 0, real)

    return run


def wait_loop(name, real):
    """Wait for the other members."""

    def run(memory, operation):
        wait(memory)

    return run


open_loops, combine_loops = Family(open_loop), Family(combine_loop)
add_loops, wait_loops = Family(add_loop), Family(wait_loop)
