"""Between the targets of a user and those of the engine.

An encoding turns y into a C-contiguous matrix for the kernels and predictions back into labels. It knows the loss's
name in the engine, so that the estimators need no case of their own for binary, multiclass, multilabel or
continuous targets.
"""

from numbers import Real

import numpy as np
from scipy import sparse
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import unique_labels

from skmlp.estimators.inputs import first_few, not_finite
from skmlp.formulas.custom import CustomLoss, find
from skmlp.formulas.losses import LOSSES


class ClassEncoding:
    """Classes as numbers.

    Parameters
    ----------
    classes : ndarray
        The labels, sorted; for multilabel targets the numbers of the columns.
    kind : {'binary', 'multiclass', 'multilabel'}
        One logistic unit; one softmax unit a class; one logistic unit a label.
    sparse_labels : bool
        Whether multilabel predictions are sparse, as y was.
    loss : {'log_loss', 'focal'} or CustomLoss
    loss_settings : dict
        Parameters of the loss.
    """

    is_classifier = True

    def __init__(self, classes, kind, sparse_labels=False, loss="log_loss", loss_settings=None):
        self.classes, self.kind, self.sparse_labels = classes, kind, sparse_labels
        if isinstance(loss, CustomLoss):
            self.loss = loss_of_classes(loss, kind)
        else:
            self.loss = f"categorical_{loss}" if kind == "multiclass" else f"binary_{loss}"
        self.loss_settings = loss_settings or {}

    def check(self, y):
        """Refuse targets of another shape, or with classes that are not known.

        Raises
        ------
        ValueError
        """
        kinds = ["one label a row", "multilabel"]
        if (y.ndim == 2) != (self.kind == "multilabel"):
            expected, got = kinds[self.kind == "multilabel"], kinds[y.ndim == 2]
            raise ValueError(f"y is of another kind than the model's targets: got {got}, expected {expected}.")
        known, given = self.classes, labels_of(y)
        if self.kind == "multilabel" and y.shape[1] != len(known):
            raise ValueError(f"y has {y.shape[1]} labels, but the model has {len(known)}.")
        unknown = np.setdiff1d(given, known)
        if len(unknown):
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {known}. 'y' has {given}: unknown are "
                f"{unknown}."
            )

    def weights(self, class_weight, y):
        """Weight of each row by its class.

        Raises
        ------
        ValueError
            If ``class_weight`` does not fit the classes, or holds what is no weight.
        """
        one_each = class_weight if isinstance(class_weight, list) else [class_weight]
        labels = [(0, 1)] * len(self.classes) if self.kind == "multilabel" else [self.classes.tolist()]
        if isinstance(class_weight, list) and self.kind != "multilabel":
            raise ValueError(
                f"class_weight={class_weight}: a list is for multilabel targets; give a dict, 'balanced' or None."
            )
        if self.kind == "multilabel" and isinstance(class_weight, dict):
            raise ValueError(
                f"class_weight={class_weight}: multilabel targets need a list of one dict a label, or 'balanced'."
            )
        for weights, known in zip(one_each, labels, strict=False):
            for label, weight in weights.items() if isinstance(weights, dict) else ():
                if label not in known:
                    raise ValueError(f"class_weight: label {label!r} is not among the classes {list(known)}.")
                if not isinstance(weight, Real) or not 0 <= weight < np.inf:
                    raise ValueError(f"class_weight: {label!r} has weight {weight!r}; allowed are numbers >= 0.")
        filled = [  # scikit-learn refuses classes that no row has, unless all others are named
            dict.fromkeys(known, 1.0) | weights if isinstance(weights, dict) else weights
            for weights, known in zip(one_each, labels, strict=False)
        ]
        class_weight = filled if isinstance(class_weight, list) else filled[0]
        try:
            return compute_sample_weight(class_weight, y.toarray() if sparse.issparse(y) else y)
        except (ValueError, TypeError) as error:
            raise type(error)(f"{error} (class_weight={class_weight})") from error

    @property
    def n_outputs(self):
        """Units of the output layer."""
        return 1 if self.kind == "binary" else len(self.classes)

    def encode(self, y, dtype):
        """Class numbers in one column, or the label indicators."""
        if self.kind == "multilabel":
            y = y.toarray() if sparse.issparse(y) else y
            return np.ascontiguousarray(y != 0, dtype=dtype)
        return np.searchsorted(self.classes, y).astype(dtype).reshape(-1, 1)

    def labels(self, targets):
        """Encoded targets as labels."""
        if self.kind == "multilabel":
            return targets.astype(np.int64)
        return self.classes[targets[:, 0].astype(np.int64)]

    def numbers(self, predictions):
        """Predicted class numbers, or label indicators, from probabilities."""
        if self.kind == "multilabel":
            return (predictions > 0.5).astype(np.int64)
        if self.kind == "multiclass":
            return predictions.argmax(axis=1)
        positive = predictions[:, 0] > 0.5
        return np.zeros(len(predictions), dtype=np.int64) if len(self.classes) == 1 else positive.astype(np.int64)

    def decode(self, predictions):
        """Labels from probabilities."""
        numbers = self.numbers(predictions)
        if self.kind == "multilabel":
            return sparse.csr_matrix(numbers) if self.sparse_labels else numbers
        return self.classes[numbers]

    def probabilities(self, predictions):
        """One column a class, (rows, n_classes)."""
        if self.kind != "binary":
            return predictions
        if len(self.classes) == 1:
            return np.ones_like(predictions)
        both = np.empty((len(predictions), 2), dtype=predictions.dtype)
        np.subtract(1, predictions[:, 0], out=both[:, 0])
        both[:, 1] = predictions[:, 0]
        return both

    def correct(self, predictions, targets):
        """Rows whose prediction is right in every label."""
        return (self.numbers(predictions).reshape(len(targets), -1) == targets).all(axis=1)


