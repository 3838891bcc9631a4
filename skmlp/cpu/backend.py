"""What the trainer is handed: a network on this back end, and a run of training on one data set."""

import time
from functools import lru_cache

import numpy as np
from scipy import sparse

from skmlp.cpu import memory as places
from skmlp.cpu.custom import readable_errors
from skmlp.cpu.epoch import run_shards
from skmlp.cpu.memory import BATCH_LOSS, EPOCH_LOSS, EPOCH_ROWS, N_KEPT, N_TALLIES, STEPS, Memory
from skmlp.cpu.plan import Workspace, batch_plans, prediction_plan, shard_plan
from skmlp.cpu.predict import predict_rows
from skmlp.cpu.shuffle import shuffle
from skmlp.cpu.team import N_CELLS, Team, run_together, team_size
from skmlp.cpu.threads import working
from skmlp.cpu.update import CHUNK
from skmlp.formulas.losses import LossSettings
from skmlp.formulas.optimisers import OPTIMISERS, Settings

SHARD_ROWS = 256
"""Rows of a batch that go forward and back together: a product wants 128 or more, and the values of the layers
should stay in the second-level cache until the way back. A batch is cut by its size alone, so that a result depends on
nothing else."""
BLOCK_ROWS = 4096  # rows of one call of the prediction kernel
PAUSE = 0.1  # seconds of kernel work after which Python gets to see a Ctrl-C
FIRST_PIECE = 1e8  # multiplications in the first piece of work, some hundredths of a second


