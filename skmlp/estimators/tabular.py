"""What the two estimators for raw tables share: encoding, members trained over folds, calibration by held-out rows."""

from __future__ import annotations

import math
import time
import warnings
from copy import copy
from numbers import Integral
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skmlp.devices import allowed_threads
from skmlp.displays.html import FittedHTMLMixin
from skmlp.estimators import fitting, inputs
from skmlp.estimators.attributes import EnsembleAttributes
from skmlp.estimators.base import unchanged_on_error
from skmlp.estimators.ensemble import Crew, Part, folds, out_of_fold, parts_of
from skmlp.estimators.evaluation import Evaluation, make_evaluation
from skmlp.estimators.placement import device_of_fit, device_of_predictions
from skmlp.preprocessing import TabularEncoder
from skmlp.saving import Saveable
from skmlp.training.metrics import resolve, stopping_score
from skmlp.training.trainer import INTERRUPTED
from skmlp.typing import ArrayLike, TableLike, TargetLike, typed

ENCODING = ("categorical_features", "numeric_scaling", "n_bins", "max_categories")


class BaseTabularMLP(EnsembleAttributes, Saveable, FittedHTMLMixin, BaseEstimator):
    """Fitting; subclasses say what a member is, and turn the outputs of members into predictions.

    Their ``_member_type`` has the names in ``_shared`` as parameters. Its outputs are raw ones for classes, else
    predictions in units of y.
    """

    @typed(_fit_context(prefer_skip_nested_validation=True))
    def fit(
        self,
        X: TableLike,
        y: TargetLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: TableLike | None = None,
        y_val: TargetLike | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Train the members.

        Parameters
        ----------
        X : {dataframe, array-like} of shape (n_samples, n_features)
            Training rows: numbers, categories, strings, booleans, missing values.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, not negative. None: all 1.
        X_val : {dataframe, array-like} of shape (n_val_samples, n_features), default=None
            Validation rows. With them all members are trained on all of X, and they take the place of the rows that
            are held out: they pick the epochs, they calibrate, and ``oof_prediction_`` is of them.
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
            For unusable parameters or data, before any training. The estimator then is as it was before the call.

        Examples
        --------
        >>> import pandas as pd
        >>> from skmlp import TabularMLPRegressor
        >>> X = pd.DataFrame({"size": [1.0, None, 3.0, 4.0] * 10, "kind": ["a", "b", None, "a"] * 10})
        >>> model = TabularMLPRegressor(n_estimators=2, max_iter=20, random_state=0).fit(X, [1.0, 2.0, 3.0, 4.0] * 10)
        >>> len(model.estimators_), model.oof_prediction_.shape
        (2, (40,))
        """
        fitted = copy(self)  # so that this one predicts as before until all of the new one is there
        with unchanged_on_error(self):
            fitted._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val))
        self.__dict__ = fitted.__dict__
        return self

    def evaluate(self, X: TableLike, y: TargetLike, sample_weight: ArrayLike | None = None) -> Evaluation:
        """Loss and metrics on given data.

        Parameters
        ----------
        X : {dataframe, array-like} of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        evaluation : named tuple of float
            ``loss``, that of the predictions, in units of y, then one field a metric.

        Examples
        --------
        >>> from skmlp import TabularMLPClassifier
        >>> X, y = [["a"], ["b"]] * 20, [0, 1] * 20
        >>> model = TabularMLPClassifier(n_estimators=2, max_iter=20, metrics=["accuracy"], random_state=0).fit(X, y)
        >>> float(model.evaluate(X, y).accuracy)
        1.0
        """
        check_is_fitted(self)
        Z, y = self.estimators_[0]._check_data(self._encoded(X), y, reset=False)
        self._encoding.check(y)
        data = (
            self._combined(self._outputs(Z)),
            self._encoding.encode(y, np.dtype(np.float64)),
            inputs.check_weights(sample_weight, Z, np.dtype(np.float64)),
        )
        loss = -resolve([self._loss], self._encoding)[self._loss](*data)
        metrics = resolve(self.metrics, self._encoding)
        return make_evaluation({"loss": loss, **{name: metric(*data) for name, metric in metrics.items()}})

    def summary(self) -> str:
        """The network of a member as a table: layer, shape, activation and parameters of each layer.

        Returns
        -------
        table : str

        Examples
        --------
        >>> from skmlp import TabularMLPClassifier
        >>> model = TabularMLPClassifier(n_estimators=2, max_iter=1, hidden_layer_sizes=(8,))
        >>> print(model.fit([["a"], ["b"]] * 20, [0, 1] * 20).summary())
        layer     shape   activation  parameters
        hidden 1  1 -> 8  relu                16
        output    8 -> 1  logistic             9
        total                                 25
        """
        check_is_fitted(self)
        return self.estimators_[0].summary()

    @property
    def n_features_in_(self) -> int:
        """Number of features."""
        return self.encoder_.n_features_in_

    @property
    def feature_names_in_(self) -> NDArray[np.object_]:
        """Names of the features, if X had names that are all strings."""
        return self.encoder_.feature_names_in_

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "estimators_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        return tags

    def __getstate__(self):
        state = super().__getstate__()
        return state if self.pickle_oof else {name: value for name, value in state.items() if name != "oof_prediction_"}

    def _fit(self, X, y, sample_weight, validation):
        started = time.perf_counter()
        random_state = check_random_state(self.random_state)
        dtype = np.float64 if self.dtype == "float64" else np.float32
        self.encoder_ = TabularEncoder(dtype=dtype, **{name: getattr(self, name) for name in ENCODING})
        template = self._member()
        Z, y = template._check_data(self.encoder_.set_output(transform="default").fit_transform(X), y, reset=True)
        self._encoding, self._loss = template._make_encoding(y, False, None), self.loss
        targets = self._encoding.encode(y, np.dtype(np.float64))  # refuses what the loss cannot take
        weights = inputs.check_weights(sample_weight, Z, np.dtype(np.float64))
        self._learn_target(targets, weights)
        parts = self._parts(Z, y, weights, validation, template, random_state)
        n_rows = len(Z) if validation[0] is None else len(parts[0].held_out)
        network = fitting.make_network(template, self._encoding, Z.shape[1])
        device = device_of_fit(template, network, Z, Z.dtype)
        members, interrupted = self._train(Z, y, weights, parts, device, random_state, started)
        # After a Ctrl-C some may not have been trained for an epoch.
        trained = [pair for pair in zip(members, parts, strict=True) if getattr(pair[0], "n_iter_", 0) > 0]
        if not trained:
            raise KeyboardInterrupt
        self.estimators_, parts = map(list, zip(*trained, strict=True))
        self.n_iter_ = max(member.n_iter_ for member in self.estimators_)
        self.device_ = self.estimators_[0].device_
        self._learn_from_held_out(parts, n_rows)
        if interrupted:
            warnings.warn(INTERRUPTED, stacklevel=4)

    def _member(self, **changed):
        """A member, not fitted: the parameters that it has in common with this estimator, and ``changed``."""
        return self._member_type(early_stopping=True, **{name: getattr(self, name) for name in self._shared} | changed)

    def _parts(self, Z, y, weights, validation, template, random_state):
        """What each member is trained on and holds out."""
        X_val, y_val, weights_val = validation
        if X_val is None and y_val is None and weights_val is None:
            strata, counting = self._strata(y), len(Z)
            if weights is not None and not weights.all():  # each fold needs rows that count
                counts = weights > 0.0
                strata, counting = counts if strata is None else 2 * strata + counts, counts.sum()
            cv = min(int(self.cv), max(counting, 2)) if isinstance(self.cv, Integral) else self.cv
            return parts_of(folds(Z, y, strata, self.n_estimators, cv, random_state), Z, y, weights)
        if X_val is None or y_val is None:
            raise ValueError("X_val and y_val must be given together, and sample_weight_val only with them.")
        with fitting.about_validation():
            Z_val, y_val = template._check_data(self._encoded(X_val), y_val, reset=False)
            self._encoding.check(y_val)
            weights_val = inputs.check_weights(weights_val, Z_val, np.dtype(np.float64))
        return [Part(np.arange(len(Z)), np.arange(len(Z_val)), Z_val, y_val, weights_val)] * self.n_estimators

    def _train(self, Z, y, weights, parts, device, random_state, started):
        """Members, trained in as many threads as there are for them, and whether a Ctrl-C ended that."""
        own = {"n_jobs": self.n_jobs if len(parts) == 1 else 1, "device": device}
        members = [self._member(random_state=random_state.randint(2**31), **own) for _ in parts]

        def train(number, stop):
            part, member = parts[number], members[number]
            if self.batch_size != "auto":
                member.batch_size = min(self.batch_size, len(part.rows))
            data = Z[part.rows], self._scaled(y[part.rows]), None if weights is None else weights[part.rows]
            held_out = part.Z, self._scaled(part.y), part.weights
            classes = getattr(self, "classes_", None)
            fitting.fit(member, *data, held_out, incremental=False, classes=classes, tasks=stop)

        deadline = math.inf if self.max_time is None else started + self.max_time
        # A GPU has one member after the other.
        workers = min(len(members), allowed_threads(self.n_jobs)) if device == "cpu" else 1
        interrupted = Crew(members, train, workers, deadline).run()
        for member in members:  # which had one thread each, one device, and their share of the time
            member.set_params(n_jobs=self.n_jobs, max_time=self.max_time, device=self.device)
        return members, interrupted

    def _learn_from_held_out(self, parts, n_rows):
        """Calibrate by the rows that were held out, and predict and score those."""
        pairs = zip(self.estimators_, parts, strict=True)
        mean = out_of_fold(parts, [self._output(member, part.Z, self.device_) for member, part in pairs], n_rows)
        known = ~np.isnan(mean[:, 0])
        targets = [self._encoding.encode(part.y, np.dtype(np.float64)) for part in parts]
        y, weights = np.zeros((n_rows, targets[0].shape[1])), np.ones(n_rows)
        for part, values in zip(parts, targets, strict=True):
            y[part.held_out] = values
            weights[part.held_out] = 1.0 if part.weights is None else part.weights
        data = y[known], None if parts[0].weights is None else weights[known]
        self._calibrate(mean[known], *data)
        predictions = self._combined([mean[known]])
        self.oof_score_ = stopping_score(self._encoding)(predictions, *data)
        oof = np.full((n_rows, predictions.shape[1]), np.nan)
        oof[known] = predictions
        self.oof_prediction_ = self._public(oof)

    def _encoded(self, X):
        """Rows as members take them."""
        return self.encoder_.transform(X)

    def _outputs(self, Z):
        """Outputs of each member, all by one device."""
        device = device_of_predictions(self)
        return [self._output(member, Z, device) for member in self.estimators_]

    def _predictions(self, X):
        """Predictions of the ensemble, as a network has them."""
        check_is_fitted(self)
        return self._combined(self._outputs(self._encoded(X)))
