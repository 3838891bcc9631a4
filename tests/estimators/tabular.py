"""Small raw tables, and estimators of fixed settings for them."""

import numpy as np
import pandas as pd

from skmlp import TabularMLPClassifier, TabularMLPRegressor

# Whatever the defaults are tuned to, tests do not depend on them.
SMALL = {
    "n_bins": 3,
    "n_estimators": 3,
    "cv": 3,
    "hidden_layer_sizes": (8,),
    "activation": "relu",
    "learning_rate_init": 0.02,
    "batch_size": 32,
    "max_iter": 5,
    "random_state": 0,
}
COLORS = ["red", "green", "blue"]
N = 90


def classifier(**parameters):
    return TabularMLPClassifier(**SMALL | {"label_smoothing": 0.0} | parameters)


def regressor(**parameters):
    return TabularMLPRegressor(**SMALL | parameters)


def table(seed=0, n=N):
    """Columns of a raw table, with missing values, as Python values."""
    rng = np.random.default_rng(seed)
    columns = {
        "size": rng.normal(size=n).tolist(),
        "count": rng.integers(0, 5, n).tolist(),
        "color": rng.choice(COLORS, n).tolist(),
        "town": rng.choice(["Ulm", "Hof"], n).tolist(),
        "flag": (rng.random(n) < 0.5).tolist(),
    }
    for name in ("size", "color"):
        columns[name] = [
            None if lost else value for value, lost in zip(columns[name], rng.random(n) < 0.1, strict=True)
        ]
    return columns


def frame(seed=0, n=N):
    return pd.DataFrame(table(seed, n)).astype({"color": "category"})


def numbers(seed=0, n=N):
    return np.random.default_rng(seed).normal(size=(n, 3))


X = frame()
_size = X["size"].fillna(0.0).to_numpy() + (X["color"] == "red") + 0.5 * X["flag"]
VALUES = (_size + 0.3 * np.random.default_rng(1).normal(size=N)).to_numpy()
LABELS = np.array(["low", "middle", "high"])[np.digitize(VALUES, np.quantile(VALUES, [0.3, 0.7]))]
BINARY = np.where(VALUES > np.median(VALUES), "yes", "no")
MULTILABEL = np.column_stack([VALUES > 0, VALUES > 1, X["flag"]]).astype(int)

# An estimator and a target of each kind.
KINDS = {
    "binary": (classifier, BINARY),
    "multiclass": (classifier, LABELS),
    "multilabel": (classifier, MULTILABEL),
    "regression": (regressor, VALUES),
    "two targets": (regressor, np.column_stack([VALUES, VALUES**2])),
}


def outputs(model, rows):
    """All that a model predicts."""
    if hasattr(model, "predict_proba"):
        return [model.predict(rows), model.predict_proba(rows), model.predict_log_proba(rows)]
    return [model.predict(rows)] if model.loss == "quantile" else list(model.predict(rows, return_std=True))


def assert_same_outputs(first, second, rows=X):
    for ours, theirs in zip(outputs(first, rows), outputs(second, rows), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def assert_same_fit(first, second, rows=X):
    """Two fitted models are the same, bit by bit."""
    assert_same_outputs(first, second, rows)
    np.testing.assert_array_equal(first.oof_prediction_, second.oof_prediction_)
    assert first.oof_score_ == second.oof_score_
    assert first.n_iter_ == second.n_iter_
