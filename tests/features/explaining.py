"""Demonstrations: what the features do."""

import warnings

import numpy as np
import pytest
from sklearn.inspection import partial_dependence, permutation_importance

from skmlp import MLPClassifier, MLPRegressor
from tests.features.table import CLASSES, FAST, VALUES, X, shows


@shows("Derivatives of predictions by the features")
def input_gradients():
    model = MLPClassifier(activation="tanh", **FAST).fit(X, CLASSES)
    step = np.array([0.0, 0.0, 1e-6, 0.0])
    slope = (model.predict_proba(X + step) - model.predict_proba(X - step))[:, 1] / 2e-6
    np.testing.assert_allclose(model.input_gradients(X)[:, 2], slope, atol=1e-7)


@shows("Permutation importance and partial dependence")
def inspection():
    """The values are x_0 x_1 + x_2 / 2."""
    model = MLPRegressor(**FAST | {"hidden_layer_sizes": (50,), "max_iter": 200}).fit(X, VALUES)
    importances = permutation_importance(model, X, VALUES, random_state=0).importances_mean
    assert importances[:3].min() > 10 * abs(importances[3])
    dependence = partial_dependence(model, X, [2])
    slope = np.polyfit(dependence["grid_values"][0], dependence["average"][0], 1)[0]
    assert slope == pytest.approx(0.5, abs=0.1)


@shows("SHAP's model-agnostic explainers")
def shapley_values():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what shap imports
        shap = pytest.importorskip("shap")
    model = MLPRegressor(**FAST).fit(X, VALUES)
    explainer = shap.explainers.Permutation(model.predict, shap.maskers.Independent(X, max_samples=50))
    explained = explainer(X[:5], silent=True)
    np.testing.assert_allclose(explained.base_values + explained.values.sum(axis=1), model.predict(X[:5]), atol=1e-6)
