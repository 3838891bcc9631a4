"""The workloads that the benchmarks share: made-up data of the sizes that matter."""

from typing import NamedTuple

import numpy as np


class Workload(NamedTuple):
    """One training task: rows × features, hidden layers, classes, batch and epochs."""

    rows: int
    features: int
    hidden: tuple[int, ...]
    classes: int
    batch: int
    epochs: int

    def data(self):
        """Float32 rows, standard normal, and labels that a small network can learn."""
        rng = np.random.default_rng(0)
        X = rng.standard_normal((self.rows, self.features), dtype=np.float32)
        scores = X @ rng.standard_normal((self.features, self.classes), dtype=np.float32)
        return X, (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)

    def parameters(self):
        """Constructor arguments for an MLP classifier: Adam, exactly so many epochs."""
        return {
            "hidden_layer_sizes": self.hidden,
            "batch_size": self.batch,
            "max_iter": self.epochs,
            "n_iter_no_change": np.inf,
            "random_state": 0,
        }

    def __str__(self):
        return f"{self.rows:,} × {self.features}, {self.hidden}, {self.batch}, {self.epochs}"


WORKLOADS = {
    "pima": Workload(768, 8, (12,), 2, 10, 100),
    "default": Workload(20_000, 50, (100,), 2, 200, 20),
    "mid": Workload(50_000, 100, (256, 256, 256), 2, 256, 2),
    "wide": Workload(60_000, 784, (512, 512), 10, 128, 1),
}
