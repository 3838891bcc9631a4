"""Phases, and the kernels that run them: what a network does to a batch, one formula of each kind compiled in.

A plan lists the phases of a batch in their order, each with a layer. There are two ways to go through it: a kernel for
each phase, launched one after the other; or one cooperative kernel for many batches, whose blocks wait for each other
between two phases.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np

from skmlp.cuda.backward import make_backward, make_gradient
from skmlp.cuda.compile import compiled, entry_of
from skmlp.cuda.driver import cuda, device, kernel, shared_array
from skmlp.cuda.forward import make_forward, make_gather
from skmlp.cuda.loss import make_loss, make_record
from skmlp.cuda.memory import KIND, STEPPED
from skmlp.cuda.normalization import (
    make_normalize_batch,
    make_normalize_batch_back,
    make_normalize_layer,
    make_normalize_layer_back,
)
from skmlp.cuda.tiles import Tile
from skmlp.cuda.update import make_features_back, make_features_forward, make_squares, make_update
from skmlp.formulas.activations import ACTIVATIONS
from skmlp.formulas.links import LINKS
from skmlp.formulas.losses import LOSSES
from skmlp.formulas.optimisers import OPTIMISERS

u = np.uint32

# Phases; of a batch without weight none is done after UPDATE, which then only gathers the rows of the next.
(
    GATHER,
    FORWARD,
    NORMALIZE,
    LOSS,
    RECORD,
    UPDATE,
    BACKWARD,
    NORMALIZE_BACK,
    GRADIENT,
    FEATURES_BACK,
    SQUARES,
    FEATURES_FORWARD,
    N_PHASES,
) = range(13)


class Grid(NamedTuple):
    """A block's number, and how many there are."""

    block: Any
    blocks: Any


@dataclass(frozen=True)
class Program:
    """What is compiled in; everything else about a network is in the tables that kernels read.

    Attributes
    ----------
    activations : tuple
        The different activations of a network.
    loss_key, link_key, solver
        Keys of the tables of formulas, or a loss itself; ``solver`` None for prediction.
    normalization : {None, 'batch', 'layer'}
    dropped : bool
        Whether there is dropout.
    scaled : bool
        Whether features have learned scales.
    real : type
        Of all numbers, numpy.float32 or numpy.float64.
    tile : skmlp.cuda.tiles.Tile
    """

    activations: tuple
    loss_key: Any
    link_key: str
    solver: str | None
    normalization: str | None
    dropped: bool
    scaled: bool
    real: type
    tile: Tile

    @property
    def training(self):
        """Whether this is for training."""
        return self.solver is not None

    @cached_property
    def _activations(self):
        entries = [entry_of(ACTIVATIONS, key, self.real) for key in self.activations or ("identity",)]
        return tuple(entry.function for entry in entries), tuple(entry.derivative for entry in entries)

    @property
    def functions(self):
        """Of the activations."""
        return self._activations[0]

    @property
    def derivatives(self):
        """Of the activations."""
        return self._activations[1]

    @cached_property
    def loss(self):
        """Entry of the table, compiled."""
        return entry_of(LOSSES, self.loss_key, self.real)

    @cached_property
    def link(self):
        """Entry of the table, compiled."""
        return entry_of(LINKS, self.link_key, self.real)

    @property
    def update(self):
        """The update of the solver, compiled."""
        return compiled(OPTIMISERS[self.solver].update, self.real)

    @property
    def slots(self):
        """State values of a parameter."""
        return OPTIMISERS[self.solver].slots

    def makers(self):
        """What makes each phase that the program has."""
        normalize = {"batch": make_normalize_batch, "layer": make_normalize_layer}
        back = {"batch": make_normalize_batch_back, "layer": make_normalize_layer_back}
        makers = {GATHER: make_gather, FORWARD: make_forward, LOSS: make_loss, RECORD: make_record}
        if self.normalization:
            makers[NORMALIZE] = normalize[self.normalization]
        if self.training:
            makers |= {BACKWARD: make_backward, GRADIENT: make_gradient, SQUARES: make_squares, UPDATE: make_update}
            if self.normalization:
                makers[NORMALIZE_BACK] = back[self.normalization]
            if self.scaled:
                makers |= {FEATURES_BACK: make_features_back, FEATURES_FORWARD: make_features_forward}
        return makers

    @cached_property
    def phases(self):
        """Each phase as a function of kernels."""
        return {phase: make(self) for phase, make in self.makers().items()}

    @cached_property
    def kernels(self):
        """Each phase as a kernel of (memory, batch, layer)."""
        return {phase: phase_kernel(self, function) for phase, function in self.phases.items()}

    @cached_property
    def epoch(self):
        """The cooperative kernel of (memory, plan, first batch, one after the last)."""
        return epoch_kernel(self)


