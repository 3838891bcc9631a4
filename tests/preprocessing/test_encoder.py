"""TabularEncoder computes what its docstring says, of any container, and refuses what it cannot encode."""

import datetime
import decimal
import pickle
from itertools import pairwise

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from scipy import sparse, stats
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, QuantileTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from skmlp import TabularEncoder

NAN = float("nan")


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


# ---------------------------------------------------------------------------------------------------------------------
# Naive twins: one value, or one column, at a time
# ---------------------------------------------------------------------------------------------------------------------


def naive_robust(train, value):
    low, median, high = (np.percentile(train, q) for q in (25, 50, 75))
    if high != low:
        x = (value - median) / (high - low)
    elif max(train) != min(train):
        x = (value - median) / ((max(train) - min(train)) / 2)
    else:
        x = 0.0
    return x / (1 + (x / 3) ** 2) ** 0.5


def naive_standard(train, value):
    mean = sum(train) / len(train)
    deviation = (sum((x - mean) ** 2 for x in train) / len(train)) ** 0.5
    x = (value - mean) / deviation if deviation else 0.0
    return x / (1 + (x / 3) ** 2) ** 0.5


def naive_piecewise_linear(edges, value):
    code = []
    for left, right in pairwise(edges):
        if value < left:
            code.append(0.0)
        elif value >= right:
            code.append(1.0)
        else:
            code.append((value - left) / (right - left))
    return code


def naive_one_hot(categories, value):
    return [1.0 if value == category else 0.0 for category in categories]


def numbers(seed=0, shape=(60, 3)):
    return np.random.default_rng(seed).normal(size=shape) ** 3


def encode(train, test=None, **parameters):
    encoder = TabularEncoder(dtype=np.float64, **parameters).fit(train)
    return encoder.transform(train if test is None else test)


def column(*values):
    return np.array(values, dtype=object).reshape(-1, 1)


# ---------------------------------------------------------------------------------------------------------------------
# Numbers
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scaling", "naive"), [("robust", naive_robust), ("standard", naive_standard)])
@pytest.mark.parametrize(
    "train",
    [
        numbers(shape=(60, 1)),
        numbers(shape=(1, 1)),
        np.array([[0.0]] * 9 + [[4.0]]),  # no interquartile range
        np.full((5, 1), 0.1),
        np.arange(7).reshape(-1, 1),
    ],
    ids=["normal", "one row", "mostly zero", "constant", "integers"],
)
def test_scaling_is_that_of_the_definition(scaling, naive, train):
    test = np.vstack([train, 100 * numbers(1, (20, 1))])
    expected = [[naive(train.ravel(), value)] for value in test.ravel()]
    np.testing.assert_allclose(encode(train, test, numeric_scaling=scaling), expected, rtol=1e-12, atol=1e-12)


def test_quantile_scaling_is_normal_and_bounded():
    train = numbers(shape=(999, 1))
    scores = encode(train, numeric_scaling="quantile").ravel()
    ranks = stats.rankdata(train.ravel())
    middle = (ranks > 1) & (ranks < 999)
    np.testing.assert_allclose(scores[middle], stats.norm.ppf((ranks[middle] - 1) / 998), atol=1e-6)
    assert np.abs(encode(train, 1e6 * train, numeric_scaling="quantile")).max() < 5.3


def test_the_result_of_quantile_scaling_is_that_of_scikit_learn():
    train = numbers(shape=(500, 3))
    theirs = QuantileTransformer(n_quantiles=500, output_distribution="normal").fit(train)
    for test in (train, numbers(1)):
        np.testing.assert_allclose(encode(train, test, numeric_scaling="quantile"), theirs.transform(test), atol=1e-6)
    tiny = encode(1e-12 * train, numeric_scaling="quantile")
    np.testing.assert_allclose(tiny, encode(train, numeric_scaling="quantile"), atol=1e-6)


def test_quantile_scaling_uses_all_rows():
    train = numbers(shape=(12_000, 1))
    np.testing.assert_array_equal(
        encode(train, numeric_scaling="quantile"), encode(train[::-1], train, numeric_scaling="quantile")
    )


@pytest.mark.parametrize("n_bins", [2, 7])
def test_bins_are_those_of_the_definition(n_bins):
    train, test = numbers(), 2 * numbers(1)
    edges = [np.percentile(values, [100 * t / n_bins for t in range(n_bins + 1)]) for values in train.T]
    expected = [
        [part for edge, value in zip(edges, row, strict=True) for part in naive_piecewise_linear(edge, value)]
        for row in test
    ]
    alone = encode(train, test, n_bins=n_bins, keep_numeric=False)
    np.testing.assert_allclose(alone, expected, rtol=1e-9, atol=1e-12)
    both = encode(train, test, n_bins=n_bins)
    np.testing.assert_array_equal(both, np.hstack([encode(train, test), alone]))


def test_edges_of_bins_are_the_values_where_there_are_few():
    train = np.array([[0.0, 1.0, 5.0, 3.0], [0.0, 2.0, 5.0, 3.0], [9.0, 3.0, 5.0, 4.0], [9.0, 3.0, 5.0, 3.0]])
    encoder = TabularEncoder(n_bins=10, keep_numeric=False).fit(train)
    assert [None if edges is None else edges.tolist() for edges in encoder.bin_edges_] == [None, [1, 2, 3], None, None]
    # Columns with no more than one bin keep their scaled value, so that nothing is lost.
    assert encoder.get_feature_names_out().tolist() == ["x0", "x2", "x3", "x1_bin0", "x1_bin1"]


