"""Threads that share an epoch: a barrier, and the sum of their gradients in the order of the shards.

Each member of a team runs the training kernel for every T-th shard of a batch. They are ordinary threads of Python,
without its lock inside a kernel, so there is no pool that a fork could break, and no threading layer that could abort.
Each element of the gradient is added up in the order of the shards, so the number of members changes no bit.
"""

import os
import threading
from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils, config
from numba.extending import intrinsic, overload
from numba.np.arrayobj import make_array

from skmlp.cpu.compile import OPTIONS, Family, function, ordered
from skmlp.cpu.structures import BATCH_LOSS
from skmlp.cpu.threads import allowed_threads, in_kernel, single_threaded_blas

ARRIVED, GENERATION, ABORTED, N_CELLS = 0, 16, 32, 48  # places in ``barrier``, a cache line or more apart
# Looks at the barrier before a member sleeps, some 50 µs: a nap takes as long. Where others use the processors too,
# a member that looked on, or yielded (sched_yield) without sleeping, would lose the rest of its turn at each barrier.
SPINS = 100_000

WORTHY_SHARD = 1_000  # weights of a network whose shards take long enough for several threads
WORTHY_WORK = 2e8  # weights times rows: some ten milliseconds


class Team(NamedTuple):
    """What the members share: their number, the barrier, and gradients. ``join`` is the address of its loop.

    ``total`` is the gradient of the batch, ``parts`` has a row and ``losses`` a number a member, those of its shard.
    """

    size: int
    join: int
    barrier: np.ndarray
    losses: np.ndarray
    total: np.ndarray
    parts: np.ndarray


def make_team(size, n_trained, dtype):
    """A team of so many members."""
    return Team(
        size=size,
        join=join_loops.address("join", dtype) if size > 1 else 0,
        barrier=np.zeros(N_CELLS, dtype=np.int64),
        losses=np.zeros(size),
        total=np.empty(n_trained, dtype=dtype),
        parts=np.empty((size, n_trained), dtype=dtype),
    )


def team_size(n_jobs, tasks, n_weights, rows):
    """Threads for work of so many tasks: more than one only where a task, and the whole, is worth it."""
    if tasks < 2 or n_jobs == 1 or config.DISABLE_JIT:
        return 1
    if n_jobs is None and (n_weights < WORTHY_SHARD or n_weights * rows < WORTHY_WORK):
        return 1
    return min(tasks, allowed_threads(n_jobs))


def run_together(size, work, abort=lambda: None):
    """Call ``work(member)`` for so many members, the first in this thread; raises what one of them raised.

    ``abort()`` is called when a member fails, so that the others need not wait for it.
    """
    errors = []

    def attempt(member):
        try:
            with single_threaded_blas(), in_kernel():
                work(member)
        except BaseException as error:
            abort()
            errors.append(error)

    threads = [threading.Thread(target=attempt, args=(member,), daemon=True) for member in range(1, size)]
    try:
        for thread in threads:
            thread.start()
        with in_kernel():
            work(0)
    except BaseException:
        abort()
        raise
    finally:
        wait_for(threads, abort)
    if errors:
        raise errors[0]


def wait_for(threads, abort):
    """Wait until threads that were started have ended; a Ctrl-C is held back till then, and aborts their work."""
    interrupt = None
    for thread in threads:
        while thread.is_alive():
            try:
                thread.join()
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
def wait(barrier, size):
    """Wait for all members; returns whether to go on."""
    generation = atomic_load(barrier, GENERATION)
    if atomic_add(barrier, ARRIVED, 1) == size - 1:
        atomic_add(barrier, ARRIVED, -size)
        atomic_add(barrier, GENERATION, 1)
        return True
    spins = 0
    while atomic_load(barrier, GENERATION) == generation:
        if atomic_load(barrier, ABORTED) > 0:
            return False
        spins += 1
        if spins > SPINS:
            nap()
    return True


@ordered
def add_up(losses, last, tally):
    """Add the losses up to ``last`` to that of the batch."""
    for k in range(last):
        tally[BATCH_LOSS] += losses[k]


def join_loop(name):
    """Loop that adds up what the members have done, when all have come; returns 0 if training is to end at once.

    Of the parts up to ``last``, those from ``first`` on are added to ``total``, by each member in its share of the
    parameters, and the first member adds up the losses. Where there are none they only wait for each other.
    """

    def run(total, parts, losses, tally, barrier, first, last, member):
        size = parts.shape[0]
        if not wait(barrier, size):
            return 0
        if last == 0:
            return 1
        if member == 0:
            add_up(losses, last, tally)
        begin, end = member * total.size // size, (member + 1) * total.size // size
        share = total[begin:end]
        for k in range(first, last):
            part = parts[k, begin:end]
            for i in range(share.size):
                share[i] += part[i]
        return 1 if wait(barrier, size) else 0

    return run


join_loops = Family(
    join_loop,
    lambda real: types.int64(
        real[::1],
        real[:, ::1],
        types.float64[::1],
        types.float64[::1],
        types.int64[::1],
        types.int64,
        types.int64,
        types.int64,
    ),
)
join = join_loops.call
