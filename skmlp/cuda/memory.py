"""What a kernel is handed, and how a network's values lie in the memory of the GPU."""

from typing import Any, NamedTuple

import numpy as np

from skmlp.formulas.losses import LossSettings
from skmlp.network.layout import PARTS

LARGEST = 2**32 - 2**24  # numbers: indices have 32 bits, and step over the end by a grid of threads
ALIGNED = 32  # numbers; what begins at a multiple of that, is read in whole transactions


class Memory(NamedTuple):
    """Arrays on the GPU, flat but for the tables; real numbers unless said otherwise.

    What a kernel has no use for is :func:`nothing`.
    """

    parameters: Any
    gradient: Any  # (slices, n_trained): of each slice of the rows of the batch
    slots: Any  # (slots, n_trained): state values of the optimiser
    values: Any  # of the layers, as :class:`Workspace` lays them out
    data: Any  # X
    targets: Any  # (rows, targets)
    weights: Any  # of the rows, if they have any
    levels: Any  # of a quantile loss
    settings: Any  # as named below
    scales: Any  # of what dropout keeps, a layer
    steps: Any  # (batches, columns): numbers of each batch, as named below
    outputs: Any  # (rows, outputs): predictions of the epoch, if they are wanted
    losses: Any  # (batches of a piece, blocks): sums
    penalties: Any  # (batches of a piece, blocks): sums
    squares: Any  # of the gradient, a block
    limits: Any  # int64: random bits below are dropped, a layer
    order: Any  # uint32: rows of X
    batches: Any  # uint32 (batches, 4): as named below
    layers: Any  # uint32 (layers, fields)
    chunks: Any  # uint32 (chunks, 4): of parameters that are stepped alike
    seed: int  # of dropout


def nothing(dtype, ndim=1):
    """An array that stands for none: one without numbers would have no address on the GPU."""
    return np.zeros((1,) * ndim, dtype=dtype)


# Columns of ``batches``: the place of the first row in ``order``, rows, the optimiser's step before it, and what is
# done with it.
FIRST, ROWS, STEP, KIND = range(4)
STEPPED, VARIED, WEIGHTED = 1, 2, 4  # bits of KIND: it has weight; more than one row of it has; rows have weights

# Columns of ``chunks``.
START, STOP, PENALISED, FACTOR = range(4)

# Columns of ``steps``: 1 over the weight of the batch, what weight decay leaves, and for each factor of the learning
# rate the constants of the optimiser.
SCALE_OF_BATCH, SHRINK, CONSTANTS = range(3)
N_CONSTANTS = 6

# Places in ``settings``.
L1, L2, CLIP_NORM, OF_LOSS = range(4)
N_SETTINGS = OF_LOSS + len(LossSettings._fields)

# Fields of ``layers``.
(
    N_IN,
    N_OUT,
    W,  # weights and biases, in ``parameters``, and their gradient
    B,
    X,  # the layer's input, pre-activations, activations, and the gradient in z, in ``values``
    Z,
    A,
    DELTA,
    ACTIVATION,  # which of the network's
    TILES,  # tiles of the gradients of all layers before
    RAW,  # weights without the scales of features, and those scales
    FEATURES,
    SCALE,  # parameters of normalisation
    SHIFT,
    MEAN,
    VARIANCE,
    STANDARD,  # what normalisation keeps for the way back, in ``values``
    INVERSE,
    SLOPE,  # the gradient in what it gives
    N_FIELDS,
) = range(20)


class Workspace:
    """Where the values of a network's layers for so many rows lie in one buffer, and which layers there are.

    Attributes
    ----------
    size : int
    layers : ndarray of uint32, shape (n_layers, N_FIELDS)
    """

    def __init__(self, network, rows, codes, side):
        layout = network.layout
        hidden = len(layout.units) - 2
        self.size = 0
        records = np.zeros((hidden + 1, N_FIELDS), dtype=np.int64)
        last, tiles = self._take(rows * layout.units[0]), 0
        for layer, (n_in, n_out) in enumerate(layout.shapes):
            record = records[layer]
            record[[N_IN, N_OUT, W, B, X]] = n_in, n_out, layout.weight_offsets[layer], layout.bias_offsets[layer], last
            record[TILES] = tiles
            tiles += -(-n_in // side) * -(-n_out // side)
            record[Z], record[A], record[DELTA] = (self._take(rows * n_out) for _ in range(3))
            last = record[A]
            if layer == 0:
                record[[RAW, FEATURES]] = layout.feature_offsets[:2]
            if layer < hidden:
                record[ACTIVATION] = codes[layer]
                self._normalization(record, layout, layer, rows)
        self.tiles, self.records = tiles, records
        if layout.size > LARGEST:
            raise ValueError(f"The network has {layout.size} parameters, more than a GPU's kernels can count.")
        if self.size > LARGEST:
            raise ValueError(
                f"The layers of a batch of {rows} rows hold {self.size} numbers, which is more than a GPU's kernels "
                "can count; take a smaller batch_size."
            )
        self.layers = records.astype(np.uint32)

    def _normalization(self, record, layout, layer, rows):
        if layout.normalization is None:
            return
        n_out, hidden = layout.units[layer + 1], len(layout.units) - 2
        parts = PARTS[layout.normalization]
        record[list((SCALE, SHIFT, MEAN, VARIANCE)[: len(parts)])] = layout.normalization_offsets[layer:-1:hidden]
        record[STANDARD], record[SLOPE] = self._take(rows * n_out), self._take(rows * n_out)
        record[INVERSE] = self._take(max(rows, n_out))

    def _take(self, size):
        first, self.size = self.size, self.size + -(-size // ALIGNED) * ALIGNED
        return first
