"""Raw tables in, whatever holds them; scikit-learn's words for those that do not fit."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from scipy import sparse
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from tests.estimators.tabular import (
    KINDS,
    LABELS,
    VALUES,
    X,
    assert_same_fit,
    assert_same_outputs,
    classifier,
    frame,
    numbers,
    outputs,
    regressor,
    table,
)

EVERY_KIND = pytest.mark.parametrize("kind", KINDS)
EVERY_ESTIMATOR = pytest.mark.parametrize(("make", "y"), [(classifier, LABELS), (regressor, VALUES)])


def assert_finite(model, rows):
    for output in outputs(model, rows)[:2]:
        assert len(output) == len(rows)
        if output.dtype.kind == "f":
            assert np.isfinite(output).all()


@EVERY_KIND
def test_frames_are_taken_as_they_are(kind):
    make, y = KINDS[kind]
    model = make().fit(X, y)
    assert model.n_features_in_ == 5
    assert model.feature_names_in_.tolist() == list(X)
    assert model.encoder_.categorical_features_.tolist() == [False, False, True, True, True]
    assert_finite(model, frame(1))
    assert model.predict(X).shape == y.shape


@EVERY_KIND
def test_pandas_polars_and_arrays_are_the_same(kind):
    make, y = KINDS[kind]
    model = make().fit(X, y)
    assert_same_fit(model, make().fit(pl.DataFrame(table()), y))
    assert_same_outputs(model, model, pl.DataFrame(table()))
    array = X.astype(object).to_numpy()
    assert_same_fit(model, make(categorical_features=["color", "town", "flag"]).fit(X.astype({"color": object}), y))
    of_array = make(categorical_features=[2, 3, 4]).fit(array, y)
    assert not hasattr(of_array, "feature_names_in_")
    for ours, theirs in zip(outputs(model, X), outputs(of_array, array), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_targets_of_frames_are_the_same():
    model = classifier().fit(X, LABELS)
    for y in (LABELS.tolist(), pd.Series(LABELS, index=X.index[::-1]), pl.Series(LABELS), LABELS.astype(object)):
        assert_same_fit(model, classifier().fit(X, y))


@EVERY_ESTIMATOR
def test_what_training_has_not_seen_is_predicted(make, y):
    model = make().fit(X, y)
    new = frame(1).astype({"color": object})
    new.loc[:3, "color"] = "black"
    new.loc[4:8, "town"] = None
    new.loc[5:9, "count"] = 10**9
    new["count"] = new["count"].astype(object)
    new.loc[6:, "count"] = None
    assert_finite(model, new)
    assert_finite(model, new[:1])


@EVERY_ESTIMATOR
def test_a_table_of_one_kind(make, y):
    for columns in (["size"], ["color"], ["flag"], ["size", "count"], ["town", "color"]):
        model = make().fit(X[columns], y)
        assert_finite(model, frame(1)[columns])


@EVERY_ESTIMATOR
@pytest.mark.parametrize("scaling", ["robust", "standard", "quantile"])
def test_parameters_of_the_encoder_are_handed_on(make, y, scaling):
    parameters = {"numeric_scaling": scaling, "n_bins": 4, "max_categories": 2, "categorical_features": ["town"]}
    model = make(**parameters).fit(X[["size", "count", "town"]], y)
    assert {name: getattr(model.encoder_, name) for name in parameters} == parameters
    assert model.encoder_.dtype == np.float32
    assert make(dtype="float64").fit(X, y).encoder_.dtype == np.float64
    assert model.encoder_.transform(X[["size", "count", "town"]]).shape[1] == model.estimators_[0].n_features_in_


@EVERY_ESTIMATOR
def test_columns_must_be_those_of_training(make, y):
    model = make().fit(X, y)
    methods = [model.predict, lambda rows: model.evaluate(rows, y), lambda rows: model.score(rows, y)]
    for method in methods:
        with pytest.raises(ValueError, match=r"(?s)names should match.*must be in the same order"):
            method(X[["count", "size", "color", "town", "flag"]])
        with pytest.raises(ValueError, match=r"(?s)names should match.*seen at fit time.*flag"):
            method(X.drop(columns="flag"))
        with pytest.raises(ValueError, match=r"(?s)names unseen at fit time.*mood"):
            method(X.assign(mood=1))
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        of_array = model.predict(X.astype(object).to_numpy())
    np.testing.assert_array_equal(of_array, model.predict(X))
    with pytest.raises(ValueError, match="X has 2 features, but TabularEncoder is expecting 3"):
        make().fit(numbers(), y).predict(numbers()[:, :2])


@EVERY_ESTIMATOR
def test_tables_that_cannot_be(make, y):
    with pytest.raises(TypeError, match="takes no sparse X"):
        make().fit(sparse.csr_array(np.eye(len(y))), y)
    with pytest.raises(ValueError, match=r"\['day'\] of X hold dates"):
        make().fit(X.assign(day=pd.Timestamp("2020-01-01")), y)
    with pytest.raises(ValueError, match=r"infinity in column\(s\) \['size'\]"):
        make().fit(X.assign(size=np.inf), y)
    with pytest.raises(ValueError, match=r"no column\(s\) \['mood'\]"):
        make(categorical_features=["mood"]).fit(X, y)
    with pytest.raises(ValueError, match="n_samples=1"):
        make().fit(X[:1], y[:1])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        make().fit(X, y[:-1])


@EVERY_KIND
def test_output_of_frames_is_no_concern_of_theirs(kind):
    make, y = KINDS[kind]
    model = make().fit(X, y)
    with sklearn.config_context(transform_output="pandas"):
        again = make().fit(X, y)
        assert_same_fit(model, again)
        assert isinstance(again.predict(X), np.ndarray)
    with sklearn.config_context(transform_output="polars"):
        assert_same_outputs(model, again)


@EVERY_ESTIMATOR
def test_searches_and_pipelines(make, y):
    scores = cross_val_score(make(), X, y, cv=2)
    assert np.isfinite(scores).all()
    search = GridSearchCV(make(), {"n_estimators": [1, 2], "hidden_layer_sizes": [(4,), ()]}, cv=2).fit(X, y)
    assert len(search.best_estimator_.estimators_) == search.best_params_["n_estimators"]
    fewer = X.drop(columns="flag")
    pipeline = make_pipeline(FunctionTransformer(lambda rows: rows.drop(columns="flag")), make()).fit(X, y)
    np.testing.assert_array_equal(pipeline.predict(X), make().fit(fewer, y).predict(fewer))
