"""Input data: conversion to the one dtype and memory order that the engine computes with."""

import numpy as np
from scipy import sparse
from sklearn.utils.validation import _check_sample_weight, validate_data

from skmlp.preprocessing.tables import columns_of_dates
from skmlp.training.trainer import NON_FINITE


def validate(estimator, X, *y, reset, **checks):
    """scikit-learn's validation of X, and of y where there is one, with the offending columns in its error.

    Raises
    ------
    ValueError, TypeError
        For data that scikit-learn refuses.
    """
    dates = columns_of_dates(X)
    if dates:
        raise ValueError(
            f"Column(s) {dates[:10]} of X hold dates or time spans. Turn them into numbers first, e.g. days."
        )
    try:
        return validate_data(
            estimator, X, *y, accept_sparse=("csr", "csc"), dtype=(np.float64, np.float32), reset=reset, **checks
        )
    except (ValueError, TypeError) as error:
        where = "\n".join(locate(error, X, *y))
        if not where:
            raise
        raise type(error)(f"{error}\n{where}") from error


def is_plain(estimator, X):
    """Whether X is an array to which validation could say no more than that it is not finite.

    Validation takes longer than predicting a row, and for many rows as long as half of their prediction.
    """
    return (
        type(X) is np.ndarray
        and X.ndim == 2
        and X.dtype in (np.float32, np.float64)
        and X.size > 0
        and X.shape[1] == estimator.n_features_in_
        and not hasattr(estimator, "feature_names_in_")
    )


FOR_TABLES = "TabularMLPClassifier and TabularMLPRegressor"


def locate(error, X, y=None):
    """Sentences that say where in X or y what scikit-learn complains of is to be found."""
    message = str(error)
    if message.startswith(("Input X contains", "Input y contains")):
        name = message.split()[1]
        yield f"{name} is not finite in {not_finite({'X': X, 'y': y}[name])}."
        if "X contains NaN" in message:
            yield f"{FOR_TABLES} take missing values as they are."
    elif message.startswith("Input contains NaN") and y is not None:  # so scikit-learn says it of labels
        yield f"y has no label in row(s) {first_few(np.flatnonzero(missing_labels(y)))}."
    else:
        columns = not_numeric(X)
        if columns:
            yield (
                f"Column(s) {columns[:10]} of X are not numeric. {FOR_TABLES} take texts and categories as they are; "
                "for other estimators encode them first, for instance with sklearn.preprocessing.OneHotEncoder."
            )
        elif "float" in message:
            yield f"This is about {'y' if np.ndim(X) else 'X'}."


def not_finite(data):
    """Rows and columns of an array, frame or sparse matrix that hold NaN or infinity, in words."""
    if sparse.issparse(data):
        data = data.tocoo()
        found = ~np.isfinite(data.data)
        rows, columns = data.row[found], data.col[found]
    else:
        names = getattr(data, "columns", None)
        missing = np.asarray(data.isna()) if hasattr(data, "isna") else np.False_
        if not missing.any():  # else pandas may hold missing values that are no floats
            missing = ~np.isfinite(np.asarray(data, dtype=np.float64))
        places = np.argwhere(missing)
        rows, columns = places[:, 0], places[:, 1] if places.shape[1] > 1 else []
        if names is not None:
            columns = [names[column] for column in columns]
    words = f"row(s) {first_few(rows)}"
    return f"{words}, column(s) {first_few(columns)}" if len(columns) else words


def missing_labels(y):
    """Which of the labels are missing: None, NaN, or what pandas takes for missing."""
    if hasattr(y, "isna"):
        return np.asarray(y.isna())
    if (y := np.asarray(y)).dtype.kind in "mM":
        return np.isnat(np.ravel(y))
    return np.array([label is None or label != label for label in np.ravel(np.asarray(y, dtype=object))])


def first_few(values):
    """The first few different values, as text."""
    values = list(dict.fromkeys(value.item() if isinstance(value, np.generic) else value for value in values))
    return f"{values[:5]}{' and more' if len(values) > 5 else ''}"


def not_numeric(X):
    """Columns of X, by name or number, that cannot be turned into numbers."""
    if sparse.issparse(X) or (isinstance(X, np.ndarray) and X.dtype.kind in "biuf"):
        return []
    names = list(X.columns) if hasattr(X, "columns") else None
    table = np.asarray(X, dtype=object)
    columns = []
    for number in range(table.shape[1] if table.ndim == 2 else 0):
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
    if X.format in ("csr", "csc", "bsr"):  # which scipy converts without a look
        try:
            X.check_format(full_check=True)
        except ValueError as error:
            raise ValueError(f"X is no valid sparse matrix: {error}.") from None
    X = X.tocsr()
    if not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    return X


def check_weights(sample_weight, X, dtype):
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
    except (ValueError, TypeError) as error:
        where = "These are the values of sample_weight."
        if str(error).startswith("Input sample_weight contains"):
            where = f"sample_weight is not finite in {not_finite(sample_weight)}."
        raise type(error)(f"{error}\n{where}") from error
    if not np.isfinite(weights).all():  # scikit-learn does not look at a scalar
        raise ValueError(f"Input sample_weight contains NaN or infinity: {sample_weight}.")
    negative = np.flatnonzero(weights < 0)
    if len(negative):
        raise ValueError(
            f"Negative values in data passed to `sample_weight`: {first_few(weights[negative])} in row(s) "
            f"{first_few(negative)}; allowed are weights >= 0."
        )
    return weights_in(weights, dtype, "sample_weight")


def weights_in(weights, dtype, name):
    """Weights in ``dtype``, if they are usable there.

    Raises
    ------
    ValueError
    """
    with np.errstate(over="ignore", under="ignore"):
        weights = weights.astype(dtype)
    if not np.isfinite(weights.sum(dtype=dtype)):
        raise ValueError(f"{name}: weights beyond the range of {dtype}; scale them down, or use dtype='float64'.")
    if not np.any(weights > 0):
        raise ValueError(f"Sample weights must contain at least one non-zero number: by {name} all are 0 in {dtype}.")
    if weights.max() < np.finfo(dtype).tiny:  # nothing can be divided by them
        raise ValueError(f"{name}: weights too small for {dtype}; scale them up, or use dtype='float64'.")
    return weights
