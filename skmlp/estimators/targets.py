"""Between the targets of a user and those of the engine.

An encoding turns y into a C-contiguous matrix for the kernels and predictions back into labels. It knows the loss's
name in the engine, so that the estimators need no case of their own for binary, multiclass, multilabel or
continuous targets.
"""

import numpy as np
from scipy import sparse
from sklearn.utils.multiclass import type_of_target, unique_labels

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
    """

    is_classifier = True

    def __init__(self, classes, kind, sparse_labels=False):
        self.classes, self.kind, self.sparse_labels = classes, kind, sparse_labels

    @property
    def loss(self):
        """Key of the log loss in :data:`skmlp.formulas.losses.LOSSES`."""
        return "categorical_log_loss" if self.kind == "multiclass" else "binary_log_loss"

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
        return np.hstack([1 - predictions, predictions])

    def correct(self, predictions, targets):
        """Rows whose prediction is right in every label."""
        return (self.numbers(predictions).reshape(len(targets), -1) == targets).all(axis=1)


class ValueEncoding:
    """Continuous targets: themselves.

    Parameters
    ----------
    loss : str
        Key of :data:`skmlp.formulas.losses.LOSSES`.
    n_outputs : int
        Number of targets.
    """

    is_classifier = False

    def __init__(self, loss, n_outputs):
        self.loss, self.n_outputs = loss, n_outputs

    def encode(self, y, dtype):
        """Targets as a matrix; those that the loss or the dtype cannot take are refused."""
        y = y.reshape(len(y), -1)
        least = LOSSES[self.loss].least_target
        if np.any(y < least):
            rows = np.flatnonzero((y < least).any(axis=1))[:5].tolist()
            raise ValueError(f"loss={self.loss!r} needs y >= {least:g}; rows {rows} of y are below, e.g. {y.min():g}.")
        if np.any(np.abs(y) > np.finfo(dtype).max):
            raise ValueError(f"y holds values beyond the range of {np.dtype(dtype)}; scale y or use dtype='float64'.")
        return np.ascontiguousarray(y, dtype=dtype)

    def labels(self, targets):
        """Targets in the shape that predictions have."""
        return self.decode(targets)

    def decode(self, predictions):
        """One output: one dimension."""
        return predictions[:, 0] if self.n_outputs == 1 else predictions


def find_classes(y, classes=None):
    """The sorted labels of y, or ``classes`` sorted, and the kind of target that ``y`` is.

    Returns
    -------
    classes : ndarray
    kind : {'binary', 'multiclass', 'multilabel'}
        'binary' for one or two classes.
    """
    if type_of_target(y, input_name="y").startswith("multilabel"):
        return np.arange(y.shape[1]), "multilabel"
    classes = unique_labels(y if classes is None else classes)
    return classes, "binary" if len(classes) <= 2 else "multiclass"
