"""What training has reached so far: curves, history, and the best epoch."""

from dataclasses import dataclass, field, replace
from math import inf, nan
from operator import attrgetter

import numpy as np

SCALARS = (
    "t",
    "n_iter",
    "loss",
    "best_loss",
    "best_validation_score",
    "best_monitored",
    "no_improvement_count",
    "best_iteration",
    "best_parameters",
)
_scalars = attrgetter(*SCALARS)


@dataclass
class Progress:
    """State that a warm start and ``partial_fit`` go on from; its public fields become fitted attributes.

    ``t`` counts training rows seen; ``history`` maps names to lists with one entry an epoch; ``best_iteration`` counts
    in it from 1. With early stopping the best epoch is that of the highest monitored value, else that of the lowest
    loss.
    """

    early_stopping: bool
    t: int = 0
    n_iter: int = 0
    loss: float = nan
    loss_curve: list = field(default_factory=list)
    validation_scores: list | None = None
    best_loss: float | None = None
    best_validation_score: float | None = None
    best_monitored: float = -inf
    no_improvement_count: int = 0
    best_iteration: int | None = None
    history: dict = field(default_factory=dict)
    best_parameters: np.ndarray | None = None

    def __post_init__(self):
        if self.early_stopping and self.validation_scores is None:
            self.validation_scores, self.best_validation_score, self.best_loss = [], -inf, None
            self.best_monitored = -inf
        elif not self.early_stopping and self.best_loss is None:
            self.best_loss, self.validation_scores, self.best_validation_score = inf, None, None

    def record(self, entry):
        """Append an epoch; a history of other keys begins anew."""
        if self.history.keys() != entry.keys():
            self.history, self.best_iteration = {name: [] for name in entry}, None
        self.n_iter += 1
        self.loss = entry["loss"]
        self.loss_curve.append(self.loss)
        for name, value in entry.items():
            self.history[name].append(value)

    @property
    def epochs(self):
        """Epochs in the history."""
        return len(next(iter(self.history.values()), ()))

    def judge(self, tol, score, monitored, parameters):
        """Compare the epoch just recorded with the best so far, as scikit-learn's MLP does.

        ``tol`` says what counts as an improvement for stopping; any gain makes a new best. ``score``, the validation
        score, and ``monitored``, greater is better, are used with early stopping, which keeps a copy of the best
        ``parameters``.
        """
        if self.early_stopping:
            self.validation_scores.append(score)
            self.best_validation_score = max(self.best_validation_score, score)
            improved = monitored >= self.best_monitored + tol
            if monitored > self.best_monitored:
                self.best_monitored, self.best_iteration = monitored, self.epochs
                self.best_parameters = parameters.copy()
        else:
            improved = self.loss <= self.best_loss - tol
            if self.loss < self.best_loss:
                self.best_loss, self.best_iteration = self.loss, self.epochs
        self.no_improvement_count = 0 if improved else self.no_improvement_count + 1

    def copy(self):
        """A copy with lists of its own."""
        return replace(
            self,
            loss_curve=self.loss_curve.copy(),
            validation_scores=self.validation_scores and self.validation_scores.copy(),
            history={name: values.copy() for name, values in self.history.items()},
        )

    def commit(self):
        """Note what is reached, as something that :meth:`revert` takes.

        It is noted by one assignment, so that an interrupt finds the last epoch either complete or not there.
        """
        lengths = len(self.loss_curve), len(self.validation_scores or ()), self.epochs
        self._reached = _scalars(self), lengths, self.history
        return self._reached

    def revert(self, reached=None):
        """Go back to what was noted, by default last; lists are cut in place."""
        scalars, (losses, scores, epochs), self.history = reached or self._reached
        for name, value in zip(SCALARS, scalars, strict=True):
            setattr(self, name, value)
        del self.loss_curve[losses:]
        del (self.validation_scores or [])[scores:]
        for values in self.history.values():
            del values[epochs:]
