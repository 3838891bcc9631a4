"""The workloads that the benchmarks share: made-up data of the sizes that matter, and the network to train on them."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import sparse

from skmlp.network.initialisers import initialise
from skmlp.network.layout import Layout, Network


@dataclass(frozen=True)
class Workload:
    """One training task: rows × features, hidden layers, classes, batch and epochs (iterations of lbfgs)."""

    rows: int
    features: int
    hidden: tuple[int, ...]
    classes: int
    batch: int
    epochs: int
    activation: str = "relu"
    solver: str = "adam"
    density: float = 1.0
    alpha: float = 0.0

    def data(self):
        """Float32 rows, standard normal where they are not 0, and labels that a small network can learn."""
        rng = np.random.default_rng(0)
        if self.density < 1.0:
            X = sparse.random_array(
                (self.rows, self.features),
                density=self.density,
                format="csr",
                dtype=np.float32,
                rng=rng,
                data_sampler=rng.standard_normal,
            )
        else:
            X = rng.standard_normal((self.rows, self.features), dtype=np.float32)
        scores = X @ rng.standard_normal((self.features, self.classes), dtype=np.float32)
        return X, (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)

    def parameters(self):
        """Constructor arguments for an MLP classifier: exactly so many epochs."""
        endless = {"n_iter_no_change": np.inf} if self.solver != "lbfgs" else {"tol": 0.0, "max_fun": 10**6}
        return {
            "hidden_layer_sizes": self.hidden,
            "activation": self.activation,
            "solver": self.solver,
            "batch_size": self.batch,
            "max_iter": self.epochs,
            "alpha": self.alpha,
            "random_state": 0,
            **endless,
        }

    def units(self):
        """Units of all layers, the inputs first."""
        return (self.features, *self.hidden, 1 if self.classes == 2 else self.classes)

    def start(self, dtype=np.float32):
        """Weights and biases that skmlp and scikit-learn start from, and their order of rows in each epoch."""
        random_state = np.random.RandomState(0)
        layout = Layout(self.units())
        network = Network(layout, (self.activation,) * len(self.hidden), "logistic")
        vector = initialise("auto", network, self.activation, random_state, dtype)
        orders, rows = [], np.arange(self.rows)
        for _ in range(self.epochs if self.solver != "lbfgs" else 0):
            swaps = np.arange(self.rows)
            random_state.shuffle(swaps)
            rows = rows[swaps]
            orders.append(rows)
        return layout.weights(vector), layout.biases(vector), orders

    def operations(self):
        """Multiplications and additions of the matrix products of a fit: six for each weight and row, first layer four.

        None where the data are sparse, or the number of passes over them is not known.
        """
        if self.density < 1.0 or self.solver == "lbfgs":
            return None
        weights = [n_in * n_out for n_in, n_out in pairwise(self.units())]
        return 2 * self.rows * self.epochs * (3 * sum(weights) - weights[0])

    def __str__(self):
        return f"{self.rows:,} × {self.features:,}, {shortened(self.hidden)}, {self.batch:,}, {self.epochs}"


def shortened(hidden):
    """(64, 64, 64, 64) as 4 × 64."""
    return f"{len(hidden)} × {hidden[0]}" if len(hidden) > 3 else str(hidden)


WORKLOADS = {
    "pima": Workload(768, 8, (12,), 2, 10, 100),
    "default": Workload(20_000, 50, (100,), 2, 200, 20),
    "mid": Workload(50_000, 100, (256, 256, 256), 2, 256, 2),
    "wide": Workload(60_000, 784, (512, 512), 10, 128, 1),
    "deep": Workload(20_000, 30, (64,) * 10, 2, 128, 3),
    "large": Workload(200_000, 40, (128, 128), 2, 4096, 5),
    "gelu": Workload(50_000, 100, (256, 256, 256), 2, 256, 2, activation="gelu"),
    "sparse": Workload(20_000, 50_000, (64,), 2, 200, 2, density=0.001),
    "sparse, sgd": Workload(20_000, 50_000, (64,), 2, 200, 2, density=0.001, solver="sgd"),
    "lbfgs": Workload(2_000, 20, (50,), 2, 2_000, 200, solver="lbfgs", alpha=1.0),
}
