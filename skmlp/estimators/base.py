"""What the four estimators share: their public methods and fitted attributes, whatever the target."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from operator import itemgetter
from typing import Self

from numpy.random import RandomState
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils.validation import check_is_fitted, column_or_1d

from skmlp.devices import make_backend
from skmlp.displays.html import FittedHTMLMixin
from skmlp.estimators import fitting, inputs
from skmlp.estimators.attributes import NetworkAttributes
from skmlp.estimators.callbacks import CallbackSupportMixin, begin_tasks
from skmlp.estimators.evaluation import Evaluation, make_evaluation
from skmlp.estimators.parameters import FIRST_ORDER_SOLVERS
from skmlp.estimators.placement import device_of_predictions
from skmlp.network.layout import PARTS
from skmlp.network.summary import summary
from skmlp.saving import Saveable
from skmlp.typing import ArrayLike, Floats, MatrixLike, TargetLike, typed

OF_ONE_FIT = itemgetter("_network", "_encoding", "_parameters")  # all three before another thread has a turn


@contextmanager
def unchanged_on_error(estimator):
    """Leave an estimator, and the random state it was given, as they were if the block raises."""
    before = vars(estimator).copy()
    generator = estimator.random_state
    draws = generator.get_state() if isinstance(generator, RandomState) else None
    try:
        yield
    except BaseException:
        estimator.__dict__ = before  # at once: a second Ctrl-C finds it whole
        if draws is not None:
            generator.set_state(draws)
        raise


def is_stochastic(estimator):
    """For ``available_if``: partial fits need a solver that works step by step."""
    if estimator.solver not in FIRST_ORDER_SOLVERS:
        raise AttributeError(
            f"partial_fit is only available for stochastic optimizers. {estimator.solver} is not stochastic."
        )
    return True


class BaseMLP(NetworkAttributes, Saveable, FittedHTMLMixin, CallbackSupportMixin, BaseEstimator):
    """Fitting and predicting; subclasses check and encode the target."""

    _y_numeric = False

    @typed(_fit_context(prefer_skip_nested_validation=True))
    def fit(
        self,
        X: MatrixLike,
        y: TargetLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: MatrixLike | None = None,
        y_val: TargetLike | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, not negative. None: all 1.
        X_val : {array-like, sparse matrix} of shape (n_val_samples, n_features), default=None
            Validation rows: measured after each epoch and, with ``early_stopping``, used in place of a
            ``validation_fraction`` of X.
        y_val : array-like of shape (n_val_samples,) or (n_val_samples, n_outputs), default=None
            Validation targets.
        sample_weight_val : array-like of shape (n_val_samples,), default=None
            Weights of the validation rows.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError, TypeError
            For unusable parameters or data, before any training; ValueError also if loss or parameters turn
            non-finite without early stopping. The estimator then is as it was before the call.

        Warns
        -----
        ConvergenceWarning
            If ``max_iter`` ended training, unless ``n_iter_no_change`` is inf.

        Examples
        --------
        >>> import numpy as np
        >>> from skmlp import MLPRegressor
        >>> X = np.random.default_rng(0).normal(size=(400, 2))
        >>> train, val = (X[:300], X[:300].sum(axis=1)), {"X_val": X[300:], "y_val": X[300:].sum(axis=1)}
        >>> model = MLPRegressor(learning_rate_init=0.01, random_state=0).fit(*train, **val)
        >>> len(model.history_["val_loss"]) == model.n_iter_
        True
        """
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val))

    def evaluate(self, X: MatrixLike, y: TargetLike, sample_weight: ArrayLike | None = None) -> Evaluation:
        """Loss and metrics on given data.

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
        evaluation : named tuple of float
            ``loss``, the data term alone (no penalty, no class weights), then one field a metric.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skmlp import MLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> model = MLPClassifier((16,), solver="lbfgs", max_iter=500, metrics=("accuracy",), random_state=0).fit(X, y)
        >>> loss, accuracy = model.evaluate(X, y)
        >>> bool(loss < 0.1 and accuracy > 0.95)
        True
        """
        check_is_fitted(self)
        _, encoding, parameters = model = self._model()
        data = fitting.evaluation(self, self._backend(*model), encoding, X, y, sample_weight)
        return make_evaluation(data.measure(parameters)[1])

    def input_gradients(self, X: MatrixLike, *, raw: bool = False) -> Floats:
        """Derivative of each output by each feature, at each row.

        Outputs are predictions: of a regressor the values of ``predict``; of a classifier probabilities, as
        ``predict_proba`` has them, where of two classes the second is the one output (the first has the opposite
        derivatives). The derivatives are exact, worked out by backpropagation, and are those of a prediction: dropout
        is off, and batch normalisation goes by its running averages. At a kink, as relu has at 0, they are those on
        its left. They are worked out on the CPU, whatever ``device`` is.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        raw : bool, default=False
            Whether outputs are those before the inverse link: of a classifier what ``decision_function`` gives, of a
            regressor with ``loss='poisson'`` or ``'gamma'`` the logarithm of the prediction, of quantiles the lowest
            one and what the steps to the others are softplus of.

        Returns
        -------
        gradients : ndarray of shape (n_samples, n_features) or (n_samples, n_outputs, n_features)
            In units of the output per unit of the feature, in the dtype of the model; dense, also for sparse X. Without
            the middle axis where ``predict`` or, of a classifier, ``decision_function`` gives one number a row.

        Examples
        --------
        >>> import numpy as np
        >>> from skmlp import MLPRegressor
        >>> X = np.random.default_rng(0).normal(size=(500, 2))
        >>> model = MLPRegressor(activation="tanh", solver="lbfgs", max_iter=2000, random_state=0)
        >>> model.fit(X, X[:, 0] ** 2 - X[:, 1]).input_gradients([[0.5, 0.0], [1.0, 0.0]]).round(1)
        array([[ 1., -1.],
               [ 2., -1.]])
        """
        check_is_fitted(self)
        network, encoding, parameters = self._model()
        backend = self._backend(network, encoding, parameters, "cpu")
        return self._gradients(self._of_rows(X, backend, backend.input_gradients, parameters, raw), raw)

    def summary(self) -> str:
        """The network as a table: layer, shape, activation and parameters of each layer.

        Returns
        -------
        table : str

        Examples
        --------
        >>> from skmlp import MLPRegressor
        >>> print(MLPRegressor(solver="lbfgs").fit([[0.0], [1.0]], [0.0, 1.0]).summary())
        layer     shape     activation  parameters
        hidden 1  1 -> 100  relu               200
        output    100 -> 1  identity           101
        total                                  301
        """
        check_is_fitted(self)
        return summary(self._network)

    @property
    def coefs_(self) -> tuple[Floats, ...]:
        """Weights of each layer, a tuple of arrays of shape (n_in, n_out): writable views of the model."""
        return self._network.layout.weights(self._fitted("coefs_"))

    @property
    def intercepts_(self) -> tuple[Floats, ...]:
        """Biases of each layer, a tuple of arrays of shape (n_out,): writable views of the model."""
        return self._network.layout.biases(self._fitted("intercepts_"))

    @property
    def norm_scales_(self) -> tuple[Floats, ...]:
        """What the normalised values of each hidden layer are multiplied by, a tuple of arrays of shape (n_units,)."""
        return self._normalization("scales")

    @property
    def norm_shifts_(self) -> tuple[Floats, ...]:
        """What is then added to them, a tuple of arrays of shape (n_units,)."""
        return self._normalization("shifts")

    @property
    def norm_means_(self) -> tuple[Floats, ...]:
        """Running means of batch normalisation, a tuple of arrays of shape (n_units,)."""
        return self._normalization("means")

    @property
    def norm_variances_(self) -> tuple[Floats, ...]:
        """Running variances of batch normalisation, a tuple of arrays of shape (n_units,)."""
        return self._normalization("variances")

    def _normalization(self, part):
        vector = self._fitted(f"norm_{part}_")
        layout = self._network.layout
        if part not in PARTS[layout.normalization]:
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute 'norm_{part}_' with normalization="
                f"{layout.normalization!r}."
            )
        return layout.normalizations(vector)[part]

    def _fitted(self, attribute):
        if not self.__sklearn_is_fitted__():
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {attribute!r} before fit.")
        return self._parameters

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_parameters")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _fit(self, X, y, sample_weight, validation=(None, None, None), *, incremental=False, classes=None):
        """A fit, or with ``incremental`` a partial fit, which is a task without parts."""
        # Before the state that an error restores: callbacks are still to be torn down then.
        tasks = begin_tasks(self, 0 if incremental else self.max_iter, X, y, sample_weight)
        with unchanged_on_error(self):
            fitting.fit(self, X, y, sample_weight, validation, incremental=incremental, classes=classes, tasks=tasks)
            tasks.finish()
        return self

    def _model(self):
        """Network, encoding and parameters, those of one fit though another thread may be fitting."""
        return OF_ONE_FIT(vars(self))

    def _backend(self, network, encoding, parameters, device=None):
        device, settings = device or device_of_predictions(self), encoding.loss_settings
        return make_backend(device, network, encoding.loss, parameters.dtype, n_jobs=self.n_jobs, **settings)

    def _predictions(self, X, *, raw=False, device=None):
        """Outputs of the network, (n_samples, n_outputs), by ``device``; None: where the estimator predicts."""
        if not self.__sklearn_is_fitted__():  # looked at first, for scikit-learn's check takes longer than a row
            check_is_fitted(self)
        model = self._model()
        backend = self._backend(*model, device)
        return self._of_rows(X, backend, backend.predict, model[-1], raw)

    def _of_rows(self, X, backend, measure, parameters, raw):
        """What ``measure``, a method of the back end, says of rows."""
        if inputs.is_plain(self, X):
            with suppress(backend.NotFiniteError):  # validation will say where
                return measure(parameters, X, raw=raw, looked_at=False)
        X = inputs.validate(self, X, reset=False)
        return measure(parameters, inputs.for_prediction(X, parameters.dtype), raw=raw)

    def _check_data(self, X, y, *, reset):
        """X and y as arrays, y of one dimension where it is one column."""
        X, y = inputs.validate(self, X, y, reset=reset, multi_output=True, y_numeric=self._y_numeric)
        return X, column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y

    def _with_class_weights(self, encoding, y, weights, dtype, incremental):
        """Weights of the training rows: a regressor has no classes to weigh."""
        return weights
