"""The regressor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils.metaestimators import available_if

from skmlp.estimators.attributes import ValueParameters
from skmlp.estimators.base import BaseMLP, is_stochastic
from skmlp.estimators.custom import CustomLoss
from skmlp.estimators.docs import documented
from skmlp.estimators.parameters import LOSS_REGRESSOR, PARAMETERS, store
from skmlp.estimators.predictions import ValueScore
from skmlp.estimators.targets import ValueEncoding
from skmlp.typing import (
    Activation,
    ArrayLike,
    BatchSize,
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
    ValueLoss,
    typed,
)


@documented(LOSS_REGRESSOR, "'r2'")
class MLPRegressor(ValueParameters, ValueScore, BaseMLP):
    """Multilayer perceptron for one or many continuous targets.

    Takes the place of ``sklearn.neural_network.MLPRegressor``. The output is one unit a target, the identity or, for
    the Poisson and gamma losses, the exponential; for the quantile loss one unit a level.

    {parameters}

    {attributes}

    Examples
    --------
    >>> from skmlp import MLPRegressor
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> y = (y - y.mean()) / y.std()
    >>> model = MLPRegressor(hidden_layer_sizes=(16,), solver="lbfgs", alpha=1.0, tol=0.01, random_state=0)
    >>> bool(model.fit(X, y).score(X, y) > 0.5)
    True
    """

    loss: ValueLoss | CustomLoss
    _y_numeric = True
    _parameter_constraints = {
        **{
            name: PARAMETERS[name].constraint
            for name in PARAMETERS.keys() - {"class_weight", "label_smoothing", "focal_gamma"}
        },
        "loss": LOSS_REGRESSOR.constraint,
    }

    def __init__(
        self,
        loss: ValueLoss | CustomLoss = "squared_error",
        hidden_layer_sizes: HiddenLayerSizes = (100,),
        activation: Activation | Sequence[Activation] = "relu",
        *,
        dropout: OneOrMany = 0.0,
        normalization: NormalizationName | None = None,
        weight_init: InitialiserName = "auto",
        parametrization: ParametrizationName = "standard",
        alpha: float = 1e-4,
        l1_ratio: float = 0.0,
        quantile: OneOrMany = 0.5,
        delta: float = 1.0,
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
    def partial_fit(self, X: MatrixLike, y: TargetLike, sample_weight: ArrayLike | None = None) -> Self:
        """Go on training for one pass over the given rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

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
        >>> from skmlp import MLPRegressor
        >>> model, rng = MLPRegressor(learning_rate_init=0.01, random_state=0), np.random.default_rng(0)
        >>> for _ in range(50):  # chunks of a stream
        ...     X = rng.normal(size=(200, 2))
        ...     model = model.partial_fit(X, X.sum(axis=1))
        >>> model.predict([[0.5, 0.5]]).round()
        array([1.], dtype=float32)
        """
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: MatrixLike) -> Floats:
        """Predicted values.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)

        Examples
        --------
        >>> from skmlp import MLPRegressor
        >>> model = MLPRegressor("quantile", quantile=[0.1, 0.9], tol=1.0).fit([[0.0], [1.0]], [0.0, 1.0])
        >>> low, high = model.predict([[0.5]])[0]
        >>> bool(low < high)
        True
        """
        predictions = self._predictions(X)
        return self._encoding.decode(predictions)

    def _gradients(self, gradients, raw):
        return self._encoding.decode(gradients)

    def _loss_settings(self):
        if self.loss != "quantile":
            return {"delta": float(self.delta)}
        levels = np.atleast_1d(np.asarray(self.quantile, dtype=float))
        if (
            levels.ndim != 1
            or len(levels) == 0
            or not ((levels > 0) & (levels < 1)).all()
            or (np.diff(levels) <= 0).any()
        ):
            raise ValueError(f"quantile={self.quantile}: give one level in (0, 1), or increasing levels.")
        return {"levels": tuple(levels.tolist())}

    def _make_encoding(self, y, incremental, classes):
        n_targets = 1 if y.ndim == 1 else y.shape[1]
        if self.loss == "quantile" and n_targets > 1:
            raise ValueError(f"loss='quantile' takes one target, y has {n_targets} columns; fit one model a target.")
        encoding = ValueEncoding(self.loss, n_targets, self._loss_settings())
        encoding.check(y)
        return encoding