def test_quantiles_that_are_equal_make_one_edge():
    train = np.r_[np.zeros(50), np.arange(1, 51)].reshape(-1, 1)
    edges = TabularEncoder(n_bins=10).fit(train).bin_edges_[0]
    np.testing.assert_allclose(edges, [0, *np.percentile(train, [50, 60, 70, 80, 90, 100])])


@pytest.mark.parametrize("scaling", ["robust", "standard", "quantile"])
def test_missing_numbers_are_the_median_and_are_indicated(scaling):
    train = numbers()
    train[:7, 1] = NAN
    present = np.median(train[7:, 1])
    encoder = TabularEncoder(numeric_scaling=scaling, n_bins=3, dtype=np.float64).fit(train)
    assert encoder.had_missing_.tolist() == [False, True, False]
    assert encoder.medians_[1] == present
    filled = np.where(np.isnan(train), present, train)
    result, of_filled = encoder.transform(train), encoder.transform(filled)
    assert result[:, 3].tolist() == [1.0] * 7 + [0.0] * 53
    np.testing.assert_array_equal(np.delete(result, 3, axis=1), np.delete(of_filled, 3, axis=1))
    if scaling == "robust":
        assert not result[:7, 1].any()


def test_numbers_that_are_missing_in_transform_alone_are_the_median():
    assert encode(numbers(), np.full((2, 3), NAN)).tolist() == [[0.0] * 3] * 2


def test_a_column_without_values_is_zero_with_an_indicator_of_ones():
    train = np.column_stack([numbers(shape=(9, 1)), np.full(9, NAN)])
    for scaling in ("robust", "standard", "quantile"):
        result = encode(train, numeric_scaling=scaling, n_bins=3)
        assert (result[:, 1] == 0).all() and (result[:, 2] == 1).all()
        assert encode(train, [[0.0, 8.0]], numeric_scaling=scaling, n_bins=3)[0, 1:3].tolist() == [0, 0]


@pytest.mark.parametrize("scaling", ["robust", "standard", "quantile"])
def test_a_constant_column_is_zero_whatever_comes_later(scaling):
    assert not encode(np.full((5, 2), 0.1), [[0.1, 7.0], [NAN, -1e300]], numeric_scaling=scaling, n_bins=3).any()


@pytest.mark.parametrize("scaling", ["robust", "standard", "quantile"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extreme_values_stay_finite(scaling, dtype):
    largest, smallest = np.finfo(float).max, np.nextafter(0, 1)
    train = np.array(
        [[largest, 0, 0, 1], [-largest, smallest, 0, 1 + 1e-16], [1e300, 2 * smallest, 1e300, 1 + 1e-15], [1, 0, 1, 1]]
    )
    encoder = TabularEncoder(numeric_scaling=scaling, n_bins=3, dtype=dtype).fit(train)
    for table in (train, np.full((1, 4), largest), np.full((1, 4), -largest), np.full((1, 4), smallest)):
        with np.errstate(all="raise", under="ignore"):
            result = encoder.transform(table)
        assert np.isfinite(result).all() and np.abs(result).max() < 5.3


# ---------------------------------------------------------------------------------------------------------------------
# Categories
# ---------------------------------------------------------------------------------------------------------------------


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


# ---------------------------------------------------------------------------------------------------------------------
# Which columns hold categories
# ---------------------------------------------------------------------------------------------------------------------


FRAME = {
    "size": [1.5, 2.5, None, 4.0],
    "count": [3, 1, 2, 2],
    "color": ["red", None, "blue", "green"],
    "flag": [True, False, True, True],
    "ticked": [True, None, False, True],
}


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


# ---------------------------------------------------------------------------------------------------------------------
# The container does not matter
# ---------------------------------------------------------------------------------------------------------------------


TABLES = {
    "pandas": pd.DataFrame(FRAME),
    "pandas, converted": pd.DataFrame(FRAME).convert_dtypes(),
    "pandas, objects": pd.DataFrame(FRAME, dtype=object),
    "pandas, category": pd.DataFrame(FRAME).astype({"color": "category", "flag": "category", "ticked": "category"}),
    "pandas, other order": pd.DataFrame(FRAME).assign(
        color=lambda X: pd.Categorical(X["color"], categories=["red", "blue", "black", "green"], ordered=True)
    ),
    "pandas, float32": pd.DataFrame(FRAME).astype({"size": "float32", "count": "float32"}),
    "pandas, two of a kind": pd.DataFrame(FRAME).astype({"count": "int8", "flag": "object"}),
    "polars": pl.DataFrame(FRAME),
    "polars, categorical": pl.DataFrame(FRAME).with_columns(pl.col("color").cast(pl.Categorical)),
    "polars, enum": pl.DataFrame(FRAME).with_columns(pl.col("color").cast(pl.Enum(["red", "green", "blue"]))),
    "polars, float32": pl.DataFrame(FRAME).with_columns(pl.col("size", "count").cast(pl.Float32)),
}


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


# ---------------------------------------------------------------------------------------------------------------------
# What is refused
# ---------------------------------------------------------------------------------------------------------------------


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
    with pytest.raises(ValueError, match=r"Column\(s\) \['a'\] of X are numeric"):
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


# ---------------------------------------------------------------------------------------------------------------------
# As a transformer of scikit-learn
# ---------------------------------------------------------------------------------------------------------------------


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
