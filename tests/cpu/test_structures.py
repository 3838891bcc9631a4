import numpy as np
import pytest

from skmlp.cpu.structures import SHARD_ROWS, allocate, encode
from skmlp.formulas.activations import ACTIVATIONS
from skmlp.formulas.links import LINKS
from skmlp.formulas.losses import LOSSES
from skmlp.network.layout import Layout, Network

NETWORK = Network(Layout((4, 5, 3, 2)), ("relu", "tanh"), "softmax")


def test_a_network_as_integers():
    codes = encode(NETWORK, "categorical_log_loss")
    assert [list(ACTIVATIONS)[code] for code in codes.activations] == ["relu", "tanh"]
    assert list(LOSSES)[codes.loss] == "categorical_log_loss"
    assert list(LINKS)[codes.link] == "softmax"
    assert codes.units.tolist() == [4, 5, 3, 2]
    assert codes.n_weights == NETWORK.layout.n_weights == 4 * 5 + 5 * 3 + 3 * 2


def test_offsets_are_those_of_the_layout():
    codes, vector = encode(NETWORK, "squared_error"), np.arange(NETWORK.layout.size)
    weights, biases = NETWORK.layout.weights(vector), NETWORK.layout.biases(vector)
    assert [codes.weights[i] for i in range(len(weights))] == [w[0, 0] for w in weights]
    assert [codes.biases[i] for i in range(len(biases))] == [b[0] for b in biases]


@pytest.mark.parametrize("function, loss", [("unknown", "squared_error"), ("relu", "unknown")])
def test_unknown_names_have_no_code(function, loss):
    with pytest.raises(ValueError, match="unknown"):
        encode(Network(Layout((4, 5, 2)), (function,), "identity"), loss)


def size(**keywords):
    return sum(buffer.nbytes for buffer in allocate(NETWORK, SHARD_ROWS, **keywords))


def test_workspaces_are_no_larger_than_needed():
    training = size(dtype=np.float64, dense=True, training=True)
    assert size(dtype=np.float64, dense=True, training=False) < training
    assert size(dtype=np.float64, dense=False, training=True) < training
    assert size(dtype=np.float32, dense=True, training=True) < 0.6 * training
