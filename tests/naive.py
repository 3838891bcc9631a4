"""Everything that the package computes, stated once more: slowly, plainly, in NumPy, from the definitions.

Nothing here is shared with the package or taken from it, and nothing is arranged to be fast or to survive extreme
arguments: a loss is its textbook formula on predictions, a gradient is the chain rule, a moving average is a weighted
sum over all that was ever averaged. Rows of data are rows of arrays; an array of longdouble is computed in longdouble.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

# ---------------------------------------------------------------------------------------------------------------------
# Numerical derivatives
# ---------------------------------------------------------------------------------------------------------------------


def slope_by_differences(function, x, step=1e-5):
    """Derivative of an elementwise function by central differences."""
    return (function(x + step) - function(x - step)) / (2 * step)


def gradient_by_differences(function, vector, step=1e-5):
    """Gradient of a scalar function of a vector by central differences."""
    gradient = np.empty_like(vector)
    for i in range(vector.size):
        direction = np.zeros_like(vector)
        direction[i] = step
        gradient[i] = (function(vector + direction) - function(vector - direction)) / (2 * step)
    return gradient


# ---------------------------------------------------------------------------------------------------------------------
# Activations: (function, derivative), of z
# ---------------------------------------------------------------------------------------------------------------------


def logistic(z):
    return 1 / (1 + np.exp(-z))


def tanh(z):
    return (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z))


ACTIVATIONS = {
    "identity": (lambda z: z, np.ones_like),
    "logistic": (logistic, lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2),
    "tanh": (tanh, lambda z: 4 / (np.exp(z) + np.exp(-z)) ** 2),
    "relu": (lambda z: np.where(z > 0, z, 0 * z), lambda z: np.where(z > 0, np.ones_like(z), 0 * z)),
}

# ---------------------------------------------------------------------------------------------------------------------
# Inverse links: predictions p of raw outputs z, (rows, outputs)
# ---------------------------------------------------------------------------------------------------------------------


class Link(NamedTuple):
    """``jacobian(p)`` is ∂p_j/∂z_k, (rows, outputs, outputs).

    ``raw(p)`` gives raw outputs whose prediction is p, or is very near it where p is a limit.
    """

    function: object
    jacobian: object
    raw: object


FAR = 40.0  # exp(-FAR) is as good as nothing


def diagonal(values):
    return values[:, :, None] * np.eye(values.shape[1])


def softmax(z):
    return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)


def softmax_jacobian(p):
    return diagonal(p) - p[:, :, None] * p[:, None, :]


def limited_log(p):
    return np.log(np.maximum(p, np.exp(-FAR)))


LINKS = {
    "identity": Link(lambda z: z, lambda p: diagonal(np.ones_like(p)), lambda p: p),
    "logistic": Link(logistic, lambda p: diagonal(p * (1 - p)), lambda p: limited_log(p) - limited_log(1 - p)),
    "softmax": Link(softmax, softmax_jacobian, limited_log),
    "exp": Link(np.exp, diagonal, limited_log),
}

# ---------------------------------------------------------------------------------------------------------------------
# Losses of predictions p and targets y, summed over the outputs of a row
# ---------------------------------------------------------------------------------------------------------------------


class Loss(NamedTuple):
    """``value(p, y)`` of each row; ``slope(p, y)`` is its derivative in each prediction.

    ``draw(random, rows, outputs)`` makes targets, ``ideal(y, outputs)`` the predictions that meet them exactly.
    """

    link: str
    value: object
    slope: object
    draw: object
    ideal: object = lambda y, outputs: y


def one_hot(y, outputs):
    return (y == np.arange(outputs)).astype(y.dtype)


def binary_log_loss(p, y):
    return -(y * np.log(p) + (1 - y) * np.log(1 - p)).sum(axis=1)


def binary_log_loss_slope(p, y):
    return -y / p + (1 - y) / (1 - p)


def categorical_log_loss(p, y):
    return -(one_hot(y, p.shape[1]) * np.log(p)).sum(axis=1)


def categorical_log_loss_slope(p, y):
    return -one_hot(y, p.shape[1]) / p


def squared_error(p, y):
    return ((p - y) ** 2 / 2).sum(axis=1)


def squared_error_slope(p, y):
    return p - y


def poisson(p, y):
    logarithm = np.log(np.where(y > 0, y, 1) / np.where(y > 0, p, 1))  # 0 log 0 is 0
    return (y * logarithm - y + p).sum(axis=1)


def poisson_slope(p, y):
    return 1 - y / p


LOSSES = {
    "binary_log_loss": Loss(
        "logistic",
        binary_log_loss,
        binary_log_loss_slope,
        lambda random, rows, outputs: random.integers(0, 2, (rows, outputs)).astype(float),
    ),
    "categorical_log_loss": Loss(
        "softmax",
        categorical_log_loss,
        categorical_log_loss_slope,
        lambda random, rows, outputs: random.integers(0, outputs, (rows, 1)).astype(float),
        one_hot,
    ),
    "squared_error": Loss(
        "identity",
        squared_error,
        squared_error_slope,
        lambda random, rows, outputs: random.normal(size=(rows, outputs)),
    ),
    "poisson": Loss(
        "exp",
        poisson,
        poisson_slope,
        lambda random, rows, outputs: random.poisson(1.5, (rows, outputs)).astype(float),
    ),
}


def loss_values(name, z, y):
    """Loss of each row of raw outputs."""
    loss = LOSSES[name]
    return loss.value(LINKS[loss.link].function(z), y)


def loss_gradient(name, z, y):
    """Gradient in the raw outputs, by the chain rule."""
    loss = LOSSES[name]
    p = LINKS[loss.link].function(z)
    jacobian = LINKS[loss.link].jacobian(p)
    return (loss.slope(p, y)[:, :, None] * jacobian).sum(axis=1)


# ---------------------------------------------------------------------------------------------------------------------
# Penalty
# ---------------------------------------------------------------------------------------------------------------------


def penalty(w, l1, l2):
    """Elastic net, value by value."""
    return l1 * np.abs(w) + l2 / 2 * w**2


def penalty_gradient(w, l1, l2):
    return l1 * np.sign(w) + l2 * w


# ---------------------------------------------------------------------------------------------------------------------
# Network
# ---------------------------------------------------------------------------------------------------------------------


class Network:
    """Fully connected layers: lists of weights (n_in, n_out) and biases (n_out,), names of the hidden activations."""

    def __init__(self, weights, biases, activations, loss):
        self.weights, self.biases, self.activations, self.loss = weights, biases, activations, loss

    @classmethod
    def from_vector(cls, vector, units, activations, loss):
        """A network whose parameters stand in one vector: all weights row by row, then all biases."""
        values = iter(vector)
        weights = [
            np.array([[next(values) for _ in range(n_out)] for _ in range(n_in)]) for n_in, n_out in pairwise(units)
        ]
        biases = [np.array([next(values) for _ in range(n_out)]) for n_out in units[1:]]
        assert next(values, None) is None
        return cls(weights, biases, activations, loss)

    def forward(self, X):
        """The input of each layer, and its z = input · weights + bias."""
        inputs, zs = [X], []
        for layer, (weights, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            zs.append(inputs[-1] @ weights + bias)
            if layer < len(self.activations):
                inputs.append(ACTIVATIONS[self.activations[layer]][0](zs[-1]))
        return inputs, zs

    def raw(self, X):
        return self.forward(X)[1][-1]

    def predict(self, X):
        return LINKS[LOSSES[self.loss].link].function(self.raw(X))

    def losses(self, X, y):
        """Loss of each row."""
        return loss_values(self.loss, self.raw(X), y)

    def backpropagate(self, X, y, row_weights):
        """Gradient of Σ row weight · loss, as lists for the weights and the biases."""
        inputs, zs = self.forward(X)
        delta = row_weights[:, None] * loss_gradient(self.loss, zs[-1], y)
        weights, biases = [], []
        for layer in reversed(range(len(self.weights))):
            weights.insert(0, inputs[layer].T @ delta)
            biases.insert(0, delta.sum(axis=0))
            if layer > 0:
                delta = delta @ self.weights[layer].T
                delta = delta * ACTIVATIONS[self.activations[layer - 1]][1](zs[layer - 1])
        return weights, biases

    def objective(self, X, y, row_weights, l1, l2):
        """(Σ row weight · loss + penalty of the weights) / Σ row weight, and its gradient as one vector."""
        total = (row_weights * self.losses(X, y)).sum() + sum(penalty(w, l1, l2).sum() for w in self.weights)
        weights, biases = self.backpropagate(X, y, row_weights)
        weights = [g + penalty_gradient(w, l1, l2) for g, w in zip(weights, self.weights, strict=True)]
        gradient = np.concatenate([part.ravel() for part in weights + biases])
        return total / row_weights.sum(), gradient / row_weights.sum()


# ---------------------------------------------------------------------------------------------------------------------
# Optimisers: step(w, gradient, rate) returns the new parameters
# ---------------------------------------------------------------------------------------------------------------------


def fading_sum(values, factor):
    """Σ factor^(t - i) · value_i over all values so far, of which there are t."""
    return sum(factor ** (len(values) - 1 - i) * value for i, value in enumerate(values))


class Sgd:
    """Heavy-ball momentum; Nesterov's looks one step ahead. Momentum 0 is plain gradient descent."""

    def __init__(self, momentum, nesterov, **others):
        self.momentum, self.nesterov, self.steps = momentum, nesterov, []

    def step(self, w, gradient, rate):
        self.steps.append(-rate * gradient)
        velocity = fading_sum(self.steps, self.momentum)
        return w + (self.momentum * velocity - rate * gradient if self.nesterov else velocity)


