"""A program of a user, of which mypy has to know every type; nothing here is run."""

from pathlib import Path
from typing import Any, assert_type

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from numpy.typing import NDArray
from onnx import ModelProto
from scipy.sparse import csr_array
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skmlp
from skmlp import (
    CustomActivation,
    CustomLoss,
    MLPBinaryClassifier,
    MLPClassifier,
    MLPMulticlass,
    MLPRegressor,
    NetworkDisplay,
    TabularEncoder,
    TabularMLPClassifier,
    TabularMLPRegressor,
    TrainingHistoryDisplay,
)
from skmlp.datasets import load_pima
from skmlp.devices import DeviceError
from skmlp.onnx import to_onnx
from skmlp.typing import ActivationName, Floats, Schedule

X: NDArray[np.float32] = np.zeros((9, 2), dtype=np.float32)
y = np.arange(9) % 2
rows = [[1.0, 2.0], [3.0, 4.0]]
table = [[1.0, "red"], [None, "blue"]]
frame = pl.DataFrame({"size": [1.0, 2.0], "kind": ["a", "b"]})


def own_metric(y_true: NDArray[Any], y_pred: NDArray[Any]) -> float:
    return float(np.mean(y_true == y_pred))


def half(done: float) -> float:
    return 1.0 - done / 2.0


def square(z: float) -> float:
    return z * z


def difference(z: float, y: float) -> float:
    return z - y


def constructors() -> None:
    name: ActivationName = "relu"
    schedule: Schedule = half
    own = CustomActivation(square, square)
    MLPClassifier()
    MLPClassifier(8, "gelu")
    MLPClassifier([8, 4], [name, own], solver="lbfgs", dtype="input")
    MLPClassifier(np.array([8, 4]), ("relu", own), dropout=[0, 0.5], normalization="batch")
    MLPClassifier((), own, loss="focal", class_weight={"a": 1, "b": 2.5})
    MLPMulticlass(class_weight="balanced", learning_rate=schedule, batch_size=64, n_iter_no_change=np.inf)
    MLPBinaryClassifier(loss=CustomLoss(difference, difference, link="logistic"), random_state=np.random.RandomState(0))
    MLPRegressor("quantile", (8,), quantile=(0.1, 0.9), metrics=("r2", own_metric), verbose=True)
    MLPRegressor(CustomLoss(difference, difference), metrics=["r2", "huber"], device="cuda:1", n_jobs=-1)
    MLPRegressor(metrics=["r2", own_metric], learning_rate=half, max_time=60, feature_rate=1)
    TabularMLPClassifier(categorical_features=["kind"], n_bins=None, cv=5)
    TabularMLPRegressor(categorical_features=[0, 2], cv=[(np.arange(4), np.arange(4, 9))], solver="adamw")
    TabularEncoder(categorical_features=[True, False], min_frequency=0.1, dtype=np.float64)


def one_network() -> None:
    classifier = MLPClassifier((8,), "tanh").fit(X, y, X_val=rows, y_val=["a", "b"])
    assert_type(classifier, MLPClassifier)
    assert_type(classifier.partial_fit(X, y, classes=[0, 1]), MLPClassifier)
    assert_type(classifier.set_params(alpha=0.1), MLPClassifier)
    assert_type(classifier.get_params(), dict[str, Any])
    assert_type(classifier.predict(X), NDArray[Any])
    assert_type(classifier.predict_proba(csr_array(X)), Floats)
    assert_type(classifier.predict_log_proba(rows), Floats)
    assert_type(classifier.decision_function(X), Floats)
    assert_type(classifier.score(X, y), float)
    assert_type(classifier.classes_, NDArray[Any])
    regressor = MLPRegressor(max_iter=10).fit(X, y, np.ones(9)).fit(rows, [1, 2], sample_weight=[1.0, 2.0])
    assert_type(regressor, MLPRegressor)
    assert_type(regressor.predict(frame), Floats)
    assert_type(regressor.score(X, y), float)
    assert_type(regressor.input_gradients(X, raw=True), Floats)
    assert_type(regressor.coefs_, tuple[Floats, ...])
    assert_type(regressor.intercepts_[0], Floats)
    assert_type(regressor.norm_means_, tuple[Floats, ...])
    assert_type(regressor.history_["loss"][-1], float)
    assert_type(regressor.loss_curve_, list[float])
    assert_type(regressor.best_loss_, float | None)
    assert_type(regressor.n_iter_, int)
    assert_type(regressor.device_, str)
    assert_type(regressor.summary(), str)
    assert_type(regressor.max_iter, int)
    loss, accuracy = classifier.evaluate(X, y)
    assert_type(accuracy, float)
    assert_type(classifier.evaluate(X, y).accuracy, float)
    assert_type(loss + classifier.evaluate(X, y)._asdict()["loss"], float)


def tables() -> None:
    classifier = TabularMLPClassifier().fit(frame, ["yes", "no"]).fit(table, [0, 1])
    assert_type(classifier, TabularMLPClassifier)
    assert_type(classifier.predict_proba(table), Floats)
    assert_type(classifier.estimators_[0].coefs_[0], Floats)
    assert_type(classifier.oof_score_, float)
    assert_type(classifier.score(frame, [0, 1]), float)
    regressor = TabularMLPRegressor().fit(frame, [1.0, 2.0])
    assert_type(regressor.predict(frame), Floats)
    assert_type(regressor.predict(frame, return_std=True), tuple[Floats, Floats])
    encoder = TabularEncoder().fit(table)
    assert_type(encoder, TabularEncoder)
    assert_type(encoder.transform(frame), Floats)
    assert_type(encoder.get_feature_names_out(), NDArray[np.object_])
    assert_type(regressor.encoder_.medians_, NDArray[np.float64])


def elsewhere(path: Path) -> None:
    model = MLPClassifier().fit(X, y)
    model.save(path)
    model.save("model.skmlp")
    assert_type(skmlp.load(path), Any)  # whatever the file holds
    twin: MLPClassifier = skmlp.load(path)
    assert_type(twin.predict(X), NDArray[Any])
    pipeline = make_pipeline(StandardScaler(), model)
    assert_type(skmlp.to_source(pipeline), str)
    assert_type(to_onnx(model, X), ModelProto)
    assert_type(skmlp.warmup(model, pipeline, sparse=True).folder, str | None)
    assert_type(load_pima(), tuple[NDArray[np.float64], NDArray[np.int64]])
    assert_type(skmlp.__version__, str)
    try:
        model.set_params(device="cuda").fit(X, y)
    except DeviceError as error:
        print(error)


def pictures(ax: Axes) -> None:
    model = MLPClassifier().fit(X, y)
    assert_type(TrainingHistoryDisplay.from_estimator(model), TrainingHistoryDisplay)
    TrainingHistoryDisplay.from_estimator({"first": model, "second": model}, metrics="loss", line_kw={"color": "red"})
    TrainingHistoryDisplay.from_estimator([model, model], metrics=["loss", "accuracy"], ax=[ax, ax])
    display = NetworkDisplay.from_estimator(model, ax=ax, cmap="viridis")
    assert_type(display, NetworkDisplay)
    assert_type(display.ax_, Axes)
    assert_type(display.plot(), NetworkDisplay)
