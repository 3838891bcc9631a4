"""Demonstrations: at home among scikit-learn's tools and the data they take."""

import pickle
import warnings
from _thread import start_new_thread
from concurrent.futures import ThreadPoolExecutor
from tempfile import TemporaryDirectory
from typing import Literal, Self, get_type_hints
from unittest.mock import patch

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from joblib import Parallel, delayed
from onnxruntime import InferenceSession
from scipy.sparse import csc_array, csr_array
from sklearn.base import clone
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from skops import io as skops

from skmlp import MLPClassifier, MLPMulticlass, MLPRegressor, TabularMLPRegressor, load, to_source
from skmlp.onnx import to_onnx
from tests.features.table import CLASSES, FAST, VALUES, X, shows


@shows("Probabilities by predict_proba")
def probabilities():
    y = CLASSES + (X[:, 2] > 0)
    p = MLPMulticlass(**FAST | {"learning_rate_init": 0.05}).fit(X, y).predict_proba(X)
    np.testing.assert_allclose(p.sum(axis=1), 1.0)
    assert p[np.arange(200), y].mean() > 0.6


@shows("Several cores for one fit")
def several_cores():
    """Threads share the parts of large batches."""
    many, values = np.tile(X, (10, 1)), np.tile(VALUES, 10)
    with patch("skmlp.cpu.team.start_new_thread", side_effect=start_new_thread) as start:
        two = MLPRegressor(n_jobs=2, batch_size=2000, **FAST).fit(many, values)
    assert start.call_count >= two.n_iter_
    one = MLPRegressor(n_jobs=1, batch_size=2000, **FAST).fit(many, values)
    np.testing.assert_array_equal(one.coefs_[0], two.coefs_[0])


@shows("Cloning and grid search")
def grid_search():
    grid = {"hidden_layer_sizes": [(), (20,)], "activation": ["tanh", "relu"]}
    search = GridSearchCV(MLPRegressor(**FAST), grid, cv=3).fit(X, VALUES)
    assert search.best_params_["hidden_layer_sizes"] == (20,)
    assert clone(search.best_estimator_).get_params() == search.best_estimator_.get_params()


@shows("Type hints with names that editors complete")
def types():
    hints = get_type_hints(MLPRegressor.__init__)
    assert "huber" in str(hints["loss"]) and Literal["batch", "layer"] | None == hints["normalization"]
    assert get_type_hints(MLPRegressor.fit)["return"] is Self


@shows("Pickling")
def pickling():
    model = MLPRegressor(**FAST).fit(X, VALUES)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))


@shows("Export to ONNX")
def onnx_model():
    model = make_pipeline(StandardScaler(), MLPClassifier(**FAST)).fit(X, CLASSES)
    session = InferenceSession(to_onnx(model, X[:1]).SerializeToString())
    label, probabilities = session.run(None, {"X": X})
    np.testing.assert_array_equal(label, model.predict(X))
    np.testing.assert_allclose(probabilities, model.predict_proba(X), atol=1e-9)


@shows("A module of NumPy alone")
def numpy_module():
    model = MLPRegressor(**FAST).fit(X, VALUES)
    module = {}
    exec(to_source(model), module)
    np.testing.assert_allclose(module["predict"](X), model.predict(X), atol=1e-12)


@shows("Files without pickle")
def files():
    """The file is an archive of JSON and arrays, which NumPy reads without pickle."""
    model = MLPRegressor(**FAST).fit(X, VALUES)
    with TemporaryDirectory() as folder:
        model.save(f"{folder}/model")
        twin = load(f"{folder}/model")
        with np.load(f"{folder}/model", allow_pickle=False) as archive:
            np.testing.assert_array_equal(archive["0"][: X.shape[1] * 8].reshape(-1, 8), model.coefs_[0])
    assert twin.history_ == model.history_
    for copy in (twin, skops.loads(skops.dumps(model), trusted=skops.get_untrusted_types(data=skops.dumps(model)))):
        np.testing.assert_array_equal(copy.predict(X), model.predict(X))


@shows("scikit-learn's displays")
def displays():
    model = MLPClassifier(**FAST).fit(X[:, :2], CLASSES)
    display = DecisionBoundaryDisplay.from_estimator(model, X[:, :2], response_method="predict", grid_resolution=9)
    plt.close(display.figure_)
    points = np.column_stack([display.xx0.ravel(), display.xx1.ravel()])
    np.testing.assert_array_equal(display.response.ravel(), model.predict(points))


@shows("Validation data through a Pipeline, by metadata routing")
def routing():
    """The validation data are scaled like X: with those as they are the score would be bad."""
    with sklearn.config_context(enable_metadata_routing=True):
        model = MLPRegressor(**FAST, early_stopping=True).set_fit_request(X_val=True, y_val=True)
        pipeline = Pipeline([("scale", StandardScaler()), ("mlp", model)], transform_input=["X_val"])
        pipeline.fit(1e3 * X[:150], VALUES[:150], X_val=1e3 * X[150:], y_val=VALUES[150:])
        assert pipeline[-1].best_validation_score_ == pytest.approx(pipeline.score(1e3 * X[150:], VALUES[150:]))


@shows("Sparse X")
def sparse():
    thin = np.where(np.abs(X) < 0.7, 0.0, X)
    dense = MLPRegressor(**FAST).fit(thin, VALUES).predict(thin)
    for matrix in (csr_array(thin), csc_array(thin)):
        np.testing.assert_allclose(MLPRegressor(**FAST).fit(matrix, VALUES).predict(matrix), dense, rtol=1e-6)


@shows("pandas and polars frames, with their names checked")
def frames():
    expected = MLPRegressor(**FAST).fit(X, VALUES).predict(X)
    for frame in (pd.DataFrame(X, columns=list("abcd")), pl.DataFrame(X, schema=list("abcd"))):
        model = MLPRegressor(**FAST).fit(frame, VALUES)
        np.testing.assert_array_equal(model.predict(frame), expected)
        with pytest.raises(ValueError, match="feature names"):
            model.predict(frame[list("dcba")])


@shows("float32 or float64, as asked")
def dtypes():
    models = {}
    for dtype in ("float32", "float64"):
        models[dtype] = MLPRegressor(**FAST | {"dtype": dtype}).fit(X, VALUES).predict(X)
        assert models[dtype].dtype == dtype
    difference = np.abs(models["float32"] - models["float64"]).max()
    assert 0.0 < difference < 0.01


def fit_and_predict():
    warnings.simplefilter("ignore")  # of threads beside forks
    return MLPClassifier(dropout=0.2, **FAST).fit(X, CLASSES).predict_proba(X)


@shows("Same seed, same model, bit for bit, in threads and processes")
def same_model():
    alone = fit_and_predict()
    with ThreadPoolExecutor(3) as pool:
        others = list(pool.map(lambda _: fit_and_predict(), range(3)))
    others += Parallel(n_jobs=2)(delayed(fit_and_predict)() for _ in range(2))
    for other in others:
        np.testing.assert_array_equal(other, alone)


@shows("Data that come in parts")
def parts():
    model = MLPRegressor(**FAST)
    for _ in range(100):
        for part in np.array_split(np.arange(200), 4):
            model.partial_fit(X[part], VALUES[part])
    assert model.score(X, VALUES) > 0.9


@shows("Missing values in X")
def missing():
    holes = np.where(np.arange(X.size).reshape(X.shape) % 9 == 0, np.nan, X)
    model = TabularMLPRegressor(n_estimators=2, random_state=0).fit(holes, VALUES)
    assert model.score(holes, VALUES) > 0.5
