"""What the trainer is handed: a network on this back end, and a run of training on one data set."""

import time
from contextlib import nullcontext
from functools import partial

import numpy as np
from scipy import sparse

from skmlp.cpu.backward import derivative_loops
from skmlp.cpu.custom import readable_errors
from skmlp.cpu.dropout import dropout_loops
from skmlp.cpu.epoch import N_MEMORIES, run_shards
from skmlp.cpu.forward import activation_loops, link_loops
from skmlp.cpu.loss import loss_loops
from skmlp.cpu.normalization import normalization_numbers
from skmlp.cpu.predict import predict_rows, to_predictions
from skmlp.cpu.products import needs_blas, tile_addresses
from skmlp.cpu.structures import (
    EPOCH_LOSS,
    EPOCH_ROWS,
    N_TALLIES,
    SHARD_ROWS,
    NetworkNumbers,
    SparseRows,
    allocate,
)
from skmlp.cpu.team import ABORTED, make_team, run_together, team_size
from skmlp.cpu.threads import single_threaded_blas
from skmlp.cpu.update import StepRule, update_loops
from skmlp.formulas.losses import LossSettings
from skmlp.formulas.optimisers import OPTIMISERS, Settings

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
        self.network, self.n_jobs = network, n_jobs
        self.dtype = np.dtype(dtype)
        with readable_errors((*network.activations, loss), self.dtype):
            self.numbers = numbers(network, loss, self.dtype)._replace(
                levels=np.array(levels, dtype=self.dtype), loss_settings=LossSettings(**loss_settings)
            )
        # What is reported of data that are not trained on knows no smoothing.
        settings = self.numbers.loss_settings._replace(label_smoothing=0.0)
        self._plain_numbers = self.numbers._replace(loss_settings=settings)

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
        rule = StepRule(update_loops.address(solver, self.dtype), settings, seed)
        if state is None:
            memory = np.zeros(N_MEMORIES)
            memory[0] = 1.0
            state = np.zeros((OPTIMISERS[solver].slots, self.network.layout.n_trained), dtype=self.dtype), memory
        return TrainingRun(self, parameters, X, targets, weights, batch_size, rule, state)

    def active(self):
        """Context manager for the time of training."""
        return single_threaded_blas()

    def predict(self, parameters, X, *, raw=False):
        """Predictions of shape (rows, n_outputs): probabilities or values; ``raw``: before the inverse link."""
        none = np.empty((0, 1), dtype=self.dtype)
        return self._predict(parameters, X, none, none[:, 0], raw)[0]

    def predict_and_loss(self, parameters, X, targets, weights):
        """Predictions, and the mean loss (its data term alone), weighted unless ``weights`` is None."""
        outputs, total = self._predict(parameters, X, writable(targets), self._weights(weights), False)
        return outputs, total / (X.shape[0] if weights is None else weights.sum(dtype=np.float64))

    def team_size(self, tasks, rows):
        """Threads for so many rows, cut into so many tasks."""
        return team_size(self.n_jobs, tasks, self.network.layout.n_weights, rows)

    def _predict(self, parameters, X, targets, weights, raw):
        """Block by block, so that a conversion of X needs memory for one block a thread."""
        rows = X.shape[0]
        parameters = writable(np.asarray(parameters))
        outputs = np.empty((rows, self.network.layout.units[-1]), dtype=self.dtype)
        order = np.arange(min(BLOCK_ROWS, rows))
        starts = range(0, rows, BLOCK_ROWS)
        losses = np.zeros(len(starts))
        size = 1

        def predict_blocks(member):
            shard_rows, dense = min(SHARD_ROWS, rows), not sparse.issparse(X)
            work = allocate(self.network, shard_rows, self.dtype, dense=dense, training=False)
            for number in range(member, len(starts), size):
                block = slice(starts[number], min(starts[number] + BLOCK_ROWS, rows))
                losses[number] = predict_rows(
                    self._plain_numbers,
                    parameters,
                    self._kernel_input(X[block]),
                    targets[block],
                    weights[block],
                    order[: block.stop - block.start],
                    raw,
                    work,
                    outputs[block],
                )

        # Inside, the threads that others have taken, and the limits that they set, are known.
        alone = len(starts) < 2 and not needs_blas(rows, self.network.layout, self.dtype)
        with nullcontext() if alone else single_threaded_blas():
            size = self.team_size(len(starts), rows)
            run_together(size, predict_blocks)
        return outputs, losses.sum()

    def _weights(self, weights):
        return np.empty(0, dtype=self.dtype) if weights is None else writable(weights)

    def _kernel_input(self, X):
        if sparse.issparse(X):
            return SparseRows(
                writable(X.data.astype(self.dtype, copy=False)),
                writable(X.indices.astype(np.int64, copy=False)),
                writable(X.indptr.astype(np.int64, copy=False)),
            )
        return writable(np.ascontiguousarray(X, dtype=self.dtype))


