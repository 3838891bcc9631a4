"""Metrics by name, by scikit-learn scorer name, or as callables, computed from predictions that are at hand.

Every metric is a function of (predictions, targets, weights), arrays as the back end has them, with the target
encoding at hand to turn them into labels. Greater is better.
"""

import inspect
from functools import partial
from keyword import iskeyword

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import get_scorer, get_scorer_names


def accuracy(encoding, predictions, targets, weights):
    """Share of rows, by weight, whose predicted labels are all right."""
    return float(np.average(encoding.correct(predictions, targets), weights=weights))


def r2(encoding, predictions, targets, weights):
    """Coefficient of determination, averaged over outputs; of a constant target 1 if met exactly, else 0."""
    y, p = targets.astype(np.float64), predictions.astype(np.float64)
    with np.errstate(over="ignore"):  # of a diverging fit: the score is minus infinity
        residual = np.average((y - p) ** 2, axis=0, weights=weights)
    spread = np.average((y - np.average(y, axis=0, weights=weights)) ** 2, axis=0, weights=weights)
    constant = spread == 0.0
    scores = 1.0 - residual / np.where(constant, 1.0, spread)
    scores[constant] = np.where(residual[constant] == 0.0, 1.0, 0.0)
    return float(scores.mean())


class _Predicted(BaseEstimator):
    """Stands in for a fitted estimator in a scorer, with predictions that were already made."""

    def __init__(self, encoding, predictions):
        self._encoding, self._predictions = encoding, predictions

    def predict(self, X):
        return self._encoding.decode(self._predictions)


class _PredictedClasses(ClassifierMixin, _Predicted):
    @property
    def classes_(self):
        return self._encoding.classes

    def predict_proba(self, X):
        return self._encoding.probabilities(self._predictions)


class _PredictedValues(RegressorMixin, _Predicted):
    pass


def _by_scorer(scorer, encoding, predictions, targets, weights):
    stand_in = (_PredictedClasses if encoding.is_classifier else _PredictedValues)(encoding, predictions)
    takes_weights = "sample_weight" in inspect.signature(scorer._score_func).parameters
    keywords = {"sample_weight": weights} if takes_weights and weights is not None else {}
    return float(scorer(stand_in, np.empty((len(targets), 0)), encoding.labels(targets), **keywords))


def _by_function(function, takes_weights, encoding, predictions, targets, weights):
    keywords = {"sample_weight": weights} if takes_weights and weights is not None else {}
    return float(function(encoding.labels(targets), encoding.decode(predictions), **keywords))


def is_taken(name):
    """Whether ``history_`` has another use for a name."""
    return name in ("loss", "learning_rate", "seconds") or name.startswith("val_")


def resolve(metrics, encoding):
    """The metrics as a dict of name to function of (predictions, targets, weights).

    A callable goes by its own name where that can be a key of ``history_`` and is free, else by its place,
    ``metric_<number>``.

    Raises
    ------
    ValueError
        For an unknown name or one that stands twice.
    """
    own = {"accuracy": accuracy} if encoding.is_classifier else {"r2": r2}
    resolved = {}
    for metric in metrics:
        if isinstance(metric, str) and metric in own:
            name, function = metric, partial(own[metric], encoding)
        elif isinstance(metric, str):
            if metric not in get_scorer_names():
                raise ValueError(
                    f"metrics: unknown name {metric!r}; allowed are {sorted(own)}, scikit-learn's scorer names "
                    f"({', '.join(sorted(get_scorer_names()))}) and callables (y_true, y_pred)."
                )
            name, function = metric, partial(_by_scorer, get_scorer(metric), encoding)
        elif callable(metric):
            name = getattr(metric, "__name__", type(metric).__name__).strip("_")
            if not name.isidentifier() or iskeyword(name) or is_taken(name) or name in resolved:
                name = f"metric_{len(resolved) + 1}"
            takes_weights = "sample_weight" in inspect.signature(metric).parameters
            function = partial(_by_function, metric, takes_weights, encoding)
        else:
            raise ValueError(f"metrics: {metric!r} is neither a name nor a callable (y_true, y_pred).")
        if name in resolved:
            raise ValueError(f"metrics: the name {name!r} stands twice.")
        resolved[name] = function
    return resolved
