"""What save keeps, what it refuses, and how it says so; that copies go on like pickles is in test_persistence."""

import datetime
import decimal
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sklearn
from numba import njit
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold

import skmlp
from skmlp import CustomActivation, CustomLoss, MLPClassifier, MLPRegressor, TabularEncoder, load
from tests.estimators.saved_models import MODELS, SMALL, fitted, outputs, rows_of
from tests.estimators.tabular import LABELS, VALUES, N, X, classifier, frame, regressor

EVERY_MODEL = pytest.mark.parametrize("name", MODELS)
ROWS = np.random.default_rng(0).normal(size=(40, 3))
HALVES = (ROWS[:, 0] > 0).astype(int)


@pytest.fixture
def again(tmp_path):
    """A function from an estimator to what load makes of what save wrote."""

    def through_file(model):
        model.save(tmp_path / "model")
        return load(tmp_path / "model")

    return through_file


def assert_same_state(first, second, state_of):
    """The same attributes, bit by bit, in any order."""
    first, second = (state_of(pickle.loads(pickle.dumps(model))) for model in (first, second))
    assert first.keys() == second.keys()
    for name in first:
        if name not in ("_network", "_numeric", "encoder_", "estimators_"):  # compared part by part, below
            assert first[name] == second[name], name


@EVERY_MODEL
def test_what_is_loaded_is_what_a_pickle_is(name, again, state_of):
    model = fitted(name)
    twin = again(model)
    assert type(twin) is type(model)
    assert_same_state(model, twin, state_of)
    for part in (vars(model).get("estimators_", []), [model] if hasattr(model, "_network") else []):
        for member, other in zip(part, twin.estimators_ if hasattr(twin, "estimators_") else [twin], strict=False):
            assert member._network == other._network
            assert member._parameters.tobytes() == other._parameters.tobytes()
    for first, second in zip(*(outputs(each, rows_of(model)).values() for each in (model, twin)), strict=True):
        assert first.dtype == second.dtype and first.tobytes() == second.tobytes()
    if hasattr(model, "history_"):
        np.testing.assert_equal(twin.history_, model.history_)
        assert twin.summary() == model.summary()


@EVERY_MODEL
def test_a_file_of_what_was_loaded_is_the_same_file(name, tmp_path):
    fitted(name).save(tmp_path / "first")
    load(tmp_path / "first").save(tmp_path / "second")
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


@EVERY_MODEL
def test_a_file_is_not_much_longer_than_its_arrays(name, tmp_path):
    """The pickle is of the same order."""
    model = fitted(name)
    model.save(tmp_path / "model")
    assert (tmp_path / "model").stat().st_size < 4 * len(pickle.dumps(model))


@pytest.mark.parametrize("name", ["multiclass", "table_values", "encoder"])
def test_estimators_that_are_not_fitted_are_saved_by_their_parameters(name, again):
    estimator = MODELS[name][0]
    twin = again(estimator)
    assert twin.get_params() == estimator.get_params()
    assert vars(twin).keys() == vars(estimator).keys()
    with pytest.raises(sklearn.exceptions.NotFittedError):
        (twin.transform if name == "encoder" else twin.predict)(X)


