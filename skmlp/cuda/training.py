"""Training of one parameter vector on one data set, on a GPU."""

import time

import numpy as np

from skmlp.cuda import driver
from skmlp.cuda.driver import cuda, on_device
from skmlp.cuda.feed import make_feed
from skmlp.cuda.launch import Launcher
from skmlp.cuda.memory import FIRST, ROWS, Memory, Workspace
from skmlp.cuda.program import program_of, training_plan
from skmlp.cuda.steps import Steps
from skmlp.cuda.update import chunks

PAUSE = 0.1  # seconds of work after which Python gets to see a Ctrl-C
FIRST_PIECE = 1e9  # multiplications in the first piece of work
SUMS = 1 << 18  # sums of losses that are kept on the device
SLICE_ROWS = 128  # fewest rows of a slice of a batch
BLOCKS = 256  # that find work in a phase, if the batch can be cut so


class TrainingRun:
    """Training of one parameter vector on one data set.

    Attributes
    ----------
    parameters : ndarray
        Changed in place, when an epoch has ended.
    """

    def __init__(self, backend, parameters, data, batch_size, solver, settings, segments, state, seed):
        network, dtype = backend.network, backend.dtype
        self.parameters, self._backend, self._batch_size = parameters, backend, batch_size
        self._weights = data[2]
        factors = list(dict.fromkeys(segment.rate for segment in segments)) or [1.0]
        self._kept = state[1]
        self._steps = Steps(solver, settings, factors)
        tile = backend.launching.tile_for(batch_size, network.layout.units, dtype.type)
        self._program = program_of(network, backend.loss, solver, dtype.type, tile, training=True)
        self._workspace = Workspace(network, batch_size, backend.codes(), tile.side)
        self._clipped, self._stream = settings.clip_norm > 0.0, cuda.stream()
        slices = max(1, min(-(-batch_size // SLICE_ROWS), BLOCKS // self._workspace.tiles))
        table = chunks(segments, factors, tile)
        across = -(-max(network.layout.units[1:]) // tile.side) * -(-batch_size // tile.side)
        self._wanted = max(slices * self._workspace.tiles, across, len(table))
        self._memory = {
            **backend.fixed(self._workspace, settings),
            "parameters": cuda.to_device(np.ascontiguousarray(parameters)),
            "slots": cuda.to_device(np.ascontiguousarray(state[0])),
            "gradient": cuda.to_device(np.zeros((slices, network.layout.n_trained), dtype=dtype)),
            "chunks": cuda.to_device(table),
            "seed": max(seed, 0),
        }
        self._launchers = {}
        room = driver.free_memory() if backend.launching.room is None else backend.launching.room
        self._feed = make_feed(*data, dtype, batch_size, room)
        self._piece = max(1, int(FIRST_PIECE // (network.layout.n_weights * batch_size)))

    @property
    def state(self):
        """The optimiser's slots, (n_slots, n_trained), and what it keeps beside them, as they are now."""
        with on_device(self._backend.device):
            return self._memory["slots"].copy_to_host(), self._kept

    def run_epoch(self, order, rates, outputs=None):
        """One pass over the rows ``order``, in batches; ``rates`` are the learning rates of its steps.

        Returns the mean over the rows of the loss, penalty included, at the time of each batch; NaN if every batch
        was skipped. ``outputs``, (rows, n_outputs), gets the predictions of the pass. Works in pieces, so that a
        Ctrl-C is answered soon.
        """
        table = self._steps.table(order, rates, self._batch_size, self._weights, self._kept, outputs is not None)
        with on_device(self._backend.device):
            launcher = self._launcher(outputs is not None)
            try:
                sums = self._run_pieces(launcher, table, order, outputs)
            finally:
                self._stream.synchronize()
            self._memory["parameters"].copy_to_host(self.parameters)
        return table.mean_loss(sums)

    def shuffle(self, rows, random_state):
        """``random_state.shuffle(rows)``, in place."""
        random_state.shuffle(rows)

    def _launcher(self, recording):
        if recording not in self._launchers:
            network = self._backend.network
            plan = training_plan(network, self._workspace.tiles, recording=recording, clipped=self._clipped)
            arguments = self._program, plan, self._wanted, self._backend.launching, self._stream
            launcher = self._launchers[recording] = Launcher(*arguments)
            self._make_room(launcher.blocks)
            loaded = self._feed.load(np.zeros(1, dtype=np.int64), self._stream)
            launcher.limit(self._piece_memory(loaded, np.zeros((1, 4)), np.zeros((1, 3)), None))
        return self._launchers[recording]

    def _make_room(self, blocks):
        """Room for the sums of each block."""
        dtype, batches = self._backend.dtype, max(1, SUMS // blocks)
        self._memory |= {
            "losses": cuda.device_array((batches, blocks), dtype),
            "penalties": cuda.device_array((batches, blocks), dtype),
            "squares": cuda.device_array(blocks, dtype),
        }

    def _piece_memory(self, loaded, batches, numbers, outputs):
        """The kernels' memory for a piece of an epoch, whose data are loaded."""
        dtype, stream = self._backend.dtype, self._stream
        return Memory(
            **self._memory,
            **loaded,
            batches=cuda.to_device(batches.astype(np.uint32), stream=stream),
            steps=cuda.to_device(np.ascontiguousarray(numbers, dtype=dtype), stream=stream),
            outputs=cuda.device_array((1, 1) if outputs is None else outputs.shape, dtype),
        )

    def _run_pieces(self, launcher, table, order, outputs):
        """Work in pieces of about :data:`PAUSE` seconds; the next is loaded while one is worked on.

        Returns what :meth:`_sums` gives, of all batches.
        """
        sums = [np.zeros(0)]
        piece = self._take(table, order, 0)
        while piece is not None:
            first, last, batches, loaded = piece
            begin, end = table.batches[first, FIRST], table.batches[last - 1, FIRST] + table.batches[last - 1, ROWS]
            wanted = None if outputs is None else outputs[begin:end]
            memory = self._piece_memory(loaded, batches, table.numbers[first:last], wanted)
            started = time.perf_counter()
            launcher.run(memory, batches)
            piece = self._take(table, order, last)
            self._stream.synchronize()
            seconds = max(time.perf_counter() - started, 1e-6)
            # At most doubling: one call may have compiled the kernels.
            self._piece = max(1, min(2 * self._piece, int((last - first) * PAUSE / seconds)))
            if wanted is not None:
                memory.outputs.copy_to_host(wanted)
            sums.append(self._sums(last - first, launcher.blocks))
        return np.concatenate(sums)

    def _take(self, table, order, first):
        """The piece of the epoch that begins with a batch, loaded; None at the end."""
        batches = table.batches[first : first + min(self._piece, self._memory["losses"].shape[0])]
        if len(batches) == 0:
            return None
        begin, ends = batches[0, FIRST], batches[:, FIRST] + batches[:, ROWS]
        size = np.searchsorted(ends, begin + self._feed.most_rows, side="right")  # rows may lie between batches, too
        batches = batches[:size].copy()
        batches[:, FIRST] -= begin
        return first, first + size, batches, self._feed.load(order[begin : ends[size - 1]], self._stream)

    def _sums(self, batches, blocks):
        """Loss and penalty of each batch of a piece, before they are divided by its weight."""
        sums = [self._memory[name][:batches].copy_to_host()[:, :blocks] for name in ("losses", "penalties")]
        return sum(part.sum(axis=1, dtype=np.float64) for part in sums)
