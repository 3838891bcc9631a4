"""scikit-learn's own displays, and its ways of explaining, take these estimators as any other."""

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibrationDisplay
from sklearn.inspection import DecisionBoundaryDisplay, PartialDependenceDisplay, permutation_importance
from sklearn.metrics import (
    ConfusionMatrixDisplay,
    DetCurveDisplay,
    PrecisionRecallDisplay,
    PredictionErrorDisplay,
    RocCurveDisplay,
)
from sklearn.model_selection import LearningCurveDisplay, ValidationCurveDisplay
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmlp import MLPBinaryClassifier, MLPClassifier, MLPMulticlass, MLPRegressor
from tests.displays.problem import CLASSES, SMALL, VALUES, X
from tests.estimators import tabular

SEVERAL = np.array(["a", "b", "c"])[np.digitize(VALUES, [-0.4, 0.4])]
LONGER = SMALL | {"max_iter": 150, "hidden_layer_sizes": (30,)}
two_classes = pytest.mark.parametrize("estimator", [MLPBinaryClassifier, MLPMulticlass, MLPClassifier])


@two_classes
@pytest.mark.parametrize("method", ["predict_proba", "decision_function", "predict", "auto"])
def test_decision_boundaries(estimator, method):
    model = estimator(**SMALL).fit(X[:, :2], CLASSES)
    display = DecisionBoundaryDisplay.from_estimator(model, X[:, :2], response_method=method, grid_resolution=7)
    points = np.column_stack([display.xx0.ravel(), display.xx1.ravel()])
    name = method if method != "auto" else "decision_function"
    expected = getattr(model, name)(points)
    np.testing.assert_allclose(display.response.ravel(), expected if expected.ndim == 1 else expected[:, 1], rtol=1e-5)


def test_decision_boundaries_of_several_classes():
    model = MLPClassifier(**SMALL).fit(X[:, :2], SEVERAL)
    display = DecisionBoundaryDisplay.from_estimator(model, X[:, :2], response_method="predict", grid_resolution=7)
    assert set(np.unique(display.response)) <= {0, 1, 2}


@two_classes
@pytest.mark.parametrize(
    "display", [CalibrationDisplay, RocCurveDisplay, PrecisionRecallDisplay, DetCurveDisplay, ConfusionMatrixDisplay]
)
def test_curves_of_two_classes(estimator, display):
    model = make_pipeline(StandardScaler(), estimator(**SMALL)).fit(X, CLASSES)
    assert display.from_estimator(model, X, CLASSES).figure_ is not None


def test_prediction_errors():
    model = MLPRegressor(**SMALL).fit(X, VALUES)
    display = PredictionErrorDisplay.from_estimator(model, X, VALUES, subsample=None)
    np.testing.assert_array_equal(display.y_pred, model.predict(X))


def test_partial_dependence_is_the_mean_prediction():
    model = MLPRegressor(**SMALL).fit(X, VALUES)
    display = PartialDependenceDisplay.from_estimator(model, X, [0, (0, 1)], grid_resolution=5)
    curve = display.pd_results[0]
    for value, mean in zip(curve["grid_values"][0], curve["average"][0], strict=True):
        moved = X.copy()
        moved[:, 0] = value
        assert mean == pytest.approx(model.predict(moved).mean(), abs=1e-5)


@pytest.mark.parametrize("target", range(3))
def test_partial_dependence_of_several_classes(target):
    model = MLPClassifier(**SMALL).fit(X, SEVERAL)
    display = PartialDependenceDisplay.from_estimator(model, X, [1], target="abc"[target], grid_resolution=5)
    assert display.pd_results[0]["average"].shape == (3, 5)


def test_partial_dependence_of_raw_tables():
    """On numbers and on categories, which go through the encoder."""
    table = tabular.X.drop(columns="flag").astype({"count": float, "color": object, "town": object})
    table = table.fillna({"color": "red"})
    model = tabular.regressor().fit(table, tabular.VALUES)
    features = {"features": ["count", "color"], "categorical_features": ["color", "town"], "grid_resolution": 4}
    display = PartialDependenceDisplay.from_estimator(model, table, **features)
    assert list(display.pd_results[1]["grid_values"][0]) == ["blue", "green", "red"]
    assert np.isfinite(display.pd_results[1]["average"]).all()


def test_learning_and_validation_curves():
    data = {"X": X, "y": CLASSES, "cv": 2}
    model = MLPClassifier(**SMALL)
    assert LearningCurveDisplay.from_estimator(model, train_sizes=[0.5, 1.0], **data).train_scores.shape == (2, 2)
    display = ValidationCurveDisplay.from_estimator(model, param_name="alpha", param_range=[1e-4, 1e-2, 1.0], **data)
    assert display.test_scores.shape == (3, 2)


def test_permutation_importance_finds_what_matters():
    model = MLPRegressor(**LONGER).fit(X, VALUES)
    importances = permutation_importance(model, X, VALUES, random_state=0).importances_mean
    assert importances[:3].min() > 0.1 > importances[3]


def test_permutation_importance_of_raw_tables():
    table = pd.DataFrame({"kind": np.where(VALUES > 0, "up", "down"), "noise": X[:, 3]})
    model = tabular.regressor().fit(table, VALUES)
    importances = permutation_importance(model, table, VALUES, random_state=0).importances_mean
    assert importances[0] > 10 * abs(importances[1])
