"""Names and types of the inputs of an ONNX model, as sample rows say."""

import numpy as np
from scipy import sparse
from skl2onnx.common.data_types import (
    BooleanTensorType,
    DoubleTensorType,
    FloatTensorType,
    Int64TensorType,
    StringTensorType,
)

from skmlp.preprocessing.tables import are_numbers, is_frame, is_missing, read_columns

TENSORS = {  # by kind of dtype
    "b": BooleanTensorType,
    "i": Int64TensorType,
    "u": Int64TensorType,
    "f": DoubleTensorType,
    "O": StringTensorType,
    "U": StringTensorType,
}


def tensor_of(dtype):
    """The type of skl2onnx for values of a dtype: bool, int64, float32, float64 or string."""
    dtype = np.dtype(dtype)
    if dtype.kind not in TENSORS:
        raise ValueError(f"ONNX Runtime has no values of {dtype}: known are numbers, booleans and texts.")
    return FloatTensorType if dtype in (np.float16, np.float32) else TENSORS[dtype.kind]


def input_types(X):
    """Names and types of inputs for rows like those of X.

    Parameters
    ----------
    X : {array-like, frame, sparse matrix} of shape (n_samples, n_features)

    Returns
    -------
    types : list of (str, skl2onnx type)
        Of a frame one input a column, by its name; of an array one, ``X``, or, where its columns are of several types,
        one a column, ``x0``, ``x1`` and so on.

    Raises
    ------
    ValueError
        If X has not two dimensions, a column holds no value, or values of several types, or if two columns have the
        same name.
    """
    if sparse.issparse(X):
        return [("X", tensor_of(X.dtype)([None, X.shape[1]]))]
    frame = is_frame(X)
    if not frame and not hasattr(X, "dtype"):
        X = np.array(X, dtype=object if np.asarray(X).dtype.kind in "US" else None)
    if len(X.shape) != 2:
        raise ValueError(f"X has shape {X.shape}, expected is (n_samples, n_features).")
    names = list(map(str, X.columns)) if frame else [f"x{number}" for number in range(X.shape[1])]
    if len(set(names)) < len(names):
        raise ValueError(f"X has columns of the same name: {names}; the inputs of an ONNX model have a name each.")
    tensors = [tensor_of_column(*pair) for pair in zip(names, read_columns(X), strict=True)]
    if not frame and len(set(tensors)) == 1:
        return [("X", tensors[0]([None, len(tensors)]))]
    return [(name, tensor([None, 1])) for name, tensor in zip(names, tensors, strict=True)]


def tensor_of_column(name, column):
    """The type of skl2onnx for the values of a column."""
    if isinstance(column, np.ndarray):
        return tensor_of(column.dtype)
    values = [value for value in column if not is_missing(value)]
    if not values:
        raise ValueError(f"Column {name} of X holds missing values only, so its type is not known; give other rows.")
    if all(isinstance(value, str) for value in values):
        return StringTensorType
    if not are_numbers(values) and not all(isinstance(value, bool | np.bool_) for value in values):
        kinds = sorted({type(value).__name__ for value in values})
        raise ValueError(f"Column {name} of X holds {kinds}; an input of an ONNX model is of texts or of numbers.")
    return tensor_of(np.array(values).dtype) if len(values) == len(column) else DoubleTensorType
