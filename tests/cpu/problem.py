"""Small training problems for the back end, each with its naive twin."""

from dataclasses import dataclass, field
from itertools import count, pairwise
from typing import Any

import numpy as np
import pytest

from skmlp.cpu import backend
from skmlp.cpu.backend import CpuBackend
from skmlp.formulas.activations import ACTIVATIONS
from skmlp.formulas.losses import LOSSES
from skmlp.formulas.optimisers import OPTIMISERS
from skmlp.network.layout import Layout, Network
from skmlp.network.segments import segments
from tests import naive

NONE = (0.0, 0.0)
PENALTIES = {"none": NONE, "l2": (0.0, 0.4), "elastic net": (0.3, 0.2)}


@dataclass
class Problem:
    """Data, a network and its parameters; ``row_weights`` None for none.

    ``scaled``: its features have learned scales; ``rates`` are factors of learning rates, as ``segments`` takes them.
    ``back_end`` makes what trains it.
    """

    units: tuple
    activations: tuple
    loss: str
    X: Any
    y: np.ndarray
    row_weights: np.ndarray | None
    vector: np.ndarray
    loss_settings: dict = field(default_factory=dict)
    normalization: str | None = None
    dropout: tuple = ()
    scaled: bool = False
    rates: dict = field(default_factory=dict)
    back_end: Any = CpuBackend

    @property
    def rows(self):
        return len(self.y)

    @property
    def weights_or_ones(self):
        return np.ones(self.rows) if self.row_weights is None else self.row_weights

    def backend(self, real="float64"):
        layout = Layout(self.units, self.normalization, self.scaled)
        network = Network(layout, self.activations, naive.LOSSES[self.loss].link, self.dropout)
        settings = naive.loss_settings(self.loss, self.units[-1], **self.loss_settings)
        return self.back_end(network, self.loss, real, **settings._asdict())

    def data(self, real="float64"):
        """X, targets and weights in ``real``."""
        weights = None if self.row_weights is None else self.row_weights.astype(real)
        return self.X.astype(real), self.y.astype(real), weights

    def run(self, real="float64", *, batch_size=None, solver="keep_gradient", penalty=NONE, settings=None, **more):
        """A training run from a copy of the parameters; ``more`` replaces X, targets, weights, or is the state."""
        X, targets, weights = self.data(real)
        keywords = {"X": X, "targets": targets, "weights": weights, **more}
        backend = self.backend(real)
        return backend.start(
            self.vector.astype(real),
            batch_size=batch_size or self.rows,
            solver=solver,
            settings={**naive.SETTINGS, "l1": penalty[0], "l2": penalty[1], **(settings or {})},
            segments=segments(backend.network.layout, proportional=solver == "sgd", **self.rates),
            **keywords,
        )

    def loss_and_gradient(self, real="float64", penalty=NONE, **more):
        """Of all rows as one batch."""
        loss, gradient = self.run(real, penalty=penalty, **more).loss_and_gradient(self.vector.astype(real))
        return loss, gradient.copy()

    def naive(self, vector=None):
        """The twin of the network, with parameters ``vector``."""
        vector = self.vector if vector is None else vector
        return naive.Network.from_vector(
            vector, self.units, self.activations, self.loss, self.loss_settings, self.normalization, self.scaled
        )

    def rate_factors(self, optimiser):
        """Of a twin of an optimiser, from the definition."""
        names = {"parametrization": "ntk", "bias_rate": "biases", "feature_rate": "features"}
        rates = {names[name]: value for name, value in self.rates.items()}
        rates["ntk"] = rates.get("ntk") == "ntk"
        return self.naive().rate_factors(proportional=isinstance(optimiser, naive.Sgd), **rates)

    def naive_epoch(self, vector, order, batch_size, optimiser, rates, penalty=NONE, **step):
        data = self.X, self.y, self.weights_or_ones
        step["rate_factors"] = self.rate_factors(optimiser)
        return naive.epoch(vector, self.naive, *data, order, batch_size, optimiser, rates, *penalty, **step)


