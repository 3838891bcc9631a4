"""TabularEncoder is a transformer of scikit-learn."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from skmlp import TabularEncoder
from tests.preprocessing.tables import TABLES, numbers


@parametrize_with_checks(
    [
        TabularEncoder(),
        TabularEncoder(numeric_scaling="standard", dtype=np.float64),
        TabularEncoder(numeric_scaling="quantile", n_bins=4),
        TabularEncoder(categorical_features=[0], n_bins=4, keep_numeric=False),
    ]
)
def test_common_check(estimator, check):
    check(estimator)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, "float64", np.dtype("float32")])
def test_the_result_is_a_contiguous_array_of_the_dtype_asked_for(dtype):
    result = TabularEncoder(dtype=dtype).fit_transform(TABLES["pandas"])
    assert type(result) is np.ndarray
    assert result.dtype == np.dtype(dtype)
    assert result.flags.c_contiguous
    assert np.isfinite(result).all()


def test_columns_of_the_result_have_names():
    encoder = TabularEncoder(n_bins=2).fit(TABLES["pandas"])
    assert encoder.get_feature_names_out().tolist() == [
        *("size", "count", "size_missing", "size_bin0", "size_bin1", "count_bin0", "count_bin1"),
        *("color_blue", "color_green", "color_red", "color_missing"),
        *("flag_1", "ticked_0", "ticked_1", "ticked_missing"),
    ]
    with pytest.raises(ValueError, match="input_features is not equal"):
        encoder.get_feature_names_out(["other"] * 5)


def test_names_of_the_result_differ():
    X = pd.DataFrame({"a": ["b", "c", "missing", None], "a_b": [1.0, 2.0, 3.0, 4.0]})
    encoder = TabularEncoder().fit(X)
    assert encoder.get_feature_names_out().tolist() == ["a_b", "a_b_", "a_c", "a_missing", "a_missing_"]
    assert encoder.set_output(transform="polars").transform(X).shape == (4, 5)


@pytest.mark.parametrize(("output", "kind"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame)])
@pytest.mark.parametrize("scaling", ["robust", "quantile"])
def test_the_result_can_be_a_frame(output, kind, scaling):
    X = TABLES["pandas"]
    expected = TabularEncoder(numeric_scaling=scaling).fit_transform(X)
    with sklearn.config_context(transform_output=output):
        frames = [TabularEncoder(numeric_scaling=scaling).fit_transform(X)]
    frames.append(TabularEncoder(numeric_scaling=scaling).set_output(transform=output).fit_transform(X))
    for frame in frames:
        assert type(frame) is kind
        np.testing.assert_array_equal(frame.to_numpy(), expected)


def test_clones_and_pickles_are_the_same():
    encoder = TabularEncoder(n_bins=3, numeric_scaling="quantile", max_categories=3).fit(TABLES["pandas"])
    expected = encoder.transform(TABLES["polars"])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(encoder)).transform(TABLES["polars"]), expected)
    np.testing.assert_array_equal(clone(encoder).fit_transform(TABLES["pandas"]), expected)


def test_the_table_is_left_as_it_is():
    for X in (numbers(), TABLES["pandas"].copy(), TABLES["pandas"].to_numpy(dtype=object)):
        before = pickle.dumps(X)
        TabularEncoder(n_bins=3).fit_transform(X)
        assert pickle.dumps(X) == before


def test_rows_are_encoded_one_by_one():
    encoder = TabularEncoder(n_bins=3).fit(TABLES["pandas"])
    rows = [encoder.transform(TABLES["pandas"].iloc[[row]]) for row in range(4)]
    np.testing.assert_array_equal(np.vstack(rows), encoder.transform(TABLES["pandas"]))


def test_it_is_a_step_of_a_pipeline():
    model = make_pipeline(TabularEncoder(n_bins=3), LogisticRegression(C=100))
    assert model.fit(TABLES["pandas"], [0, 1, 0, 1]).score(TABLES["polars"], [0, 1, 0, 1]) == 1