class CpuBackend:
    """A network and its loss, on the CPU.

    Parameters
    ----------
    network : skmlp.network.layout.Network
    loss : str or skmlp.formulas.custom.CustomLoss
        Key of :data:`skmlp.formulas.losses.LOSSES`, or a loss itself.
    dtype : {'float32', 'float64'} or dtype
        Of parameters, data and arithmetic.
    levels : sequence of float
        The levels of a quantile loss.
    n_jobs : int or None, default=None
        Most threads, as scikit-learn counts them; None: as many as pay. They change no bit of a result.
    **loss_settings : float
        Parameters of the loss, fields of :class:`skmlp.formulas.losses.LossSettings`.
    """

    def __init__(self, network, loss, dtype, levels=(), n_jobs=None, **loss_settings):
        self.network, self.loss, self.n_jobs = network, loss, n_jobs
        self.dtype = np.dtype(dtype)
        self._levels = np.array(levels, dtype=self.dtype)
        self._loss_settings = LossSettings(**loss_settings)
        self._prediction = lru_cache(maxsize=16)(self._prediction)

    def start(self, parameters, X, targets, weights, *, batch_size, solver, settings, state=None, seed=-1):
        """A :class:`TrainingRun`, which changes ``parameters`` in place.

        Parameters
        ----------
        parameters : ndarray of shape (n_parameters,)
        X : ndarray or CSR matrix of shape (rows, n_in)
        targets : ndarray of shape (rows, n_targets)
        weights : ndarray of shape (rows,) or None
        batch_size : int
        solver : str
            Key of :data:`skmlp.formulas.optimisers.OPTIMISERS`.
        settings : dict
            Of the solver's hyperparameters, fields of :class:`skmlp.formulas.optimisers.Settings`.
        seed : int, default=-1
            Of dropout; negative: none.
        state : tuple of ndarray, default=None
            The optimiser's ``slots`` and ``memory`` to go on from, changed in place; new where not given.
        """
        settings = Settings(**{name: float(value) for name, value in settings.items()})
        if state is None:
            kept = np.ones(N_KEPT)
            kept[STEPS] = 0.0
            state = np.zeros((OPTIMISERS[solver].slots, self.network.layout.n_trained), dtype=self.dtype), kept
        return TrainingRun(self, parameters, X, targets, weights, batch_size, solver, settings, state, seed)

    def active(self):
        """Context manager for the time of training."""
        return working()

    def predict(self, parameters, X, *, raw=False):
        """Predictions of shape (rows, n_outputs): probabilities or values; ``raw``: before the inverse link."""
        return self._predict(parameters, X, None, None, raw)[0]

    def predict_and_loss(self, parameters, X, targets, weights):
        """Predictions, and the mean loss (its data term alone), weighted unless ``weights`` is None."""
        outputs, total = self._predict(parameters, X, targets, weights, False)
        return outputs, total / (X.shape[0] if weights is None else weights.sum(dtype=np.float64))

    def team_size(self, tasks, rows):
        """Threads for so many rows, cut into so many tasks."""
        return team_size(self.n_jobs, tasks, self.network.layout.n_weights, rows)

    def data_memory(self, targets, weights, settings=None, *, smoothing=True):
        """A memory that knows targets, weights, and the settings of optimiser and loss."""
        memory = Memory()
        of_loss = self._loss_settings if smoothing else self._loss_settings._replace(label_smoothing=0.0)
        memory[places.SETTINGS] = np.array([*(settings or Settings()), *of_loss])
        memory[places.LEVELS], memory[places.N_LEVELS] = self._levels, self._levels.size
        memory[places.TARGETS], memory[places.N_TARGETS] = targets, targets.shape[1]
        memory[places.WEIGHTS] = np.empty(0, dtype=self.dtype) if weights is None else weights
        memory[places.WEIGHTED] = weights is not None
        return memory

    def put_input(self, memory, X):
        """Put rows of X into a memory, in the dtype and order of kernels."""
        memory[places.N_DATA] = X.shape[0]
        if not sparse.issparse(X):
            memory[places.DATA] = np.ascontiguousarray(X, dtype=self.dtype)
            return
        memory[places.DATA] = np.ascontiguousarray(X.data, dtype=self.dtype)
        memory[places.INDICES] = np.ascontiguousarray(X.indices, dtype=np.int64)
        memory[places.INDPTR] = np.ascontiguousarray(X.indptr, dtype=np.int64)

    def _prediction(self, rows, dense, measured, raw):
        """Workspace and plan for shards of so many rows."""
        with readable_errors((*self.network.activations, self.loss), self.dtype):
            workspace = Workspace(self.network, rows, dense=dense, training=False)
            plan = prediction_plan(
                self.network, self.loss, self.dtype, workspace.records, dense=dense, measured=measured, raw=raw
            )
        return workspace.size, plan

    def _predict(self, parameters, X, targets, weights, raw):
        """Block by block, so that a conversion of X needs memory for one block a thread."""
        rows, dense = X.shape[0], not sparse.issparse(X)
        shard_rows = min(SHARD_ROWS, 1 << (rows - 1).bit_length()) if rows else 1
        work_size, plan = self._prediction(shard_rows, dense, targets is not None, raw)
        outputs = np.empty((rows, self.network.layout.units[-1]), dtype=self.dtype)
        order = np.arange(min(BLOCK_ROWS, rows))
        parameters = np.ascontiguousarray(parameters)
        starts = range(0, rows, BLOCK_ROWS)
        losses = np.zeros(len(starts))
        size = 1

        def predict_blocks(member):
            work = np.zeros(work_size, dtype=self.dtype)
            for number in range(member, len(starts), size):
                block = slice(starts[number], min(starts[number] + BLOCK_ROWS, rows))
                none = np.empty((0, 1), dtype=self.dtype)
                memory = self.data_memory(
                    none if targets is None else np.ascontiguousarray(targets[block]),
                    None if weights is None else np.ascontiguousarray(weights[block]),
                    smoothing=False,
                )
                self.put_input(memory, X[block])
                memory[places.WORK], memory[places.PARAMETERS], memory[places.ORDER] = work, parameters, order
                memory[places.OUTPUTS] = outputs[block]
                memory[places.TALLY], memory[places.LOSSES] = np.zeros(N_TALLIES), np.zeros(1)
                memory[places.MEMBERS] = memory[places.FILLED] = 1
                memory[places.SHARD_SIZE], memory[places.N_ORDER] = shard_rows, block.stop - block.start
                predict_rows(plan, memory.cells)
                losses[number] = memory.array(places.TALLY)[BATCH_LOSS]

        if len(starts) > 1:
            size = self.team_size(len(starts), rows)
        run_together(size, predict_blocks)
        return outputs, losses.sum()