class Adam:
    """Moments corrected for their start at 0; ε goes with the uncorrected root of the second."""

    def __init__(self, beta_1, beta_2, epsilon, **others):
        self.beta_1, self.beta_2, self.epsilon, self.gradients = beta_1, beta_2, epsilon, []

    def step(self, w, gradient, rate):
        self.gradients.append(gradient)
        t = len(self.gradients)
        first = (1 - self.beta_1) * fading_sum(self.gradients, self.beta_1)
        second = (1 - self.beta_2) * fading_sum([g**2 for g in self.gradients], self.beta_2)
        corrected_first = first / (1 - self.beta_1**t)
        corrected_root = (np.sqrt(second) + self.epsilon) / np.sqrt(1 - self.beta_2**t)
        return w - rate * corrected_first / corrected_root


class Rmsprop:
    """Divides by the root of a moving average of squared gradients."""

    def __init__(self, rho, epsilon, **others):
        self.rho, self.epsilon, self.squares = rho, epsilon, []

    def step(self, w, gradient, rate):
        self.squares.append(gradient**2)
        average = (1 - self.rho) * fading_sum(self.squares, self.rho)
        return w - rate * gradient / (np.sqrt(average) + self.epsilon)


class KeepGradient:
    """Moves nothing."""

    def __init__(self, **others):
        pass

    def step(self, w, gradient, rate):
        return w