def test_models_are_loaded_in_another_process(tmp_path):
    model = fitted("table_classes")
    model.save(tmp_path / "model.skmlp")
    frame(1).to_pickle(tmp_path / "rows")
    program = (
        "import pandas, skmlp; print(skmlp.load('model.skmlp').predict_proba(pandas.read_pickle('rows')).tolist())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(skmlp.__file__).parent.parent)},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert done.stdout.strip() == str(model.predict_proba(frame(1)).tolist())


VALUES_OF_PARAMETERS = [
    {"n_iter_no_change": np.inf},
    {"n_iter_no_change": float("inf"), "max_time": 5.0, "alpha": np.float32(0.1)},
    {"hidden_layer_sizes": 7, "activation": "tanh"},
    {"hidden_layer_sizes": [np.int64(4), 3], "activation": ["tanh", "relu"], "dropout": [0.0, 0.5]},
    {"hidden_layer_sizes": np.array([4, 3]), "max_iter": np.int16(4)},
    {"hidden_layer_sizes": ()},
    {"random_state": None},
    {"random_state": np.int64(3)},
    {"class_weight": {0: 1, 1: 2.5}},
    {"class_weight": "balanced", "shuffle": np.bool_(False), "verbose": False},
    {"metrics": ["accuracy", "neg_log_loss"], "monitor": "accuracy"},
    {"learning_rate_init": 5e-324, "tol": -0.0, "beta_2": 1 - 2**-53},
]


@pytest.mark.parametrize("parameters", VALUES_OF_PARAMETERS, ids=repr)
def test_parameters_stay_what_they_are(parameters, again):
    twin = again(MLPClassifier(**parameters))
    for name, value in MLPClassifier(**parameters).get_params().items():
        loaded = getattr(twin, name)
        assert type(loaded) is type(value) and repr(loaded) == repr(value)


def test_what_is_not_finite_stays_so(again):
    model = MLPRegressor(**SMALL, metrics=("r2",)).fit(ROWS, ROWS[:, 0])
    model.history_["r2"][:3] = np.nan, np.inf, -np.inf
    twin = again(model)
    np.testing.assert_equal(twin.history_, model.history_)
    assert again(MLPRegressor(**SMALL).fit(ROWS, HALVES)).best_loss_ < np.inf
    assert again(MLPRegressor(**SMALL).partial_fit(ROWS, HALVES))._best_monitored == ("auto", -np.inf)


LABELS_OF_KINDS = {
    "bool": HALVES == 1,
    "int8": HALVES.astype(np.int8),
    "uint64": HALVES.astype(np.uint64) + 2**63,
    "float32": HALVES.astype(np.float32) * 2,
    "float16": HALVES.astype(np.float16),
    "text": np.array(["ß", "☃ ü"])[HALVES],
    "objects": np.array(["a", "bcd"], dtype=object)[HALVES],
    "objects that are integers": np.array([3, 5], dtype=object)[HALVES],
    "large integers": np.array([2**70, 2**71], dtype=object)[HALVES],
    "list": ["ab"[half] for half in HALVES],
    "category": pd.Series(["x", "y"]).iloc[HALVES].astype("category"),
    "nullable integer": pd.Series(HALVES, dtype="Int64"),
    "dates": np.array(["2020-01-01", "2021-01-01"], dtype="datetime64[D]")[HALVES],
    "bytes": np.array([b"a", b"b"])[HALVES],
    "three": np.array(["a", "b", "c"])[HALVES + (ROWS[:, 1] > 0)],
    "one": np.array(["only"] * 40),
}


@pytest.mark.parametrize("kind", LABELS_OF_KINDS)
def test_labels_keep_their_dtype(kind, again):
    model = MLPClassifier(**SMALL, warm_start=True).fit(ROWS, LABELS_OF_KINDS[kind])
    twin = again(model)
    assert twin.classes_.dtype == model.classes_.dtype
    assert twin.classes_.tolist() == model.classes_.tolist()
    assert twin.predict(ROWS).dtype == model.predict(ROWS).dtype
    np.testing.assert_array_equal(twin.predict(ROWS), model.predict(ROWS))
    twin.fit(ROWS, LABELS_OF_KINDS[kind])


@pytest.mark.parametrize(
    "labels", [[decimal.Decimal(1), decimal.Decimal(2)], [datetime.date(2020, 1, 1), datetime.date(2021, 1, 1)]]
)
def test_labels_of_other_types_are_refused(labels, again):
    model = MLPClassifier(**SMALL).fit(ROWS, np.array(labels, dtype=object)[HALVES])
    with pytest.raises(ValueError, match=rf"classes.*\[0\]=.*save takes no {type(labels[0]).__name__}"):
        again(model)


def test_sparse_labels_stay_sparse(again):
    from scipy.sparse import csr_array, issparse

    model = MLPClassifier(**SMALL).fit(ROWS, csr_array((ROWS > 0).astype(int)))
    assert issparse(again(model).predict(ROWS))


def test_a_random_state_goes_on_where_it_is(again, assert_same_model):
    model = MLPClassifier(**SMALL | {"random_state": np.random.RandomState(4)}).fit(ROWS, HALVES)
    twin = again(model)
    assert_same_model(model.fit(ROWS, HALVES), twin.fit(ROWS, HALVES))
    assert model.random_state.randint(2**31) == twin.random_state.randint(2**31)


@pytest.mark.parametrize("pickle_oof", [False, True])
def test_predictions_of_held_out_rows_are_saved_where_they_are_pickled(pickle_oof, again):
    model = regressor(pickle_oof=pickle_oof).fit(X, VALUES)
    twin = again(model)
    assert hasattr(twin, "oof_prediction_") == pickle_oof
    if pickle_oof:
        np.testing.assert_array_equal(twin.oof_prediction_, model.oof_prediction_)
    assert twin.oof_score_ == model.oof_score_


@pytest.mark.parametrize(
    "cv", [4, KFold(3, shuffle=True, random_state=1), StratifiedKFold(3), [(np.arange(40), np.arange(40, N))] * 2]
)
def test_folds_are_kept(cv, again):
    model = classifier(cv=cv, n_estimators=2).fit(X, LABELS)
    twin = again(model)
    assert repr(twin.cv) == repr(cv)
    np.testing.assert_array_equal(twin.fit(X, LABELS).oof_prediction_, model.oof_prediction_)


@pytest.mark.parametrize("scaling", ["robust", "standard", "quantile"])
@pytest.mark.parametrize("dtype", [np.float32, "float64", np.dtype(np.float64), float])
def test_encoders_are_kept(scaling, dtype, again):
    encoder = TabularEncoder(numeric_scaling=scaling, dtype=dtype, n_bins=4, max_categories=2).set_output(
        transform="pandas"
    )
    assert again(encoder).fit_transform(X).equals(encoder.fit_transform(X))
    twin = again(encoder)
    pd.testing.assert_frame_equal(twin.transform(frame(1)), encoder.transform(frame(1)))
    assert twin.get_feature_names_out().tolist() == encoder.get_feature_names_out().tolist()
    constant = TabularEncoder(numeric_scaling=scaling).fit(np.ones((5, 2)))
    np.testing.assert_array_equal(again(constant).transform(np.eye(2)), constant.transform(np.eye(2)))


@pytest.mark.parametrize("model", [MLPRegressor(**SMALL), regressor()])
def test_requests_of_metadata_are_kept(model, again):
    with sklearn.config_context(enable_metadata_routing=True):
        model.set_fit_request(X_val=True, y_val="y_other", sample_weight=False)
        model.set_score_request(sample_weight=True)
    requests = str(model.get_metadata_routing())
    assert "y_other" in requests
    assert str(again(model).get_metadata_routing()) == str(model.get_metadata_routing()) == requests


def test_saving_leaves_the_estimator_alone(tmp_path, state_of):
    for name in MODELS:
        model = fitted(name)
        model.save(tmp_path / "model")  # layouts remember what they have worked out
        before = state_of(model)
        model.save(tmp_path / "model")
        assert state_of(model) == before


@njit
def square(z):
    return z * z


@njit
def twice(z):
    return 2.0 * z


@njit
def squared(z, y):
    return (z - y) ** 2


@njit
def difference(z, y):
    return 2.0 * (z - y)


def score(y_true, y_pred):
    return 0.0


NEEDING_CODE = {
    "MLPRegressor.activation=": {"activation": CustomActivation(square, twice)},
    r"MLPRegressor.activation\[1\]=": {
        "hidden_layer_sizes": (3, 3),
        "activation": ["relu", CustomActivation(square, twice)],
    },
    "MLPRegressor.loss=": {"loss": CustomLoss(squared, difference)},
    r"MLPRegressor.metrics\[1\]=<function": {"metrics": ["r2", score]},
    "MLPRegressor.learning_rate=": {"learning_rate": lambda done: 1.0 - done},
}


@pytest.mark.parametrize("message", NEEDING_CODE)
@pytest.mark.parametrize("is_fitted", [False, True])
def test_what_needs_code_is_refused_by_its_name(message, is_fitted, tmp_path):
    model = MLPRegressor(**SMALL | NEEDING_CODE[message])
    if is_fitted:
        model.partial_fit(ROWS, HALVES)
    (tmp_path / "model").write_bytes(b"old")
    with pytest.raises(ValueError, match=f"^{message}.*save takes no .* pickle and joblib take it, and skops"):
        model.save(tmp_path / "model")
    assert (tmp_path / "model").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["model"]


def test_splitters_of_other_kinds_are_refused(again):
    with pytest.raises(ValueError, match=r"TabularMLPClassifier.cv=.*save takes no GroupKFold"):
        again(classifier(cv=GroupKFold(3)))


def test_callbacks_are_refused(again):
    callback = pytest.importorskip("sklearn.callback")
    model = MLPRegressor(**SMALL).set_callbacks(callback.ScoringMonitor(scoring="r2")).fit(ROWS, HALVES)
    with pytest.raises(
        ValueError, match=r"MLPRegressor: save takes no callbacks\. set_callbacks\(\) removes them; pickle"
    ):
        again(model)
    twin = again(model.set_callbacks())
    np.testing.assert_array_equal(twin.predict(ROWS), model.predict(ROWS))


def test_callbacks_can_save_what_is_reached(tmp_path):
    pytest.importorskip("sklearn.callback")

    class Checkpoint:
        def setup(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            pass

        def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
            if context.task_name == "epoch":
                fitted_estimator.set_callbacks().save(tmp_path / f"{fitted_estimator.n_iter_}")

        def teardown(self, estimator, context):
            pass

    model = MLPRegressor(**SMALL).set_callbacks(Checkpoint()).fit(ROWS, HALVES)
    assert sorted(os.listdir(tmp_path)) == ["1", "2", "3", "4"]
    assert [load(tmp_path / f"{epoch}").loss_ for epoch in (1, 2, 3, 4)] == model.loss_curve_
    np.testing.assert_array_equal(load(tmp_path / "4").predict(ROWS), model.predict(ROWS))


def test_parameters_that_are_not_valid_are_refused(again):
    with pytest.raises(ValueError, match="The 'alpha' parameter of MLPRegressor must be"):
        again(MLPRegressor(alpha=-1.0))


def test_attributes_of_others_are_refused(again):
    model = MLPRegressor(**SMALL).fit(ROWS, HALVES)
    model.note_ = "trained on Monday"
    with pytest.raises(ValueError, match="MLPRegressor has an attribute 'note_', which save does not know"):
        again(model)
    del model.note_
    model.loss_curve_ = "steep"
    with pytest.raises(ValueError, match="loss_curve_ of MLPRegressor must be a list, of which each is a number"):
        again(model)


def test_classes_of_others_are_refused(again):
    class Mine(MLPRegressor):
        pass

    with pytest.raises(ValueError, match="save takes no Mine, which is a class of your own"):
        again(Mine())


def test_written_weights_are_saved(again):
    model = MLPRegressor(**SMALL).fit(ROWS, HALVES)
    model.coefs_[0][...] = 0.5
    twin = again(model)
    assert (twin.coefs_[0] == 0.5).all()
    twin.coefs_[0][...] = 1.0
    assert (model.coefs_[0] == 0.5).all()


def test_a_fit_that_was_interrupted_is_saved(again):
    model = MLPRegressor(**SMALL | {"max_time": 1e-9}).fit(ROWS, HALVES)
    assert again(model).n_iter_ == model.n_iter_ == 1