class ValueEncoding:
    """Continuous targets: themselves.

    Parameters
    ----------
    loss : str or CustomLoss
        Key of :data:`skmlp.formulas.losses.LOSSES`, or a loss itself.
    n_targets : int
        Number of columns of y.
    loss_settings : dict
        Parameters of the loss; ``levels``, one output each, for quantiles.
    """

    is_classifier = False

    def __init__(self, loss, n_targets, loss_settings=None):
        self.loss = loss._linked("identity") if isinstance(loss, CustomLoss) else loss
        self.n_targets, self.loss_settings = n_targets, loss_settings or {}

    @property
    def n_outputs(self):
        """Units of the output layer."""
        return len(self.loss_settings["levels"]) if "levels" in self.loss_settings else self.n_targets

    def check(self, y):
        """Refuse targets that are no numbers, or of another number of columns.

        Raises
        ------
        ValueError
        """
        if sparse.issparse(y):
            raise TypeError("Sparse y is not supported: y must be a dense array.")
        if y.dtype.kind == "f" and not np.isfinite(y).all():  # None in objects that scikit-learn has turned into floats
            raise ValueError(f"Input y contains NaN, in {not_finite(y)}.")
        if y.dtype.kind not in "biuf":
            raise ValueError(f"y must be numeric, got a string or object ({y.dtype}), e.g. {y.ravel()[0]!r}.")
        columns = 1 if y.ndim == 1 else y.shape[1]
        if columns != self.n_targets:
            raise ValueError(f"y has {columns} column(s), but the model has {self.n_targets} output(s).")

    def encode(self, y, dtype):
        """Targets as a matrix; those that the loss or the dtype cannot take are refused."""
        y = y.reshape(len(y), -1)
        if np.any(np.abs(y) > np.finfo(dtype).max):
            raise ValueError(f"y holds values beyond the range of {np.dtype(dtype)}; scale y or use dtype='float64'.")
        y = np.ascontiguousarray(y, dtype=dtype)  # before the check: a number > 0 may round to 0
        domain = find(LOSSES, self.loss).domain
        outside = {"any": np.isnan, ">= 0": lambda y: y < 0, "> 0": lambda y: y <= 0}[domain](y)
        if outside.any():
            rows = first_few(np.flatnonzero(outside.any(axis=1)))
            raise ValueError(
                f"loss={self.loss!r} needs y {domain}; row(s) {rows} of y are not, e.g. {y[outside][0]:g}."
            )
        return y

    def labels(self, targets):
        """Targets in the shape that predictions have."""
        return self.decode(targets)

    def decode(self, predictions):
        """One output: one dimension."""
        return predictions[:, 0] if predictions.shape[1] == 1 else predictions


def loss_of_classes(loss, kind):
    """A loss of the user's own with the logistic link.

    Raises
    ------
    ValueError
        If the loss has another link, or the outputs depend on each other.
    """
    if kind == "multiclass":
        raise ValueError(
            f"loss={loss!r} is one of single outputs, and cannot couple those of several classes; it goes with two "
            "classes in one output or with multilabel targets (MLPClassifier), and with numbers (MLPRegressor)."
        )
    if loss.link not in (None, "logistic"):
        raise ValueError(f"loss={loss!r}: classes need link='logistic' or None, for probabilities.")
    return loss._linked("logistic")


def labels_of(y):
    """The sorted labels of y; for label indicators the numbers of the columns."""
    if y.ndim == 2:
        return np.arange(y.shape[1])
    try:
        labels = np.unique(y)
    except TypeError:  # labels of several types: scikit-learn words the error
        try:
            return unique_labels(y)
        except TypeError as error:
            raise TypeError(f"y must hold labels that can be sorted: {error}") from error
    return np.array(labels.tolist()) if labels.dtype == object else labels


def find_classes(y, classes=None):
    """The sorted labels of y, or ``classes`` sorted, and the kind of target that ``y`` is.

    Returns
    -------
    classes : ndarray
    kind : {'binary', 'multiclass', 'multilabel'}
        'binary' for one or two classes.
    """
    if y.ndim == 2:
        columns = np.arange(y.shape[1])
        if classes is not None and not np.array_equal(unique_labels(classes), columns):
            raise ValueError(f"classes={classes}: of multilabel targets they are the columns of y, {columns}.")
        return columns, "multilabel"
    classes = labels_of(y) if classes is None else unique_labels(classes)
    return classes, "binary" if len(classes) <= 2 else "multiclass"
