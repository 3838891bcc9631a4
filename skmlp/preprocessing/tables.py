"""Columns of pandas and polars frames and of arrays, read by value: what kind of container held them is forgotten."""

import datetime
import math
import numbers
import re
from decimal import Decimal

import numpy as np

NUMERIC_KINDS = "biuf"
DATES = (datetime.date, datetime.time, datetime.timedelta, np.datetime64, np.timedelta64)
CATEGORICAL_DTYPE = re.compile(r"(category|categorical|enum|string|str|boolean|bool)\b", re.IGNORECASE)


def is_frame(X):
    """Whether X is a frame of pandas or polars."""
    return (hasattr(type(X), "iloc") and hasattr(X, "columns")) or hasattr(type(X), "get_columns")


def columns_of_dates(X):
    """Columns of X, by name or number, whose dtype is a date or a time span."""
    if hasattr(X, "columns"):
        return [name for name, dtype in zip(X.columns, X.dtypes, strict=True) if is_of_dates(dtype)]
    return ["all"] if is_of_dates(getattr(X, "dtype", None)) else []


def is_of_dates(dtype):
    """Whether a dtype of NumPy, pandas or polars is a date or a time span."""
    return getattr(dtype, "kind", "") in ("m", "M") or (hasattr(dtype, "is_temporal") and dtype.is_temporal())


def read_columns(X):
    """The columns of X, each an array where its dtype is numeric or boolean, else a list of Python values."""
    if not is_frame(X):
        return list(X.T) if X.dtype.kind in NUMERIC_KINDS else [column.tolist() for column in X.T]
    # By place, not by name: pandas lets two columns have the same.
    return [read_series(series) for series in series_of(X)]


def series_of(X):
    """The columns of a frame, as series."""
    return [series for _, series in X.items()] if hasattr(X, "items") else X.get_columns()


def read_series(series):
    """Values of a column of a frame."""
    dtype = series.dtype
    if hasattr(dtype, "is_numeric"):
        numeric = dtype.is_numeric()
    else:
        numeric = dtype.kind in NUMERIC_KINDS
    if numeric and hasattr(dtype, "na_value"):
        return series.to_numpy(dtype=np.float64, na_value=np.nan)
    values = series.to_numpy() if numeric else None
    return values if numeric and values.dtype.kind in NUMERIC_KINDS else series.to_list()


def holding_dates(columns):
    """Places of those columns which, though their dtype does not say so, hold dates or time spans."""
    return [
        place
        for place, column in enumerate(columns)
        if isinstance(column, list)
        and any(issubclass(kind, DATES) or kind.__name__ == "Period" for kind in set(map(type, column)))
    ]


def categorical_mask(given, X, columns, names):
    """Boolean mask of the columns that hold categories, by what a user has said of them.

    Parameters
    ----------
    given : 'from_dtype', None, or array-like of int, str or bool
        That.
    X : array or frame
        The table.
    columns : list
        Its columns, as read.
    names : ndarray of str or None
        Their names.

    Returns
    -------
    mask : ndarray of bool

    Raises
    ------
    ValueError
        If X has no such columns.
    """
    if isinstance(given, str):
        return are_categorical(X, columns)
    mask = np.zeros(len(columns), dtype=bool)
    if given is None or len(given) == 0:
        return mask
    kind = np.asarray(given).dtype.kind
    if kind == "b":
        if len(given) != len(mask):
            raise ValueError(f"categorical_features: a mask of {len(given)} columns, where X has {len(mask)}.")
        return np.array(given)
    known = range(len(mask)) if kind in "iu" else list(() if names is None else names)
    unknown = [one for one in given if one not in known]
    if unknown:
        raise ValueError(f"categorical_features: X has no column(s) {unknown[:10]}.")
    mask[[known.index(one) for one in given]] = True
    return mask


def are_categorical(X, columns):
    """Boolean mask of the columns that hold categories, by dtype or, where that says nothing, by their values."""
    if is_frame(X):
        series = series_of(X)
        mask = [
            CATEGORICAL_DTYPE.match(str(one.dtype)) is not None
            or (isinstance(column, list) and not are_numbers(column))
            for one, column in zip(series, columns, strict=True)
        ]
    else:
        mask = [isinstance(column, list) and not are_convertible(column) for column in columns]
    return np.array(mask, dtype=bool)


def are_numbers(values):
    """Whether Python values are numbers and missing values, and not all of the former True or False."""
    kinds = {type(value) for value in values if not is_missing(value)}
    if kinds and kinds <= {bool, np.bool_}:
        return False
    return all(issubclass(kind, (numbers.Real, Decimal, np.bool_)) for kind in kinds)


def are_convertible(values):
    """Whether Python values can be turned into floats."""
    try:
        floats(values)
    except (ValueError, TypeError, OverflowError):
        return False
    return True


def floats(column):
    """A column as floats, NaN where a value is missing.

    Raises
    ------
    ValueError, TypeError, OverflowError
        If there is a value that is not a number.
    """
    if isinstance(column, np.ndarray):
        return column.astype(np.float64, copy=False)
    return np.array([math.nan if is_missing(value) else value for value in column], dtype=np.float64)


def number_table(columns, places, names):
    """The columns at some places as one array of float64, NaN where a value is missing.

    Raises
    ------
    ValueError
        If there is infinity, or a value that is not a number; it names the columns.
    """
    table = np.empty((len(columns[0]), len(places)))
    for target, place in zip(table.T, places, strict=True):
        try:
            target[:] = floats(columns[place])
        except (ValueError, TypeError, OverflowError) as error:
            raise ValueError(
                f"Column(s) {labels([place], names)} of X are taken for numbers, but cannot be converted to floats: "
                f"{error}. If categorical_features is given, it has to name all columns of categories."
            ) from error
    infinite = labels(places[np.isinf(table).any(axis=0)], names)
    if infinite:
        raise ValueError(f"Input X contains infinity in column(s) {infinite[:10]}.")
    return table


def labels(places, names):
    """Names of the columns at some places, or, where there are no names, their numbers."""
    return [int(place) if names is None else names[place] for place in places]


def texts(column):
    """The distinct values of a column, each with its text, or None if missing; and the column's values as a list.

    Categories are compared by these texts: 1, 1.0, True and "1" are the same category.
    """
    values = column.tolist() if isinstance(column, np.ndarray) else column
    try:
        return {value: text(value) for value in set(values)}, values
    except TypeError:  # lists and other values that cannot be looked up
        values = [text(value) for value in values]
        return {value: value for value in set(values)}, values


def text(value):
    """The text of one value, the same for equal numbers of any type; None if missing."""
    if isinstance(value, str):
        return str(value)
    if is_missing(value):
        return None
    if isinstance(value, (numbers.Integral, np.bool_)):
        return str(int(value))
    if isinstance(value, (numbers.Real, Decimal)):
        return str(int(value)) if math.isfinite(value) and value == int(value) else repr(float(value))
    return str(value)


def is_missing(value):
    """Whether a value is None, NaN, pandas' NA or NaT."""
    return (
        value is None
        or (isinstance(value, numbers.Number) and bool(value != value))
        or type(value).__name__ in ("NAType", "NaTType")  # without importing pandas, which need not be installed
    )
