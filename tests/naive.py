"""Everything that the package computes, stated once more: slowly, plainly, in NumPy, from the definitions.

Nothing here is shared with the package or taken from it, and nothing is arranged to be fast or to survive extreme
arguments: a loss is its textbook formula on predictions, a gradient is the chain rule, a moving average is a weighted
sum over all that was ever averaged. Rows of data are rows of arrays; an array of longdouble is computed in longdouble.
"""

from itertools import pairwise
from math import erfc
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


def normal_density(z):
    return np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)


def normal_distribution(z):
    return np.vectorize(erfc, otypes=[float])(-z / np.sqrt(2)) / 2


def softplus(z):
    return np.log(1 + np.exp(z))


SELU_ALPHA, SELU_LAMBDA = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


ACTIVATIONS = {
    "identity": (lambda z: z, np.ones_like),
    "logistic": (logistic, lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2),
    "tanh": (tanh, lambda z: 4 / (np.exp(z) + np.exp(-z)) ** 2),
    "relu": (lambda z: np.where(z > 0, z, 0 * z), lambda z: np.where(z > 0, np.ones_like(z), 0 * z)),
    "leaky_relu": (lambda z: np.maximum(z, z / 100), lambda z: np.where(z > 0, 1.0, 0.01)),
    "elu": (lambda z: np.where(z > 0, z, np.exp(z) - 1), lambda z: np.where(z > 0, 1.0, np.exp(z))),
    "selu": (
        lambda z: SELU_LAMBDA * np.where(z > 0, z, SELU_ALPHA * (np.exp(z) - 1)),
        lambda z: SELU_LAMBDA * np.where(z > 0, 1.0, SELU_ALPHA * np.exp(z)),
    ),
    "gelu": (
        lambda z: z * normal_distribution(z),
        lambda z: normal_distribution(z) + z * normal_density(z),
    ),
    "silu": (lambda z: z * logistic(z), lambda z: logistic(z) * (1 + z * (1 - logistic(z)))),
    "mish": (
        lambda z: z * tanh(softplus(z)),
        lambda z: tanh(softplus(z)) + z * logistic(z) / np.cosh(softplus(z)) ** 2,
    ),
    "softplus": (softplus, logistic),
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


FAR = 60.0  # exp(-FAR) is as good as nothing


def diagonal(values):
    return values[:, :, None] * np.eye(values.shape[1])


def softmax(z):
    return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)


def softmax_jacobian(p):
    return diagonal(p) - p[:, :, None] * p[:, None, :]


def limited_log(p):
    return np.log(np.maximum(p, np.exp(-FAR)))


def increasing(z):
    return np.cumsum(np.hstack([z[:, :1], softplus(z[:, 1:])]), axis=1)


def increasing_jacobian(p):
    """Output j rests on the raw outputs up to j; d = softplus(z) has the derivative 1 - exp(-d)."""
    slopes = np.hstack([np.ones_like(p[:, :1]), 1 - np.exp(-np.diff(p, axis=1))])
    return np.tril(np.ones((p.shape[1],) * 2)) * slopes[:, None, :]


def increasing_raw(p):
    return np.hstack([p[:, :1], limited_log(np.exp(np.diff(p, axis=1)) - 1)])


LINKS = {
    "identity": Link(lambda z: z, lambda p: diagonal(np.ones_like(p)), lambda p: p),
    "logistic": Link(logistic, lambda p: diagonal(p * (1 - p)), lambda p: limited_log(p) - limited_log(1 - p)),
    "softmax": Link(softmax, softmax_jacobian, limited_log),
    "exp": Link(np.exp, diagonal, limited_log),
    "increasing": Link(increasing, increasing_jacobian, increasing_raw),
}

# ---------------------------------------------------------------------------------------------------------------------
# Losses of predictions p and targets y, summed over the outputs of a row
# ---------------------------------------------------------------------------------------------------------------------


class LossSettings(NamedTuple):
    """Parameters of the losses; ``levels`` of quantiles, one an output."""

    label_smoothing: float = 0.0
    focal_gamma: float = 2.0
    delta: float = 1.0
    levels: tuple = ()


