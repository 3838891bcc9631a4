"""What the trainer is handed: a network on this back end, and a run of training on one data set."""

import time

import numpy as np
from scipy import sparse

from skmlp.cpu import memory as places
from skmlp.cpu.blocks import NotFiniteError, share_blocks
from skmlp.cpu.columns import LONGEST_REST, can_rest, rests
from skmlp.cpu.custom import readable_errors
from skmlp.cpu.epoch import run_shards
from skmlp.cpu.input_gradients import input_gradients
from skmlp.cpu.memory import BATCH_LOSS, EPOCH_LOSS, EPOCH_ROWS, N_TALLIES, Memory
from skmlp.cpu.plan import Workspace, batch_plans, prediction_plan, shard_plan
from skmlp.cpu.predict import predict_rows
from skmlp.cpu.shuffle import shuffle
from skmlp.cpu.team import N_CELLS, Team, team_size
from skmlp.cpu.threads import single_threaded_blas, working
from skmlp.cpu.tiles import DEPTH
from skmlp.cpu.update import chunk_contents
from skmlp.formulas.losses import LossSettings
from skmlp.formulas.optimisers import N_KEPT, OPTIMISERS, STEPS, Settings

SHARD_ROWS, LEAST_ROWS = 256, 64
"""Most rows of a batch that go forward and back together, since the values of the layers should stay in the
second-level cache until the way back; and fewest, for a product of fewer takes longer a row."""
assert SHARD_ROWS <= DEPTH, "a product that adds takes one block of the inner dimension"
BLOCK_ROWS = 4096  # rows of one call of the prediction kernel
PAUSE = 0.1  # seconds of kernel work after which Python gets to see a Ctrl-C
FIRST_PIECE = 1e8  # multiplications in the first piece of work, some hundredths of a second


