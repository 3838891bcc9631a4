"""How kernels are launched: block sizes and numbers, and a plan phase by phase or as one cooperative kernel."""

from dataclasses import dataclass

import numpy as np

from skmlp.cuda import driver
from skmlp.cuda.driver import cuda
from skmlp.cuda.memory import KIND, STEPPED
from skmlp.cuda.program import GATHER, UPDATE
from skmlp.cuda.tiles import LARGE, Tile, tile_for

BLOCKS_PER_MULTIPROCESSOR = 4  # of kernels of one phase


@dataclass(frozen=True)
class Launching:
    """What is otherwise decided by network and device.

    Attributes
    ----------
    tile : Tile or None
    blocks : int or None
    cooperative : bool or None
        One kernel for many batches, or one for each phase. None: the first where device and program can.
    room : int or None
        Bytes for data on the device.
    """

    tile: Tile | None = None
    blocks: int | None = None
    cooperative: bool | None = None
    room: int | None = None

    def tile_for(self, rows, units, real):
        """The tile for batches of so many rows."""
        return self.tile or tile_for(rows, units, real)


def can_cooperate(program):
    """Whether one kernel of all phases can be had: with large tiles the registers of a thread are too few for it.

    There a phase takes longer than its launch, so nothing is lost.
    """
    return program.tile != LARGE and driver.can_cooperate()


class Launcher:
    """Goes through a plan for the batches of a memory.

    Parameters
    ----------
    program : skmlp.cuda.program.Program
    plan : ndarray of int64, shape (phases, 2)
    wanted : int
        Blocks that find work in the widest phase.
    launching : Launching
    stream : stream of Numba's CUDA
    """

    def __init__(self, program, plan, wanted, launching, stream):
        self._program, self._plan, self._stream = program, plan, stream
        self._threads, self._there, self._launchable = program.tile.threads**2, cuda.to_device(plan), {}
        self.cooperative = program.training and (
            can_cooperate(program) if launching.cooperative is None else launching.cooperative
        )
        most = BLOCKS_PER_MULTIPROCESSOR * driver.multiprocessors()
        self.blocks = launching.blocks or min(wanted, most)

    def limit(self, memory):
        """Take no more blocks than can wait for each other; ``memory`` is one of those to come."""
        if self.cooperative:
            arguments = memory, self._there, np.int64(0), np.int64(0)
            self.blocks = min(
                self.blocks, driver.cooperating_blocks(self._program.epoch, self._threads, arguments)
            )

    def run(self, memory, batches):
        """Work on all ``batches``, the table that is in the memory, without waiting for it."""
        if self.cooperative:
            self._launch(self._program.epoch, memory, self._there, 0, len(batches))
            return
        for batch, of_batch in enumerate(batches):
            if batch == 0:
                self._phase(GATHER, memory, batch, 0)
            for phase, layer in self._plan.tolist():
                if phase <= UPDATE or of_batch[KIND] & STEPPED:
                    self._phase(phase, memory, batch, layer)
                if phase == UPDATE and batch + 1 < len(batches):
                    self._phase(GATHER, memory, batch + 1, 0)

    def _phase(self, phase, memory, batch, layer):
        self._launch(self._program.kernels[phase], memory, batch, layer)

    def _launch(self, kernel, *arguments):
        if kernel not in self._launchable:
            self._launchable[kernel] = driver.launchable(kernel, self.blocks, self._threads, self._stream)
        self._launchable[kernel](*arguments)
