"""The regressor."""

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils.metaestimators import available_if

from skmlp.estimators.base import BaseMLP, is_stochastic
from skmlp.estimators.docs import documented
from skmlp.estimators.parameters import LOSS_REGRESSOR, PARAMETERS, store
from skmlp.estimators.predictions import ValueScore
from skmlp.estimators.targets import ValueEncoding


@documented(LOSS_REGRESSOR, "'r2'")
class MLPRegressor(ValueScore, BaseMLP):
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
        loss="squared_error",
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        dropout=0.0,
        normalization=None,
        weight_init="auto",
        parametrization="standard",
        alpha=1e-4,
        l1_ratio=0.0,
        quantile=0.5,
        delta=1.0,
        solver="adam",
        learning_rate="constant",
        learning_rate_init=0.001,
        power_t=0.5,
        bias_rate=1.0,
        feature_rate=None,
        weight_decay=None,
        momentum=0.9,
        nesterovs_momentum=True,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        rho=0.9,
        clip_norm=None,
        max_fun=15000,
        batch_size="auto",
        max_iter=200,
        max_time=None,
        shuffle=True,
        tol=1e-4,
        n_iter_no_change=10,
        early_stopping=False,
        validation_fraction=0.1,
        monitor="auto",
        restore_best=True,
        warm_start=False,
        random_state=None,
        metrics=(),
        verbose=0,
        dtype="auto",
        device="cpu",
        n_jobs=None,
    ):
        store(self, locals())

    @available_if(is_stochastic)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None):
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
        """
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X):
        """Predicted values.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
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
