import sys

import numpy as np
import pytest

from skmlp.datasets import load_pima

COLUMNS = [
    "Pregnancies",
    "Glucose",
    "BloodPressure",
    "SkinThickness",
    "Insulin",
    "BMI",
    "DiabetesPedigreeFunction",
    "Age",
]


def test_arrays():
    X, y = load_pima()
    assert X.shape == (768, 8) and X.dtype == np.float64 and X.flags.c_contiguous
    assert y.shape == (768,) and y.dtype == np.int64
    assert np.isfinite(X).all() and (X >= 0).all()
    assert np.bincount(y).tolist() == [500, 268]


def test_first_and_last_row():
    X, y = load_pima()
    # Exact: the values are the decimals of the original, not their float32 neighbours.
    assert X[0].tolist() == [6, 148, 72, 35, 0, 33.6, 0.627, 50] and y[0] == 1
    assert X[-1].tolist() == [1, 93, 70, 31, 0, 30.4, 0.315, 23] and y[-1] == 0


def test_zeros_that_stand_for_missing_values():
    X, _ = load_pima()
    assert (X == 0).sum(axis=0).tolist() == [111, 5, 35, 227, 374, 11, 0, 0]


def test_frame_holds_the_same_values():
    pd = pytest.importorskip("pandas")
    X, y = load_pima()
    frame, series = load_pima(as_frame=True)
    assert isinstance(frame, pd.DataFrame) and isinstance(series, pd.Series)
    assert list(frame.columns) == COLUMNS and series.name == "Outcome"
    assert (frame.dtypes == np.float64).all() and series.dtype == np.int64
    np.testing.assert_array_equal(frame.to_numpy(), X)
    np.testing.assert_array_equal(series.to_numpy(), y)


@pytest.mark.parametrize("as_frame", [False, True])
def test_every_call_returns_its_own_data(as_frame):
    for ours, theirs in zip(load_pima(as_frame=as_frame), load_pima(as_frame=as_frame), strict=True):
        assert not np.shares_memory(np.asarray(ours), np.asarray(theirs))
    X, y = load_pima()
    assert X.flags.writeable and y.flags.writeable and not np.shares_memory(X, y)


def test_frame_without_pandas(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)  # makes `import pandas` fail
    with pytest.raises(ImportError, match=r"load_pima\(as_frame=True\) needs pandas"):
        load_pima(as_frame=True)
    load_pima()
