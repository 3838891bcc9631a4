"""Public predictions and scores, of those that a subclass makes as its network or its networks have them.

``_predictions(X)`` gives them, shape (n_samples, n_outputs), and ``_encoding`` turns them into what users expect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.validation import column_or_1d

from skmlp.training.metrics import d2_pinball
from skmlp.typing import ArrayLike, Floats, MatrixLike, TableLike, TargetLike


class ClassPredictions(ClassifierMixin):
    """Labels and probabilities."""

    classes_: NDArray[Any]

    if TYPE_CHECKING:  # scikit-learn has it

        def score(self, X: MatrixLike | TableLike, y: TargetLike, sample_weight: ArrayLike | None = None) -> float:
            """Share of rows that are labelled right."""

    def predict(self, X: MatrixLike | TableLike) -> NDArray[Any]:
        """Labels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, of a kind that ``fit`` takes.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_labels)
            A sparse matrix where training had label indicators in one.

        Examples
        --------
        >>> from skmlp import MLPClassifier
        >>> model = MLPClassifier((8,), solver="lbfgs", random_state=0).fit([[0.0], [1.0]], ["low", "high"])
        >>> model.predict([[-0.5], [1.5]]).tolist()
        ['low', 'high']
        """
        predictions = self._predictions(X)
        return self._encoding.decode(predictions)

    def predict_proba(self, X: MatrixLike | TableLike) -> Floats:
        """Probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, of a kind that ``fit`` takes.

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``; one column of ones where training saw one class. For multilabel targets the
            probability of each label.

        Examples
        --------
        >>> from skmlp import MLPClassifier
        >>> model = MLPClassifier((8,), solver="lbfgs", random_state=0).fit([[0.0], [1.0]], ["low", "high"])
        >>> model.classes_.tolist(), model.predict_proba([[0.0], [1.0]]).round(2).tolist()
        (['high', 'low'], [[0.0, 1.0], [1.0, 0.0]])
        """
        predictions = self._predictions(X)
        return self._encoding.probabilities(predictions)

    def predict_log_proba(self, X: MatrixLike | TableLike) -> Floats:
        """Logarithm of :meth:`predict_proba`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, of a kind that ``fit`` takes.

        Returns
        -------
        log_p : ndarray of shape (n_samples, n_classes)
        """
        with np.errstate(divide="ignore"):  # the logarithm of a probability that rounds to 0 is -inf
            return np.log(self.predict_proba(X))


class ValueScore(RegressorMixin):
    """The score that goes with the loss."""

    def score(self, X: MatrixLike | TableLike, y: TargetLike, sample_weight: ArrayLike | None = None) -> float:
        """Coefficient of determination R²; for a quantile loss D², its pinball score, averaged over the levels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, of a kind that ``fit`` takes.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float

        Examples
        --------
        >>> from skmlp import MLPRegressor
        >>> X, y = [[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0]
        >>> MLPRegressor(solver="lbfgs", alpha=0.0, random_state=0).fit(X, y).score(X, y) > 0.99
        True
        """
        if not self.__sklearn_is_fitted__() or self._encoding.loss != "quantile":
            return super().score(X, y, sample_weight)
        targets = column_or_1d(y).reshape(-1, 1)
        return d2_pinball(self._encoding, self._predictions(X), targets, sample_weight)
