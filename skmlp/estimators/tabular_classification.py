"""The classifier for raw tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skmlp.estimators.attributes import ClassParameters
from skmlp.estimators.calibration import fit_temperature, probabilities
from skmlp.estimators.classification import CLASSES, MLPClassifier
from skmlp.estimators.docs import documented
from skmlp.estimators.parameters import LOSS_CLASSIFIER, shared_with, store
from skmlp.estimators.predictions import ClassPredictions
from skmlp.estimators.tabular import BaseTabularMLP
from skmlp.estimators.tabular_parameters import ATTRIBUTES, TABULAR, named_only
from skmlp.typing import (
    Activation,
    BatchSize,
    CategoricalFeatures,
    ClassLoss,
    ClassWeight,
    Device,
    DtypeName,
    FirstOrderSolverName,
    Floats,
    Folds,
    HiddenLayerSizes,
    InitialiserName,
    Metrics,
    NormalizationName,
    OneOrMany,
    ParametrizationName,
    RandomState,
    ScalingName,
    Schedule,
    TableLike,
)

TEMPERATURE = """\
temperature_ : float
    What raw outputs are divided by.
"""


@documented(named_only(LOSS_CLASSIFIER), "'accuracy'", CLASSES + TEMPERATURE + ATTRIBUTES, TABULAR)
class TabularMLPClassifier(ClassParameters, ClassPredictions, BaseTabularMLP):
    """Classifier for raw tables: an ensemble of multilayer perceptrons behind a :class:`TabularEncoder`.

    Takes frames or arrays with categories, strings, booleans and missing values as they are. Each member is trained
    on all folds but one, which picks its best epoch. The raw outputs of the members are averaged; one temperature, set
    by the rows that were held out, makes probabilities of them. The defaults come from those of RealMLP-TD-S [1]_,
    changed where experiments on public data sets said so.

    {parameters}

    {attributes}

    See Also
    --------
    TabularMLPRegressor : For continuous targets.
    MLPClassifier : One network, for numbers that are scaled.

    References
    ----------
    .. [1] Holzmüller, Grinsztajn & Steinwart, "Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on Tabular
       Data", NeurIPS 2024.

    Examples
    --------
    >>> import pandas as pd
    >>> from skmlp import TabularMLPClassifier
    >>> X = pd.DataFrame({"size": [1.0, None, 3.0, 4.0] * 10, "kind": ["a", "b", None, "a"] * 10})
    >>> y = ["low", "high", "low", "high"] * 10
    >>> model = TabularMLPClassifier(n_estimators=2, max_iter=20, random_state=0).fit(X, y)
    >>> model.predict_proba(X).shape
    (40, 2)
    """

    loss: ClassLoss
    estimators_: list[MLPClassifier]
    temperature_: float
    _member_type = MLPClassifier
    _parameter_constraints = {
        **{name: parameter.constraint for name, parameter in TABULAR.items() if name not in ("quantile", "delta")},
        "loss": named_only(LOSS_CLASSIFIER).constraint,
    }

    def __init__(
        self,
        *,
        categorical_features: CategoricalFeatures | None = "from_dtype",
        numeric_scaling: ScalingName = "robust",
        n_bins: int | None = 16,
        max_categories: int | None = 32,
        n_estimators: int = 8,
        cv: Folds = 8,
        calibrate: bool = True,
        pickle_oof: bool = False,
        hidden_layer_sizes: HiddenLayerSizes = (128, 128),
        activation: Activation | Sequence[Activation] = "relu",
        dropout: OneOrMany = 0.25,
        normalization: NormalizationName | None = None,
        weight_init: InitialiserName = "ntk",
        parametrization: ParametrizationName = "ntk",
        loss: ClassLoss = "log_loss",
        alpha: float = 0.0,
        l1_ratio: float = 0.0,
        class_weight: ClassWeight | None = None,
        label_smoothing: float = 0.1,
        focal_gamma: float = 2.0,
        solver: FirstOrderSolverName = "adam",
        learning_rate: Schedule = "coslog4",
        learning_rate_init: float = 0.04,
        power_t: float = 0.5,
        bias_rate: float = 0.1,
        feature_rate: float | None = 6.0,
        weight_decay: float | None = None,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        beta_1: float = 0.9,
        beta_2: float = 0.95,
        epsilon: float = 1e-8,
        rho: float = 0.9,
        clip_norm: float | None = None,
        batch_size: BatchSize = 256,
        max_iter: int = 128,
        max_time: float | None = None,
        shuffle: bool = True,
        tol: float = 0.0,
        n_iter_no_change: float = np.inf,
        monitor: str = "val_loss",
        random_state: RandomState | None = None,
        metrics: Metrics = (),
        verbose: int = 0,
        dtype: DtypeName = "auto",
        device: Device = "cpu",
        n_jobs: int | None = None,
    ) -> None:
        store(self, locals())

    _shared = shared_with(__init__, MLPClassifier.__init__)

    def decision_function(self, X: TableLike) -> Floats:
        """Logits: the averaged raw outputs over the temperature.

        Parameters
        ----------
        X : {dataframe, array-like} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        z : ndarray of shape (n_samples,) or (n_samples, n_classes)
            Log-odds of the second class where there are at most two.
        """
        check_is_fitted(self)
        z = np.mean(self._outputs(self._encoded(X)), axis=0) / self.temperature_
        return z[:, 0] if self._encoding.kind == "binary" else z

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _member(self, **changed):
        smoothing = {} if self.loss == "log_loss" else {"label_smoothing": 0.0}  # members refuse it
        return super()._member(**smoothing | changed)

    def _learn_target(self, targets, weights):
        self.classes_ = self._encoding.classes

    def _strata(self, y):
        return None if self._encoding.kind == "multilabel" else np.searchsorted(self.classes_, y)

    def _scaled(self, y):
        return y

    def _output(self, member, Z, device):
        return member._predictions(Z, raw=True, device=device)

    def _calibrate(self, outputs, targets, weights):
        self.temperature_ = 1.0
        if self.calibrate:
            self.temperature_ = fit_temperature(outputs, targets, weights, self._encoding.kind)

    def _combined(self, outputs):
        return probabilities(np.mean(outputs, axis=0), self.temperature_, self._encoding.kind)

    def _public(self, predictions):
        return self._encoding.probabilities(predictions)
