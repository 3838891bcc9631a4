"""What predictions on rows that were held out say about a model's own confidence."""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_expit, log_softmax, softmax

WIDEST = 3.0  # temperatures are looked for from exp(-3) to exp(3)
SPREAD = 0.5  # standard deviation of the logarithm of temperatures, before any row is seen


def probabilities(raw, temperature, kind):
    """Probabilities, in float64, of raw outputs over a temperature; ``kind`` as of a ``ClassEncoding``."""
    z = raw.astype(np.float64) / temperature
    return softmax(z, axis=1) if kind == "multiclass" else expit(z)


def fit_temperature(raw, targets, weights, kind):
    """The most probable temperature of raw outputs, by their log-loss (Guo et al., ICML 2017).

    Its logarithm is normal with mean 0 a priori: rows that are all right would say that the lowest is the best.

    Parameters
    ----------
    raw : ndarray of shape (rows, n_outputs)
    targets : ndarray of shape (rows, n_targets)
        Class numbers, or label indicators, as a ``ClassEncoding`` makes them.
    weights : ndarray of shape (rows,) or None
    kind : {'binary', 'multiclass', 'multilabel'}

    Returns
    -------
    temperature : float
        1.0 where no other one can be told from it.
    """
    raw = raw.astype(np.float64)
    n_rows = len(raw) if weights is None else np.count_nonzero(weights)

    def loss(logarithm):
        z = raw * np.exp(-logarithm)
        if kind == "multiclass":
            rows = -np.take_along_axis(log_softmax(z, axis=1), targets.astype(np.int64), axis=1)[:, 0]
        else:
            rows = -(targets * log_expit(z) + (1.0 - targets) * log_expit(-z)).sum(axis=1)
        return np.average(rows, weights=weights) + 0.5 * (logarithm / SPREAD) ** 2 / n_rows

    found = minimize_scalar(loss, bounds=(-WIDEST, WIDEST), method="bounded")
    return float(np.exp(found.x)) if found.fun < loss(0.0) else 1.0


def fit_offsets(predictions, y, weights, levels):
    """What is to be added to predicted quantiles so that their shares of held-out rows below are the levels.

    As conformalised quantile regression (Romano, Patterson & Candès, NeurIPS 2019), each level by itself.

    Parameters
    ----------
    predictions : ndarray of shape (rows, n_levels)
    y : ndarray of shape (rows,)
    weights : ndarray of shape (rows,) or None
    levels : sequence of float

    Returns
    -------
    offsets : ndarray of shape (n_levels,)
    """
    columns = zip(predictions.T, levels, strict=True)
    return np.array([quantile(y - column, level, weights) for column, level in columns])


def quantile(values, level, weights):
    """The quantile of values; with weights the smallest that has at least this share of them at or below it."""
    if weights is None:
        return np.quantile(values, level)
    order = np.argsort(values)
    shares = np.cumsum(weights[order])
    return values[order[min(np.searchsorted(shares, level * shares[-1]), len(values) - 1)]]
