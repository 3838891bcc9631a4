"""Estimators inside scikit-learn's pipelines and searches, and fed with frames."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier
from sklearn.inspection import permutation_importance
from sklearn.metrics import get_scorer
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

import skmlp
from skmlp import MLPBinaryClassifier, MLPClassifier, MLPMulticlass, MLPRegressor

QUIET = {"hidden_layer_sizes": (6,), "max_iter": 15, "n_iter_no_change": np.inf, "random_state": 0}
NAMES = list("abcdefgh")
EVERY_ESTIMATOR = pytest.mark.parametrize(
    "estimator", [MLPBinaryClassifier, MLPMulticlass, MLPClassifier, MLPRegressor]
)


@EVERY_ESTIMATOR
def test_kinds(estimator):
    assert is_regressor(estimator()) is (estimator is MLPRegressor)
    assert is_classifier(estimator()) is (estimator is not MLPRegressor)
    assert getattr(skmlp, estimator.__name__) is estimator
    assert estimator.__name__ in skmlp.__all__


@EVERY_ESTIMATOR
def test_representation_shows_what_differs_from_the_defaults(estimator):
    assert repr(estimator()) == f"{estimator.__name__}()"
    assert repr(estimator(alpha=0.5)) == f"{estimator.__name__}(alpha=0.5)"


@EVERY_ESTIMATOR
def test_pipeline_and_cross_validation(tasks, estimator):
    data = tasks["binary"]
    model = make_pipeline(StandardScaler(), estimator(**QUIET))
    scores = cross_val_score(model, data.X, data.y, cv=3)
    assert scores.shape == (3,)
    if estimator is MLPRegressor:
        alone = clone(model).fit(data.X[50:], data.y[50:])
        assert scores[0] == alone.score(data.X[:50], data.y[:50])
    with_jobs = cross_val_score(model, data.X, data.y, cv=3, n_jobs=2)
    np.testing.assert_array_equal(scores, with_jobs)


@EVERY_ESTIMATOR
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_grid_search(tasks, estimator, n_jobs):
    data = tasks["binary"]
    model = Pipeline([("scale", StandardScaler()), ("mlp", estimator(**QUIET))])
    grid = {
        "mlp__hidden_layer_sizes": [(4,), (8, 4)],
        "mlp__activation": ["relu", "tanh"],
        "mlp__alpha": [1e-4, 1.0],
    }
    search = GridSearchCV(model, grid, cv=2, n_jobs=n_jobs).fit(data.X, data.y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert len(set(search.cv_results_["mean_test_score"])) > 1
    again = clone(model).set_params(**search.best_params_).fit(data.X, data.y)
    np.testing.assert_array_equal(search.predict(data.X), again.predict(data.X))


def test_grid_written_for_scikit_learn_runs_unchanged(tasks):
    from sklearn import neural_network

    data = tasks["binary"]
    distributions = {
        "hidden_layer_sizes": [(4,), (8, 4), 6],
        "activation": ["identity", "logistic", "tanh", "relu"],
        "solver": ["sgd"],
        "alpha": [0.0001, 0.05],
        "learning_rate": ["constant", "invscaling", "adaptive"],
        "learning_rate_init": [0.01, 0.001],
        "early_stopping": [False, True],
        "batch_size": ["auto", 20],
        "nesterovs_momentum": [True, False],
        "random_state": [3],
        "max_iter": [8],
        "verbose": [False],
    }
    scores = []
    for module, extra in ((neural_network, {}), (skmlp, {"dtype": "float64"})):
        search = RandomizedSearchCV(module.MLPClassifier(**extra), distributions, n_iter=10, random_state=0, cv=2)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", sklearn.exceptions.ConvergenceWarning)
            scores.append(search.fit(data.X, data.y).cv_results_["mean_test_score"])
    np.testing.assert_array_equal(*scores)


@pytest.mark.parametrize("scoring", ["roc_auc", "neg_log_loss", "neg_brier_score", "f1", "average_precision"])
@pytest.mark.parametrize("estimator", [MLPBinaryClassifier, MLPMulticlass, MLPClassifier])
def test_scorers(tasks, estimator, scoring):
    data = tasks["binary"]
    model = estimator(**QUIET).fit(data.X, data.y)
    score = cross_validate(model, data.X, data.y, cv=2, scoring=scoring)["test_score"]
    assert np.isfinite(score).all()
    measured = estimator(metrics=(scoring,), **QUIET).fit(data.X, data.y).evaluate(data.X, data.y)
    assert getattr(measured, scoring) == pytest.approx(get_scorer(scoring)(model, data.X, data.y), rel=1e-5)


def test_meta_estimators(tasks):
    data = tasks["binary"]
    model = MLPBinaryClassifier(**QUIET)
    for meta in (BaggingClassifier(model, n_estimators=2, random_state=0), CalibratedClassifierCV(model, cv=2)):
        np.testing.assert_array_equal(meta.fit(data.X, data.y).predict_proba(data.X).shape, (150, 2))
    assert cross_val_predict(model, data.X, data.y, cv=2, method="predict_proba").shape == (150, 2)
    importance = permutation_importance(model.fit(data.X, data.y), data.X, data.y, n_repeats=2, random_state=0)
    assert importance.importances_mean.shape == (8,)
    labels = tasks["multilabel"]
    several = MultiOutputClassifier(model).fit(labels.X, labels.y)
    assert several.predict(labels.X).shape == labels.y.shape


class TestRouting:
    @pytest.fixture(autouse=True)
    def routing(self):
        with sklearn.config_context(enable_metadata_routing=True):
            yield

    @EVERY_ESTIMATOR
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_pipeline_transforms_validation_data(self, tasks, assert_same_model, estimator, early_stopping):
        data = tasks["binary"]
        X, y, X_val, y_val = data.X[:100] * 50, data.y[:100], data.X[100:] * 50, data.y[100:]
        weights, weights_val = data.sample_weight[:100], data.sample_weight[100:]
        model = estimator(early_stopping=early_stopping, **QUIET)
        routed = clone(model).set_fit_request(X_val=True, y_val=True, sample_weight=True, sample_weight_val=True)
        scale = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = Pipeline([("scale", scale), ("mlp", routed)], transform_input=["X_val"])
        pipeline.fit(X, y, X_val=X_val, y_val=y_val, sample_weight=weights, sample_weight_val=weights_val)
        scaler = StandardScaler().fit(X)
        model.fit(
            scaler.transform(X),
            y,
            sample_weight=weights,
            X_val=scaler.transform(X_val),
            y_val=y_val,
            sample_weight_val=weights_val,
        )
        assert_same_model(pipeline[-1], model)
        assert pipeline[-1].history_["val_loss"] == model.history_["val_loss"]

    @EVERY_ESTIMATOR
    def test_weights_reach_fit_and_score_in_cross_validation(self, tasks, estimator):
        data = tasks["binary"]
        model = estimator(**QUIET).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        weights = np.where(np.arange(150) % 2, 1.0, 1e-9)
        params = {"sample_weight": weights}
        weighted = cross_val_score(model, data.X, data.y, cv=2, params=params)
        plain = cross_val_score(estimator(**QUIET), data.X, data.y, cv=2)
        assert not np.array_equal(weighted, plain)

    @EVERY_ESTIMATOR
    def test_partial_fit_can_be_asked_for(self, estimator):
        model = estimator().set_partial_fit_request(sample_weight=True)
        assert model.get_metadata_routing().partial_fit.requests["sample_weight"] is True


class TestFrames:
    @pytest.fixture
    def framed(self, tasks):
        data = tasks["binary"]
        return data.X, data.y, pd.DataFrame(data.X, columns=NAMES), pl.DataFrame(data.X, schema=NAMES)

    @EVERY_ESTIMATOR
    def test_are_the_arrays_they_hold(self, framed, assert_same_model, estimator):
        X, y, *frames = framed
        reference = estimator(**QUIET).fit(X, y)
        assert not hasattr(reference, "feature_names_in_")
        for frame in frames:
            model = estimator(**QUIET).fit(frame, y)
            assert_same_model(reference, model)
            np.testing.assert_array_equal(model.predict(frame), reference.predict(X))
            np.testing.assert_array_equal(model.feature_names_in_, NAMES)
            assert model.n_features_in_ == 8

    @pytest.mark.parametrize("series", [pd.Series, pl.Series])
    def test_targets_may_be_series(self, framed, assert_same_model, series):
        X, y, *_ = framed
        reference = MLPClassifier(**QUIET).fit(X, y)
        assert_same_model(reference, MLPClassifier(**QUIET).fit(X, series(y.tolist())))
        names = np.array(["no", "yes"])[y]
        model = MLPClassifier(**QUIET).fit(X, series(names.tolist()))
        np.testing.assert_array_equal(model.classes_, ["no", "yes"])
        np.testing.assert_array_equal(model.predict_proba(X), reference.predict_proba(X))
        regressors = [MLPRegressor(**QUIET).fit(X, values) for values in (X[:, 0], series(X[:, 0].tolist()))]
        assert_same_model(*regressors)

    def test_weights_may_be_series(self, framed, assert_same_model):
        _, y, frame, _ = framed
        weights = np.linspace(0.5, 2, 150)
        models = [MLPClassifier(**QUIET).fit(frame, y, sample_weight=w) for w in (weights, pd.Series(weights))]
        assert_same_model(*models)

    def test_categories_and_booleans_of_pandas(self, framed):
        X, y, frame, _ = framed
        names = pd.Series(np.array(["no", "yes"])[y]).astype("category")
        model = MLPClassifier(**QUIET).fit(frame.assign(a=X[:, 0] > 0), names)
        assert set(model.classes_) == {"no", "yes"}
        assert model.score(frame.assign(a=X[:, 0] > 0), names) > 0.5

    def test_columns_of_nullable_dtypes(self, framed, assert_same_model):
        X, y, frame, _ = framed
        whole = frame.round().astype("Int64")
        models = [MLPClassifier(**QUIET).fit(rows, y) for rows in (np.round(X), whole, whole.astype("Float64"))]
        assert_same_model(models[0], models[1])
        assert_same_model(models[0], models[2])
        with pytest.raises(ValueError, match="Input X contains NaN"):
            whole.iloc[3, 2] = pd.NA
            MLPClassifier(**QUIET).fit(whole, y)

    @EVERY_ESTIMATOR
    @pytest.mark.parametrize("method", ["predict", "score", "evaluate"])
    def test_names_that_are_missing_give_a_warning(self, framed, estimator, method):
        X, y, frame, _ = framed
        arguments = [] if method == "predict" else [y]
        message = f"X does not have valid feature names, but {estimator.__name__} was fitted with feature names"
        with pytest.warns(UserWarning, match=f"^{message}"):
            getattr(estimator(**QUIET).fit(frame, y), method)(X, *arguments)
        message = f"X has feature names, but {estimator.__name__} was fitted without feature names"
        with pytest.warns(UserWarning, match=f"^{message}"):
            getattr(estimator(**QUIET).fit(X, y), method)(frame, *arguments)

    @EVERY_ESTIMATOR
    def test_give_no_warning_while_training(self, framed, estimator):
        """Early stopping scores the validation rows, metrics the training rows: neither asks for names."""
        _, y, *frames = framed
        for frame in frames:
            estimator(early_stopping=True, metrics=("r2",), **QUIET).fit(frame, y)
            estimator(metrics=("r2",), **QUIET).fit(frame, y, X_val=frame[:30], y_val=y[:30])
