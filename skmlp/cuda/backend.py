"""What the trainer is handed: a network on a GPU, and a run of training on one data set."""

from contextlib import nullcontext

import numpy as np
from scipy import sparse

from skmlp.cuda.driver import cuda, on_device
from skmlp.cuda.feed import converted
from skmlp.cuda.launch import Launcher, Launching
from skmlp.cuda.memory import CLIP_NORM, L1, L2, N_SETTINGS, OF_LOSS, STEPPED, WEIGHTED, Memory, Workspace, nothing
from skmlp.cuda.program import LOSS, RECORD, forward_plan, program_of
from skmlp.cuda.training import TrainingRun
from skmlp.formulas.losses import LossSettings
from skmlp.formulas.optimisers import N_KEPT, OPTIMISERS, STEPS, Settings

BLOCK_BYTES = 256 << 20  # of the values of the rows that are predicted together
BLOCK_ROWS = 65536
DECIDED_HERE = Launching()


class NotFiniteError(ValueError):
    """X holds NaN or infinity."""


class CudaBackend:
    """A network and its loss, on a GPU.

    The interface is that of :class:`skmlp.cpu.backend.CpuBackend`, but that L-BFGS and derivatives by the
    features are left to that one.

    Parameters
    ----------
    network : skmlp.network.layout.Network
    loss : str or skmlp.formulas.custom.CustomLoss
        Key of :data:`skmlp.formulas.losses.LOSSES`, or a loss itself.
    dtype : {'float32', 'float64'} or dtype
        Of parameters, data and arithmetic.
    levels : sequence of float
        The levels of a quantile loss.
    n_jobs : int or None
        Of no use here.
    device : int
        Number of the GPU.
    launching : Launching
    **loss_settings : float
        Parameters of the loss, fields of :class:`skmlp.formulas.losses.LossSettings`.
    """

    NotFiniteError = NotFiniteError

    def __init__(
        self, network, loss, dtype, levels=(), n_jobs=None, *, device=0, launching=DECIDED_HERE, **loss_settings
    ):
        self.network, self.loss, self.device, self.launching = network, loss, device, launching
        self.dtype = np.dtype(dtype)
        self._levels = np.array(levels, dtype=self.dtype)
        self._loss_settings = LossSettings(**loss_settings)

    def start(self, parameters, X, targets, weights, *, batch_size, solver, settings, segments, state=None, seed=-1):
        """A :class:`~skmlp.cuda.training.TrainingRun`, which changes ``parameters`` in place.

        The parameters are those of :meth:`skmlp.cpu.backend.CpuBackend.start`.
        """
        settings = Settings(**{name: float(value) for name, value in settings.items()})
        if state is None:
            kept = np.ones(N_KEPT)
            kept[STEPS] = 0.0
            state = np.zeros((OPTIMISERS[solver].slots, self.network.layout.n_trained), dtype=self.dtype), kept
        data = X, targets, weights
        with on_device(self.device):
            return TrainingRun(self, parameters, data, batch_size, solver, settings, segments, state, seed)

    def active(self):
        """Context manager for the time of training."""
        return nullcontext()

    def predict(self, parameters, X, *, raw=False, looked_at=True):
        """Predictions of shape (rows, n_outputs): probabilities or values; ``raw``: before the inverse link.

        Raises
        ------
        NotFiniteError
            If X holds NaN, infinity, or what is infinite in the dtype, unless it has been ``looked_at``.
        """
        return self._predict(parameters, X, None, None, raw, looked_at)[0]

    def predict_and_loss(self, parameters, X, targets, weights):
        """Predictions, and the mean loss (its data term alone), weighted unless ``weights`` is None."""
        outputs, total = self._predict(parameters, X, targets, weights, False, True)
        return outputs, total / (X.shape[0] if weights is None else weights.sum(dtype=np.float64))

    def codes(self):
        """Which of the different activations of the network each hidden layer has."""
        different = list(dict.fromkeys(self.network.activations))
        return [different.index(key) for key in self.network.activations]

    def fixed(self, workspace, settings=None, *, smoothing=True):
        """Fields of the kernels' memory that stay the same: tables, settings, and room for the layers' values."""
        numbers = np.zeros(N_SETTINGS, dtype=self.dtype)
        if settings is not None:
            numbers[[L1, L2, CLIP_NORM]] = settings.l1, settings.l2, settings.clip_norm
        numbers[OF_LOSS:] = self._loss_settings if smoothing else self._loss_settings._replace(label_smoothing=0.0)
        rates = np.array(self.network.dropout or (0.0,))
        return {
            "values": cuda.device_array(workspace.size, self.dtype),
            "layers": cuda.to_device(workspace.layers),
            "settings": cuda.to_device(numbers),
            "levels": cuda.to_device(self._levels if self._levels.size else nothing(self.dtype)),
            "scales": cuda.to_device((1.0 / (1.0 - rates)).astype(self.dtype)),
            "limits": cuda.to_device((rates * 4294967296.0).astype(np.int64)),
        }

    def _predict(self, parameters, X, targets, weights, raw, looked_at):
        self.network.layout.check(parameters, X)
        rows = X.shape[0]
        outputs = np.empty((rows, self.network.layout.units[-1]), dtype=self.dtype)
        if rows == 0:
            return outputs, 0.0
        total = 0.0
        with on_device(self.device):
            predictor = Predictor(self, parameters, rows, targets is not None, raw)
            for first in range(0, rows, predictor.rows):
                block = slice(first, first + predictor.rows)
                part = converted(X[block].toarray() if sparse.issparse(X) else X[block], self.dtype)
                if not looked_at and not np.isfinite(part).all():
                    raise NotFiniteError
                of_block = [None if values is None else values[block] for values in (targets, weights)]
                total += predictor.run(part, *of_block, outputs[block])
        return outputs, total


