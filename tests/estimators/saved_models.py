"""Fitted models of all kinds, and the files that each version of the package has made of them.

For a new version: ``python -m tests.estimators.saved_models`` writes them to ``saved/<version>/``, each with rows and
what it predicts of them. Files of earlier versions stay as they are.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.base import clone

import skmlp
from skmlp import MLPBinaryClassifier, MLPClassifier, MLPMulticlass, MLPRegressor, TabularEncoder
from tests.estimators.tabular import LABELS, MULTILABEL, VALUES, X, classifier, frame, regressor

FOLDER = Path(__file__).parent / "saved"
METHODS = ("predict", "predict_proba", "decision_function", "transform")

ROWS = np.random.default_rng(5).normal(size=(60, 4))
NAMED = pd.DataFrame(ROWS, columns=["a", "b", "ü", "d"])
SIGNS = np.where(ROWS[:, 0] > 0, "plus", "minus")
COUNTS = (ROWS > 0).sum(axis=1)
SMALL = {"hidden_layer_sizes": (5, 3), "max_iter": 4, "n_iter_no_change": np.inf, "random_state": 1}

# An estimator and what it is fitted on.
MODELS = {
    "binary": (MLPBinaryClassifier(**SMALL, learning_rate="cosine"), NAMED, SIGNS),
    "multiclass": (
        MLPMulticlass(**SMALL, normalization="batch", dropout=0.2, early_stopping=True, metrics=("accuracy",)),
        ROWS,
        COUNTS,
    ),
    "multilabel": (MLPClassifier(**SMALL, solver="sgd", activation=("selu", "tanh")), ROWS, ROWS[:, :3] > 0),
    "one_class": (MLPClassifier(**SMALL), ROWS, np.zeros(60, dtype=bool)),
    "quantiles": (MLPRegressor("quantile", **SMALL, quantile=[0.1, 0.5, 0.9]), ROWS, ROWS[:, 0]),
    "two_outputs": (MLPRegressor(**SMALL | {"n_iter_no_change": 10, "tol": 1e9}, solver="lbfgs"), ROWS, ROWS[:, :2]),
    "learned_scales": (MLPRegressor("poisson", **SMALL, feature_rate=2.0, parametrization="ntk"), ROWS, COUNTS),
    "table_classes": (classifier(numeric_scaling="quantile", n_estimators=2), X, LABELS),
    "table_labels": (classifier(n_estimators=2), X, MULTILABEL),
    "table_values": (regressor(loss="huber", n_estimators=2, pickle_oof=True), X, VALUES),
    "table_quantiles": (regressor(loss="quantile", quantile=[0.2, 0.8], n_estimators=2), X, VALUES),
    "encoder": (TabularEncoder(n_bins=3, max_categories=2), X, None),
}
IN_PARTS = ("binary", "learned_scales")  # which keep an optimiser


def fitted(name):
    """A model, fitted."""
    estimator, X, y = MODELS[name]
    model = clone(estimator)
    if name not in IN_PARTS:
        return model.fit(X, y)
    classes = {} if isinstance(model, MLPRegressor) else {"classes": np.unique(y)}
    return model.partial_fit(X, y, **classes).partial_fit(X, y)


def rows_of(model):
    """Rows that a model takes."""
    if "Tabular" in type(model).__name__:
        return frame(seed=7, n=6)
    return NAMED.head(6) if hasattr(model, "feature_names_in_") else ROWS[:6]


def outputs(model, rows):
    """All that a model predicts of rows, by method."""
    return {method: getattr(model, method)(rows) for method in METHODS if hasattr(model, method)}


def write(folder):
    """Save all models, with what they predict."""
    folder.mkdir(parents=True)
    for name in MODELS:
        model = fitted(name)
        rows = rows_of(model)
        table = rows.to_dict("list") if hasattr(rows, "columns") else rows.tolist()
        expected = {method: values.tolist() for method, values in outputs(model, rows).items()}
        model.save(folder / f"{name}.skmlp")
        content = {"estimator": type(model).__name__, "rows": table, "expected": expected}
        (folder / f"{name}.json").write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(FOLDER / skmlp.__version__)
