"""Mistakes of a user that mypy has to find; where it finds none, it says that the comment is unused."""

import numpy as np

import skmlp
from skmlp import CustomActivation, CustomLoss, MLPClassifier, MLPRegressor, TabularEncoder, TabularMLPRegressor
from skmlp.onnx import to_onnx

X = np.zeros((9, 2))
y = np.arange(9)


def constructors() -> None:
    MLPClassifier(hidden_layers=(8,))  # type: ignore[call-arg]
    MLPClassifier((8,), "relu", 0.5)  # type: ignore[call-arg]
    MLPClassifier(("8",))  # type: ignore[arg-type]
    MLPClassifier(activation="rellu")  # type: ignore[arg-type]
    MLPClassifier(activation=("relu", "swish"))  # type: ignore[arg-type]
    MLPClassifier(solver="adamax")  # type: ignore[arg-type]
    MLPClassifier(learning_rate="linear")  # type: ignore[arg-type]
    MLPClassifier(learning_rate=0.001)  # type: ignore[arg-type]
    MLPClassifier(loss="squared_error")  # type: ignore[arg-type]
    MLPClassifier(weight_init="zeros")  # type: ignore[arg-type]
    MLPClassifier(normalization="group")  # type: ignore[arg-type]
    MLPClassifier(dtype="float16")  # type: ignore[arg-type]
    MLPClassifier(batch_size="all")  # type: ignore[arg-type]
    MLPClassifier(metrics="accuracy")  # type: ignore[arg-type]
    MLPClassifier(class_weight="even")  # type: ignore[arg-type]
    MLPRegressor(loss="log_loss")  # type: ignore[arg-type]
    MLPRegressor(max_iter=None)  # type: ignore[arg-type]
    MLPRegressor(class_weight="balanced")  # type: ignore[call-arg]
    TabularMLPRegressor((8,))  # type: ignore[call-arg]
    TabularMLPRegressor(solver="lbfgs")  # type: ignore[arg-type]
    TabularMLPRegressor(numeric_scaling="minmax")  # type: ignore[arg-type]
    TabularEncoder(n_bins="auto")  # type: ignore[arg-type]
    CustomLoss(lambda z: z, lambda z: 1.0)  # type: ignore[misc, arg-type]
    CustomActivation(max)  # type: ignore[call-arg, arg-type]


def methods() -> None:
    model = MLPRegressor()
    model.fit(X)  # type: ignore[call-arg]
    model.fit(X, y, None, X, y)  # type: ignore[call-arg]
    model.fit(None, y)  # type: ignore[arg-type]
    model.predict(X, return_std=True)  # type: ignore[call-arg]
    model.history_["loss"]["last"]  # type: ignore[call-overload]
    model.n_iter_ = "many"  # type: ignore[assignment]
    model.coefs_ = ()  # type: ignore[misc]
    model.save(3)  # type: ignore[arg-type]
    skmlp.load()  # type: ignore[call-arg]
    skmlp.to_source("model")  # type: ignore[arg-type]
    skmlp.warmup(MLPRegressor)  # type: ignore[arg-type]
    skmlp.warmup(model, everything="yes")  # type: ignore[arg-type]
    to_onnx(model)  # type: ignore[call-arg]
