"""Input data: conversion to the one dtype and memory order that the engine computes with."""

import numpy as np
from scipy import sparse
from sklearn.utils.validation import _check_sample_weight, check_non_negative, validate_data

from skmlp.training.trainer import NON_FINITE


def validate(estimator, X, *y, reset, **checks):
    """scikit-learn's validation of X, and of y where there is one, with the offending columns in its error.

    Raises
    ------
    ValueError, TypeError
        For data that scikit-learn refuses.
    """
    try:
        return validate_data(
            estimator, X, *y, accept_sparse=("csr", "csc"), dtype=(np.float64, np.float32), reset=reset, **checks
        )
    except ValueError as error:
        columns = not_numeric(X) if "convert" in str(error) else []
        if not columns:
            raise
        raise ValueError(
            f"{error}\nColumn(s) {columns[:10]} of X are not numeric. Encode them first, for instance with "
            "sklearn.preprocessing.OneHotEncoder or OrdinalEncoder."
        ) from error


def not_numeric(X):
    """Columns of X, by name or number, that cannot be turned into numbers."""
    names = list(X.columns) if hasattr(X, "columns") else None
    table = np.asarray(X, dtype=object)
    if table.ndim != 2:
        return []
    columns = []
    for number in range(table.shape[1]):
        try:
            table[:, number].astype(np.float64)
        except (ValueError, TypeError):
            columns.append(names[number] if names else number)
    return columns


def compute_dtype(dtype, solver, X):
    """The dtype that the parameter ``dtype`` stands for, with data X."""
    if dtype == "auto":
        return np.dtype(np.float64 if solver == "lbfgs" else np.float32)
    return X.dtype if dtype == "input" else np.dtype(dtype)


def out_of_range(X, dtype):
    """Columns of X with values beyond the range of ``dtype``."""
    limit = np.finfo(dtype).max
    values = X.data if sparse.issparse(X) else X
    if X.dtype == dtype or values.size == 0 or (values.max() <= limit and values.min() >= -limit):
        return []
    if sparse.issparse(X):
        return np.unique(X.tocoo().col[np.abs(X.tocoo().data) > limit]).tolist()
    return np.flatnonzero((np.abs(X) > limit).any(axis=0)).tolist()


def for_training(X, dtype):
    """X as the engine trains on it: C-contiguous or canonical CSR, in ``dtype``; no copy of what is so already.

    Raises
    ------
    ValueError
        If values are beyond the range of ``dtype``.
    """
    columns = out_of_range(X, dtype)
    if columns:
        raise ValueError(
            f"{NON_FINITE} Column(s) {columns[:10]} of X hold values beyond the range of {dtype}, whose largest is "
            f"{np.finfo(dtype).max:.3g}. Scale X, or use dtype='float64'."
        )
    if not sparse.issparse(X):
        return np.ascontiguousarray(X, dtype=dtype)
    return canonical(X).astype(dtype, copy=False)


def for_prediction(X, dtype):
    """X as the engine predicts from it: dense X is converted later, block by block."""
    columns = out_of_range(X, dtype)
    if columns:
        raise ValueError(
            f"Input X contains infinity or a value too large for dtype('{dtype}'), in column(s) {columns[:10]}."
        )
    return canonical(X) if sparse.issparse(X) else X


def canonical(X):
    """CSR with sorted indices and no duplicates, so that equal matrices give equal models; X itself stays as it is."""
    X = X.tocsr()
    if not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    return X


def check_weights(sample_weight, X, dtype, name="sample_weight"):
    """Sample weights in ``dtype``, or None.

    Raises
    ------
    ValueError
        If one is negative or not finite, all are zero, or their number is not that of the rows of X.
    """
    if sample_weight is None:
        return None
    try:
        weights = _check_sample_weight(sample_weight, X)
        check_non_negative(weights, f"`{name}`")
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    weights = weights.astype(dtype)
    if not np.any(weights > 0):
        raise ValueError(f"{name}: Sample weights must contain at least one non-zero number.")
    return weights
