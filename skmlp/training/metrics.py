"""Metrics by name, by scikit-learn scorer name, or as callables, computed from predictions that are at hand.

Every metric is a function of (predictions, targets, weights), arrays as the back end has them, with the target
encoding at hand to turn them into labels. Greater is better.
"""

import inspect
from functools import partial
from keyword import iskeyword

import numpy as np
from scipy.special import xlogy
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import d2_pinball_score, get_scorer, get_scorer_names


def accuracy(encoding, predictions, targets, weights):
    """Share of rows, by weight, whose predicted labels are all right."""
    return float(np.average(encoding.correct(predictions, targets), weights=weights))


def r2(encoding, predictions, targets, weights):
    """Coefficient of determination, averaged over outputs; of a constant target 1 if met exactly, else 0."""
    y, p = targets.astype(np.float64), predictions.astype(np.float64)
    with np.errstate(over="ignore"):  # of a diverging fit: the score is minus infinity
        residual = np.average((y - p) ** 2, axis=0, weights=weights)
    spread = np.average((y - np.average(y, axis=0, weights=weights)) ** 2, axis=0, weights=weights)
    spread = np.broadcast_to(spread, residual.shape)  # several quantiles of one target
    constant = spread == 0.0
    scores = 1.0 - residual / np.where(constant, 1.0, spread)
    scores[constant] = np.where(residual[constant] == 0.0, 1.0, 0.0)
    return float(scores.mean())


def _log_loss(encoding, p, y):
    """Cross-entropy of probabilities, kept inside [ε, 1 - ε]."""
    epsilon = np.finfo(p.dtype).eps
    p = np.clip(p, epsilon, 1.0 - epsilon)
    if encoding.kind == "multiclass":
        return -np.log(np.take_along_axis(p, y.astype(np.int64), axis=1))
    return -y * np.log(p) - (1.0 - y) * np.log(1.0 - p)


def _focal(encoding, p, y):
    """Focal loss of probabilities, kept inside as there."""
    epsilon = np.finfo(p.dtype).eps
    p = np.clip(p, epsilon, 1.0 - epsilon)
    if encoding.kind == "multiclass":
        p = np.take_along_axis(p, y.astype(np.int64), axis=1)
    else:
        p = np.where(y == 1.0, p, 1.0 - p)
    return -((1.0 - p) ** encoding.loss_settings.get("focal_gamma", 2.0)) * np.log(p)


def _huber(encoding, p, y):
    delta, r = encoding.loss_settings.get("delta", 1.0), np.abs(p - y)
    return np.where(r <= delta, 0.5 * r * r, delta * (r - 0.5 * delta))


def _quantile(encoding, p, y):
    levels = np.array(encoding.loss_settings.get("levels", (0.5,)))
    return np.maximum(levels * (y - p), (levels - 1.0) * (y - p))


# Losses as functions of (encoding, predictions, targets), one value a row and output.
LOSSES_OF_CLASSES = {"log_loss": _log_loss, "focal": _focal}
LOSSES_OF_VALUES = {
    "squared_error": lambda encoding, p, y: 0.5 * (p - y) ** 2,
    "absolute_error": lambda encoding, p, y: np.abs(p - y),
    "huber": _huber,
    "quantile": _quantile,
    "log_cosh": lambda encoding, p, y: np.logaddexp(p - y, y - p) - np.log(2.0),
    "poisson": lambda encoding, p, y: xlogy(y, y / p) - y + p,
    "gamma": lambda encoding, p, y: np.log(p / y) + y / p - 1.0,
}


def _negated(loss, encoding, predictions, targets, weights):
    """A loss as a metric: minus its mean over rows, summed over outputs."""
    with np.errstate(all="ignore"):  # a prediction that the loss cannot take gives NaN
        rows = loss(encoding, predictions, targets.astype(np.float64)).sum(axis=1)
        if weights is not None:  # else 0 times an infinite loss would be NaN
            rows, weights = rows[weights > 0], weights[weights > 0]
        return -float(np.average(rows, weights=weights))


def d2_pinball(encoding, predictions, targets, weights):
    """D² of the pinball loss, averaged over the levels of the encoding."""
    levels = encoding.loss_settings["levels"]
    scores = [
        d2_pinball_score(targets[:, 0], column, sample_weight=weights, alpha=level)
        for column, level in zip(predictions.T, levels, strict=True)
    ]
    return float(np.mean(scores))


def stopping_score(encoding):
    """The function that early stopping watches: what the estimator's ``score`` computes."""
    if encoding.is_classifier:
        return partial(accuracy, encoding)
    return partial(d2_pinball if encoding.loss == "quantile" else r2, encoding)


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


def _takes_weights(function):
    return "sample_weight" in inspect.signature(function).parameters


def _by_scorer(scorer, takes_weights, encoding, predictions, targets, weights):
    stand_in = (_PredictedClasses if encoding.is_classifier else _PredictedValues)(encoding, predictions)
    keywords = {"sample_weight": weights} if takes_weights and weights is not None else {}
    return float(scorer(stand_in, np.empty((len(targets), 0)), encoding.labels(targets), **keywords))


def _by_function(function, takes_weights, encoding, predictions, targets, weights):
    keywords = {"sample_weight": weights} if takes_weights and weights is not None else {}
    value = function(encoding.labels(targets), encoding.decode(predictions), **keywords)
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"metrics: {function!r} returned {value!r}, which is no number.") from None


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
    losses = LOSSES_OF_CLASSES if encoding.is_classifier else LOSSES_OF_VALUES
    own |= {name: partial(_negated, loss) for name, loss in losses.items()}
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
            scorer = get_scorer(metric)
            name, function = metric, partial(_by_scorer, scorer, _takes_weights(scorer._score_func), encoding)
        elif callable(metric):
            name = getattr(metric, "__name__", type(metric).__name__).strip("_")
            if not name.isidentifier() or iskeyword(name) or is_taken(name) or name in resolved:
                name = f"metric_{len(resolved) + 1}"
            function = partial(_by_function, metric, _takes_weights(metric), encoding)
        else:
            raise ValueError(f"metrics: {metric!r} is neither a name nor a callable (y_true, y_pred).")
        if name in resolved:
            raise ValueError(f"metrics: the name {name!r} stands twice.")
        resolved[name] = function
    return resolved