class TrainingRun:
    """Training of one parameter vector on one data set.

    Attributes
    ----------
    parameters : ndarray
        Changed in place.
    state : tuple of ndarray
        The optimiser's slots, (n_slots, n_trained), and what it keeps beside them, whose last number counts the
        updates done.
    """

    def __init__(self, backend, parameters, X, targets, weights, batch_size, solver, settings, state, seed):
        layout = backend.network.layout
        self._backend, self._solver, self._settings, self._seed = backend, solver, settings, seed
        self._dense = not sparse.issparse(X)
        self._X, self._targets = X, np.ascontiguousarray(targets)
        self._weights = None if weights is None else np.ascontiguousarray(weights)
        self._batch_size = batch_size
        # The statistics of batch normalisation are those of all rows of a batch.
        self._shard_rows = batch_size if layout.normalization == "batch" else min(SHARD_ROWS, batch_size)
        self._shards = -(-batch_size // self._shard_rows)
        self._workspace = Workspace(backend.network, self._shard_rows, dense=self._dense, training=True)
        self.parameters = parameters
        self.state = state
        self._teams, self._plans = {}, lru_cache(maxsize=None)(self._plans)
        self._piece = max(1, int(FIRST_PIECE // (parameters.size * self._shard_rows)))

    def run_epoch(self, order, rates, outputs=None):
        """One pass over the rows ``order``, in batches; ``rates`` are the learning rates of its steps.

        Returns the mean over the rows of the loss, penalty included, at the time of each batch; NaN if every batch
        was skipped. ``outputs``, (rows, n_outputs), gets the predictions of the pass. Works in pieces, so that a
        Ctrl-C is answered soon.
        """
        size = self._backend.team_size(self._shards, len(order))
        team = self._team(size)
        order, rates = np.ascontiguousarray(order), np.ascontiguousarray(rates, dtype=np.float64)
        for member, memory in enumerate(team.members):
            memory[places.ORDER], memory[places.N_ORDER], memory[places.RATES] = order, len(order), rates
            if member > 0:  # each counts the steps for itself
                memory.array(places.KEPT)[:] = self.state[1]
            memory[places.RECORDING] = outputs is not None
            if outputs is not None:
                memory[places.OUTPUTS] = outputs
        tally = team.members[0].array(places.TALLY)
        tally[EPOCH_LOSS] = tally[EPOCH_ROWS] = 0.0
        self._run_pieces(team, self._plans(size, outputs is not None), len(rates) * -(-self._shards // size))
        return float(tally[EPOCH_LOSS] / tally[EPOCH_ROWS]) if tally[EPOCH_ROWS] > 0 else float("nan")

    def shuffle(self, rows, random_state):
        """``random_state.shuffle(rows)``, in place."""
        shuffle(rows, random_state)

    def loss_and_gradient(self, vector):
        """Mean loss over all rows, penalty included, and its gradient; for the rule ``keep_gradient``."""
        self.parameters[...] = vector
        loss = self.run_epoch(np.arange(self._targets.shape[0]), np.zeros(1))
        return loss, self.state[0][0]

    def _plans(self, members, recording):
        """What is done when a batch begins, to a shard, at the end of a round of shards, and at the end of a batch."""
        backend, records = self._backend, self._workspace.records
        with readable_errors((*backend.network.activations, backend.loss), backend.dtype):
            shard = shard_plan(
                backend.network, backend.loss, backend.dtype, records, dense=self._dense, recording=recording
            )
        clipped = self._settings.clip_norm > 0.0
        opening, combining, closing = batch_plans(self._solver, backend.dtype, members=members, clipped=clipped)
        return opening, shard, combining, closing

    def _team(self, size):
        """A team of so many members."""
        if size not in self._teams:
            self._teams[size] = self._make_team(size)
        return self._teams[size]

    def _make_team(self, size):
        backend, layout = self._backend, self._backend.network.layout
        dtype, n_trained = backend.dtype, layout.n_trained
        shared = {
            places.PARAMETERS: self.parameters,
            places.SLOTS: self.state[0],
            places.TOTAL: np.zeros(n_trained, dtype=dtype),
            places.PARTS: np.zeros((size, n_trained if self._shards > 1 else 0), dtype=dtype),
            places.LOSSES: np.zeros(size),
            places.CHUNKS: np.zeros(2 * -(-n_trained // CHUNK)),
            places.BARRIER: np.zeros(N_CELLS, dtype=np.int64),
            places.DROPOUT: np.array(backend.network.dropout, dtype=np.float64),
            places.N_TRAINED: n_trained,
            places.N_WEIGHTS: layout.n_weights,
            places.TRAINING: 1,
            places.SEED: self._seed,
            places.MEMBERS: size,
            places.BATCH_SIZE: self._batch_size,
            places.SHARD_SIZE: self._shard_rows,
        }
        members = []
        for member in range(size):
            memory = backend.data_memory(self._targets, self._weights, self._settings)
            backend.put_input(memory, self._X)
            for place, value in shared.items():
                memory[place] = value
            memory[places.MEMBER] = member
            memory[places.PART] = shared[places.PARTS][member]
            memory[places.WORK] = np.zeros(self._workspace.size, dtype=dtype)
            memory[places.TALLY] = np.zeros(N_TALLIES)
            memory[places.KEPT] = self.state[1] if member == 0 else self.state[1].copy()
            members.append(memory)
        return Team(members, shared[places.BARRIER])

    def _run_pieces(self, team, plans, rounds):
        """Work in pieces, of which each takes about :data:`PAUSE` seconds."""
        first = 0
        while first < rounds:
            last = min(first + self._piece, rounds)
            for memory in team.members:
                cells = memory.cells
                cells[places.BEGIN], cells[places.END], cells[places.ABORTED] = first, last, 0
            started = time.perf_counter()
            team.run(lambda member: run_shards(*plans, team.members[member].cells))
            # At most doubling: one call may have compiled the kernel.
            seconds = max(time.perf_counter() - started, 1e-6)
            self._piece = max(1, min(2 * self._piece, int((last - first) * PAUSE / seconds)))
            first = last
