"""Starting values of the parameters."""

import numpy as np


def auto(network, activation, random_state, dtype):
    """Weights and biases uniform in ±√(6 / (n_in + n_out)), with 2 for 6 after a logistic activation.

    Glorot & Bengio, AISTATS 2010, as scikit-learn's MLP draws them: layer by layer, weights before biases, in float64.
    The output layer takes the factor of ``activation``, that of the last hidden layer.
    """
    vector = network.zeros(dtype)
    layout = network.layout
    factors = [2.0 if name == "logistic" else 6.0 for name in (*network.activations, activation)]
    for weights, bias, factor in zip(layout.weights(vector), layout.biases(vector), factors, strict=True):
        bound = np.sqrt(factor / sum(weights.shape))
        weights[...] = random_state.uniform(-bound, bound, weights.shape)
        bias[...] = random_state.uniform(-bound, bound, bias.shape)
    return vector


INITIALISERS = {"auto": auto}