class Loss(NamedTuple):
    """``value(p, y, s)`` of each row; ``slope(p, y, s)`` is its derivative in each prediction; ``s`` the settings.

    ``draw(random, rows, outputs)`` makes targets, ``ideal(y, outputs)`` the predictions that meet them exactly.
    ``kinks(p, y, s)`` is 0 where the loss or its slope has a kink.
    """

    link: str
    value: object
    slope: object
    draw: object
    ideal: object = lambda y, outputs: y
    kinks: object = lambda p, y, s: np.ones(1)


def one_hot(y, outputs):
    return (y == np.arange(outputs)).astype(y.dtype)


def smooth(shares, classes, s):
    """Of each true share, so much is given to all classes alike."""
    return (1 - s.label_smoothing) * shares + s.label_smoothing / classes


def binary_log_loss(p, y, s):
    y = smooth(y, 2, s)
    return -(y * np.log(p) + (1 - y) * np.log(1 - p)).sum(axis=1)


def binary_log_loss_slope(p, y, s):
    y = smooth(y, 2, s)
    return -y / p + (1 - y) / (1 - p)


def categorical_log_loss(p, y, s):
    return -(smooth(one_hot(y, p.shape[1]), p.shape[1], s) * np.log(p)).sum(axis=1)


def categorical_log_loss_slope(p, y, s):
    return -smooth(one_hot(y, p.shape[1]), p.shape[1], s) / p


def focus(p, s):
    """The focal loss of the probability of what is true."""
    return -((1 - p) ** s.focal_gamma) * np.log(p)


def focus_slope(p, s):
    return s.focal_gamma * (1 - p) ** (s.focal_gamma - 1) * np.log(p) - (1 - p) ** s.focal_gamma / p


def binary_focal(p, y, s):
    return focus(np.where(y == 1, p, 1 - p), s).sum(axis=1)


def binary_focal_slope(p, y, s):
    return np.where(y == 1, focus_slope(p, s), -focus_slope(1 - p, s))


def categorical_focal(p, y, s):
    return (one_hot(y, p.shape[1]) * focus(p, s)).sum(axis=1)


def categorical_focal_slope(p, y, s):
    return one_hot(y, p.shape[1]) * focus_slope(p, s)


def squared_error(p, y, s):
    return ((p - y) ** 2 / 2).sum(axis=1)


def squared_error_slope(p, y, s):
    return p - y


def absolute_error(p, y, s):
    return np.abs(p - y).sum(axis=1)


def absolute_error_slope(p, y, s):
    return np.sign(p - y)


def huber(p, y, s):
    r = np.abs(p - y)
    return np.where(r <= s.delta, r**2 / 2, s.delta * r - s.delta**2 / 2).sum(axis=1)


def huber_slope(p, y, s):
    return np.clip(p - y, -s.delta, s.delta)


def huber_kinks(p, y, s):
    return np.abs(p - y) - s.delta


def log_cosh(p, y, s):
    return np.log(np.cosh(p - y)).sum(axis=1)


def log_cosh_slope(p, y, s):
    return tanh(p - y)


def quantile(p, y, s):
    """What is missed by weighs the level where the prediction is too low, and the rest to 1 where it is too high."""
    low, high = np.maximum(y - p, 0), np.maximum(p - y, 0)
    return (np.array(s.levels) * low + (1 - np.array(s.levels)) * high).sum(axis=1)


def quantile_slope(p, y, s):
    return (1 - np.array(s.levels)) * (p > y) - np.array(s.levels) * (p < y)


def poisson(p, y, s):
    logarithm = np.log(np.where(y > 0, y, 1) / np.where(y > 0, p, 1))  # 0 log 0 is 0
    return (y * logarithm - y + p).sum(axis=1)


def poisson_slope(p, y, s):
    return 1 - y / p


def gamma(p, y, s):
    return (y / p - 1 - np.log(y / p)).sum(axis=1)


def gamma_slope(p, y, s):
    return (p - y) / p**2


def draw_labels(random, rows, outputs):
    return random.integers(0, 2, (rows, outputs)).astype(float)


def draw_classes(random, rows, outputs):
    return random.integers(0, outputs, (rows, 1)).astype(float)


