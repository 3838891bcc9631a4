"""A back end that computes nothing: training knows no more of one than what stands here."""

from types import SimpleNamespace

import numpy as np

from skmlp.training.validation import Evaluation


class FakeRun:
    """A run whose epochs have the losses given; each adds 1 to the parameters. An exception as a loss is raised."""

    def __init__(self, losses, size=2):
        self.losses = iter(losses)
        self.parameters = np.zeros(size)
        self.orders, self.rates = [], []

    def shuffle(self, rows, random_state):
        random_state.shuffle(rows)

    def run_epoch(self, order, rates, outputs=None):
        loss = next(self.losses)
        if isinstance(loss, BaseException):
            raise loss
        self.orders.append(order.copy())
        self.rates.append(np.array(rates))
        self.parameters += 1.0
        if outputs is not None:
            outputs[:] = order[:, None]
        return loss


class FakeBackend:
    """Predictions are the parameters; the loss is their sum."""

    dtype = np.dtype(np.float64)
    network = SimpleNamespace(layout=SimpleNamespace(units=(3, 1)))

    def predict_and_loss(self, parameters, X, targets, weights):
        return np.full((len(targets), 1), parameters[0]), float(parameters.sum())


def evaluation(rows, metrics=None, weights=None, score=None):
    """Data whose targets are the numbers of their rows."""
    targets = np.arange(rows, dtype=float).reshape(-1, 1)
    return Evaluation(FakeBackend(), None, targets, weights, metrics or {}, score)
