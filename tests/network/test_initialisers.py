"""Starting values of the parameters."""

import numpy as np
import pytest
from scipy import stats
from sklearn.neural_network import MLPClassifier, MLPRegressor

from skmlp.formulas.activations import ACTIVATIONS as formulas
from skmlp.network.initialisers import AUTO, INITIALISERS, NTK, initialise
from skmlp.network.layout import Layout, Network
from tests import naive

ACTIVATIONS = ["identity", "logistic", "tanh", "relu"]
HIDDEN = {"none": (), "one": (7,), "two": (7, 5)}
hidden_layers = pytest.mark.parametrize("hidden", HIDDEN.values(), ids=HIDDEN)


def starting_values(units, activations, output_activation, seed, dtype="float64", name=AUTO):
    """Lists of the weights and biases."""
    network = Network(Layout(units), activations, "identity")
    vector = initialise(name, network, output_activation, np.random.RandomState(seed), dtype)
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


# Family and variance.
DISTRIBUTIONS = {
    "glorot_uniform": ("uniform", lambda n_in, n_out: 2.0 / (n_in + n_out)),
    "glorot_normal": ("normal", lambda n_in, n_out: 2.0 / (n_in + n_out)),
    "he_uniform": ("uniform", lambda n_in, n_out: 2.0 / n_in),
    "he_normal": ("normal", lambda n_in, n_out: 2.0 / n_in),
    "lecun_normal": ("normal", lambda n_in, n_out: 1.0 / n_in),
}


def test_every_initialiser_is_tested():
    assert INITIALISERS.keys() == DISTRIBUTIONS.keys() | {"orthogonal"}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("units", [(300, 500, 1), (500, 200, 1)], ids=str)
def test_distributions(name, units):
    """By the Kolmogorov-Smirnov statistic, whose 99.9 % point for so many draws is 2 / √n."""
    (weights, last), biases = starting_values(units, ("relu",), "relu", 1, name=name)
    family, variance = DISTRIBUTIONS[name]
    deviation = np.sqrt(variance(*units[:2]))
    if family == "uniform":
        bound = np.sqrt(3.0) * deviation
        assert 0.999 * bound < np.abs(weights).max() <= bound
        expected = stats.uniform(-bound, 2.0 * bound)
    else:
        expected = stats.norm(0.0, deviation)
    assert stats.kstest(weights.ravel(), expected.cdf).statistic < 2.0 / np.sqrt(weights.size)
    np.testing.assert_allclose(last.std(), np.sqrt(variance(*units[1:])), rtol=0.2)
    assert not any(bias.any() for bias in biases)


def test_ntk_starts_as_a_network_of_normal_numbers_over_the_root_of_the_inputs():
    """Biases of variance 1, an output of 0: the statistics of Kolmogorov and Smirnov as above."""
    (first, second, last), (bias, second_bias, last_bias) = starting_values(
        (300, 400, 500, 3), ("relu", "selu"), "relu", 1, name=NTK
    )
    for values, deviation in ((first, 300**-0.5), (second, 400**-0.5), (bias, 1.0), (second_bias, 1.0)):
        statistic = stats.kstest(values.ravel(), stats.norm(0.0, deviation).cdf).statistic
        assert statistic < 2.0 / np.sqrt(values.size)
    assert not last.any() and not last_bias.any()


def test_ntk_without_a_hidden_layer_starts_at_0():
    (weights,), (bias,) = starting_values((4, 2), (), "relu", 0, name=NTK)
    assert not weights.any() and not bias.any()


@pytest.mark.parametrize("name", [AUTO, NTK, *INITIALISERS])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scales_of_features_start_at_1_and_change_no_draw(name, dtype):
    plain, scaled = (Network(Layout((4, 5, 2), "batch", scaled), ("relu",), "identity") for scaled in (False, True))
    one, other = (initialise(name, each, "relu", np.random.RandomState(3), dtype) for each in (plain, scaled))
    start, _, end = scaled.layout.feature_offsets
    np.testing.assert_array_equal(np.delete(other, np.s_[start:end]), one)
    raw, scales = scaled.layout.features(other)
    np.testing.assert_array_equal(raw, scaled.layout.weights(other)[0])
    np.testing.assert_array_equal(scales, 1.0)


@pytest.mark.parametrize("n_in, n_out", [(7, 7), (9, 4), (3, 8), (1, 5)])
def test_orthogonal(n_in, n_out):
    (weights,), (bias,) = starting_values((n_in, n_out), (), "relu", 2, name="orthogonal")
    products = weights.T @ weights if n_in >= n_out else weights @ weights.T
    np.testing.assert_allclose(products, np.eye(min(n_in, n_out)), atol=1e-14)
    assert not bias.any()


def test_orthogonal_directions_are_uniformly_distributed():
    """The angle of the first column of a 2 × 2 matrix, and whether it is a rotation or a reflection, are even."""
    drawn = [starting_values((2, 2), (), "relu", seed, name="orthogonal")[0][0] for seed in range(600)]
    angles = np.array([np.arctan2(weights[1, 0], weights[0, 0]) for weights in drawn])
    assert stats.kstest(angles, stats.uniform(-np.pi, 2.0 * np.pi).cdf).statistic < 2.0 / np.sqrt(600)
    assert 240 < sum(np.linalg.det(weights) > 0.0 for weights in drawn) < 360


@pytest.mark.parametrize(
    "activation, variance",
    [("leaky_relu", 2.0), ("elu", 1.0), ("selu", 1.0), ("gelu", 2.0), ("silu", 2.0), ("mish", 2.0), ("softplus", 2.0)],
)
def test_auto_chooses_what_suits_the_activation(activation, variance):
    """Variance by inputs, no biases; the output layer is drawn as behind the identity, biases too."""
    (weights, last), (bias, last_bias) = starting_values((300, 400, 50), (activation,), activation, 0)
    np.testing.assert_allclose(weights.std(), np.sqrt(variance / 300), rtol=0.01)
    assert stats.kstest(weights.ravel() / weights.std(), stats.norm.cdf).statistic < 0.01
    assert not bias.any()
    bound = np.sqrt(6.0 / 450)
    for values in (last, last_bias):
        assert 0.9 * bound < np.abs(values).max() <= bound


def test_auto_knows_every_activation():
    for activation in formulas:
        (weights, _), _ = starting_values((4, 5, 2), (activation,), activation, 0)
        assert np.isfinite(weights).all() and weights.any()


@pytest.mark.parametrize("name", [AUTO, NTK, *INITIALISERS])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_initialiser_fills_a_vector_and_follows_the_random_state(name, dtype):
    network = Network(Layout((4, 5, 2)), ("relu",), "identity")
    draw = [initialise(name, network, "relu", np.random.RandomState(seed), dtype) for seed in (0, 0, 1)]
    assert draw[0].shape == (network.layout.size,) and draw[0].dtype == dtype
    assert np.isfinite(draw[0]).all() and draw[0].any()
    np.testing.assert_array_equal(draw[0], draw[1])
    assert (draw[0] != draw[2]).any()


@pytest.mark.parametrize("name", [AUTO, NTK, *INITIALISERS])
def test_precision_changes_no_draw(name):
    network = Network(Layout((4, 5, 2)), ("relu",), "identity")
    single, double = (initialise(name, network, "relu", np.random.RandomState(3), d) for d in ("float32", "float64"))
    np.testing.assert_array_equal(single, double.astype(np.float32))
