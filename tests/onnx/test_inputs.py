"""What sample rows say about the inputs of a model."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from skmlp.onnx.inputs import input_types

HOLES = [None, "b", "c"]
ARRAYS = [
    (np.zeros((3, 2)), "DoubleTensorType(shape=[None, 2])"),
    (np.zeros((3, 2), dtype=np.float32), "FloatTensorType(shape=[None, 2])"),
    (np.zeros((3, 2), dtype=np.int32), "Int64TensorType(shape=[None, 2])"),
    (np.zeros((3, 2), dtype=np.uint8), "Int64TensorType(shape=[None, 2])"),
    (np.zeros((3, 2), dtype=bool), "BooleanTensorType(shape=[None, 2])"),
    ([[1, 2], [3, 4]], "Int64TensorType(shape=[None, 2])"),
    ([["a", None], ["b", "c"]], "StringTensorType(shape=[None, 2])"),
    (np.array([["a", "b"]]), "StringTensorType(shape=[None, 2])"),
    (np.array([[1.0, 2.0], [None, 3.0]], dtype=object), "DoubleTensorType(shape=[None, 2])"),
    (sparse.csr_array(np.eye(3, dtype=np.float32)), "FloatTensorType(shape=[None, 3])"),
]
COLUMNS = [
    (np.array([1.0, 2.0, 3.0], dtype=np.float32), "Float"),
    (pd.array([1, None, 3], dtype="Int64"), "Double"),
    (pd.array([True, None, False], dtype="boolean"), "Double"),
    ([True, False, True], "Boolean"),
    (pd.Categorical(HOLES), "String"),
    (pd.Categorical([3, 4, 3]), "Int64"),
    (pd.Series(HOLES, dtype="string"), "String"),
    (HOLES, "String"),
]


@pytest.mark.parametrize("X, expected", ARRAYS, ids=[str(number) for number in range(len(ARRAYS))])
def test_arrays_of_one_type_are_one_input(X, expected):
    assert [(name, repr(kind)) for name, kind in input_types(X)] == [("X", expected)]


@pytest.mark.parametrize("column, expected", COLUMNS, ids=[str(number) for number in range(len(COLUMNS))])
def test_columns_of_a_frame_are_an_input_each(column, expected):
    types = input_types(pd.DataFrame({"first": [0.5, 1.5, 2.5], "second": column}))
    assert [(name, repr(kind)) for name, kind in types] == [
        ("first", "DoubleTensorType(shape=[None, 1])"),
        ("second", f"{expected}TensorType(shape=[None, 1])"),
    ]


def test_arrays_of_several_types_are_an_input_a_column():
    types = input_types(np.array([[1.0, "a"], [2.0, "b"]], dtype=object))
    assert [name for name, _ in types] == ["x0", "x1"]


@pytest.mark.parametrize("X", [np.zeros(3), [1.0, 2.0], np.zeros((1, 2, 3)), 1.0])
def test_rows_have_two_dimensions(X):
    with pytest.raises(ValueError, match=r"X has shape .* expected is \(n_samples, n_features\)"):
        input_types(X)


@pytest.mark.parametrize(
    "values, said", [([None, np.nan], "missing values only"), ([1, "a"], r"holds \['int', 'str'\]")]
)
def test_columns_of_no_type_are_an_error(values, said):
    with pytest.raises(ValueError, match=f"Column second of X .*?{said}"):
        input_types(pd.DataFrame({"first": [1, 2], "second": pd.Series(values, dtype=object)}))


def test_columns_of_the_same_name_are_an_error():
    with pytest.raises(ValueError, match="columns of the same name"):
        input_types(pd.DataFrame(np.zeros((2, 2)), columns=["a", "a"]))
