"""Numbers are scaled, and put into bins, as the definitions say."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import stats
from sklearn.preprocessing import QuantileTransformer

from skmlp import TabularEncoder
from tests.preprocessing.tables import NAN, encode, numbers


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
    return [(component - 0.5) / len(code) ** 0.5 for component in code]


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
