"""Starting values of the parameters.

To add an initialiser, write a function of (n_in, n_out, random_state) that draws the weights of a layer, and put it
in :data:`INITIALISERS`. Biases start at 0, except under ``auto`` as scikit-learn draws them; scales and running
variances of normalisation at 1, shifts and running means at 0.
"""

import numpy as np


def glorot_uniform(n_in, n_out, random_state):
    """Uniform in ±√(6 / (n_in + n_out)) (Glorot & Bengio, AISTATS 2010)."""
    bound = np.sqrt(6.0 / (n_in + n_out))
    return random_state.uniform(-bound, bound, (n_in, n_out))


def glorot_normal(n_in, n_out, random_state):
    """Normal of variance 2 / (n_in + n_out) (Glorot & Bengio, AISTATS 2010)."""
    return random_state.normal(0.0, np.sqrt(2.0 / (n_in + n_out)), (n_in, n_out))


def he_uniform(n_in, n_out, random_state):
    """Uniform in ±√(6 / n_in) (He et al., ICCV 2015)."""
    bound = np.sqrt(6.0 / n_in)
    return random_state.uniform(-bound, bound, (n_in, n_out))


def he_normal(n_in, n_out, random_state):
    """Normal of variance 2 / n_in (He et al., ICCV 2015)."""
    return random_state.normal(0.0, np.sqrt(2.0 / n_in), (n_in, n_out))


def lecun_normal(n_in, n_out, random_state):
    """Normal of variance 1 / n_in (LeCun et al., Efficient BackProp, 1998)."""
    return random_state.normal(0.0, np.sqrt(1.0 / n_in), (n_in, n_out))


def orthogonal(n_in, n_out, random_state):
    """Orthonormal columns, or rows where there are more columns (Saxe, McClelland & Ganguli, ICLR 2014)."""
    tall = random_state.normal(size=(max(n_in, n_out), min(n_in, n_out)))
    q, r = np.linalg.qr(tall)
    q *= np.where(np.diag(r) < 0.0, -1.0, 1.0)  # else the directions would not be uniformly distributed
    return q if n_in >= n_out else q.T


INITIALISERS = {
    "glorot_uniform": glorot_uniform,
    "glorot_normal": glorot_normal,
    "he_uniform": he_uniform,
    "he_normal": he_normal,
    "lecun_normal": lecun_normal,
    "orthogonal": orthogonal,
}
AUTO, NTK = "auto", "ntk"
# Which initialiser suits an activation that scikit-learn's MLP does not have; he_normal suits the others.
SUITS = {"selu": "lecun_normal", "elu": "lecun_normal"}
DRAWN_AT_ONCE = 2**15
OF_SCIKIT_LEARN = {"identity": 6.0, "logistic": 2.0, "tanh": 6.0, "relu": 6.0}


def fill_uniformly(values, bound, random_state):
    """Draw from ±bound, as one call would, but some at a time: that takes half as long as in fresh memory."""
    for start in range(0, values.size, DRAWN_AT_ONCE):
        part = values[start : start + DRAWN_AT_ONCE]
        part[...] = random_state.uniform(-bound, bound, part.size)


def initialise(name, network, activation, random_state, dtype):
    """A new parameter vector.

    ``'auto'`` draws, for scikit-learn's four activations and for the output layer, weights and biases uniform in
    ±√(6 / (n_in + n_out)) (2 for 6 after logistic), in the order in which scikit-learn's MLP draws them, and else
    what suits the activation. ``'ntk'`` draws weights from N(0, 1 / n_in) and biases from N(0, 1), and lets the output
    layer start at 0, as RealMLP-TD-S (Holzmüller, Grinsztajn & Steinwart, NeurIPS 2024).

    Parameters
    ----------
    name : str
        ``'auto'``, ``'ntk'`` or a key of :data:`INITIALISERS`.
    network : skmlp.network.layout.Network
    activation : str
        The activation whose factor the output layer takes: that of the last hidden layer.
    random_state : numpy.random.RandomState
    dtype : dtype
    """
    vector = network.zeros(dtype)
    layout = network.layout
    names = [*network.activations, activation if activation in OF_SCIKIT_LEARN else "identity"]
    layers = list(zip(layout.weights(vector), layout.biases(vector), names, strict=True))
    for weights, bias, function in layers[:-1] if name == NTK else layers:
        if name == AUTO and function in OF_SCIKIT_LEARN:
            bound = np.sqrt(OF_SCIKIT_LEARN[function] / sum(weights.shape))
            fill_uniformly(weights.reshape(-1), bound, random_state)
            bias[...] = random_state.uniform(-bound, bound, bias.shape)
        elif name == NTK:
            weights[...] = lecun_normal(*weights.shape, random_state)
            bias[...] = random_state.normal(size=bias.shape)
        else:
            draw = INITIALISERS[SUITS.get(function, "he_normal") if name == AUTO else name]
            weights[...] = draw(*weights.shape, random_state)
    if layout.scaled:
        raw, scales = layout.features(vector)
        raw[...], scales[...] = layers[0][0], 1.0
    normalizations = layout.normalizations(vector)
    for part in (*normalizations.get("scales", ()), *normalizations.get("variances", ())):
        part[...] = 1.0
    return vector
