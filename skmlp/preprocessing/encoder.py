"""The transformer of tables."""

from __future__ import annotations

import numbers
from itertools import chain
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils._param_validation import Interval, RealNotInt, StrOptions
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted, validate_data

from skmlp.preprocessing.categories import CategoryEncoding
from skmlp.preprocessing.numeric import NumericEncoding
from skmlp.preprocessing.tables import (
    categorical_mask,
    columns_of_dates,
    holding_dates,
    is_frame,
    labels,
    number_table,
    read_columns,
)
from skmlp.saving import Saveable
from skmlp.typing import ArrayLike, CategoricalFeatures, DTypeLike, Floats, Parametrized, ScalingName, TableLike, typed


class TabularEncoder(Parametrized, Saveable, TransformerMixin, BaseEstimator):
    """Turn a table of numbers and categories into the dense matrix of floats that a neural network wants.

    Numbers are scaled and bounded, categories become indicators, missing values are taken as they come. The columns of
    the result are, from left to right: the scaled numeric columns, the indicators of their missing values, their bins,
    and the categorical columns.

    What a column means is read from its values, not from what holds them: it is the same of pandas, polars and arrays,
    of integers and floats, of strings and categorical dtypes, whatever the order of the categories.

    Parameters
    ----------
    categorical_features : 'from_dtype', None, or array-like of int, str or bool, default='from_dtype'
        Which columns hold categories: their numbers, their names, or a mask of all columns. None: none does. With
        'from_dtype', of a frame, those of categorical, string and boolean dtype, and of any other dtype those that do
        not hold numbers alone (columns of objects with numbers and missing values are numeric); of an array, those
        that cannot be converted to numbers.
    numeric_scaling : {'robust', 'standard', 'quantile'}, default='robust'
        How numeric columns are scaled. 'robust' subtracts the median and divides by the interquartile range, or, if
        that is 0, by half of the range; then x becomes x / √(1 + (x/3)²), which is between −3 and 3 [1]_. 'standard'
        does the same with mean and standard deviation. 'quantile' turns quantiles into those of a normal distribution
        (as scikit-learn's ``QuantileTransformer``), up to ±5.2. A column that is constant in training becomes 0.
    n_bins : int >= 2 or None, default=None
        Largest number of bins of the piecewise-linear encoding of numeric columns [2]_: component t is how far a value
        has come from the lower to the upper edge of bin t, from 0 to 1, less ½ and over the root of the number of bins,
        so that all bins of a column weigh about as much as one column. Edges are quantiles of the training values; of a
        column with few different values, these values. Columns that would have a single bin get none. None: there are
        no bins.
    keep_numeric : bool, default=True
        Whether numeric columns that have bins are there as scaled values, too.
    max_categories : int >= 1 or None, default=32
        Largest number of indicators of a column. Of a column with more categories the rarest share one. None: no limit.
    min_frequency : int >= 1, float in (0, 1) or None, default=None
        Categories in fewer rows than this, or in less than this fraction of them, share one indicator.
    dtype : numpy.float32 or numpy.float64, default=numpy.float32
        Dtype of the result.

    Attributes
    ----------
    categorical_features_ : ndarray of shape (n_features,), dtype bool
        Which columns hold categories.
    categories_ : list of ndarray
        Categories of each categorical column, as texts in order; at last None, if values were missing.
    infrequent_categories_ : list of ndarray or None
        Those that share an indicator.
    medians_ : ndarray of shape (n_numeric,)
        Median of each numeric column, 0 where it has no value.
    had_missing_ : ndarray of shape (n_numeric,), dtype bool
        Which numeric columns had missing values in training, and so have an indicator of them.
    bin_edges_ : list of ndarray or None
        Edges of the bins of each numeric column.
    n_features_in_ : int
        Number of columns seen in training.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, if all are strings.

    Notes
    -----
    Missing values are None, NaN, ``pandas.NA`` and nulls. A missing number becomes the median, and if there were any in
    training, an indicator beside it says so. A missing category is a category of its own; if training has not seen it,
    all indicators are 0. A category that training has not seen counts as infrequent, or, if there are no infrequent
    ones, all indicators are 0. Two categories become one column of −1 and +1, where that 0 is between them.

    Categories are the same if their texts are: 1, 1.0, True and "1" are.

    References
    ----------
    .. [1] D. Holzmüller, L. Grinsztajn, I. Steinwart: "Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on
       Tabular Data", Advances in Neural Information Processing Systems 37, 2024.
    .. [2] Y. Gorishniy, I. Rubachev, A. Babenko: "On Embeddings for Numerical Features in Tabular Deep Learning",
       Advances in Neural Information Processing Systems 35, 2022.

    Examples
    --------
    >>> import numpy as np
    >>> from skmlp import TabularEncoder
    >>> X = np.array([[1.0, "red"], [2.0, "blue"], [None, "green"], [3.0, "red"]], dtype=object)
    >>> encoder = TabularEncoder().fit(X)
    >>> encoder.get_feature_names_out().tolist()
    ['x0', 'x0_missing', 'x1_blue', 'x1_green', 'x1_red']
    >>> encoder.transform(X).round(2)
    array([[-0.95,  0.  ,  0.  ,  0.  ,  1.  ],
           [ 0.  ,  0.  ,  1.  ,  0.  ,  0.  ],
           [ 0.  ,  1.  ,  0.  ,  1.  ,  0.  ],
           [ 0.95,  0.  ,  0.  ,  0.  ,  1.  ]], dtype=float32)
    """

    categorical_features_: NDArray[np.bool_]
    categories_: list[NDArray[np.object_]]
    infrequent_categories_: list[NDArray[np.object_] | None]
    medians_: NDArray[np.float64]
    had_missing_: NDArray[np.bool_]
    bin_edges_: list[NDArray[np.float64] | None]
    n_features_in_: int
    feature_names_in_: NDArray[np.object_]

    _parameter_constraints = {
        "categorical_features": [StrOptions({"from_dtype"}), "array-like", None],
        "numeric_scaling": [StrOptions({"robust", "standard", "quantile"})],
        "n_bins": [Interval(numbers.Integral, 2, None, closed="left"), None],
        "keep_numeric": ["boolean"],
        "max_categories": [Interval(numbers.Integral, 1, None, closed="left"), None],
        "min_frequency": [
            Interval(numbers.Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="neither"),
            None,
        ],
        "dtype": "no_validation",  # types, names and dtypes are all welcome
    }

    def __init__(
        self,
        *,
        categorical_features: CategoricalFeatures | None = "from_dtype",
        numeric_scaling: ScalingName = "robust",
        n_bins: int | None = None,
        keep_numeric: bool = True,
        max_categories: int | None = 32,
        min_frequency: float | None = None,
        dtype: DTypeLike = np.float32,
    ) -> None:
        self.categorical_features = categorical_features
        self.numeric_scaling = numeric_scaling
        self.n_bins = n_bins
        self.keep_numeric = keep_numeric
        self.max_categories = max_categories
        self.min_frequency = min_frequency
        self.dtype = dtype

    @typed(_fit_context(prefer_skip_nested_validation=True))
    def fit(self, X: TableLike, y: object = None) -> Self:
        """Learn scales, edges and categories.

        Parameters
        ----------
        X : {array-like, frame} of shape (n_samples, n_features)
            The table.
        y : object, default=None
            Not looked at.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If a column holds dates, infinity, or, being numeric, anything but numbers.
        TypeError
            If X is sparse.

        Examples
        --------
        >>> from skmlp import TabularEncoder
        >>> encoder = TabularEncoder().fit([[1.0, "red"], [None, "blue"], [3.0, "red"]])
        >>> encoder.medians_.tolist(), [names.tolist() for names in encoder.categories_]
        ([2.0], [['blue', 'red']])
        """
        if np.dtype(self.dtype) not in (np.float32, np.float64):
            raise ValueError(f"dtype={self.dtype!r}: give numpy.float32 or numpy.float64.")
        X, columns = self._read(X, reset=True)
        self.categorical_features_ = categorical_mask(
            self.categorical_features, X, columns, getattr(self, "feature_names_in_", None)
        )
        numeric, categorical = self._split(columns)
        self._numeric = NumericEncoding(numeric, self.numeric_scaling, self.n_bins, self.keep_numeric)
        self._categorical = CategoryEncoding(categorical, self.max_categories, self.min_frequency)
        self.medians_, self.had_missing_ = self._numeric.medians, self._numeric.had_missing
        self.bin_edges_ = self._numeric.edges
        self.categories_, self.infrequent_categories_ = self._categorical.categories, self._categorical.infrequent
        self._n_features_out = len(list(self._names(np.arange(self.n_features_in_))))
        return self

    def transform(self, X: TableLike) -> Floats:
        """The table as a matrix.

        Parameters
        ----------
        X : {array-like, frame} of shape (n_samples, n_features)
            The table.

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_features_out)
            Finite values of ``dtype``, C-contiguous.

        Raises
        ------
        ValueError
            If a column holds dates, infinity, or, being numeric, anything but numbers.
        TypeError
            If X is sparse.

        Examples
        --------
        >>> from skmlp import TabularEncoder
        >>> encoder = TabularEncoder().fit([[1.0, "red"], [2.0, "blue"], [3.0, "red"]])
        >>> encoder.transform([[2.0, "red"], [None, "green"]])
        array([[0., 1.],
               [0., 0.]], dtype=float32)
        """
        check_is_fitted(self)
        X, columns = self._read(X, reset=False)
        numeric, categorical = self._split(columns)
        result = np.empty((len(numeric), self._n_features_out), dtype=self.dtype)
        start = 0
        for block in chain(self._numeric.blocks(numeric), self._categorical.blocks(categorical)):
            stop = start + block.shape[1]
            result[:, start:stop] = block
            start = stop
        return result

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:
        """Names of the columns of the result.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the columns of X, if it had none; as scikit-learn, those it had are accepted.

        Returns
        -------
        names : ndarray of str
            The name of the column, and after an underscore the category (for two categories that which is +1),
            ``infrequent``, ``missing``, or ``bin0``, ``bin1``, … Underscores at the end keep equal ones apart.

        Examples
        --------
        >>> from skmlp import TabularEncoder
        >>> encoder = TabularEncoder().fit([[1.0, "red"], [None, "blue"], [3.0, "green"]])
        >>> encoder.get_feature_names_out(["size", "color"]).tolist()
        ['size', 'size_missing', 'color_blue', 'color_green', 'color_red']
        """
        check_is_fitted(self)
        names = []
        taken = set()
        for name in self._names(_check_feature_names_in(self, input_features)):
            while name in taken:
                name += "_"
            taken.add(name)
            names.append(name)
        return np.array(names, dtype=object)

    def _names(self, inputs):
        mask = self.categorical_features_
        return chain(self._numeric.names(inputs[~mask]), self._categorical.names(inputs[mask]))

    def _read(self, X, reset):
        """X, as validated, and its columns."""
        if sparse.issparse(X):
            raise TypeError(
                "TabularEncoder takes no sparse X: its result is dense. MLPClassifier and MLPRegressor train on sparse "
                "X as it is."
            )
        dates = columns_of_dates(X)
        if is_frame(X):
            validate_data(self, X, reset=reset, skip_check_array=True)
            if 0 in X.shape:
                what = "sample(s)" if len(X) == 0 else "feature(s)"
                raise ValueError(f"Found array with 0 {what} (shape={X.shape}) while a minimum of 1 is required.")
        elif not dates:
            if not hasattr(X, "dtype") and np.asarray(X).dtype.kind in "US":
                X = np.array(X, dtype=object)  # NumPy would turn all into strings, and NaN into "nan"
            X = validate_data(self, X, reset=reset, dtype=None, ensure_all_finite=False)
        columns = [] if dates else read_columns(X)
        dates = dates or labels(holding_dates(columns), getattr(self, "feature_names_in_", None))
        if dates:
            raise ValueError(
                f"Column(s) {dates[:10]} of X hold dates or time spans. Turn them into numbers first, e.g. days."
            )
        return X, columns

    def _split(self, columns):
        """The numeric columns as one array of float64, and the list of the others."""
        mask = self.categorical_features_
        places = np.flatnonzero(~mask)
        table = number_table(columns, places, getattr(self, "feature_names_in_", None))
        return table, [column for column, categorical in zip(columns, mask, strict=True) if categorical]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.transformer_tags.preserves_dtype = []
        return tags
