"""Starting values of the parameters."""

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier, MLPRegressor

from skmlp.network.initialisers import INITIALISERS, auto
from skmlp.network.layout import Layout, Network
from tests import naive

ACTIVATIONS = ["identity", "logistic", "tanh", "relu"]
HIDDEN = {"none": (), "one": (7,), "two": (7, 5)}
hidden_layers = pytest.mark.parametrize("hidden", HIDDEN.values(), ids=HIDDEN)


def starting_values(units, activations, output_activation, seed, dtype="float64"):
    """Lists of the weights and biases that ``auto`` draws."""
    network = Network(Layout(units), activations, "identity")
    vector = auto(network, output_activation, np.random.RandomState(seed), dtype)
    return list(network.layout.weights(vector)), list(network.layout.biases(vector))


def assert_same(first, second):
    for ours, theirs in zip(first, second, strict=True):
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs, strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("estimator, outputs", [(MLPClassifier, 3), (MLPRegressor, 1)], ids=["classes", "values"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("seed", [0, 1])
@hidden_layers
def test_equal_to_those_of_scikit_learn_bit_for_bit(estimator, outputs, activation, seed, hidden):
    """Its step of a rate too small to be seen leaves the starting values."""
    X, y = np.random.default_rng(0).normal(size=(9, 4)), np.tile([0, 1, 2], 3)
    unmoved = {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 1e-300, "max_iter": 1}
    model = estimator(hidden_layer_sizes=hidden, activation=activation, random_state=seed, **unmoved).fit(X, y)
    ours = starting_values((4, *hidden, outputs), (activation,) * len(hidden), activation, seed)
    assert_same(ours, (model.coefs_, model.intercepts_))


@pytest.mark.parametrize(
    "activations, output_activation",
    [(("logistic", "relu"), "relu"), (("relu", "logistic"), "logistic"), (("tanh", "identity"), "logistic")],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_mixed_activations_equal_the_naive_statement(activations, output_activation, dtype):
    units = (6, 5, 4, 3)
    expected = naive.starting_values(units, activations, output_activation, np.random.RandomState(3))
    expected = [[part.astype(dtype) for part in parts] for parts in expected]
    assert_same(starting_values(units, activations, output_activation, 3, dtype), expected)


@pytest.mark.parametrize("activation, factor", [("relu", 6.0), ("logistic", 2.0)])
def test_values_fill_their_range(activation, factor):
    (weights, _), (bias, _) = starting_values((200, 300, 1), (activation,), activation, 0)
    bound = np.sqrt(factor / 500.0)
    for values in (weights, bias):
        assert 0.95 * bound < np.abs(values).max() <= bound
    np.testing.assert_allclose(weights.std(), bound / np.sqrt(3.0), rtol=0.01)
    np.testing.assert_allclose(weights.mean(), 0.0, atol=0.01 * bound)


@pytest.mark.parametrize("name", INITIALISERS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_initialiser_fills_a_vector_and_follows_the_random_state(name, dtype):
    network = Network(Layout((4, 5, 2)), ("relu",), "identity")
    draw = [INITIALISERS[name](network, "relu", np.random.RandomState(seed), dtype) for seed in (0, 0, 1)]
    assert draw[0].shape == (network.layout.size,) and draw[0].dtype == dtype
    assert np.isfinite(draw[0]).all() and draw[0].any()
    np.testing.assert_array_equal(draw[0], draw[1])
    assert (draw[0] != draw[2]).any()