class TrainingRun:
    """Training of one parameter vector on one data set.

    Attributes
    ----------
    parameters : ndarray
        Changed in place.
    state : tuple of ndarray
        The optimiser's slots, (n_slots, n_trained), and its memory, whose second number counts the updates done.
    """

    def __init__(self, backend, parameters, X, targets, weights, batch_size, rule, state):
        layout = backend.network.layout
        self._backend = backend
        self._X = backend._kernel_input(X)
        self._targets = writable(targets)
        self._weights = backend._weights(weights)
        self._batch_size, self._rule = batch_size, rule
        # The statistics of batch normalisation are those of all rows of a batch.
        self._shard_rows = batch_size if layout.normalization == "batch" else min(SHARD_ROWS, batch_size)
        self._shards = -(-batch_size // self._shard_rows)
        self._teams, self._members = {}, []
        self.parameters = parameters
        self.state = state
        self._piece = max(1, int(FIRST_PIECE // (parameters.size * self._shard_rows)))

    def run_epoch(self, order, rates, outputs=None):
        """One pass over the rows ``order``, in batches; ``rates`` are the learning rates of its steps.

        Returns the mean over the rows of the loss, penalty included, at the time of each batch; NaN if every batch
        was skipped. ``outputs``, (rows, n_outputs), gets the predictions of the pass. Works in pieces, so that a
        Ctrl-C is answered soon.
        """
        if outputs is None:
            outputs = np.empty((0, 1), dtype=self._backend.dtype)
        team = self._team(self._backend.team_size(self._shards, len(order)))
        tally = self._members[0][1]
        tally[[EPOCH_LOSS, EPOCH_ROWS]] = 0.0
        rounds = len(rates) * -(-self._shards // team.size)
        first = 0
        while first < rounds:
            last = min(first + self._piece, rounds)
            started = time.perf_counter()
            team.barrier[:] = 0
            work = partial(self._run, order, rates, outputs, team, first, last)
            run_together(team.size, work, abort=partial(team.barrier.__setitem__, ABORTED, 1))
            self._adapt_piece(last - first, time.perf_counter() - started)
            first = last
        if outputs.shape[0]:
            to_predictions(self._backend.numbers.link, outputs)
        return tally[EPOCH_LOSS] / tally[EPOCH_ROWS] if tally[EPOCH_ROWS] > 0 else float("nan")

    def _run(self, order, rates, outputs, team, first, last, member):
        """The part of one member of the team in some rounds."""
        run_shards(
            self._backend.numbers,
            self.parameters,
            self._X,
            self._targets,
            self._weights,
            order,
            self._batch_size,
            first,
            last,
            rates,
            self._rule,
            *self.state,
            *self._members[member],
            outputs,
            team,
            member,
        )

    def _team(self, size):
        """A team of so many members, each with a workspace and a tally of its own."""
        network, dtype = self._backend.network, self._backend.dtype
        while len(self._members) < size:
            dense = isinstance(self._X, np.ndarray)
            work = allocate(network, self._shard_rows, dtype, dense=dense, training=True)
            self._members.append((work, np.zeros(N_TALLIES)))
        if size not in self._teams:
            self._teams[size] = make_team(size, network.layout.n_trained, dtype)
        return self._teams[size]

    def loss_and_gradient(self, vector):
        """Mean loss over all rows, penalty included, and its gradient; for the rule ``keep_gradient``."""
        self.parameters[...] = vector
        loss = self.run_epoch(np.arange(self._targets.shape[0]), np.zeros(1))
        return loss, self.state[0][0]

    def _adapt_piece(self, rounds, seconds):
        """Aim at :data:`PAUSE`, at most doubling: one call may have compiled the kernel."""
        self._piece = max(1, min(2 * self._piece, int(rounds * PAUSE / max(seconds, 1e-6))))


def numbers(network, loss, dtype):
    """A network and its loss as kernels take them; compiles the loops of its formulas, or loads them."""
    layout = network.layout
    return NetworkNumbers(
        units=np.array(layout.units, dtype=np.int64),
        weights=np.array(layout.weight_offsets, dtype=np.int64),
        biases=np.array(layout.bias_offsets, dtype=np.int64),
        tiles=tile_addresses(layout, dtype),
        activations=np.array([activation_loops.address(name, dtype) for name in network.activations], dtype=np.int64),
        derivatives=np.array([derivative_loops.address(name, dtype) for name in network.activations], dtype=np.int64),
        loss=loss_loops.address(loss, dtype),
        link=link_loops.address(network.link, dtype),
        n_weights=layout.n_weights,
        dropout=np.array(network.dropout, dtype=np.float64),
        dropout_loop=dropout_loops.address("dropout", dtype) if any(network.dropout) else 0,
        normalization=normalization_numbers(layout, dtype) if layout.normalization else None,
        levels=np.empty(0, dtype=dtype),
        loss_settings=LossSettings(),
    )


def writable(array):
    """The same memory as a writable array: a read-only one is another type, for which kernels compile anew.

    Kernels never write into their input.
    """
    if array.flags.writeable:
        return array
    interface = {**array.__array_interface__, "data": (array.__array_interface__["data"][0], False)}
    holder = type("Memory", (), {"__array_interface__": interface, "owner": array})()
    return np.asarray(holder)