def draw_values(random, rows, outputs):
    return random.normal(size=(rows, outputs))


def draw_one_value(random, rows, outputs):
    return random.normal(size=(rows, 1))


def draw_counts(random, rows, outputs):
    return random.poisson(1.5, (rows, outputs)).astype(float)


def draw_amounts(random, rows, outputs):
    return random.gamma(2.0, 0.7, (rows, outputs))


def residual(p, y, s):
    return p - y


LOSSES = {
    "binary_log_loss": Loss("logistic", binary_log_loss, binary_log_loss_slope, draw_labels),
    "categorical_log_loss": Loss("softmax", categorical_log_loss, categorical_log_loss_slope, draw_classes, one_hot),
    "binary_focal": Loss("logistic", binary_focal, binary_focal_slope, draw_labels),
    "categorical_focal": Loss("softmax", categorical_focal, categorical_focal_slope, draw_classes, one_hot),
    "squared_error": Loss("identity", squared_error, squared_error_slope, draw_values),
    "absolute_error": Loss("identity", absolute_error, absolute_error_slope, draw_values, kinks=residual),
    "huber": Loss("identity", huber, huber_slope, draw_values, kinks=huber_kinks),
    "log_cosh": Loss("identity", log_cosh, log_cosh_slope, draw_values),
    "quantile": Loss(
        "increasing",
        quantile,
        quantile_slope,
        draw_one_value,
        lambda y, outputs: np.repeat(y, outputs, axis=1),
        residual,
    ),
    "poisson": Loss("exp", poisson, poisson_slope, draw_counts),
    "gamma": Loss("exp", gamma, gamma_slope, draw_amounts),
}

# Losses with parameters other than the usual ones: loss, parameters.
LOSS_VARIANTS = {
    "binary_log_loss, smoothed": ("binary_log_loss", {"label_smoothing": 0.2}),
    "categorical_log_loss, smoothed": ("categorical_log_loss", {"label_smoothing": 0.3}),
    "binary_focal, gamma 0": ("binary_focal", {"focal_gamma": 0.0}),
    "binary_focal, gamma 0.5": ("binary_focal", {"focal_gamma": 0.5}),
    "categorical_focal, gamma 3.5": ("categorical_focal", {"focal_gamma": 3.5}),
    "huber, delta 0.3": ("huber", {"delta": 0.3}),
}


def loss_settings(name, outputs, **settings):
    """The settings of a loss; levels of quantiles lie evenly unless given."""
    if name == "quantile":
        settings = {"levels": tuple((k + 1.0) / (outputs + 1.0) for k in range(outputs))} | settings
    return LossSettings(**settings)


def loss_values(name, z, y, **settings):
    """Loss of each row of raw outputs."""
    loss = LOSSES[name]
    return loss.value(LINKS[loss.link].function(z), y, loss_settings(name, z.shape[1], **settings))


def loss_gradient(name, z, y, **settings):
    """Gradient in the raw outputs, by the chain rule."""
    loss = LOSSES[name]
    p = LINKS[loss.link].function(z)
    jacobian = LINKS[loss.link].jacobian(p)
    return (loss.slope(p, y, loss_settings(name, z.shape[1], **settings))[:, :, None] * jacobian).sum(axis=1)


def from_kinks(name, z, y, **settings):
    """How near a kink of the loss the rows come."""
    loss = LOSSES[name]
    kinks = loss.kinks(LINKS[loss.link].function(z), y, loss_settings(name, z.shape[1], **settings))
    return np.abs(kinks).min()


# ---------------------------------------------------------------------------------------------------------------------
# Penalty
# ---------------------------------------------------------------------------------------------------------------------


def penalty(w, l1, l2):
    """Elastic net, value by value."""
    return l1 * np.abs(w) + l2 / 2 * w**2


def penalty_gradient(w, l1, l2):
    return l1 * np.sign(w) + l2 * w


# ---------------------------------------------------------------------------------------------------------------------
# Normalisation
# ---------------------------------------------------------------------------------------------------------------------


def standardized(values, shares):
    """Values less their mean, over the root of their variance, each value with its share in both."""
    mean = shares @ values
    return (values - mean) / np.sqrt(shares @ (values - mean) ** 2 + 1e-5)


