"""Networks within pipelines, searches and ensembles of scikit-learn."""

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import BaggingClassifier, StackingClassifier, StackingRegressor, VotingClassifier, VotingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, RobustScaler, StandardScaler

from skmlp import MLPClassifier, MLPMulticlass, MLPRegressor, TabularEncoder, TabularMLPClassifier
from skmlp.onnx import to_onnx
from tests.exports import NETWORK, SCORE, TEXTS, THIRD, X
from tests.onnx.runtime import run

POSITIVE = (SCORE > 0).astype(int)
ENSEMBLE = {"n_estimators": 2, "cv": 2, "max_iter": 3, "random_state": 0}


def classifier():
    return MLPClassifier(**NETWORK)


def softmax():
    return MLPMulticlass(**NETWORK)


def regressor():
    return MLPRegressor(**NETWORK)


GRID = {"alpha": [0.1, 1.0]}
CLASSIFIERS = {
    "pipeline": (make_pipeline(StandardScaler(), classifier()), TEXTS),
    "search": (GridSearchCV(classifier(), GRID, cv=2), TEXTS),
    "search of a pipeline": (
        GridSearchCV(make_pipeline(StandardScaler(), softmax()), {"mlpmulticlass__alpha": [0.1, 1.0]}, cv=2),
        TEXTS,
    ),
    "search in a pipeline": (make_pipeline(StandardScaler(), GridSearchCV(classifier(), GRID, cv=2)), THIRD),
    "calibration": (CalibratedClassifierCV(classifier(), cv=2), THIRD),
    "calibration of two classes": (CalibratedClassifierCV(classifier(), cv=2), POSITIVE),
    "calibration of two softmax units": (CalibratedClassifierCV(softmax(), cv=2), POSITIVE),
    "calibration of an ensemble": (CalibratedClassifierCV(TabularMLPClassifier(**ENSEMBLE), cv=2), POSITIVE),
    "bagging": (BaggingClassifier(classifier(), 2, random_state=0), THIRD),
    "one versus rest": (OneVsRestClassifier(classifier()), THIRD),
    "stacking": (StackingClassifier([("a", classifier()), ("b", LogisticRegression())], cv=2), TEXTS),
    "stacking by logits": (
        StackingClassifier([("a", classifier()), ("b", softmax())], cv=2, stack_method="decision_function"),
        THIRD,
    ),
    "voting": (
        VotingClassifier([("a", classifier()), ("b", softmax())], voting="soft", flatten_transform=False),
        TEXTS,
    ),
}
def scaled_target(*steps, transformer=None):
    return TransformedTargetRegressor(make_pipeline(*steps, regressor()), transformer=transformer or StandardScaler())


REGRESSORS = {
    "scaled targets": scaled_target(),
    "scaled targets and features": scaled_target(StandardScaler(), transformer=MinMaxScaler((-1, 3))),
    "scaled targets in a pipeline": make_pipeline(StandardScaler(), scaled_target(transformer=RobustScaler())),
    "search of scaled targets": GridSearchCV(
        scaled_target(StandardScaler()), {"regressor__mlpregressor__alpha": [0.1, 1.0]}, cv=2
    ),
    "voting of scaled targets": VotingRegressor([("a", scaled_target()), ("b", Ridge())]),
    "pipeline": make_pipeline(StandardScaler(), regressor()),
    "search": GridSearchCV(regressor(), GRID, cv=2),
    "voting": VotingRegressor([("a", regressor()), ("b", Ridge())]),
    "stacking": StackingRegressor([("a", regressor()), ("b", Ridge())], cv=2),
    "without a network": make_pipeline(StandardScaler(), Ridge()),
}
reals = pytest.mark.parametrize("real", [np.float32, np.float64], ids=lambda real: real.__name__)


@pytest.mark.parametrize("name", CLASSIFIERS)
@reals
def test_classifiers(name, real):
    model, y = CLASSIFIERS[name]
    model.fit(X, y)
    rows = X.astype(real)
    label, probabilities = run(model, rows)
    np.testing.assert_array_equal(label, model.predict(rows))
    np.testing.assert_allclose(probabilities, model.predict_proba(rows), atol=1e-5)


@pytest.mark.parametrize("name", REGRESSORS)
@reals
def test_regressors(name, real):
    model, rows = REGRESSORS[name].fit(X, SCORE), X.astype(real)
    (ours,) = run(model, rows)
    assert ours.shape == model.predict(rows).shape
    np.testing.assert_allclose(ours, model.predict(rows), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["pipeline", "search", "without a network", "scaled targets"])
def test_regressors_of_two_targets(name):
    model = REGRESSORS[name].fit(X, np.c_[SCORE, X[:, 0]])
    np.testing.assert_allclose(run(model, X)[0], model.predict(X), rtol=1e-5, atol=1e-5)


def test_other_transformers_of_targets_are_an_error():
    model = TransformedTargetRegressor(regressor(), func=np.sinh, inverse_func=np.arcsinh).fit(X, SCORE)
    with pytest.raises(ValueError, match="the transformer of the target is FunctionTransformer: known are"):
        to_onnx(model, X)


def test_scaled_targets_of_a_frame():
    columns = ColumnTransformer([("n", StandardScaler(), ["one", "two"]), ("c", OneHotEncoder(), ["kind"])])
    model = scaled_target(columns).fit(frame()[["one", "two", "kind"]], SCORE)
    rows = frame()[["one", "two", "kind"]]
    np.testing.assert_allclose(run(model, rows)[0], model.predict(rows), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", ["M8[D]", "m8[s]", "S4", "u8"])
def test_labels_that_onnx_has_not_are_an_error(kind):
    y = np.array([1, 2**63 + 5], dtype="u8")[POSITIVE] if kind == "u8" else POSITIVE.astype(kind)
    with pytest.raises(ValueError, match="ONNX Runtime has no"):
        to_onnx(classifier().fit(X, y), X)


def frame():
    table = pd.DataFrame(X[:, :3], columns=["one", "two", "three"])
    return table.assign(kind=np.array(["a", "b", "c", "d"])[np.digitize(X[:, 3], [-0.5, 0, 0.5])], floor=THIRD)


@pytest.mark.parametrize("encoder", [OneHotEncoder(sparse_output=False), TabularEncoder()], ids=repr)
def test_columns_of_a_frame(encoder):
    numbers = make_pipeline(StandardScaler())
    columns = ColumnTransformer([("n", numbers, ["one", "two", "three"]), ("c", encoder, ["kind"])])
    model = make_pipeline(columns, classifier()).fit(frame().drop(columns="floor"), TEXTS)
    label, probabilities = run(model, frame().drop(columns="floor"))
    np.testing.assert_array_equal(label, model.predict(frame()))
    np.testing.assert_allclose(probabilities, model.predict_proba(frame()), atol=1e-5)


def test_a_frame_of_numbers_for_a_network_alone():
    table = frame().drop(columns="kind")
    model = classifier().fit(table, THIRD)
    np.testing.assert_allclose(run(model, table)[1], model.predict_proba(table), atol=1e-5)
