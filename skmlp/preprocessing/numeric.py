"""Columns of numbers: scaling, indicators of missing values, piecewise-linear encoding."""

import numpy as np
from scipy.special import ndtri
from sklearn.preprocessing import QuantileTransformer

# Values beyond are moved here, so that sums and differences of two, and interpolations, stay finite.
LIMIT = 1e300
MAX_QUANTILES = 1000


class NumericEncoding:
    """How the numeric columns of a table are encoded, as learnt from them.

    Parameters
    ----------
    table : ndarray of shape (n_rows, n_columns)
        Values of training, float64, NaN where missing.
    scaling : {'robust', 'standard', 'quantile'}
        Scaling.
    n_bins : int or None
        Largest number of bins of a column.
    keep_numeric : bool
        Whether columns with bins keep their scaled value, too.

    Attributes
    ----------
    medians : ndarray of shape (n_columns,)
        Medians of the columns, 0 for those without a value. They stand in for missing values.
    had_missing : ndarray of shape (n_columns,)
        Which columns have an indicator of missing values.
    edges : list of ndarray or None
        Edges of the bins of each column; None if it has fewer than two bins.
    kept : ndarray of shape (n_columns,)
        Which columns keep their scaled value.
    """

    def __init__(self, table, scaling, n_bins, keep_numeric):
        table = np.clip(table, -LIMIT, LIMIT)
        columns = [column[~np.isnan(column)] for column in table.T]
        self.medians = np.array([np.median(values) if len(values) else 0.0 for values in columns])
        self.had_missing = np.isnan(table).any(axis=0)
        self.edges = [bin_edges(values, n_bins) for values in columns]
        self.kept = np.array([keep_numeric or edges is None for edges in self.edges], dtype=bool)
        kept_columns = [columns[place] for place in np.flatnonzero(self.kept)]
        if scaling == "quantile":
            self._scaler = NormalScores(table[:, self.kept], kept_columns)
        else:
            self._scaler = SmoothClipping(kept_columns, {"robust": robust_scale, "standard": standard_scale}[scaling])

    def blocks(self, table):
        """The parts of the encoded table, from left to right.

        Parameters
        ----------
        table : ndarray of shape (n_rows, n_columns)
            Values, float64, NaN where missing.

        Yields
        ------
        block : ndarray of shape (n_rows, width)
        """
        missing = np.isnan(table)
        table = np.clip(np.where(missing, self.medians, table), -LIMIT, LIMIT)
        # Far away from the training values a quotient may be infinite, which is clipped.
        with np.errstate(over="ignore", under="ignore"):
            yield self._scaler.scaled(table[:, self.kept])
            yield missing[:, self.had_missing]
            for values, edges in zip(table.T, self.edges, strict=True):
                if edges is not None:
                    yield binned(values, edges)

    def names(self, inputs):
        """Names of the encoded columns, of the names of the columns."""
        yield from inputs[self.kept]
        yield from (f"{name}_missing" for name in inputs[self.had_missing])
        for name, edges in zip(inputs, self.edges, strict=True):
            if edges is not None:
                yield from (f"{name}_bin{number}" for number in range(len(edges) - 1))


class SmoothClipping:
    """x / √(1 + (x/3)²) of columns that are centred and scaled, which is between −3 and 3.

    Parameters
    ----------
    columns : list of ndarray
        Values of training of each column.
    find : callable
        Gives centre and scale of a column that is not constant.
    """

    def __init__(self, columns, find):
        # A constant column is divided by infinity: it becomes 0, whatever else it may hold later.
        pairs = [find(values) if varies(values) else (0.0, np.inf) for values in columns]
        self.centre, self.scale = np.array(pairs).reshape(-1, 2).T

    def scaled(self, table):
        """The columns of a table, scaled; there is nothing missing in it."""
        z = np.clip((table - self.centre) / self.scale, -1e100, 1e100)  # whose squares are finite
        return z / np.sqrt(1 + (z / 3) ** 2)


class NormalScores:
    """Quantiles of columns, as those of a normal distribution.

    scikit-learn's ``QuantileTransformer`` would look up the normal ones, too, but column by column, which for a row
    takes ten times as long, and with 1e-7 as the least difference of two values, however small they are.

    Parameters
    ----------
    table : ndarray of shape (n_rows, n_columns)
        Values of training, NaN where missing.
    columns : list of ndarray
        The values of each column that are not missing.
    """

    def __init__(self, table, columns):
        self.varying = np.array([varies(values) for values in columns], dtype=bool)
        if self.varying.any():
            # Of all rows, not of a random part; and arrays, whatever the global configuration says.
            self.transformer = QuantileTransformer(
                n_quantiles=min(MAX_QUANTILES, len(table)), subsample=None
            ).set_output(transform="default")
            self.transformer.fit(table[:, self.varying])

    def scaled(self, table):
        """The columns of a table, scaled; there is nothing missing in it."""
        scores = np.zeros_like(table)
        if self.varying.any():
            quantiles = self.transformer.transform(table[:, self.varying])
            scores[:, self.varying] = ndtri(np.clip(quantiles, 1e-7, 1 - 1e-7))
        return scores


def varies(values):
    """Whether there are two different values."""
    return len(values) > 0 and values.min() < values.max()


def robust_scale(values):
    """Median and interquartile range, or, if that is 0, half of the range."""
    low, high = np.quantile(values, [0.25, 0.75])
    return np.median(values), high - low if high > low else (values.max() - values.min()) / 2


def standard_scale(values):
    """Mean and standard deviation."""
    largest = np.abs(values).max()  # squares of large values would be infinite
    ratios = values / largest
    return ratios.mean() * largest, ratios.std() * largest


def binned(values, edges):
    """How far values have come through each bin, from 0 to 1, less ½ and over the root of the number of bins.

    All bins but one are full or empty: a row of a triangle says which.
    """
    n_bins = len(edges) - 1
    place = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, n_bins - 1)
    result = (np.tri(n_bins, k=-1) - 0.5)[place]
    share = (values - edges[place]) / (edges[place + 1] - edges[place])
    result[np.arange(len(values)), place] = np.clip(share, 0.0, 1.0) - 0.5
    return result / np.sqrt(n_bins)


def bin_edges(values, n_bins):
    """Edges of up to ``n_bins`` bins at quantiles of the values, or None for fewer than two bins."""
    if n_bins is None or not varies(values):
        return None
    edges = np.unique(values)
    if len(edges) > n_bins + 1:  # else each value is an edge, and no edge lies where no value is
        edges = np.unique(np.quantile(values, np.linspace(0, 1, n_bins + 1)))
    return edges if len(edges) > 2 else None
