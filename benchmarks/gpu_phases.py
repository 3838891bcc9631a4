"""What each phase of a step takes on the GPU, with each kind of tiles, beside the GPU's limits.

A phase is repeated inside of one kernel, on the memory that a real epoch hands to its kernels, so that no launch and no
wait is in its time.
"""

from contextlib import suppress
from itertools import pairwise, product
from unittest import mock

import numpy as np
from gpu_device import quickest
from workloads import Workload

from skmlp.cuda import driver, program, tiles
from skmlp.cuda.backend import CudaBackend
from skmlp.cuda.driver import cuda, kernel, launchable, shared_array
from skmlp.cuda.launch import Launcher, Launching
from skmlp.cuda.memory import Workspace
from skmlp.cuda.program import BACKWARD, FORWARD, GATHER, GRADIENT, LOSS, UPDATE, Grid
from skmlp.network.layout import Layout, Network
from skmlp.network.segments import segments

PHASES = {
    "gather": GATHER,
    "forward": FORWARD,
    "loss": LOSS,
    "backward": BACKWARD,
    "gradient": GRADIENT,
    "update": UPDATE,
}
WIDTHS, BATCHES = (64, 128, 256, 512, 1024, 2048), (200, 4096)
ENOUGH = 2e-3  # seconds of a repetition
REAL = np.float32


def sizes(quick):
    """Units of a layer and rows of a batch."""
    if driver.SIMULATED:
        return [(9, 13)]
    return [*product((256, 1024) if quick else WIDTHS, BATCHES)]


def tiles_by_name():
    """The tiles to compare, the finest first."""
    if driver.SIMULATED:
        return {"simulation": tiles.SIMULATION}
    return {"fine": tiles.FINE, "small": tiles.SMALL, "large": tiles.LARGE}


class Caught(Exception):
    """Ends an epoch before its first kernel; holds what it would have been launched with."""


def repeated(compiled, phase):
    """Kernel that does a phase so many times."""
    shared_memory, shape, real = shared_array(compiled.tile.shape, REAL), (compiled.tile.each,) * 2, REAL
    function = compiled.phases[phase]

    @kernel
    def run(m, batch, layer, times):
        shared, total = shared_memory(), cuda.local.array(shape, real)
        for _ in range(times):
            function(Grid(np.uint32(cuda.blockIdx.x), np.uint32(cuda.gridDim.x)), shared, total, m, batch, layer)

    return run


class Step:
    """A step of a network of three layers, the middle one square, whose phases can be run one by one."""

    def __init__(self, width, rows, tile):
        self.rows, self.units, self._tile, self._stream = rows, (width, width, width, 1), tile, cuda.stream()
        workload = Workload(rows, width, (width, width), 2, rows, 1)
        X, y = workload.data()
        self._network = Network(Layout(self.units), ("relu", "relu"), "logistic")
        backend = CudaBackend(self._network, "binary_log_loss", REAL, launching=Launching(tile=tile))
        parameters = np.full(self._network.layout.size, 1e-3, dtype=REAL)
        data = X, y[:, None].astype(REAL), None
        more = {"settings": {}, "segments": segments(self._network.layout)}
        run = backend.start(parameters, *data, batch_size=rows, solver="adam", **more)

        def catch(launcher, memory, batches):
            raise Caught(launcher.blocks, memory)

        with mock.patch.object(Launcher, "run", catch):
            try:
                run.run_epoch(np.arange(rows), np.full(1, 1e-3))
            except Caught as caught:
                self.blocks, self._memory = caught.args
        self._run = run  # its arrays stay
        self._program = program.program_of(self._network, "binary_log_loss", "adam", REAL, tile, training=True)
        self._tiles = Workspace(self._network, rows, [0, 0], tile.side).tiles

    def layers(self, phase):
        """What a phase is handed in each of its turns in a step."""
        layers = {FORWARD: [1, 0, 2], BACKWARD: [1, 2], GRADIENT: [self._tiles], LOSS: [2]}  # the square one first
        return layers.get(phase, [0])

    def configured(self, phase, kernels):
        """The repeated phase, to be called; ``kernels`` keeps what has been compiled."""
        if (phase, self._tile) not in kernels:
            kernels[phase, self._tile] = repeated(self._program, phase)
        return launchable(kernels[phase, self._tile], self.blocks, self._tile.threads**2, self._stream)

    def take(self, kernels):
        """Go through the step once, so that all its values are there."""
        for phase in PHASES.values():
            for layer in sorted(self.layers(phase), reverse=phase == BACKWARD):
                self.configured(phase, kernels)(self._memory, 0, layer, 1)

    def seconds(self, phase, kernels):
        """Of a phase, of the square layer where it is one of layers."""
        configured, layer = self.configured(phase, kernels), self.layers(phase)[0]

        def work(times):
            return quickest(self._stream, lambda: configured(self._memory, 0, layer, times), 3)

        times = 1 if driver.SIMULATED else max(2, min(1000, int(ENOUGH / work(2) * 2)))
        return work(times) / times

    def work(self, phase):
        """Operations of the products of a phase, and bytes that it must read and write."""
        layers = [a * b for a, b in pairwise(self.units)]
        operations = {FORWARD: layers[1], BACKWARD: layers[1], GRADIENT: sum(layers)}.get(phase, 0)
        numbers = {
            GATHER: 2 * self.rows * self.units[0],
            UPDATE: self._network.layout.n_trained * (6 + self._memory.gradient.shape[0]),  # weights and two moments
        }.get(phase, 0)
        return 2 * self.rows * operations, 4 * numbers


def measure(quick, limits):
    """Records of each phase."""
    records, kernels = [], {}
    for (width, rows), (name, tile) in product(sizes(quick), tiles_by_name().items()):
        step = Step(width, rows, tile)
        step.take(kernels)
        for phase_name, phase in PHASES.items():
            seconds = step.seconds(phase, kernels)
            operations, numbers = step.work(phase)
            record = {"width": width, "rows": rows, "tile": name, "blocks": step.blocks, "phase": phase_name}
            record["µs"] = 1e6 * seconds
            record["TFLOP/s"] = operations / seconds / 1e12 if operations else None
            record["GB/s"] = numbers / seconds / 1e9 if numbers else None
            with suppress(KeyError, TypeError, ZeroDivisionError):
                of = limits["limit, TFLOP/s"] if operations else limits["limit, GB/s"]
                record["of the limit"] = (record["TFLOP/s"] or record["GB/s"]) / of
            records.append(record)
    return records
