"""Categories become indicators, as the definition says; which columns hold them is read or told."""

import datetime
import decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.preprocessing import OneHotEncoder

from skmlp import TabularEncoder
from tests.preprocessing.tables import FRAME, NAN, column, encode


def naive_one_hot(categories, value):
    return [1.0 if value == category else 0.0 for category in categories]


def test_categories_become_indicators():
    train = column("red", "green", "blue", "red")
    test = column("blue", "red", "violet", None, NAN, pd.NA)
    expected = [naive_one_hot(["blue", "green", "red"], value) for value in ("blue", "red", "", "", "", "")]
    assert encode(train, test).tolist() == expected


def test_two_categories_become_one_column():
    assert encode(column("b", "a", "b"), column("a", "b", "c", None)).ravel().tolist() == [-1, 1, 0, 0]


def test_missing_is_a_category_if_training_has_seen_it():
    encoder = TabularEncoder().fit(column("b", "a", None))
    assert [one.tolist() for one in encoder.categories_] == [["a", "b", None]]
    assert encoder.get_feature_names_out().tolist() == ["x0_a", "x0_b", "x0_missing"]
    assert encoder.transform(column(NAN, pd.NA, None, "c")).tolist() == [[0, 0, 1]] * 3 + [[0, 0, 0]]
    assert encode(column("a", NAN, "a")).ravel().tolist() == [-1, 1, -1]


@pytest.mark.parametrize("parameters", [{"max_categories": 4}, {"min_frequency": 3}, {"min_frequency": 0.2}])
def test_infrequent_categories_are_those_of_one_hot_encoder(parameters):
    train = column(*"aaaabbbbbccddef")
    theirs = OneHotEncoder(handle_unknown="infrequent_if_exist", sparse_output=False, **parameters).fit(train)
    ours = TabularEncoder(**parameters).fit(train)
    test = column(*"abcdefg")
    np.testing.assert_array_equal(ours.transform(test), theirs.transform(test))
    assert ours.infrequent_categories_[0].tolist() == theirs.infrequent_categories_[0].tolist()
    assert ours.get_feature_names_out()[-1] == "x0_infrequent"
    assert not ours.transform(column(None)).any()  # missing is not unknown


def test_a_column_has_no_more_indicators_than_allowed():
    train = column(*(f"c{number}" for number in range(100)))
    assert encode(train).shape == (100, 32)
    assert encode(train, max_categories=None).shape == (100, 100)
    assert encode(train, max_categories=1).tolist() == [[1]] * 100


def test_mixed_values_are_compared_by_their_texts():
    train = column("1", 2, 2.5, "x", True, decimal.Decimal("2.5"), datetime.UTC)
    encoder = TabularEncoder().fit(train)
    assert [one.tolist() for one in encoder.categories_] == [["1", "2", "2.5", "UTC", "x"]]
    same = column(1, "2", np.float32(2.5), np.str_("x"), np.True_, "2.5", "UTC")
    np.testing.assert_array_equal(encoder.transform(same), encoder.transform(train))


def test_values_without_a_hash_are_compared_by_their_texts():
    train = np.empty((3, 1), dtype=object)
    train[:, 0] = [[1, 2], [3], [1, 2]]
    assert encode(train).ravel().tolist() == [-1, 1, -1]


def test_the_kind_of_a_column_comes_from_its_dtype():
    pandas = pd.DataFrame(FRAME).assign(
        grade=pd.Categorical([3, 1, 2, 1]),
        numbers=np.array([1, 2.5, None, decimal.Decimal(4)], dtype=object),
        words=pd.Series(["a", "b", "a", "a"], dtype="string"),
        integers=pd.Series([1, None, 3, 4], dtype="Int64"),
        nothing=np.array([None] * 4, dtype=object),
        nullable=pd.Series([True, None, False, True], dtype="boolean"),
        sparse=pd.arrays.SparseArray([0.0, 0.0, 1.0, 2.0]),
    )
    mask = TabularEncoder().fit(pandas).categorical_features_
    assert pandas.columns[mask].tolist() == ["color", "flag", "ticked", "grade", "words", "nullable"]


def test_the_kind_of_a_column_of_polars_comes_from_its_dtype():
    frame = pl.DataFrame(FRAME).with_columns(
        pl.Series("enum", ["a", "b", "a", None], dtype=pl.Enum(["b", "a"])),
        pl.Series("categorical", ["a", "b", "a", None], dtype=pl.Categorical),
        pl.Series("decimal", [decimal.Decimal("1.5"), None, None, decimal.Decimal("2.5")]),
        pl.Series("small", [1, None, 3, 4], dtype=pl.UInt8),
        pl.Series("single", [1, None, 3, 4], dtype=pl.Float32),
        pl.Series("nothing", [None] * 4),
        pl.Series("empty", [None] * 4, dtype=pl.String),
        pl.Series("objects", [1, 2.5, None, 3], dtype=pl.Object),
    )
    mask = TabularEncoder().fit(frame).categorical_features_
    assert np.array(frame.columns)[mask].tolist() == ["color", "flag", "ticked", "enum", "categorical", "empty"]


def test_the_kind_of_a_column_of_an_array_comes_from_its_values():
    table = [[1.5, "a", "7", True, None, 1], [None, "b", "8", False, None, "1x"]]
    for X in (table, np.array(table, dtype=object)):
        assert TabularEncoder().fit(X).categorical_features_.tolist() == [False, True, False, False, False, True]
    assert TabularEncoder().fit(np.array([["1", "a"], ["2", "b"]])).categorical_features_.tolist() == [False, True]
    assert not TabularEncoder().fit(np.array([[True, False], [True, True]])).categorical_features_.any()


@pytest.mark.parametrize(
    "given", [["count", "color"], ("color", "count"), [1, 2], np.array([1, 2]), [False, True, True]]
)
def test_categorical_columns_are_named_numbered_or_masked(given):
    X = pd.DataFrame({name: FRAME[name] for name in ("size", "count", "color")})
    encoder = TabularEncoder(categorical_features=given).fit(X)
    assert encoder.categorical_features_.tolist() == [False, True, True]
    assert encoder.categories_[0].tolist() == ["1", "2", "3"]


def test_without_categorical_columns_all_are_numbers():
    X = pd.DataFrame({"grade": pd.Categorical([3, 1, 2, None]), "flag": [True, False, True, True]})
    for given in (None, []):
        assert not TabularEncoder(categorical_features=given).fit(X).categorical_features_.any()
        np.testing.assert_array_equal(encode(X, categorical_features=given), encode([[3, 1], [1, 0], [2, 1], [NAN, 1]]))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["size", "weight"], r"no column\(s\) \['weight'\]"),
        ([0, 3], r"no column\(s\) \[3\]"),
        ([-1], r"no column\(s\) \[-1\]"),
        ([0.5], r"no column\(s\) \[0.5\]"),
        ([True], "a mask of 1 columns, where X has 2"),
        ("size", "'categorical_features' parameter"),
    ],
)
def test_categorical_columns_that_are_not_there_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        TabularEncoder(categorical_features=given).fit(pd.DataFrame({"size": [1, 2], "count": [1, 2]}))
