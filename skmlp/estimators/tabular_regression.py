"""The regressor for raw tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, overload

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from skmlp.estimators.attributes import ValueParameters
from skmlp.estimators.calibration import fit_offsets
from skmlp.estimators.docs import documented
from skmlp.estimators.parameters import LOSS_REGRESSOR, shared_with, store
from skmlp.estimators.predictions import ValueScore
from skmlp.estimators.regression import MLPRegressor
from skmlp.estimators.tabular import BaseTabularMLP
from skmlp.estimators.tabular_parameters import ATTRIBUTES, TABULAR, named_only
from skmlp.formulas.losses import LOSSES
from skmlp.typing import (
    Activation,
    BatchSize,
    CategoricalFeatures,
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
    ValueLoss,
)

OWN = """\
residual_variance_ : ndarray of shape (n_outputs,)
    Mean squared error of the predictions of held-out rows.
quantile_offsets_ : ndarray of shape (n_levels,)
    With ``loss='quantile'``, what calibration adds to the predicted quantiles.
"""


@documented(named_only(LOSS_REGRESSOR), "'r2'", OWN + ATTRIBUTES, TABULAR)
class TabularMLPRegressor(ValueParameters, ValueScore, BaseTabularMLP):
    """Regressor for raw tables: an ensemble of multilayer perceptrons behind a :class:`TabularEncoder`.

    Takes frames or arrays with categories, strings, booleans and missing values as they are. Each member is trained
    on all folds but one, which picks its best epoch; predictions are the mean over members. Targets are standardised
    for training, but for the Poisson and gamma losses (so ``delta`` is in standard deviations of y), and predictions
    are kept within the range of the training targets. The defaults come from those of RealMLP-TD-S [1]_, changed where
    experiments on public data sets said so.

    {parameters}

    {attributes}

    See Also
    --------
    TabularMLPClassifier : For classes.
    MLPRegressor : One network, for numbers that are scaled.

    References
    ----------
    .. [1] Holzmüller, Grinsztajn & Steinwart, "Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on Tabular
       Data", NeurIPS 2024.

    Examples
    --------
    >>> import pandas as pd
    >>> from skmlp import TabularMLPRegressor
    >>> X = pd.DataFrame({"size": [1.0, None, 3.0, 4.0] * 10, "kind": ["a", "b", None, "a"] * 10})
    >>> y = [1.0, 2.0, 3.0, 4.0] * 10
    >>> model = TabularMLPRegressor(n_estimators=2, max_iter=50, random_state=0).fit(X, y)
    >>> y, std = model.predict(X, return_std=True)
    >>> y.shape, std.shape
    ((40,), (40,))
    """

    loss: ValueLoss
    estimators_: list[MLPRegressor]
    residual_variance_: NDArray[np.float64]
    quantile_offsets_: NDArray[np.float64]
    _member_type = MLPRegressor
    _parameter_constraints = {
        **{
            name: parameter.constraint
            for name, parameter in TABULAR.items()
            if name not in ("class_weight", "label_smoothing", "focal_gamma")
        },
        "loss": named_only(LOSS_REGRESSOR).constraint,
    }

    def __init__(
        self,
        *,
        categorical_features: CategoricalFeatures | None = "from_dtype",
        numeric_scaling: ScalingName = "robust",
        n_bins: int | None = 48,
        max_categories: int | None = 32,
        n_estimators: int = 8,
        cv: Folds = 8,
        calibrate: bool = True,
        pickle_oof: bool = False,
        hidden_layer_sizes: HiddenLayerSizes = (128, 128),
        activation: Activation | Sequence[Activation] = "mish",
        dropout: OneOrMany = 0.25,
        normalization: NormalizationName | None = None,
        weight_init: InitialiserName = "ntk",
        parametrization: ParametrizationName = "ntk",
        loss: ValueLoss = "squared_error",
        alpha: float = 0.0,
        l1_ratio: float = 0.0,
        quantile: OneOrMany = 0.5,
        delta: float = 1.0,
        solver: FirstOrderSolverName = "adam",
        learning_rate: Schedule = "coslog4",
        learning_rate_init: float = 0.07,
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

    _shared = shared_with(__init__, MLPRegressor.__init__)

    @overload
    def predict(self, X: TableLike, return_std: Literal[False] = False) -> Floats: ...

    @overload
    def predict(self, X: TableLike, return_std: Literal[True]) -> tuple[Floats, Floats]: ...

    @overload
    def predict(self, X: TableLike, return_std: bool) -> Floats | tuple[Floats, Floats]: ...

    def predict(self, X: TableLike, return_std: bool = False) -> Floats | tuple[Floats, Floats]:
        """Predicted values.

        Parameters
        ----------
        X : {dataframe, array-like} of shape (n_samples, n_features)
            Rows.
        return_std : bool, default=False
            Whether to return standard deviations, too.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        std : ndarray of the same shape
            Only with ``return_std``: the root of the members' variance at the row plus ``residual_variance_``.

        Raises
        ------
        ValueError
            For ``return_std`` with quantiles, which say themselves how sure they are.
        """
        check_is_fitted(self)
        if return_std and self._encoding.loss == "quantile":
            raise ValueError("return_std=True does not go with loss='quantile', whose levels say how sure it is.")
        outputs = self._outputs(self._encoded(X))
        y = self._encoding.decode(self._combined(outputs))
        if not return_std:
            return y
        return y, self._encoding.decode(np.sqrt(np.var(outputs, axis=0) + self.residual_variance_))

    def _learn_target(self, targets, weights):
        counting = targets if weights is None else targets[weights > 0]
        self._lowest, self._highest = counting.min(axis=0), counting.max(axis=0)
        self._mean, self._scale = np.zeros(targets.shape[1]), np.ones(targets.shape[1])
        if LOSSES[self.loss].domain == "any":
            with np.errstate(over="ignore", invalid="ignore"):
                self._mean = np.average(targets, axis=0, weights=weights)
                spread = np.sqrt(np.average((targets - self._mean) ** 2, axis=0, weights=weights))
            if not np.isfinite(spread).all():
                raise ValueError("y holds values too large to be standardised; scale y.")
            self._scale = np.where(spread > 0.0, spread, 1.0)
        if self.loss == "huber":
            self._encoding.loss_settings["delta"] = self.delta * self._scale

    def _strata(self, y):
        return None

    def _scaled(self, y):
        scaled = (y.reshape(len(y), -1) - self._mean) / self._scale
        return self._encoding.decode(scaled)

    def _output(self, member, Z, device):
        return member._predictions(Z, device=device) * self._scale + self._mean

    def _calibrate(self, outputs, targets, weights):
        vars(self).pop("quantile_offsets_", None)
        if self._encoding.loss == "quantile":
            levels = self._encoding.loss_settings["levels"]
            self.quantile_offsets_ = np.zeros(len(levels))
            if self.calibrate:
                self.quantile_offsets_ = fit_offsets(outputs, targets[:, 0], weights, levels)
        self.residual_variance_ = np.average((self._combined([outputs]) - targets) ** 2, axis=0, weights=weights)

    def _combined(self, outputs):
        mean = np.mean(outputs, axis=0)
        if self._encoding.loss == "quantile":
            mean = np.maximum.accumulate(mean + self.quantile_offsets_, axis=1)
        return np.clip(mean, self._lowest, self._highest)

    def _public(self, predictions):
        return self._encoding.decode(predictions)