def make_problem(
    loss="squared_error",
    activations=("tanh", "logistic"),
    *,
    rows=7,
    n_in=4,
    hidden=(5, 3),
    outputs=2,
    weighted=True,
    loss_settings=None,
    normalization=None,
    scaled=False,
    rates=None,
):
    """A problem that stands clear of the kinks of relu, |w| and losses, so that finite differences do not cross one."""
    activations = activations[: len(hidden)]
    units = (n_in, *hidden, outputs)
    size = sum((a + 1) * b for a, b in pairwise(units)) + (units[0] * (units[1] + 1) if scaled else 0)
    n_norms = naive.NORMALIZATIONS[normalization][1] * sum(hidden)
    for seed in count():
        random = np.random.default_rng(seed)
        problem = Problem(
            units=units,
            activations=activations,
            loss=loss,
            X=random.normal(size=(rows, n_in)),
            y=naive.LOSSES[loss].draw(random, rows, outputs),
            row_weights=random.uniform(0.5, 2.0, rows) if weighted else None,
            vector=np.append(
                random.uniform(0.1, 0.8, size) * random.choice([-1.0, 1.0], size), random.uniform(0.3, 0.9, n_norms)
            ),
            loss_settings=loss_settings or {},
            normalization=normalization,
            scaled=scaled,
            rates=rates or {},
        )
        problem.vector = problem.naive().settled(problem.vector)
        *hidden_zs, z = problem.naive().forward(problem.X, problem.weights_or_ones)[2]
        distances = [np.abs(z).min() for z in hidden_zs]
        distances.append(naive.from_kinks(loss, z, problem.y, **problem.loss_settings))
        if rows > 50 or min(distances) > 1e-2:
            return problem


SETTINGS = {
    "default": {},
    "plain": {"momentum": 0.0},
    "heavy ball": {"momentum": 0.8, "nesterov": 0.0},
    "other": {"beta_1": 0.7, "beta_2": 0.9, "epsilon": 1e-3, "rho": 0.6},
}
NETWORKS = {
    "no hidden layer": {"hidden": ()},
    "one hidden layer": {"hidden": (5,)},
    "single units": {"hidden": (1, 1), "n_in": 1, "outputs": 1},
    "mixed activations": {"hidden": (4, 3, 4, 3), "activations": ("relu", "logistic", "identity", "tanh")},
    "wide": {"hidden": (40, 3), "n_in": 2},
}

activations = pytest.mark.parametrize("activation", ACTIVATIONS)
losses = pytest.mark.parametrize("loss", LOSSES)
variants = pytest.mark.parametrize("loss, loss_settings", naive.LOSS_VARIANTS.values(), ids=naive.LOSS_VARIANTS)
normalizations = pytest.mark.parametrize("normalization", ["batch", "layer"])
penalties = pytest.mark.parametrize("penalty", PENALTIES.values(), ids=PENALTIES)
optimisers = pytest.mark.parametrize("optimiser", OPTIMISERS)
networks = pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
precisions = pytest.mark.parametrize("real, rtol", [("float32", 2e-4), ("float64", 1e-11)], ids=["float32", "float64"])


def close(actual, expected, rtol):
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol / 10)


def assert_gradient_equals_central_differences(problem, penalty=NONE):
    """In what is trained; running averages stay as they are."""
    run, n_trained = problem.run(penalty=penalty), problem.backend().network.layout.n_trained
    trained, averages = problem.vector[:n_trained], problem.vector[n_trained:]

    def evaluate(vector):
        return run.loss_and_gradient(problem.naive().settled(np.append(vector, averages)))

    gradient = evaluate(trained)[1].copy()
    expected = naive.gradient_by_differences(lambda vector: evaluate(vector)[0], trained)
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-8 if problem.normalization else 1e-9)


def assert_a_row_of_weight_2_counts_as_two_rows(problem):
    """Of a problem without weights."""
    weights = np.ones(problem.rows)
    weights[[1, 3]] = 2.0
    twice = np.repeat(np.arange(problem.rows), weights.astype(int))
    weighted = problem.loss_and_gradient(weights=weights)
    repeated = problem.loss_and_gradient(X=problem.X[twice], targets=problem.y[twice], batch_size=len(twice))
    for one, other in zip(weighted, repeated, strict=True):
        close(one, other, 1e-12)


def cut_into_pieces(monkeypatch, shards):
    """Let the back end hand out its work in pieces of ``shards`` shards, or all at once."""
    monkeypatch.setattr(backend, "FIRST_PIECE", 1e30 if shards is None else 0.0)
    monkeypatch.setattr(backend, "PAUSE", 1e30 if shards is None else 0.0)