OPTIMISERS = {"sgd": Sgd, "adam": Adam, "rmsprop": Rmsprop, "keep_gradient": KeepGradient}

SETTINGS = {"momentum": 0.9, "nesterov": 1.0, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8, "rho": 0.9}

# ---------------------------------------------------------------------------------------------------------------------
# Training
# ---------------------------------------------------------------------------------------------------------------------


class Epoch(NamedTuple):
    """What one pass has left: parameters, mean loss, and the predictions row by row in the order of the pass."""

    vector: np.ndarray
    loss: float
    predictions: np.ndarray


def epoch(vector, make_network, X, y, row_weights, order, batch_size, optimiser, rates, l1=0.0, l2=0.0):
    """One pass over the rows ``order``; ``make_network`` turns a vector into a :class:`Network`.

    The loss is the mean over the rows of those batches that were not skipped, each row with the objective of its
    batch before the step. A batch without weight is skipped; its predictions are NaN.
    """
    losses, predictions = [], []
    starts = range(0, len(order), batch_size)
    for start, rate in zip(starts, rates, strict=True):
        rows = order[start : start + batch_size]
        network = make_network(vector)
        p = network.predict(X[rows])
        if row_weights[rows].sum() == 0:
            predictions.append(np.full_like(p, np.nan))
            continue
        loss, gradient = network.objective(X[rows], y[rows], row_weights[rows], l1, l2)
        losses += [loss] * len(rows)
        predictions.append(p)
        vector = optimiser.step(vector, gradient, rate)
    mean = np.mean(losses) if losses else np.nan
    return Epoch(vector, mean, np.concatenate(predictions))


# ---------------------------------------------------------------------------------------------------------------------
# Starting values
# ---------------------------------------------------------------------------------------------------------------------


def starting_values(units, activations, output_activation, random_state):
    """Uniform draws within ±√(6 / (n_in + n_out)), 2 in place of 6 after a logistic unit; lists of weights, biases."""
    weights, biases = [], []
    for (n_in, n_out), name in zip(pairwise(units), [*activations, output_activation], strict=True):
        limit = np.sqrt((2 if name == "logistic" else 6) / (n_in + n_out))
        weights.append(random_state.uniform(-limit, limit, (n_in, n_out)))
        biases.append(random_state.uniform(-limit, limit, n_out))
    return weights, biases