@lru_cache(maxsize=256)
def shared_program(*values):
    """A program, one for all that asks for the same, so that nothing is compiled twice in a process."""
    return Program(*values)


def program_of(network, loss, solver, real, tile, *, training, raw=False):
    """The program of a network."""
    return shared_program(
        tuple(dict.fromkeys(network.activations)),
        loss,
        "identity" if raw else network.link,
        solver if training else None,
        network.layout.normalization,
        training and any(network.dropout),
        training and network.layout.scaled,
        real,
        tile,
    )


def training_plan(network, tiles, *, recording, clipped):
    """The phases of a batch in training; ``tiles`` are those of the gradients of all layers."""
    layers = range(len(network.layout.shapes))
    plan = forward_plan(network)
    plan.append((LOSS, layers[-1]))
    if recording:
        plan.append((RECORD, layers[-1]))
    for layer in reversed(layers[1:]):
        plan.append((BACKWARD, layer))
        if network.layout.normalization:
            plan.append((NORMALIZE_BACK, layer - 1))
    plan.append((GRADIENT, tiles))
    if network.layout.scaled:
        plan.append((FEATURES_BACK, 0))
    if clipped:
        plan.append((SQUARES, 0))
    plan.append((UPDATE, 0))
    if network.layout.scaled:
        plan.append((FEATURES_FORWARD, 0))
    return np.array(plan, dtype=np.int64)


def forward_plan(network):
    """The phases from the rows of a batch to raw outputs."""
    plan, last = [], len(network.layout.shapes) - 1
    for layer in range(last + 1):
        plan.append((FORWARD, layer))
        if network.layout.normalization and layer < last:
            plan.append((NORMALIZE, layer))
    return plan


def phase_kernel(program, phase):
    """A kernel of one phase."""
    shared_memory, shape, real = shared_array(program.tile.shape, program.real), (program.tile.each,) * 2, program.real

    def run(m, batch, layer):
        shared, total = shared_memory(), cuda.local.array(shape, real)
        phase(Grid(u(cuda.blockIdx.x), u(cuda.gridDim.x)), shared, total, m, batch, layer)

    run.__qualname__ = run.__name__ = phase.__name__  # which is what profilers show
    return kernel(run)


def epoch_kernel(program):
    """The cooperative kernel: all phases of all batches from ``first`` to ``last``."""
    shared_memory, shape, real = shared_array(program.tile.shape, program.real), (program.tile.each,) * 2, program.real
    nothing = device(lambda grid, shared, total, m, batch, layer: None)
    phases = [program.phases.get(phase, nothing) for phase in range(N_PHASES)]
    gather, forward, normalize, loss, record, update, backward, normalize_back, gradient = phases[:9]
    features_back, squares, features_forward = phases[9:]

    def epoch(m, plan, first, last):
        shared, total = shared_memory(), cuda.local.array(shape, real)
        grid, everybody = Grid(u(cuda.blockIdx.x), u(cuda.gridDim.x)), cuda.cg.this_grid()
        gather(grid, shared, total, m, first, 0)
        everybody.sync()
        for batch in range(first, last):
            stepped = m.batches[batch, KIND] & STEPPED > 0
            for number in range(plan.shape[0]):
                phase, layer = plan[number, 0], plan[number, 1]
                if phase > UPDATE and not stepped:
                    continue
                if phase == FORWARD:
                    forward(grid, shared, total, m, batch, layer)
                elif phase == NORMALIZE:
                    normalize(grid, shared, total, m, batch, layer)
                elif phase == LOSS:
                    loss(grid, shared, total, m, batch, layer)
                elif phase == RECORD:
                    record(grid, shared, total, m, batch, layer)
                elif phase == BACKWARD:
                    backward(grid, shared, total, m, batch, layer)
                elif phase == NORMALIZE_BACK:
                    normalize_back(grid, shared, total, m, batch, layer)
                elif phase == GRADIENT:
                    gradient(grid, shared, total, m, batch, layer)
                elif phase == FEATURES_BACK:
                    features_back(grid, shared, total, m, batch, layer)
                elif phase == SQUARES:
                    squares(grid, shared, total, m, batch, layer)
                elif phase == UPDATE:
                    update(grid, shared, total, m, batch, layer)
                    if batch + 1 < last:
                        gather(grid, shared, total, m, batch + 1, 0)
                else:
                    features_forward(grid, shared, total, m, batch, layer)
                everybody.sync()

    epoch.__qualname__ = epoch.__name__
    return kernel(epoch)
