"""It does not matter what holds a table; what cannot be encoded is refused."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.exceptions import NotFittedError

from skmlp import TabularEncoder
from tests.preprocessing.tables import NAN, TABLES, encode, numbers


@pytest.mark.parametrize("test", TABLES)
@pytest.mark.parametrize("train", TABLES)
def test_frames_that_hold_the_same_give_the_same(train, test):
    expected = TabularEncoder(n_bins=3).fit(TABLES["pandas"])
    encoder = TabularEncoder(n_bins=3).fit(TABLES[train])
    np.testing.assert_array_equal(encoder.transform(TABLES[test]), expected.transform(TABLES["pandas"]))
    assert encoder.get_feature_names_out().tolist() == expected.get_feature_names_out().tolist()


def test_arrays_give_what_frames_give():
    table = TABLES["pandas"].to_numpy(dtype=object)
    given = {"categorical_features": [2, 3, 4]}
    np.testing.assert_array_equal(encode(table, **given), encode(TABLES["pandas"]))
    np.testing.assert_array_equal(encode(table.tolist(), **given), encode(TABLES["pandas"]))


@pytest.mark.parametrize("dtype", [np.int8, np.uint64, np.float32, bool, object])
@pytest.mark.parametrize("order", ["C", "F"])
def test_numbers_of_any_dtype_give_the_same(dtype, order):
    X = np.random.default_rng(0).integers(0, 2, size=(20, 3))
    given = {"categorical_features": [1], "n_bins": 3}
    for train, test in ((X, X.astype(dtype, order=order)), (X.astype(dtype, order=order), X)):
        np.testing.assert_array_equal(encode(train, test, **given), encode(X, **given))


def test_numbers_may_come_as_texts_and_integers_as_floats():
    X = pd.DataFrame({"a": [1, 2, 3, 4], "grade": pd.Categorical([1, 2, 3, 1])})
    other = pd.DataFrame({"a": ["1", "2", "3.0", "4"], "grade": [1.0, NAN, 3.0, 1.0]})
    expected = encode(X)
    expected[1, 1:] = 0
    np.testing.assert_array_equal(encode(X, other), expected)


def test_names_of_columns_may_be_numbers():
    X = pd.DataFrame([[1.0, "a"], [2.0, "b"]], columns=[7, 3])
    assert TabularEncoder().fit(X).get_feature_names_out().tolist() == ["x0", "x1_b"]


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
def test_infinity_is_refused_by_the_name_of_its_column(make):
    good = make({"a": [1.0, 2.0], "b": [1.0, 2.0]})
    bad = make({"a": [1.0, 2.0], "b": [1.0, -np.inf]})
    with pytest.raises(ValueError, match=r"infinity in column\(s\) \['b'\]"):
        TabularEncoder().fit(bad)
    with pytest.raises(ValueError, match=r"infinity in column\(s\) \['b'\]"):
        TabularEncoder().fit(good).transform(bad)
    with pytest.raises(ValueError, match=r"infinity in column\(s\) \[1\]"):
        TabularEncoder().fit(bad.to_numpy())


DAY = datetime.date(2020, 2, 2)
DATED = {
    "pandas": pd.DataFrame({"a": [1], "day": [pd.Timestamp(DAY)]}),
    "pandas, span": pd.DataFrame({"a": [1], "day": [pd.Timedelta(days=1)]}),
    "pandas, zone": pd.DataFrame({"a": [1], "day": [pd.Timestamp(DAY, tz="UTC")]}),
    "pandas, period": pd.DataFrame({"a": [1], "day": pd.period_range("2020", periods=1, freq="M")}),
    "pandas, objects": pd.DataFrame({"a": [1], "day": np.array([DAY], dtype=object)}),
    "polars": pl.DataFrame({"a": [1], "day": [DAY]}),
    "polars, span": pl.DataFrame({"a": [1], "day": [datetime.timedelta(days=1)]}),
    "polars, time": pl.DataFrame({"a": [1], "day": [datetime.time(1)]}),
}


@pytest.mark.parametrize("X", DATED.values(), ids=DATED)
def test_dates_are_refused_by_the_name_of_their_column(X):
    with pytest.raises(ValueError, match=r"Column\(s\) \['day'\] of X hold dates"):
        TabularEncoder().fit(X)
    with pytest.raises(ValueError, match=r"Column\(s\) \['day'\] of X hold dates"):
        TabularEncoder().fit(pd.DataFrame({"a": [1], "day": ["x"]})).transform(X)


@pytest.mark.parametrize("X", [np.array([["2020-02-02"]], dtype="datetime64[D]"), np.array([[DAY]], dtype=object)])
def test_arrays_of_dates_are_refused(X):
    with pytest.raises(ValueError, match="hold dates"):
        TabularEncoder().fit(X)


@pytest.mark.parametrize("value", ["many", 10**400, (1, 2)])
def test_what_is_no_number_is_refused_in_a_numeric_column(value):
    encoder = TabularEncoder().fit(pd.DataFrame({"a": [1.0, 2.0]}))
    X = pd.DataFrame({"a": [1.0, None]}, dtype=object)
    X.iat[1, 0] = value
    with pytest.raises(ValueError, match=r"Column\(s\) \['a'\] of X are taken for numbers"):
        encoder.transform(X)


@pytest.mark.parametrize("make", [sparse.csr_matrix, sparse.csc_array, sparse.coo_array])
def test_sparse_data_are_refused(make):
    with pytest.raises(TypeError, match="MLPClassifier and MLPRegressor train on sparse"):
        TabularEncoder().fit(make(np.eye(3)))


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("numeric_scaling", "minmax"),
        ("n_bins", 1),
        ("keep_numeric", "yes"),
        ("max_categories", 0),
        ("min_frequency", 1.5),
        ("dtype", np.int32),
        ("dtype", np.float16),
    ],
)
def test_parameters_are_checked(parameter, value):
    with pytest.raises(ValueError, match=parameter):
        TabularEncoder(**{parameter: value}).fit(numbers())


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
def test_columns_are_checked_as_scikit_learn_does(make):
    frame = make({"a": [1.0, 2.0], "b": ["x", "y"]})
    encoder = TabularEncoder().fit(frame)
    assert encoder.n_features_in_ == 2
    assert encoder.feature_names_in_.tolist() == ["a", "b"]
    with pytest.raises(ValueError, match="same order"):
        encoder.transform(frame[["b", "a"]])
    with pytest.raises(ValueError, match="missing"):
        encoder.transform(frame[["a"]])
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        encoder.transform(frame[:0])
    with pytest.raises(ValueError, match=r"0 (sample|feature)\(s\)"):
        TabularEncoder().fit(frame[[]])


def test_an_encoder_that_is_not_fitted_says_so():
    with pytest.raises(NotFittedError):
        TabularEncoder().transform(numbers())
    with pytest.raises(NotFittedError):
        TabularEncoder().get_feature_names_out()
