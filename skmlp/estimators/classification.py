"""The classifiers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

import numpy as np
from scipy import sparse
from sklearn.base import _fit_context
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import (
    _check_partial_fit_first_call,
    check_classification_targets,
    type_of_target,
)

from skmlp.estimators.attributes import ClassParameters
from skmlp.estimators.base import BaseMLP, is_stochastic
from skmlp.estimators.custom import CustomLoss
from skmlp.estimators.docs import ATTRIBUTES, documented
from skmlp.estimators.inputs import weights_in
from skmlp.estimators.parameters import LOSS_CLASSIFIER, PARAMETERS, store
from skmlp.estimators.predictions import ClassPredictions
from skmlp.estimators.targets import ClassEncoding, find_classes, labels_of
from skmlp.typing import (
    Activation,
    ArrayLike,
    BatchSize,
    ClassLoss,
    ClassWeight,
    Device,
    DtypeName,
    Floats,
    HiddenLayerSizes,
    InitialiserName,
    MatrixLike,
    Metrics,
    NormalizationName,
    OneOrMany,
    ParametrizationName,
    RandomState,
    Schedule,
    SolverName,
    TargetLike,
    typed,
)

CLASSES = """\
classes_ : ndarray of shape (n_classes,)
    The labels, sorted.
"""
document = documented(LOSS_CLASSIFIER, "'accuracy'", CLASSES + ATTRIBUTES)


class BaseClassifier(ClassParameters, ClassPredictions, BaseMLP):
    """Classes, probabilities and class weights; subclasses say which kinds of target they take."""

    loss: ClassLoss | CustomLoss

    _parameter_constraints = {
        **{name: PARAMETERS[name].constraint for name in PARAMETERS.keys() - {"quantile", "delta"}},
        "loss": LOSS_CLASSIFIER.constraint,
    }

    def __init__(
        self,
        hidden_layer_sizes: HiddenLayerSizes = (100,),
        activation: Activation | Sequence[Activation] = "relu",
        *,
        dropout: OneOrMany = 0.0,
        normalization: NormalizationName | None = None,
        weight_init: InitialiserName = "auto",
        parametrization: ParametrizationName = "standard",
        loss: ClassLoss | CustomLoss = "log_loss",
        alpha: float = 1e-4,
        l1_ratio: float = 0.0,
        class_weight: ClassWeight | None = None,
        label_smoothing: float = 0.0,
        focal_gamma: float = 2.0,
        solver: SolverName = "adam",
        learning_rate: Schedule = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        bias_rate: float = 1.0,
        feature_rate: float | None = None,
        weight_decay: float | None = None,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        rho: float = 0.9,
        clip_norm: float | None = None,
        max_fun: int = 15000,
        batch_size: BatchSize = "auto",
        max_iter: int = 200,
        max_time: float | None = None,
        shuffle: bool = True,
        tol: float = 1e-4,
        n_iter_no_change: float = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        monitor: str = "auto",
        restore_best: bool = True,
        warm_start: bool = False,
        random_state: RandomState | None = None,
        metrics: Metrics = (),
        verbose: int = 0,
        dtype: DtypeName | Literal["input"] = "auto",
        device: Device = "cpu",
        n_jobs: int | None = None,
    ) -> None:
        store(self, locals())

    @typed(available_if(is_stochastic))
    @typed(_fit_context(prefer_skip_nested_validation=True))
    def partial_fit(
        self,
        X: MatrixLike,
        y: TargetLike,
        sample_weight: ArrayLike | None = None,
        classes: ArrayLike | None = None,
    ) -> Self:
        """Go on training for one pass over the given rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.
        classes : array-like of shape (n_classes,), default=None
            All labels that will come; required on the first call.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            For unusable data, with ``early_stopping``, and if loss or parameters turn non-finite.

        Examples
        --------
        >>> import numpy as np
        >>> from skmlp import MLPClassifier
        >>> model, rng = MLPClassifier(learning_rate_init=0.01, random_state=0), np.random.default_rng(0)
        >>> for _ in range(50):  # chunks of a stream
        ...     X = rng.normal(size=(200, 2))
        ...     model = model.partial_fit(X, X[:, 0] > 0.0, classes=[False, True])
        >>> model.predict([[-1.0, 0.0], [1.0, 0.0]])
        array([False,  True])
        """
        return self._fit(X, y, sample_weight, incremental=True, classes=classes)

    def decision_function(self, X: MatrixLike) -> Floats:
        """Logits.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        z : ndarray of shape (n_samples,) or (n_samples, n_classes)
            Log-odds of the second class where there are at most two, else the raw outputs of the network.

        Examples
        --------
        >>> import numpy as np
        >>> from skmlp import MLPClassifier
        >>> X = np.linspace(-1.0, 1.0, 100).reshape(-1, 1)
        >>> model = MLPClassifier((8,), solver="lbfgs", alpha=0.1, random_state=0).fit(X, X[:, 0] > 0.0)
        >>> z = model.decision_function(X)
        >>> np.allclose(model.predict_proba(X)[:, 1], 1.0 / (1.0 + np.exp(-z)))
        True
        """
        return self._decisions(self._predictions(X, raw=True))

    def _decisions(self, z):
        """Logits of raw outputs, or of their derivatives, that stand in the second axis."""
        if self._encoding.kind == "multiclass" and z.shape[1] == 2:
            return z[:, 1] - z[:, 0]
        return z[:, 0] if z.shape[1] == 1 and self._encoding.kind != "multilabel" else z

    def _gradients(self, gradients, raw):
        if raw:
            return self._decisions(gradients)
        if self._encoding.kind == "multilabel" or len(self.classes_) > 2:
            return gradients
        # The probability of the second of two classes; that of an only class is 1 whatever the row.
        return gradients[:, -1] if len(self.classes_) == 2 else np.zeros_like(gradients[:, 0])

    def _loss_settings(self):
        if self.label_smoothing and self.loss != "log_loss":
            raise ValueError(
                f"label_smoothing={self.label_smoothing} goes with loss='log_loss' only, got {self.loss!r}."
            )
        return {"label_smoothing": float(self.label_smoothing), "focal_gamma": float(self.focal_gamma)}

    def _kind(self, kind):
        """The encoding for a kind of target, or a ValueError if this estimator does not take it."""
        return kind

    def _make_encoding(self, y, incremental, classes):
        # Of one column of other than floats the kind is clear, and scikit-learn would warn of many classes.
        doubtful = y.ndim == 2 or y.dtype.kind == "f"
        if doubtful and type_of_target(y, input_name="y") == "multiclass-multioutput":
            raise ValueError(
                "Multioutput target data is not supported with label binarization: y has several columns that are not "
                "label indicators (0 or 1). Fit one classifier a column, e.g. with sklearn.multioutput."
            )
        if doubtful:
            check_classification_targets(y)
        first_call = incremental and _check_partial_fit_first_call(self, classes)
        if first_call or not hasattr(self, "_encoding") or not (self.warm_start or incremental):
            labels, kind = find_classes(y, classes)
            encoding = ClassEncoding(labels, self._kind(kind), sparse.issparse(y), self.loss, self._loss_settings())
            self.classes_ = labels
        else:
            encoding = self._encoding
        if self.warm_start and encoding is getattr(self, "_encoding", None):
            labels = labels_of(y)
            if set(labels) != set(self.classes_):
                raise ValueError(
                    "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                    f"Previously got {self.classes_}, `y` has {labels}"
                )
        encoding.check(y)
        return encoding

    def _with_class_weights(self, encoding, y, weights, dtype, incremental):
        if self.class_weight is None:
            return weights
        if incremental and self.class_weight == "balanced":
            raise ValueError(
                "class_weight 'balanced' is not supported for partial_fit, which does not see all labels. Give a dict "
                "of label to weight."
            )
        of_class = encoding.weights(self.class_weight, y)
        return weights_in(of_class if weights is None else weights * of_class, dtype, "class_weight and sample_weight")


@document
class MLPClassifier(BaseClassifier):
    """Multilayer perceptron for whatever classes the target has: two, more, or several labels a row.

    Takes the place of ``sklearn.neural_network.MLPClassifier``. The output is one logistic unit for two classes, one
    softmax unit a class for more, and one logistic unit a label for multilabel targets.

    {parameters}

    {attributes}

    See Also
    --------
    MLPBinaryClassifier : For two classes only.
    MLPMulticlass : One softmax unit a class, also for two.

    Examples
    --------
    >>> from skmlp import MLPClassifier
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier((16,), learning_rate_init=0.01, max_iter=500, random_state=0).fit(X, y)
    >>> model.predict_proba(X[:2]).shape
    (2, 3)
    >>> bool(model.score(X, y) > 0.95)
    True
    """

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


@document
class MLPBinaryClassifier(BaseClassifier):
    """Multilayer perceptron for two classes, with one logistic output unit.

    {parameters}

    {attributes}

    See Also
    --------
    MLPClassifier : Takes any number of classes, and multilabel targets.

    Examples
    --------
    >>> from skmlp import MLPBinaryClassifier
    >>> from skmlp.datasets import load_pima
    >>> X, y = load_pima()
    >>> model = MLPBinaryClassifier((12,), max_iter=50, n_iter_no_change=float("inf"), random_state=0)
    >>> model.fit((X - X.mean(axis=0)) / X.std(axis=0), y).n_iter_
    50
    """

    def _kind(self, kind):
        if kind != "binary":
            raise ValueError(
                f"Only binary classification is supported. The type of the target is {kind}. Use MLPClassifier."
            )
        return kind

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


@document
class MLPMulticlass(BaseClassifier):
    """Multilayer perceptron with one softmax output unit a class, for two or more classes.

    {parameters}

    {attributes}

    See Also
    --------
    MLPClassifier : One logistic unit where there are two classes; takes multilabel targets.

    Examples
    --------
    >>> from skmlp import MLPMulticlass
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPMulticlass((16,), learning_rate_init=0.01, max_iter=500, random_state=0).fit(X, y)
    >>> print(model.summary())
    layer     shape    activation  parameters
    hidden 1  4 -> 16  relu                80
    output    16 -> 3  softmax             51
    total                                 131
    """

    def _kind(self, kind):
        if kind == "multilabel":
            raise ValueError("Multilabel targets are not supported: one class a row. Use MLPClassifier.")
        return "multiclass"