def shard_rows(batch_size, dense=True):
    """Rows of a shard: half a batch or less where that is enough, so that two threads may share it.

    Not so where X is sparse: each shard has to set the gradient of a large first layer to 0. A batch is cut by its size
    alone, so that a result depends on nothing else.
    """
    half = -(-batch_size // 2)
    return min(SHARD_ROWS, half + -half % 8 if dense and half >= LEAST_ROWS else batch_size)


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

    NotFiniteError = NotFiniteError

    def __init__(self, network, loss, dtype, levels=(), n_jobs=None, **loss_settings):
        self.network, self.loss, self.n_jobs = network, loss, n_jobs
        self.dtype = np.dtype(dtype)
        self._levels = np.array(levels, dtype=self.dtype)
        self._loss_settings = LossSettings(**loss_settings)
        self.prepared = {}  # workspaces and plans of predictions and of their derivatives, by their kinds

    def start(self, parameters, X, targets, weights, *, batch_size, solver, settings, segments, state=None, seed=-1):
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
        segments : sequence of skmlp.network.segments.Segment
            What is stepped alike.
        seed : int, default=-1
            Of dropout; negative: none.
        state : tuple of ndarray, default=None
            The optimiser's slots, and what it keeps beside them, to go on from, changed in place; new if not given.
        """
        settings = Settings(**{name: float(value) for name, value in settings.items()})
        if state is None:
            kept = np.ones(N_KEPT)
            kept[STEPS] = 0.0
            state = np.zeros((OPTIMISERS[solver].slots, self.network.layout.n_trained), dtype=self.dtype), kept
        return TrainingRun(self, parameters, X, targets, weights, batch_size, solver, settings, segments, state, seed)

    def active(self):
        """Context manager for the time of training."""
        return working()

    def predict(self, parameters, X, *, raw=False, looked_at=True):
        """Predictions of shape (rows, n_outputs): probabilities or values; ``raw``: before the inverse link.

        Raises
        ------
        NotFiniteError
            If the dense X holds NaN or infinity, unless it has been ``looked_at``.
        """
        return self._predict(parameters, X, None, None, raw, looked_at)[0]

    def input_gradients(self, parameters, X, *, raw=False, looked_at=True):
        """Derivative of each output by each feature, (rows, n_outputs, n_in).

        Outputs are what :meth:`predict` gives with these arguments, which raises the same.
        """
        return input_gradients(self, parameters, X, raw, looked_at)

    def predict_and_loss(self, parameters, X, targets, weights):
        """Predictions, and the mean loss (its data term alone), weighted unless ``weights`` is None."""
        outputs, total = self._predict(parameters, X, targets, weights, False, True)
        return outputs, total / (X.shape[0] if weights is None else weights.sum(dtype=np.float64))

    def team_size(self, tasks, rows):
        """Threads for so many rows, cut into so many tasks."""
        return team_size(self.n_jobs, tasks, self.network.layout.n_weights, rows)

    def loss_contents(self, settings=None, *, smoothing=True):
        """What a memory holds of the settings of the optimiser and the loss, by its place."""
        of_loss = self._loss_settings if smoothing else self._loss_settings._replace(label_smoothing=0.0)
        return {
            places.SETTINGS: np.array([*(settings or Settings()), *of_loss]),
            places.LEVELS: self._levels,
            places.N_LEVELS: self._levels.size,
        }

    def target_contents(self, targets, weights):
        """What a memory holds of targets, and of weights or None."""
        return {
            places.TARGETS: np.ascontiguousarray(targets, dtype=self.dtype),
            places.N_TARGETS: targets.shape[1],
            places.WEIGHTED: weights is not None,
            places.WEIGHTS: np.ascontiguousarray(() if weights is None else weights, dtype=self.dtype),
        }

    def input_contents(self, X):
        """What a memory holds of rows of X, in the dtype and order of kernels."""
        if not sparse.issparse(X):
            if X.dtype != self.dtype:
                with np.errstate(over="ignore"):  # what becomes infinite is found later
                    X = X.astype(self.dtype)
            return {places.N_DATA: X.shape[0], places.DATA: np.ascontiguousarray(X)}
        return {
            places.N_DATA: X.shape[0],
            places.DATA: np.ascontiguousarray(X.data, dtype=self.dtype),
            places.INDICES: np.ascontiguousarray(X.indices, dtype=np.int64),
            places.INDPTR: np.ascontiguousarray(X.indptr, dtype=np.int64),
        }

    def _prediction(self, rows, dense, measured, raw, looked_at):
        """Workspace and plan for shards of so many rows."""
        with readable_errors((*self.network.activations, self.loss), self.dtype):
            workspace = Workspace(self.network, rows, dense=dense, training=False)
            plan = prediction_plan(
                self.network,
                self.loss,
                self.dtype,
                workspace.records,
                dense=dense,
                measured=measured,
                raw=raw,
                looked_at=looked_at,
            )
        return workspace.size, plan

    def _predict(self, parameters, X, targets, weights, raw, looked_at):
        self.network.layout.check(parameters, X)
        rows, dense, measured = X.shape[0], not sparse.issparse(X), targets is not None
        rows_at_once = min(SHARD_ROWS, 1 << (rows - 1).bit_length()) if rows else 1
        kind = rows_at_once, dense, measured, raw, looked_at
        if kind not in self.prepared:
            self.prepared[kind] = self._prediction(*kind)
        work_size, plan = self.prepared[kind]
        outputs = np.empty((rows, self.network.layout.units[-1]), dtype=self.dtype)
        parameters = np.ascontiguousarray(parameters)
        losses = np.zeros(-(-rows // BLOCK_ROWS))

        def begin(memory):
            if measured:
                memory.update(self.loss_contents(smoothing=False))
            if measured or not dense:
                memory[places.ORDER] = np.arange(min(BLOCK_ROWS, rows))
            memory[places.WORK], memory[places.PARAMETERS] = np.zeros(work_size, dtype=self.dtype), parameters
            memory.cells[places.MEMBERS] = memory.cells[places.FILLED] = 1
            memory.cells[places.SHARD_SIZE] = rows_at_once

        def predict_block(memory, block):
            memory[places.OUTPUTS] = outputs[block]
            if measured:
                of_block = None if weights is None else weights[block]
                memory.update(self.target_contents(targets[block], of_block))
                memory[places.TALLY], memory[places.LOSSES] = np.zeros(N_TALLIES), np.zeros(1)
            predict_rows(plan, memory.cells)
            if measured:
                losses[block.start // BLOCK_ROWS] = memory.array(places.TALLY)[BATCH_LOSS]

        share_blocks(self, X, BLOCK_ROWS, begin, predict_block)
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

    def __init__(self, backend, parameters, X, targets, weights, batch_size, solver, settings, segments, state, seed):
        layout = backend.network.layout
        plain = not layout.scaled and all(segment.rate == 1.0 for segment in segments)
        self._backend, self._solver, self._settings, self._seed = backend, solver, settings, seed
        self._dense = not sparse.issparse(X)
        self._rows, self._batch_size = X.shape[0], batch_size
        self._by_columns = solver if plain and not self._dense and can_rest(solver, settings) else None
        # The statistics of batch normalisation are those of all rows of a batch, and so are the columns that it fills.
        whole = layout.normalization == "batch" or self._by_columns
        self._shard_rows = batch_size if whole else shard_rows(batch_size, self._dense)
        self._shards = -(-batch_size // self._shard_rows)
        self._workspace = Workspace(backend.network, self._shard_rows, dense=self._dense, training=True)
        self.parameters = parameters
        self.state = state
        self._teams, self._plans = {}, {}
        contents = backend.loss_contents(settings), backend.target_contents(targets, weights), backend.input_contents(X)
        self._contents = {place: value for part in contents for place, value in part.items()}
        self._contents |= chunk_contents(segments, layout.weight_offsets[1] if self._by_columns else 0)
        if self._by_columns:
            self._contents |= self._column_contents(X)
        work = X.nnz * layout.units[1] / X.shape[0] if self._by_columns else parameters.size
        self._piece = max(1, min(LONGEST_REST // 4, int(FIRST_PIECE // (work * self._shard_rows + 1))))

    def run_epoch(self, order, rates, outputs=None):
        """One pass over the rows ``order``, in batches; ``rates`` are the learning rates of its steps.

        Returns the mean over the rows of the loss, penalty included, at the time of each batch; NaN if every batch
        was skipped. ``outputs``, (rows, n_outputs), gets the predictions of the pass. Works in pieces, so that a
        Ctrl-C is answered soon.
        """
        size = self._backend.team_size(self._shards, len(order))
        team = self._team(size)
        order, rates = np.ascontiguousarray(order, dtype=np.int64), np.ascontiguousarray(rates, dtype=np.float64)
        for member, memory in enumerate(team.members):
            memory[places.ORDER], memory[places.RATES] = order, rates
            memory.cells[places.N_ORDER], memory.cells[places.RECORDING] = len(order), outputs is not None
            if member > 0:  # each counts the steps for itself
                memory.array(places.KEPT)[:] = self.state[1]
            if outputs is not None:
                memory[places.OUTPUTS] = outputs
        tally = team.members[0].array(places.TALLY)
        tally[EPOCH_LOSS] = tally[EPOCH_ROWS] = 0.0
        kind = size, outputs is not None
        if kind not in self._plans:
            self._plans[kind] = self._make_plans(*kind)
        self._run_pieces(team, self._plans[kind], len(rates) * -(-self._shards // size))
        return float(tally[EPOCH_LOSS] / tally[EPOCH_ROWS]) if tally[EPOCH_ROWS] > 0 else float("nan")

    def shuffle(self, rows, random_state):
        """``random_state.shuffle(rows)``, in place."""
        shuffle(rows, random_state)

    def searching(self):
        """Context manager for the time of a solver that calls BLAS itself, whose threads would change bits."""
        return single_threaded_blas()

    def loss_and_gradient(self, vector):
        """Mean loss over all rows, penalty included, and its gradient; for the rule ``keep_gradient``."""
        self.parameters[...] = vector
        loss = self.run_epoch(np.arange(self._rows), np.zeros(1))
        return loss, self.state[0][0]

    def _make_plans(self, members, recording):
        """What is done when a batch begins, to its first shard, to others, when a round, a batch, and all ends."""
        backend, records = self._backend, self._workspace.records
        arguments = {"dense": self._dense, "recording": recording, "by_columns": self._by_columns}
        with readable_errors((*backend.network.activations, backend.loss), backend.dtype):
            shard = further = shard_plan(backend.network, backend.loss, backend.dtype, records, **arguments)
            if members == 1 and self._shards > 1:
                further = shard_plan(
                    backend.network, backend.loss, backend.dtype, records, further=True, **arguments
                )
        opening, *others = batch_plans(
            self._solver,
            backend.dtype,
            records[0],
            members=members,
            clipped=self._settings.clip_norm > 0.0,
            scaled=backend.network.layout.scaled,
            by_columns=bool(self._by_columns),
        )
        return opening, shard, further, *others

    def _team(self, size):
        """A team of so many members."""
        if size not in self._teams:
            self._teams = {size: self._make_team(size)}  # one at a time: it holds a gradient for each member
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
            places.BARRIER: np.zeros(N_CELLS, dtype=np.int64),
            places.DROPOUT: np.array(backend.network.dropout, dtype=np.float64),
            places.N_TRAINED: n_trained,
            places.TRAINING: 1,
            places.SEED: self._seed,
            places.MEMBERS: size,
            places.BATCH_SIZE: self._batch_size,
            places.SHARD_SIZE: self._shard_rows,
        }
        members = []
        for member in range(size):
            memory = Memory()
            memory.update(self._contents | shared)
            memory[places.MEMBER] = member
            memory[places.PART] = shared[places.PARTS][member]
            memory[places.WORK] = np.zeros(self._workspace.size, dtype=dtype)
            memory[places.TALLY] = np.zeros(N_TALLIES)
            memory[places.KEPT] = self.state[1] if member == 0 else self.state[1].copy()
            members.append(memory)
        return Team(members, shared[places.BARRIER])

    def _column_contents(self, X):
        """Room for the entries of a batch in the order of their columns; there is one member, as there is one shard."""
        entries = int(np.sort(np.diff(X.indptr))[::-1][: self._batch_size].sum())
        n_columns = X.shape[1]
        found = min(n_columns, entries)
        sizes = {places.COLUMNS: found, places.STARTS: found + 2, places.ENTRY_ROWS: entries}
        return {place: np.zeros(size, dtype=np.int64) for place, size in sizes.items()} | {
            places.COLUMN_PLACES: np.zeros(n_columns, dtype=np.int64),
            places.DONE: np.full(n_columns, int(self.state[1][STEPS]), dtype=np.int64),
            places.ENTRIES: np.zeros(entries, dtype=self._backend.dtype),
            places.RESTS: rests(self._solver, self._settings),
        }

    def _run_pieces(self, team, plans, rounds):
        """Work in pieces, of which each takes about :data:`PAUSE` seconds.

        Columns that rest are brought up to date before the factors of their rests end, and when all ends.
        """
        first = rested = 0
        try:
            while first < rounds:
                last = min(first + self._piece, rounds)
                rested += last - first
                settling = last == rounds or rested + 2 * self._piece > LONGEST_REST
                self._run_piece(team, plans, first, last, settling)
                first, rested = last, 0 if settling else rested
        except BaseException:
            if self._by_columns:
                self._run_piece(team, plans, 0, 0, True)
            raise

    def _run_piece(self, team, plans, first, last, settling):
        """Some rounds, and the end of all if ``settling``."""
        for memory in team.members:
            cells = memory.cells
            cells[places.BEGIN], cells[places.END], cells[places.ABORTED] = first, last, 0
            cells[places.SETTLING] = settling
        started = time.perf_counter()
        team.run(lambda member: run_shards(*plans, team.members[member].cells))
        # At most doubling: one call may have compiled the kernel.
        seconds = max(time.perf_counter() - started, 1e-6)
        longest = LONGEST_REST // 4 if self._by_columns else 2 * self._piece
        self._piece = max(1, min(2 * self._piece, int((last - first) * PAUSE / seconds), longest))
