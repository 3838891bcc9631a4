"""The same training in other libraries: one class each, made of a workload and its data.

``run()`` trains from the start values that skmlp and scikit-learn draw, through the same batches, and returns the
weights and biases that it ends with, as lists of arrays. Libraries are imported when a peer is made; what a library
compiles is compiled by the first run.
"""

import os
import warnings

import numpy as np


def classifier(library, n_jobs=1, **parameters):
    """An MLPClassifier of skmlp or of scikit-learn, which knows no ``n_jobs``."""
    if library == "skmlp":
        from skmlp import MLPClassifier

        return MLPClassifier(**parameters, n_jobs=n_jobs)
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier(**parameters)


class Skmlp:
    """This package."""

    dtype = "float32"

    def __init__(self, workload, X, y, threads):
        parameters = workload.parameters() | {"dtype": self.dtype}
        self._model = classifier("skmlp", None if threads > 1 else 1, **parameters)
        self._X, self._y = X, y

    def run(self):
        """Train."""
        self._model.fit(self._X, self._y)
        return list(self._model.coefs_), list(self._model.intercepts_)


class ScikitLearn(Skmlp):
    """scikit-learn's MLPClassifier."""

    def __init__(self, workload, X, y, threads):
        self._model = classifier("scikit-learn", **workload.parameters())
        self._X, self._y = X, y


class Torch:
    """PyTorch, eager: a loop over the batches.

    ``device`` is where it computes; data come from the host in each run, and parameters go back to it. ``trained`` is
    the network of the last run.
    """

    device = "cpu"

    def __init__(self, workload, X, y, threads):
        import torch

        torch.set_num_threads(threads)
        self._torch, self._workload = torch, workload
        self._weights, self._biases, orders = workload.start()
        self._orders = [torch.from_numpy(order) for order in orders]
        self._X = torch.from_numpy(X)
        self._y = torch.from_numpy(y) if workload.classes > 2 else torch.from_numpy(y.astype(np.float32))[:, None]
        self._loss = torch.nn.CrossEntropyLoss() if workload.classes > 2 else torch.nn.BCEWithLogitsLoss()

    def network(self):
        """A new network at the start values."""
        nn, torch = self._torch.nn, self._torch
        activation = {"relu": nn.ReLU, "gelu": nn.GELU}[self._workload.activation]
        layers = []
        for weights, bias in zip(self._weights, self._biases, strict=True):
            layer = nn.Linear(*weights.shape)
            layer.weight.data = torch.from_numpy(weights.T.copy())
            layer.bias.data = torch.from_numpy(bias.copy())
            layers += [layer, activation()]
        return nn.Sequential(*layers[:-1])

    def prepared(self, network):
        """The network as the loop calls it."""
        return network

    def run(self):
        """Train."""
        network = self.trained = self.network().to(self.device)
        call = self.prepared(network)
        optimiser = self._torch.optim.Adam(network.parameters(), lr=1e-3)
        X, y = self._X.to(self.device), self._y.to(self.device)
        for order in self._orders:
            for rows in self._torch.split(order.to(self.device), self._workload.batch):
                optimiser.zero_grad()
                self._loss(call(X[rows]), y[rows]).backward()
                optimiser.step()
        return parameters_of(network)


def parameters_of(network):
    """Weights and biases of a PyTorch network."""
    values = [parameter.detach().cpu().numpy() for parameter in network.parameters()]
    return [weights.T for weights in values[::2]], values[1::2]


class TorchCompile(Torch):
    """PyTorch, the network compiled by torch.compile."""

    _network = None

    def network(self):
        """One network for all runs, since each would be compiled anew; at the start values."""
        fresh = super().network()
        if self._network is None:
            self._network, self._compiled = fresh, self._torch.compile(fresh)
        self._network.load_state_dict(fresh.state_dict())
        return self._network

    def prepared(self, network):
        """The compiled network."""
        return self._compiled


class Skorch(Torch):
    """skorch around PyTorch: partial_fit on the rows in the order of each epoch."""

    def run(self):
        """Train."""
        from skorch import NeuralNet

        torch = self._torch
        model = NeuralNet(
            self.network(),
            criterion=type(self._loss),
            optimizer=torch.optim.Adam,
            lr=1e-3,
            batch_size=self._workload.batch,
            max_epochs=1,
            train_split=None,
            callbacks__print_log=None,
            verbose=0,
        ).initialize()
        for order in self._orders:
            model.partial_fit(self._X[order], self._y[order])
        return parameters_of(model.module_)


