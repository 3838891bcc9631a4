"""Members of an ensemble: which rows each is trained on, and their training side by side."""

import time
import warnings
from math import ceil
from typing import NamedTuple

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold, check_cv

from skmlp.devices import run_together
from skmlp.estimators.callbacks import Tasks


class Part(NamedTuple):
    """What one member is trained on, and what it holds out: numbers of rows, and the held-out rows as data."""

    rows: np.ndarray
    held_out: np.ndarray
    Z: np.ndarray
    y: np.ndarray
    weights: np.ndarray | None


def parts_of(splits, Z, y, weights):
    """Parts of rows that are held out in turn.

    Raises
    ------
    ValueError
        If no row of a part has a weight.
    """
    if weights is not None and not all(weights[rows].any() and weights[out].any() for rows, out in splits):
        raise ValueError("sample_weight: all are zero in the training or in the held-out rows of a fold.")
    return [Part(rows, out, Z[out], y[out], None if weights is None else weights[out]) for rows, out in splits]


def out_of_fold(parts, predictions, n_rows):
    """Mean prediction of each row by those that held it out, NaN where none did.

    Parameters
    ----------
    parts : list of Part
    predictions : list of ndarray of shape (rows held out, n_columns)
    n_rows : int
        How many rows there are, held out or not.

    Returns
    -------
    mean : ndarray of shape (n_rows, n_columns)
    """
    rows = np.concatenate([part.held_out for part in parts])
    sums, counts = np.zeros((n_rows, predictions[0].shape[1])), np.zeros((n_rows, 1))
    np.add.at(sums, rows, np.concatenate(predictions))
    np.add.at(counts, rows, 1.0)
    return np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)


def folds(Z, y, classes, n_estimators, cv, random_state):
    """Rows to train on and rows to hold out, for each member.

    Parameters
    ----------
    Z : ndarray of shape (rows, n_columns)
    y : ndarray of shape (rows,) or (rows, n_outputs)
    classes : ndarray of shape (rows,) or None
        By which the folds are stratified.
    n_estimators : int
        Members take the folds in turn; when there are no more, the rows are shuffled into new ones.
    cv : int, cross-validation generator or iterable
    random_state : numpy.random.RandomState

    Raises
    ------
    ValueError
        If there is one row only, or a fold without rows to train on or to hold out.
    """
    rows = len(Z)
    if rows < 2:
        raise ValueError(f"n_samples={rows}: two at least are needed, one to train on and one to validate on.")
    found, every = [], np.arange(rows)
    while len(found) < n_estimators:
        if isinstance(cv, int | np.integer):
            new = shuffled_folds(rows, classes, min(int(cv), rows), random_state)
        else:
            splits = check_cv(cv, y, classifier=classes is not None).split(Z, y)
            try:
                new = [(every[train], every[held_out]) for train, held_out in splits]  # which may be lists, or masks
            except (IndexError, TypeError) as error:
                raise ValueError(f"cv: the folds are no pairs of row numbers below {rows}: {error}") from error
        if not new or any(len(train) == 0 or len(held_out) == 0 for train, held_out in new):
            raise ValueError("cv: there is a fold without rows to train on or to hold out, or no fold at all.")
        found += new
    return found[:n_estimators]


def shuffled_folds(rows, classes, n_splits, random_state):
    """K folds, stratified where each class that there is has rows enough for that to make sense."""
    seed = random_state.randint(2**31)
    if classes is not None and np.unique(classes, return_counts=True)[1].max() >= n_splits:
        splitter, by = StratifiedKFold(n_splits, shuffle=True, random_state=seed), classes
    else:
        splitter, by = KFold(n_splits, shuffle=True, random_state=seed), None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of classes with fewer rows than folds
        return list(splitter.split(np.empty(rows), by))


class Stop(Tasks):
    """Ends fits in other threads after the epoch at hand."""

    def __init__(self):
        self.wanted = self.by_user = False

    def after_epoch(self, finite):
        """Whether to stop."""
        return self.wanted

    def others(self):
        """Let the other members end: one has failed."""
        self.wanted = True

    def interrupted(self):
        """Let the other members end, too; the user is told once, when all have."""
        self.wanted = self.by_user = True
        return True


class Crew:
    """Threads that train members, one after the other, until none is left.

    Parameters
    ----------
    members : list of estimator
        To be fitted.
    train : callable
        ``train(number, stop)`` fits one; ``stop`` is a :class:`Stop` that its fit is to heed.
    workers : int
        Threads, the caller's included.
    deadline : float
        By ``time.perf_counter()``: each member gets its share of what is left.
    """

    def __init__(self, members, train, workers, deadline):
        self._members, self._train, self._workers, self._deadline = members, train, workers, deadline
        self._stop, self._left = Stop(), list(reversed(range(len(members))))

    def run(self):
        """Train all, or after a Ctrl-C those that have begun; raises what one of them raised.

        Returns
        -------
        interrupted : bool
            Whether there was a Ctrl-C.
        """
        try:
            run_together(self._workers, self._work, abort=self._stop.others)
        except KeyboardInterrupt:
            self._stop.interrupted()
        return self._stop.by_user

    def _work(self, worker):
        """Train members as long as there are any."""
        while self._left and not self._stop.wanted:
            seconds = (self._deadline - time.perf_counter()) / ceil(len(self._left) / self._workers)
            try:
                number = self._left.pop()
            except IndexError:  # another one was faster
                return
            if np.isfinite(seconds):
                self._members[number].max_time = max(seconds, 1e-9)
            self._train(number, self._stop)
