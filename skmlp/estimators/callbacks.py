"""scikit-learn's callbacks: a fit is a task, and each of its epochs, or iterations of L-BFGS, a task within it."""

import numpy as np
from sklearn.utils import _safe_indexing, indexable
from sklearn.utils.validation import _num_samples

from skmlp.training.hooks import Hooks

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # scikit-learn before 1.9 has no callbacks

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands in where scikit-learn has no callbacks: there is no ``set_callbacks``."""


class Tasks(Hooks):
    """The tasks of a fit that nobody is told of."""

    def follow(self, rows, snapshot):
        """Hear which rows are trained on, and how to get a fitted estimator of any moment, just before training."""

    def finish(self):
        """Hear that the estimator is fitted."""


class CallbackTasks(Tasks):
    """The tasks of a fit, told to the callbacks of the estimator.

    Parameters
    ----------
    estimator : estimator
    n_epochs : int
        Most tasks within the fit.
    X, y, sample_weight
        As given to the fit.
    """

    def __init__(self, estimator, n_epochs, X, y, sample_weight):
        weights = None if np.isscalar(sample_weight) else sample_weight  # scorers know no weight common to all rows
        self._estimator, self._data = estimator, (X, y, weights)
        self._fit, self._epoch = estimator._init_callback_context(max_subtasks=n_epochs), None
        self._given = {"estimator": estimator, **named(*self._data)}
        self._fit.call_on_fit_task_begin(**self._given)

    def follow(self, rows, snapshot):
        """Epochs are told of the rows that they train on, and of the estimator if somebody wants to know."""
        data = self._data
        if len(rows) < _num_samples(data[0]):
            data = (None if part is None else _safe_indexing(part, rows) for part in indexable(*data))
        self._trained_on = {"estimator": self._estimator, **named(*data)}
        self._state = lambda: vars(snapshot())

    def before_epoch(self):
        """Begin the task of an epoch."""
        if self._epoch is None:
            name = "iteration" if self._estimator.solver == "lbfgs" else "epoch"
            self._epoch = self._fit.subcontext(name)
            self._epoch.call_on_fit_task_begin(**self._trained_on, reconstruction_attributes=self._state)

    def after_epoch(self, finite):
        """End the task of an epoch; what is not finite is shown to nobody."""
        epoch, self._epoch = self._epoch, None
        return epoch.call_on_fit_task_end(**self._trained_on, reconstruction_attributes=self._state if finite else None)

    def finish(self):
        """End the task of the fit, and that of an epoch that was broken off."""
        if self._epoch is not None:
            self.after_epoch(finite=False)
        self._fit.call_on_fit_task_end(**self._given, reconstruction_attributes=self._state)


def named(X, y, sample_weight):
    """Data as callbacks get them."""
    return {"X": X, "y": y, "metadata": None if sample_weight is None else {"sample_weight": sample_weight}}


def begin_tasks(estimator, n_epochs, X, y, sample_weight):
    """Set up the callbacks that are set, and begin the task of a fit."""
    if not hasattr(estimator, "_skl_callbacks"):
        return Tasks()
    return CallbackTasks(estimator, n_epochs, X, y, sample_weight)