class Jax:
    """JAX: an epoch is one jitted call, a scan over its batches."""

    def __init__(self, workload, X, y, threads):
        import jax

        self._jax, self._workload = jax, workload
        weights, biases, orders = workload.start()
        self._start = [(w.copy(), b.copy()) for w, b in zip(weights, biases, strict=True)]
        whole = workload.rows // workload.batch * workload.batch
        self._orders = [(order[:whole].reshape(-1, workload.batch), order[whole:]) for order in orders]
        self._X, self._y = jax.numpy.asarray(X), jax.numpy.asarray(y)
        self._epoch = jax.jit(self._make_epoch(), donate_argnums=0)

    def activation(self, z):
        """Of the hidden layers."""
        nn = self._jax.nn
        return nn.relu(z) if self._workload.activation == "relu" else nn.gelu(z, approximate=False)

    def _make_epoch(self):
        jax, jnp, nn = self._jax, self._jax.numpy, self._jax.nn

        def loss(parameters, x, y):
            *hidden, (weights, bias) = parameters
            for w, b in hidden:
                x = self.activation(x @ w + b)
            z = x @ weights + bias
            if z.shape[1] > 1:
                return -jnp.take_along_axis(nn.log_softmax(z), y[:, None], axis=1).mean()
            return (nn.softplus(z[:, 0]) - y * z[:, 0]).mean()

        def step(state, x, y):
            parameters, m, v, t = state
            gradient = jax.grad(loss)(parameters, x, y)
            t = t + 1.0
            m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, gradient)
            v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, gradient)
            rate = 1e-3 * jnp.sqrt(1.0 - 0.999**t) / (1.0 - 0.9**t)
            parameters = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) + 1e-8), parameters, m, v)
            return parameters, m, v, t

        def epoch(state, X, y, batches, rest):
            state, _ = jax.lax.scan(lambda state, rows: (step(state, X[rows], y[rows]), None), state, batches)
            return step(state, X[rest], y[rest]) if rest.size else state

        return epoch

    def run(self):
        """Train."""
        jax, jnp = self._jax, self._jax.numpy
        parameters = [(jnp.asarray(w), jnp.asarray(b)) for w, b in self._start]
        zeros = jax.tree.map(jnp.zeros_like, parameters)
        state = parameters, zeros, jax.tree.map(jnp.zeros_like, parameters), jnp.float32(0.0)
        for batches, rest in self._orders:
            state = self._epoch(state, self._X, self._y, batches, rest)
        return [np.asarray(w) for w, _ in state[0]], [np.asarray(b) for _, b in state[0]]


class Keras:
    """Keras on JAX, or what KERAS_BACKEND says: fit on the rows in the order of each epoch."""

    def __init__(self, workload, X, y, threads):
        os.environ.setdefault("KERAS_BACKEND", "jax")
        import keras

        weights, biases, self._orders = workload.start()
        self._start = [values for pair in zip(weights, biases, strict=True) for values in pair]
        self._X, self._y, self._workload = X, y, workload
        outputs = 1 if workload.classes == 2 else workload.classes
        hidden = [keras.layers.Dense(units, activation=workload.activation) for units in workload.hidden]
        self._model = keras.Sequential([keras.Input((workload.features,)), *hidden, keras.layers.Dense(outputs)])
        losses = keras.losses
        many = workload.classes > 2
        self._model.compile(
            optimizer=keras.optimizers.Adam(1e-3, epsilon=1e-8),
            loss=(losses.SparseCategoricalCrossentropy if many else losses.BinaryCrossentropy)(from_logits=True),
        )

    def run(self):
        """Train."""
        self._model.set_weights(self._start)
        for variable in self._model.optimizer.variables:
            if "learning_rate" not in variable.path:
                variable.assign(np.zeros(variable.shape, dtype=variable.dtype))
        for order in self._orders:
            self._model.fit(
                self._X[order], self._y[order], batch_size=self._workload.batch, epochs=1, shuffle=False, verbose=0
            )
        values = self._model.get_weights()
        return values[::2], values[1::2]


PEERS = {
    "scikit-learn": ("sklearn", ScikitLearn),
    "PyTorch": ("torch", Torch),
    "torch.compile": ("torch", TorchCompile),
    "JAX": ("jax", Jax),
    "Keras": ("keras", Keras),
    "skorch": ("skorch", Skorch),
}
"""Module that a peer needs, and its class."""


def takes(name, workload):
    """Whether a peer has what a workload needs."""
    if name == "scikit-learn":
        return workload.activation == "relu"
    return workload.density == 1.0 and workload.solver == "adam"


def loss_of(workload, X, y, weights, biases):
    """Mean log-loss of the network on some rows, in double precision: the same measure for every library."""
    a = X[:20_000].astype(np.float64)
    for layer, (w, b) in enumerate(zip(weights, biases, strict=True)):
        z = a @ w.astype(np.float64) + b
        a = np.maximum(z, 0.0) if workload.activation == "relu" else z * normal_cdf(z)
        last = layer == len(weights) - 1
        if last:
            break
    y = y[:20_000]
    if workload.classes == 2:
        return float(np.mean(np.logaddexp(0.0, z[:, 0]) - y * z[:, 0]))
    return float(np.mean(np.logaddexp.reduce(z, axis=1) - z[np.arange(len(y)), y]))


def normal_cdf(z):
    """Of the standard normal distribution."""
    from scipy.special import ndtr

    return ndtr(z)


def quiet():
    """No warnings of convergence or deprecation among the figures."""
    warnings.simplefilter("ignore")
