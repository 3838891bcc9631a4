"""Tables with categories and missing values, encoded by ONNX Runtime as by TabularEncoder."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.pipeline import make_pipeline

from skmlp import MLPRegressor, TabularEncoder, TabularMLPClassifier, TabularMLPRegressor
from skmlp.onnx import to_onnx
from tests.exports import NETWORK
from tests.onnx.runtime import run

RNG = np.random.default_rng(0)
N = 200
ENSEMBLE = {"n_estimators": 2, "cv": 2, "max_iter": 3, "random_state": 0}


def with_holes(values):
    values = np.asarray(values, dtype=object)
    values[RNG.random(N) < 0.2] = None
    return values


NUMBER = RNG.normal(3.0, 2.0, N)
TABLE = {
    "number": NUMBER,
    "integer": RNG.integers(0, 9, N),
    "single": RNG.normal(size=N).astype(np.float32),
    "holes": np.where(RNG.random(N) < 0.2, np.nan, RNG.lognormal(size=N)),
    "constant": np.ones(N),
    "text": RNG.choice(["a", "b", "c", "é"], N, p=[0.5, 0.3, 0.1, 0.1]),
    "text with holes": with_holes(RNG.choice(["x", "y", "z"], N)),
    "two": RNG.choice(["p", "q"], N),
    "flag": RNG.random(N) < 0.5,
    "code": RNG.integers(0, 5, N),
    "float code": RNG.choice([0.1, 1.0, 2.5, np.nan], N),
}
CATEGORIES = ["text", "text with holes", "two", "flag", "code", "float code"]
FRAME = pd.DataFrame(TABLE)
CLASSES = np.digitize(NUMBER + TABLE["code"], [4.0, 6.0])

# Rows unlike those of training: other categories, numbers far away, more missing values.
STRANGE = FRAME.head(12).copy()
STRANGE["number"] = [np.nan, 1e300, -1e300, *NUMBER[:9]]
STRANGE["text"] = ["new", None, "", *FRAME["text"][:9]]
STRANGE["text with holes"] = ["", None, "new", *FRAME["text with holes"][:9]]
STRANGE["code"] = [99, -1, *FRAME["code"][:10]]
STRANGE["float code"] = [7.0, np.nan, 0.1, *FRAME["float code"][:9]]

SETTINGS = {
    "defaults": {},
    "bins": {"n_bins": 6},
    "bins alone": {"n_bins": 6, "keep_numeric": False},
    "standard": {"numeric_scaling": "standard"},
    "rare": {"max_categories": 2},
    "double": {"dtype": np.float64, "n_bins": 4},
}


def missing_texts(frame):
    """A frame whose empty texts are missing, as they are for an ONNX model."""
    return frame.replace({"text": {"": None}, "text with holes": {"": None}})


@pytest.mark.parametrize("name", SETTINGS)
def test_a_table_is_encoded_to_the_bit(name):
    encoder = TabularEncoder(categorical_features=CATEGORIES, **SETTINGS[name]).fit(FRAME)
    for frame in (FRAME, STRANGE):
        (ours,) = run(encoder, frame)
        np.testing.assert_array_equal(ours, encoder.transform(missing_texts(frame)), strict=True)


def test_an_empty_text_is_a_category_where_training_has_seen_it():
    frame = pd.DataFrame({"text": ["", "a", "b", "a", "", "b"], "number": np.arange(6.0)})
    encoder = TabularEncoder().fit(frame)
    np.testing.assert_array_equal(run(encoder, frame)[0], encoder.transform(frame))
    assert encoder.transform(frame)[0, 1:].tolist() == [1.0, 0.0, 0.0]


@pytest.mark.parametrize("categories", [None, [1, 3]])
@pytest.mark.parametrize("real", [np.float32, np.float64, np.int64], ids=lambda real: real.__name__)
def test_an_array_of_numbers_is_one_input(categories, real):
    X = RNG.integers(-3, 4, (100, 5)).astype(real)
    encoder = TabularEncoder(categorical_features=categories, n_bins=4).fit(X)
    strange = np.vstack([X, 10 * X[:3]])
    np.testing.assert_array_equal(run(encoder, strange)[0], encoder.transform(strange))


def test_no_category_that_is_known_has_the_type_of_the_input():
    encoder = TabularEncoder().fit(FRAME[["text", "number"]])
    other = FRAME[["number"]].assign(text=TABLE["code"])[["text", "number"]]
    for values in (TABLE["code"], TABLE["code"] + 0.5, TABLE["flag"]):
        np.testing.assert_array_equal(
            run(encoder, other.assign(text=values))[0], encoder.transform(other.assign(text=values))
        )


@pytest.mark.parametrize("frame_of", [pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_classifier_for_raw_tables(frame_of, dtype):
    frame = frame_of({name: values.tolist() for name, values in TABLE.items()})
    model = TabularMLPClassifier(dtype=dtype, categorical_features=CATEGORIES, **ENSEMBLE).fit(frame, CLASSES)
    label, probabilities = run(model, frame)
    np.testing.assert_array_equal(label, model.predict(frame))
    assert probabilities.dtype == model.predict_proba(frame).dtype
    np.testing.assert_allclose(probabilities, model.predict_proba(frame), atol=1e-5 if dtype == "float32" else 1e-12)


@pytest.mark.parametrize("y", [NUMBER > 3, np.full(N, "all"), np.c_[NUMBER > 3, TABLE["flag"]].astype(int)])
def test_classifier_for_raw_tables_with_other_targets(y):
    model = TabularMLPClassifier(**ENSEMBLE).fit(FRAME, y)
    label, probabilities = run(model, FRAME)
    np.testing.assert_array_equal(label, model.predict(FRAME))
    np.testing.assert_allclose(probabilities, model.predict_proba(FRAME), atol=1e-5)


@pytest.mark.parametrize(
    "settings",
    [{}, {"loss": "poisson"}, {"loss": "quantile", "quantile": [0.1, 0.5, 0.9]}, {"normalization": "batch"}],
    ids=repr,
)
def test_regressor_for_raw_tables(settings):
    model = TabularMLPRegressor(**ENSEMBLE | settings).fit(FRAME, np.abs(NUMBER))
    if "quantile_offsets_" in vars(model):
        model.quantile_offsets_[1] -= 2.0  # so that quantiles would cross
    (ours,) = run(model, FRAME)
    assert ours.shape == model.predict(FRAME).shape and ours.dtype == np.float64
    np.testing.assert_allclose(ours, model.predict(FRAME), rtol=1e-5)


def test_regressor_for_raw_tables_of_two_targets_and_numbers_alone():
    X = np.c_[NUMBER, TABLE["holes"], TABLE["code"]]
    model = TabularMLPRegressor(**ENSEMBLE).fit(X, X[:, [0, 2]])
    np.testing.assert_allclose(run(model, X)[0], model.predict(X), rtol=1e-5)


def test_an_encoder_in_a_pipeline():
    model = make_pipeline(TabularEncoder(n_bins=8), MLPRegressor(**NETWORK)).fit(FRAME, NUMBER)
    np.testing.assert_allclose(run(model, FRAME)[0], model.predict(FRAME), rtol=1e-5, atol=1e-5)


def test_quantiles_are_an_error():
    encoder = TabularEncoder(numeric_scaling="quantile").fit(FRAME)
    with pytest.raises(ValueError, match="numeric_scaling='quantile' of TabularEncoder cannot be exported"):
        to_onnx(encoder, FRAME)


def test_texts_in_a_column_of_numbers_are_an_error():
    X = np.array([["1.5", "a"], ["2.5", "b"], ["3.5", "a"]], dtype=object)
    encoder = TabularEncoder().fit(X)
    assert encoder.categorical_features_.tolist() == [False, True]
    with pytest.raises(ValueError, match="is of texts, but numeric for the encoder"):
        to_onnx(encoder, X)