def standardized_jacobian(values, shares):
    """The derivative of each standardized value (row) in each value (column): quotient rule."""
    mean = shares @ values
    root = np.sqrt(shares @ (values - mean) ** 2 + 1e-5)
    variance_slopes = 2 * shares * (values - mean)
    return (np.eye(len(values)) - shares) / root - np.outer(values - mean, variance_slopes) / (2 * root**3)


class Layerwise:
    """Each row is standardized over the units, then scaled and shifted."""

    def __init__(self, scale, shift):
        self.scale, self.shift = scale, shift

    def standard(self, u, row_weights):
        return np.array([standardized(row, np.full(len(row), 1 / len(row))) for row in u])

    def forward(self, u, row_weights):
        return self.scale * self.standard(u, row_weights) + self.shift

    def back(self, delta, u, row_weights):
        shares = np.full(u.shape[1], 1 / u.shape[1])
        return np.array(
            [(self.scale * d) @ standardized_jacobian(row, shares) for d, row in zip(delta, u, strict=True)]
        )

    def bias_gradient(self, delta, row_weights):
        """``delta`` in what was normalised."""
        return delta.sum(axis=0)

    def after(self, u, row_weights):
        """The running averages after a batch."""
        return []


class Batchwise(Layerwise):
    """Each unit is standardized over the rows by their weights, or, for want of two such rows, by running averages.

    ``row_weights`` None is prediction, by the running averages.
    """

    def __init__(self, scale, shift, mean, variance):
        super().__init__(scale, shift)
        self.mean, self.variance = mean, variance

    def by_averages(self, row_weights):
        return row_weights is None or np.count_nonzero(row_weights) < 2

    def standard(self, u, row_weights):
        if self.by_averages(row_weights):
            return (u - self.mean) / np.sqrt(self.variance + 1e-5)
        return np.transpose([standardized(column, row_weights / row_weights.sum()) for column in u.T])

    def back(self, delta, u, row_weights):
        if self.by_averages(row_weights):
            return self.scale * delta / np.sqrt(self.variance + 1e-5)
        shares = row_weights / row_weights.sum()
        columns = zip(self.scale, delta.T, u.T, strict=True)
        return np.transpose([(scale * d) @ standardized_jacobian(column, shares) for scale, d, column in columns])

    def bias_gradient(self, delta, row_weights):
        """The mean of the rows takes a bias out again."""
        return delta.sum(axis=0) if self.by_averages(row_weights) else np.zeros(delta.shape[1])

    def after(self, u, row_weights):
        if np.count_nonzero(row_weights) == 1:
            (row,) = u[row_weights > 0]
            return [0.9 * self.mean + 0.1 * row, 0.9 * self.variance + 0.09 * (row - self.mean) ** 2]
        mean = np.average(u, axis=0, weights=row_weights)
        variance = np.average((u - mean) ** 2, axis=0, weights=row_weights)
        return [0.9 * self.mean + 0.1 * mean, 0.9 * self.variance + 0.1 * variance]


class Unnormalized(Layerwise):
    """Passes on what it is given."""

    def __init__(self):
        super().__init__(np.ones(0), np.ones(0))

    def standard(self, u, row_weights):
        return u[:, :0]

    def forward(self, u, row_weights):
        return u

    def back(self, delta, u, row_weights):
        return delta


NORMALIZATIONS = {"batch": (Batchwise, 4), "layer": (Layerwise, 2), None: (Unnormalized, 0)}

# ---------------------------------------------------------------------------------------------------------------------
# Network
# ---------------------------------------------------------------------------------------------------------------------


