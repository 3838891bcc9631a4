"""Validation data, and what each epoch is told of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass
class Evaluation:
    """Data on which a model is measured.

    ``targets`` and ``weights`` are as the back end has them; ``metrics`` maps names to functions of (predictions,
    targets, weights); ``score`` is the function that early stopping watches.
    """

    backend: Any
    X: Any
    targets: np.ndarray
    weights: np.ndarray | None
    metrics: dict
    score: Any = None

    def measure(self, parameters):
        """Predictions, and a dict of the loss and each metric."""
        predictions, loss = self.backend.predict_and_loss(parameters, self.X, self.targets, self.weights)
        return predictions, {"loss": float(loss), **evaluate(self.metrics, predictions, self.targets, self.weights)}

    def score_of(self, predictions):
        """The validation score; NaN if a prediction is not finite."""
        return self.score(predictions, self.targets, self.weights) if np.isfinite(predictions).all() else float("nan")


def evaluate(metrics, predictions, targets, weights):
    """Each metric's value, NaN if a prediction is not finite."""
    if metrics and not np.isfinite(predictions).all():
        return dict.fromkeys(metrics, float("nan"))
    values = {}
    for name, metric in metrics.items():
        try:
            values[name] = metric(predictions, targets, weights)
        except Exception as error:
            error.add_note(f"This comes from {name!r} of the parameter metrics.")
            raise
    return values