class Predictor:
    """Predicts blocks of rows.

    Attributes
    ----------
    rows : int
        Most rows of a block.
    """

    def __init__(self, backend, parameters, rows, measured, raw):
        network, dtype = backend.network, backend.dtype
        a_row = Workspace(network, 32, backend.codes(), 1).size * dtype.itemsize // 32
        self.rows = max(1, min(rows, BLOCK_ROWS, BLOCK_BYTES // a_row))
        self._dtype = dtype
        tile = backend.launching.tile_for(self.rows, network.layout.units, dtype.type)
        workspace = Workspace(network, self.rows, backend.codes(), tile.side)
        last = len(network.layout.shapes) - 1
        plan = [*forward_plan(network), *([(LOSS, last)] if measured else []), (RECORD, last)]
        program = program_of(network, backend.loss, None, dtype.type, tile, training=False, raw=raw)
        widest = -(-max(network.layout.units[1:]) // tile.side) * -(-self.rows // tile.side)
        self._stream = cuda.stream()
        self._launcher = Launcher(program, np.array(plan, dtype=np.int64), widest, backend.launching, self._stream)
        no_numbers, no_table = cuda.to_device(nothing(dtype)), cuda.to_device(nothing(dtype, 2))
        self._memory = {
            **backend.fixed(workspace, smoothing=False),
            "parameters": cuda.to_device(np.ascontiguousarray(parameters)),
            "order": cuda.to_device(np.arange(self.rows, dtype=np.uint32)),
            "losses": cuda.device_array((1, self._launcher.blocks), dtype),
            "gradient": no_table,
            "slots": no_table,
            "steps": no_table,
            "penalties": no_table,
            "squares": no_numbers,
            "chunks": cuda.to_device(nothing(np.uint32, 2)),
            "seed": 0,
        }

    def run(self, X, targets, weights, outputs):
        """Fill ``outputs`` by the predictions of rows, and return the sum of their losses where there are targets."""
        kind = STEPPED if weights is None else STEPPED | WEIGHTED
        batches = np.array([[0, len(X), 0, kind]], dtype=np.uint32)
        there = cuda.device_array(outputs.shape, self._dtype)
        memory = Memory(
            **self._memory,
            batches=cuda.to_device(batches, stream=self._stream),
            data=cuda.to_device(X.reshape(-1), stream=self._stream),
            targets=self._there(targets, 2),
            weights=self._there(weights, 1),
            outputs=there,
        )
        self._launcher.run(memory, batches)
        there.copy_to_host(outputs, stream=self._stream)
        self._stream.synchronize()
        return 0.0 if targets is None else float(self._memory["losses"].copy_to_host().sum(dtype=np.float64))

    def _there(self, values, ndim):
        values = nothing(self._dtype, ndim) if values is None else converted(values, self._dtype)
        return cuda.to_device(values, stream=self._stream)