class Network:
    """Fully connected layers: lists of weights (n_in, n_out) and biases (n_out,), names of the hidden activations.

    Passes are those of training on a batch with ``row_weights``, or, with None, of prediction. ``features`` are the
    parameters in the place of the first weights, which are s_i v_ij: (v, s), or None.
    """

    def __init__(self, weights, biases, activations, loss, loss_settings=None, normalizations=None, features=None):
        self.weights, self.biases, self.activations, self.features = weights, biases, activations, features
        self.loss, self.loss_settings = loss, loss_settings or {}
        self.normalizations = normalizations or [Unnormalized() for _ in activations]

    @classmethod
    def from_vector(cls, vector, units, activations, loss, loss_settings=None, normalization=None, scaled=False):
        """A network whose parameters stand in one vector: all weights row by row, then all biases.

        They are followed by v and s of ``features``, which say what the first weights are, whatever stands there, if
        these are ``scaled``; then by the scales of all hidden layers, their shifts, running means, and running
        variances.
        """
        values = iter(vector)

        def matrix(n_in, n_out):
            return np.array([[next(values) for _ in range(n_out)] for _ in range(n_in)])

        weights = [matrix(n_in, n_out) for n_in, n_out in pairwise(units)]
        biases = [np.array([next(values) for _ in range(n_out)]) for n_out in units[1:]]
        features = (matrix(*units[:2]), np.array([next(values) for _ in range(units[0])])) if scaled else None
        if scaled:
            weights[0] = np.diag(features[1]) @ features[0]
        kind, parts = NORMALIZATIONS[normalization]
        parts = [[np.array([next(values) for _ in range(n)]) for n in units[1:-1]] for _ in range(parts)]
        assert next(values, None) is None
        normalizations = [kind(*(part[layer] for part in parts)) for layer in range(len(units) - 2)]
        return cls(weights, biases, activations, loss, loss_settings, normalizations, features)

    def settled(self, vector):
        """The vector with the first weights that (v, s) in it make."""
        if self.features is None:
            return vector
        (n_in, n_out), vector = self.weights[0].shape, vector.copy()
        start = sum(part.size for part in (*self.weights, *self.biases))
        v, s = vector[start : start + n_in * n_out], vector[start + n_in * n_out :][:n_in]
        vector[: n_in * n_out] = v * np.repeat(s, n_out)
        return vector

    def forward(self, X, row_weights=None):
        """The input of each layer, its product u = input · weights + bias, and z, u normalised."""
        inputs, us, zs = [X], [], []
        for layer, (weights, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            us.append(inputs[-1] @ weights + bias)
            hidden = layer < len(self.activations)
            zs.append(self.normalizations[layer].forward(us[-1], row_weights) if hidden else us[-1])
            if hidden:
                inputs.append(ACTIVATIONS[self.activations[layer]][0](zs[-1]))
        return inputs, us, zs

    def raw(self, X, row_weights=None):
        return self.forward(X, row_weights)[2][-1]

    def predict(self, X, row_weights=None):
        return LINKS[LOSSES[self.loss].link].function(self.raw(X, row_weights))

    def losses(self, X, y, row_weights=None):
        """Loss of each row."""
        return loss_values(self.loss, self.raw(X, row_weights), y, **self.loss_settings)

    def backpropagate(self, X, y, row_weights):
        """Gradient of Σ row weight · loss, as lists for the weights, the biases, the scales and the shifts."""
        inputs, us, zs = self.forward(X, row_weights)
        delta = row_weights[:, None] * loss_gradient(self.loss, zs[-1], y, **self.loss_settings)
        weights, biases, scales, shifts = [], [delta.sum(axis=0)], [], []
        for layer in reversed(range(len(self.weights))):
            weights.insert(0, inputs[layer].T @ delta)
            if layer > 0:
                normalization, u = self.normalizations[layer - 1], us[layer - 1]
                delta = delta @ self.weights[layer].T
                delta = delta * ACTIVATIONS[self.activations[layer - 1]][1](zs[layer - 1])
                if len(normalization.scale):
                    scales.insert(0, (delta * normalization.standard(u, row_weights)).sum(axis=0))
                    shifts.insert(0, delta.sum(axis=0))
                delta = normalization.back(delta, u, row_weights)
                biases.insert(0, normalization.bias_gradient(delta, row_weights))
        return weights, biases, scales, shifts

    def objective(self, X, y, row_weights, l1, l2):
        """(Σ row weight · loss + penalty of the weights) / Σ row weight, and its gradient as one vector.

        Of (v, s) v bears the penalty, and the first weights are no parameters: theirs is 0.
        """
        weights, biases, *norms = self.backpropagate(X, y, row_weights)
        penalised, features = self.weights, []
        if self.features:
            v, s = self.features
            features, penalised = [np.diag(s) @ weights[0] + penalty_gradient(v, l1, l2)], [v, *self.weights[1:]]
            features.append((v * weights[0]).sum(axis=1))
        total = (row_weights * self.losses(X, y, row_weights)).sum() + sum(penalty(w, l1, l2).sum() for w in penalised)
        weights = [g + penalty_gradient(w, l1, l2) for g, w in zip(weights, self.weights, strict=True)]
        if self.features:
            weights[0] = np.zeros_like(weights[0])
        scales, shifts = norms
        gradient = np.concatenate([part.ravel() for part in [*weights, *biases, *features, *scales, *shifts]])
        return total / row_weights.sum(), gradient / row_weights.sum()

    def by_part(self, first, weights, biases, v, s, norms):
        """A number for each trained parameter, by what it is; ``weights`` are numbers for each layer but the first."""
        parts = [np.full(w.size, number) for w, number in zip(self.weights, [first, *weights], strict=True)]
        parts += [np.full(b.size, biases) for b in self.biases]
        parts += [np.full(part.size, number) for part, number in zip(self.features or (), (v, s), strict=False)]
        parts += [np.full(len(norm.scale), norms) for norm in self.normalizations * 2]
        return np.concatenate(parts)

    def rate_factors(self, *, ntk=False, proportional=False, biases=1.0, features=1.0):
        """Of the learning rate of each trained parameter; ``proportional``: steps are, to the gradient."""
        root = [1.0 / np.sqrt(len(w)) if ntk else 1.0 for w in self.weights]
        first, *others = [factor**2 if proportional else factor for factor in root]
        return self.by_part(first, others, biases, first, features, 1.0)

    def decaying(self):
        """Which parameters are weights."""
        return self.by_part(float(self.features is None), [1.0] * (len(self.weights) - 1), 0.0, 1.0, 0.0, 0.0)

    def averages_after(self, X, row_weights):
        """The running averages after a batch, as they stand in the vector."""
        products = self.forward(X, row_weights)[1]
        layers = [norm.after(u, row_weights) for norm, u in zip(self.normalizations, products, strict=False)]
        return np.array([value for part in zip(*layers, strict=True) for layer in part for value in layer])


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


class Corrected:
    """Adam as its paper's algorithm has it: both moments corrected for their start at 0, then ε."""

    def __init__(self, beta_1, beta_2, epsilon, **others):
        self.beta_1, self.beta_2, self.epsilon, self.gradients = beta_1, beta_2, epsilon, []

    def uncorrected_second(self):
        squares = [g**2 for g in self.gradients]
        return (1 - self.beta_2) * fading_sum(squares, self.beta_2)

    def first(self):
        t = len(self.gradients)
        return (1 - self.beta_1) * fading_sum(self.gradients, self.beta_1) / (1 - self.beta_1**t)

    def second(self):
        return self.uncorrected_second() / (1 - self.beta_2 ** len(self.gradients))

    def step(self, w, gradient, rate):
        self.gradients.append(gradient)
        return w - rate * self.first() / (np.sqrt(self.second()) + self.epsilon)


class Amsgrad(Corrected):
    """With the largest of all second moments so far; that one is corrected, as in the variant with corrections."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.moments = []

    def second(self):
        self.moments.append(self.uncorrected_second())
        return np.max(self.moments, axis=0) / (1 - self.beta_2 ** len(self.gradients))


class Nadam(Corrected):
    """The first moment of the coming step in place of this one's, with a momentum that rises from step to step.

    The moment fades by β₁; the momentum μ_i enters the correction alone, which is the variant of common libraries.
    """

    def momentum(self, i):
        return self.beta_1 * (1 - 0.5 * 0.96 ** (i / 250))

    def first(self):
        t = len(self.gradients)
        so_far = np.prod([self.momentum(i) for i in range(1, t + 1)])
        moment = (1 - self.beta_1) * fading_sum(self.gradients, self.beta_1)
        ahead = self.momentum(t + 1) * moment / (1 - so_far * self.momentum(t + 1))
        return ahead + (1 - self.momentum(t)) * self.gradients[-1] / (1 - so_far)


class Adagrad:
    """Divides by the root of the sum of all squared gradients."""

    def __init__(self, epsilon, **others):
        self.epsilon, self.squares = epsilon, []

    def step(self, w, gradient, rate):
        self.squares.append(gradient**2)
        return w - rate * gradient / (np.sqrt(sum(self.squares)) + self.epsilon)


class Adadelta:
    """The gradient, times the root mean square of the moves before over that of the gradients."""

    def __init__(self, rho, epsilon, **others):
        self.rho, self.epsilon, self.squares, self.moves = rho, epsilon, [], []

    def root_mean_square(self, squares):
        return np.sqrt((1 - self.rho) * fading_sum(squares, self.rho) + self.epsilon)

    def step(self, w, gradient, rate):
        self.squares.append(gradient**2)
        moved = self.root_mean_square([0 * gradient, *self.moves])
        move = -moved / self.root_mean_square(self.squares) * gradient
        self.moves.append(move**2)
        return w + rate * move


class Lion:
    """The sign of the gradient mixed with its moving average, which fades by another factor."""

    def __init__(self, beta_1, beta_2, **others):
        self.beta_1, self.beta_2, self.gradients = beta_1, beta_2, []

    def step(self, w, gradient, rate):
        average = (1 - self.beta_2) * fading_sum(self.gradients, self.beta_2)
        self.gradients.append(gradient)
        return w - rate * np.sign(self.beta_1 * average + (1 - self.beta_1) * gradient)


class KeepGradient:
    """Moves nothing."""

    def __init__(self, **others):
        pass

    def step(self, w, gradient, rate):
        return w


OPTIMISERS = {
    "sgd": Sgd,
    "adam": Adam,
    "adamw": Corrected,
    "nadam": Nadam,
    "amsgrad": Amsgrad,
    "rmsprop": Rmsprop,
    "adagrad": Adagrad,
    "adadelta": Adadelta,
    "lion": Lion,
    "keep_gradient": KeepGradient,
}

SETTINGS = {"momentum": 0.9, "nesterov": 1.0, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8, "rho": 0.9}

# ---------------------------------------------------------------------------------------------------------------------
# Training
# ---------------------------------------------------------------------------------------------------------------------


class Epoch(NamedTuple):
    """What one pass has left: parameters, mean loss, and the predictions row by row in the order of the pass."""

    vector: np.ndarray
    loss: float
    predictions: np.ndarray


def clipped(gradient, norm):
    """The gradient, or one of its direction that is ``norm`` long; None: as it is."""
    length = np.sqrt((gradient**2).sum())
    return gradient if norm is None or length <= norm else gradient / length * norm


def epoch(
    vector,
    make_network,
    X,
    y,
    row_weights,
    order,
    batch_size,
    optimiser,
    rates,
    l1=0.0,
    l2=0.0,
    *,
    weight_decay=0.0,
    clip_norm=None,
    rate_factors=1.0,
):
    """One pass over the rows ``order``; ``make_network`` turns a vector into a :class:`Network`.

    Decay takes ``rate * weight_decay`` of each weight, and nothing of a bias, beside the step of the optimiser, whose
    rates are ``rate * rate_factors``, a number for each parameter.

    The loss is the mean over the rows of those batches that were not skipped, each row with the objective of its
    batch before the step. A batch without weight is skipped; its predictions are NaN.
    """
    losses, predictions = [], []
    starts = range(0, len(order), batch_size)
    for start, rate in zip(starts, rates, strict=True):
        rows = order[start : start + batch_size]
        network = make_network(vector)
        p = network.predict(X[rows], row_weights[rows])
        if row_weights[rows].sum() == 0:
            predictions.append(np.full_like(p, np.nan))
            continue
        loss, gradient = network.objective(X[rows], y[rows], row_weights[rows], l1, l2)
        losses += [loss] * len(rows)
        predictions.append(p)
        averages = network.averages_after(X[rows], row_weights[rows])
        trained = vector[: gradient.size]
        decay = rate * weight_decay * trained * network.decaying()
        stepped = optimiser.step(trained, clipped(gradient, clip_norm), rate * rate_factors)
        vector = network.settled(np.append(stepped - decay, averages))
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
