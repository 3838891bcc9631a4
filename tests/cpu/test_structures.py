"""What kernels are handed."""

import numpy as np
import pytest

from skmlp.cpu.backend import CpuBackend
from skmlp.cpu.structures import SHARD_ROWS, allocate
from skmlp.network.layout import Layout, Network

NETWORK = Network(Layout((4, 5, 3, 2)), ("relu", "tanh"), "softmax")


def test_offsets_of_a_network_are_those_of_its_layout():
    numbers = CpuBackend(NETWORK, "categorical_log_loss", "float64").numbers
    vector = np.arange(NETWORK.layout.size)
    assert numbers.units.tolist() == [4, 5, 3, 2]
    assert numbers.n_weights == 4 * 5 + 5 * 3 + 3 * 2
    for offsets, views in ((numbers.weights, NETWORK.layout.weights), (numbers.biases, NETWORK.layout.biases)):
        assert [offsets[layer] for layer in range(3)] == [view.flat[0] for view in views(vector)]


@pytest.mark.parametrize(
    "activation, link, loss",
    [("unknown", "identity", "squared_error"), ("relu", "unknown", "squared_error"), ("relu", "identity", "unknown")],
)
def test_unknown_formulas_are_refused(activation, link, loss):
    with pytest.raises(KeyError, match="unknown"):
        CpuBackend(Network(Layout((4, 5, 2)), (activation,), link), loss, "float64")


def size(**keywords):
    return sum(np.asarray(buffer).nbytes for buffer in allocate(NETWORK, SHARD_ROWS, **keywords))


def test_workspaces_are_no_larger_than_needed():
    training = size(dtype=np.float64, dense=True, training=True)
    assert size(dtype=np.float64, dense=True, training=False) < training
    assert size(dtype=np.float64, dense=False, training=True) < training
    assert size(dtype=np.float32, dense=True, training=True) < 0.6 * training
