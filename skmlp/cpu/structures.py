"""What kernels are handed: named tuples of arrays and integers, the same types for every network and data set."""

from typing import NamedTuple

import numpy as np

from skmlp.cpu.normalization import N_SCRATCH, NormalizationNumbers
from skmlp.formulas.losses import LossSettings

SHARD_ROWS = 256
"""Rows of a batch that go forward and back together: a product wants 128 or more, and the values of the layers
should stay in the second-level cache until the way back. A batch is cut by its size alone, so that a result depends on
nothing else."""


# Places in ``tally``, what a run of shards leaves for the next one.
EPOCH_LOSS, EPOCH_ROWS, BATCH_LOSS, BATCH_WEIGHT, N_TALLIES = range(5)


class NetworkNumbers(NamedTuple):
    """A network as numbers.

    Widths, offsets into the parameter vector, addresses of the loops of its formulas, and the parameters of its
    loss.
    """

    units: np.ndarray
    weights: np.ndarray
    biases: np.ndarray
    tiles: np.ndarray
    activations: np.ndarray
    derivatives: np.ndarray
    loss: int
    link: int
    n_weights: int
    dropout: np.ndarray
    dropout_loop: int
    normalization: NormalizationNumbers | None
    levels: np.ndarray
    loss_settings: LossSettings


class Pass(NamedTuple):
    """What a pass through the network is for, and what dropout draws by.

    ``training`` is 1 or 0. ``seed`` is that of dropout, negative for none, ``step`` the number of updates before,
    ``first`` the place in its batch of the first row.
    """

    training: int = 0
    seed: int = -1
    step: int = 0
    first: int = 0


class SparseRows(NamedTuple):
    """A CSR matrix of canonical format."""

    data: np.ndarray
    indices: np.ndarray
    indptr: np.ndarray


class Workspace(NamedTuple):
    """Buffers for one shard, allocated once a fit; nothing is allocated inside a step.

    ``z`` and ``a`` hold every layer's pre-activations and activations, layer ``l`` from ``offsets[l] * rows`` on;
    ``delta`` and ``back`` the gradients in z of a layer and of the one before it. For normalisation ``x`` of each layer
    stands in ``standard`` as its z in ``z``, 1 / √(variance + ε) in the rows of ``inverse``, and ``scratch`` is as its
    module says.
    """

    rows: int
    x: np.ndarray
    z: np.ndarray
    a: np.ndarray
    delta: np.ndarray
    back: np.ndarray
    offsets: np.ndarray
    standard: np.ndarray
    inverse: np.ndarray
    scratch: np.ndarray


def allocate(network, rows, dtype, *, dense, training):
    """A workspace for ``rows`` rows; one for prediction alone is smaller."""
    layout = network.layout
    values = sum(layout.units[1:])
    widest = max(layout.units[1:])
    hidden = values - layout.units[-1] if layout.normalization else 0
    longest = max(rows, widest) if layout.normalization else 0
    return Workspace(
        rows=rows,
        x=np.empty(rows * layout.units[0] if dense else 0, dtype=dtype),
        z=np.empty(rows * values, dtype=dtype),
        a=np.empty(rows * (values - layout.units[-1]), dtype=dtype),
        delta=np.empty(rows * widest, dtype=dtype),
        back=np.empty(rows * widest if training else 0, dtype=dtype),
        offsets=np.cumsum([0, *layout.units[1:]], dtype=np.int64)[:-1],
        standard=np.empty(rows * hidden, dtype=dtype),
        inverse=np.empty((len(layout.units) - 2, longest), dtype=dtype),
        scratch=np.empty((N_SCRATCH, longest), dtype=dtype),
    )
