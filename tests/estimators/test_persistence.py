"""Estimators survive pickle, joblib, save, clone, deepcopy and worker processes, and stay small."""

import copy
import io
import pickle
from tempfile import TemporaryDirectory

import joblib
import numpy as np
import pytest
from joblib import Parallel, delayed
from sklearn.base import clone

from skmlp import MLPBinaryClassifier, MLPClassifier, MLPMulticlass, MLPRegressor, load

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ESTIMATORS = [
    (MLPBinaryClassifier, "binary"),
    (MLPMulticlass, "multiclass"),
    (MLPClassifier, "binary"),
    (MLPClassifier, "multilabel"),
    (MLPRegressor, "regression"),
    (MLPRegressor, "regression2"),
]
EVERY_ESTIMATOR = pytest.mark.parametrize("estimator, task", ESTIMATORS)


def through_joblib(model):
    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    return joblib.load(file)


def through_save(model):
    with TemporaryDirectory() as folder:
        model.save(f"{folder}/model")
        return load(f"{folder}/model")


COPIES = {
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "pickle of protocol 2": lambda model: pickle.loads(pickle.dumps(model, protocol=2)),
    "joblib": through_joblib,
    "save": through_save,
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
}
EVERY_COPY = pytest.mark.parametrize("how", COPIES)
EVERY_DEEP_COPY = pytest.mark.parametrize("how", [how for how in COPIES if how != "copy"])


def make(estimator, **parameters):
    return estimator(**{"hidden_layer_sizes": (9, 4), "max_iter": 6, "random_state": 0} | parameters)


def outputs(model, X):
    methods = ("predict", "predict_proba", "predict_log_proba", "decision_function")
    return [getattr(model, method)(X) for method in methods if hasattr(model, method)]


def parameter_bytes(model):
    return sum(part.nbytes for part in model.coefs_ + model.intercepts_)


@EVERY_ESTIMATOR
@EVERY_COPY
@pytest.mark.parametrize("parameters", [{}, {"early_stopping": True}, {"solver": "lbfgs"}, {"metrics": ("r2",)}])
def test_copies_predict_the_same_and_know_the_same(tasks, state_of, estimator, task, how, parameters):
    data = tasks[task]
    model = make(estimator, **parameters).fit(data.X, data.y)
    twin = COPIES[how](model)
    for first, second in zip(outputs(model, data.X), outputs(twin, data.X), strict=True):
        np.testing.assert_array_equal(first, second)
    np.testing.assert_equal(twin.history_, model.history_)
    assert twin.n_iter_ == model.n_iter_
    assert twin.loss_ == model.loss_
    assert repr(twin) == repr(model)
    assert state_of(twin).keys() == state_of(model).keys()


@EVERY_ESTIMATOR
@EVERY_COPY
def test_copies_of_unfitted_estimators_can_be_fitted(tasks, assert_same_model, estimator, task, how):
    data = tasks[task]
    model = make(estimator)
    twin = COPIES[how](model)
    assert_same_model(model.fit(data.X, data.y), twin.fit(data.X, data.y))


@EVERY_ESTIMATOR
def test_clone_of_a_fitted_estimator_is_unfitted(tasks, assert_same_model, estimator, task):
    data = tasks[task]
    model = make(estimator, activation=["tanh", "relu"], metrics=["neg_mean_squared_error"])
    model.fit(data.X, data.y)
    twin = clone(model)
    assert not hasattr(twin, "coefs_")
    assert not hasattr(twin, "n_features_in_")
    assert twin.get_params() == model.get_params()
    assert_same_model(model, twin.fit(data.X, data.y))


@EVERY_ESTIMATOR
@EVERY_DEEP_COPY
def test_copies_share_nothing(tasks, estimator, task, how):
    data = tasks[task]
    model = make(estimator).fit(data.X, data.y)
    before = [part.copy() for part in model.coefs_ + model.intercepts_]
    twin = COPIES[how](model)
    twin.partial_fit(data.X, data.y)
    twin.coefs_[0][...] = 7
    for now, then in zip(model.coefs_ + model.intercepts_, before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_models_travel_to_worker_processes_and_back(tasks, assert_same_model):
    cases = [(make(estimator), tasks[task]) for estimator, task in ESTIMATORS]
    there = Parallel(n_jobs=2, backend="loky")(delayed(clone(model).fit)(data.X, data.y) for model, data in cases)
    for (model, data), twin in zip(cases, there, strict=True):
        assert_same_model(model.fit(data.X, data.y), twin)
    predictions = Parallel(n_jobs=2, backend="loky")(delayed(model.predict)(data.X) for model, data in cases)
    for (model, data), prediction in zip(cases, predictions, strict=True):
        np.testing.assert_array_equal(model.predict(data.X), prediction)


class TestViews:
    @EVERY_DEEP_COPY
    @EVERY_ESTIMATOR
    @pytest.mark.parametrize("copied_first", [False, True])
    def test_writing_into_a_view_changes_the_model(self, tasks, estimator, task, how, copied_first):
        data = tasks[task]
        model = make(estimator, activation="identity").fit(data.X, data.y)
        if copied_first:
            model = COPIES[how](model)
        before = outputs(model, data.X)
        for weights in model.coefs_:
            weights[...] = 0
        for bias in model.intercepts_:
            bias[...] = 0
        model.intercepts_[-1][...] = np.arange(1, model.n_outputs_ + 1) / 2
        changed = COPIES[how](model)
        for first, now, later in zip(before, outputs(model, data.X), outputs(changed, data.X), strict=True):
            assert not np.array_equal(first, now)
            np.testing.assert_array_equal(now, later)
            assert (now == now[:1]).all()

    @EVERY_DEEP_COPY
    def test_are_tuples_of_views_of_one_store(self, tasks, how):
        data = tasks["multiclass"]
        model = COPIES[how](make(MLPClassifier).fit(data.X, data.y))
        assert isinstance(model.coefs_, tuple)
        assert isinstance(model.intercepts_, tuple)
        assert [weights.shape for weights in model.coefs_] == [(8, 9), (9, 4), (4, 4)]
        assert [bias.shape for bias in model.intercepts_] == [(9,), (4,), (4,)]
        for name in ("coefs_", "intercepts_"):
            for first, second in zip(getattr(model, name), getattr(model, name), strict=True):
                assert first.flags.writeable
                assert np.shares_memory(first, second)

    def test_cannot_be_assigned(self, tasks):
        data = tasks["binary"]
        model = make(MLPClassifier).fit(data.X, data.y)
        for name in ("coefs_", "intercepts_"):
            with pytest.raises(AttributeError):
                setattr(model, name, getattr(model, name))

    def test_written_parameters_are_where_training_goes_on(self, tasks):
        data = tasks["regression"]
        model = make(MLPRegressor, warm_start=True, dtype="float64", solver="sgd", learning_rate_init=1e-9)
        model.fit(data.X, data.y)
        model = pickle.loads(pickle.dumps(model))
        model.coefs_[0][...] = 0.25
        model.fit(data.X, data.y)
        np.testing.assert_allclose(model.coefs_[0], 0.25, rtol=1e-4)


WIDE = {"hidden_layer_sizes": (300, 150), "batch_size": 64, "max_iter": 20}


class TestSize:
    """A pickle holds parameters, not workspaces."""

    @EVERY_ESTIMATOR
    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    @pytest.mark.parametrize(
        "parameters",
        [
            {},
            {"early_stopping": True},
            {"early_stopping": True, "warm_start": True},
            {"solver": "sgd"},
            {"solver": "lbfgs"},
        ],
        ids=lambda parameters: "+".join(map(str, parameters.values())) or "default",
    )
    def test_after_fit(self, tasks, estimator, task, dtype, parameters):
        data = tasks[task]
        model = make(estimator, dtype=dtype, **WIDE, **parameters).fit(data.X, data.y)
        model.predict(data.X)
        assert len(pickle.dumps(model)) <= 1.2 * parameter_bytes(model) + 20_000

    def test_after_fit_with_validation_data(self, tasks):
        data = tasks["binary"]
        model = make(MLPClassifier, early_stopping=True, metrics=("accuracy", "roc_auc"), **WIDE)
        X_val = np.tile(data.X, (100, 1))
        model.fit(data.X, data.y, X_val=X_val, y_val=np.tile(data.y, 100))
        assert X_val.nbytes > parameter_bytes(model)
        assert len(pickle.dumps(model)) <= 1.2 * parameter_bytes(model) + 20_000

    @EVERY_ESTIMATOR
    @pytest.mark.parametrize("solver", ["sgd", "adam", "rmsprop"])
    def test_after_partial_fit(self, tasks, estimator, task, solver):
        data = tasks[task]
        model = make(estimator, solver=solver, **WIDE).fit(data.X, data.y).partial_fit(data.X, data.y)
        assert len(pickle.dumps(model)) <= 4 * parameter_bytes(model) + 20_000

    def test_fit_drops_the_optimiser_that_partial_fit_kept(self, tasks):
        data = tasks["regression"]
        model = make(MLPRegressor, **WIDE).partial_fit(data.X, data.y)
        before = len(pickle.dumps(model))
        model.fit(data.X, data.y)
        assert len(pickle.dumps(model)) <= 1.2 * parameter_bytes(model) + 20_000 < before


class TestGoingOn:
    @EVERY_DEEP_COPY
    @EVERY_ESTIMATOR
    @pytest.mark.parametrize("solver", ["sgd", "adam", "rmsprop"])
    def test_partial_fit(self, tasks, assert_same_model, estimator, task, solver, how):
        data = tasks[task]
        model = make(estimator, solver=solver, learning_rate="invscaling")
        classes = {} if estimator is MLPRegressor else {"classes": np.unique(data.y)}
        if task == "multilabel":
            classes = {"classes": np.arange(data.y.shape[1])}
        for _ in range(3):
            model.partial_fit(data.X, data.y, **classes)
        twin = COPIES[how](model)
        for _ in range(3):
            model.partial_fit(data.X, data.y)
            twin.partial_fit(data.X, data.y)
        assert_same_model(model, twin)
        assert model.t_ == twin.t_

    @pytest.mark.parametrize("going_on", ["partial_fit", "fit"])
    def test_from_a_file_mapped_into_memory(self, tasks, assert_same_model, tmp_path, going_on):
        data = tasks["regression"]
        model = make(MLPRegressor, warm_start=True).partial_fit(data.X, data.y)
        joblib.dump(model, tmp_path / "model")
        twin = joblib.load(tmp_path / "model", mmap_mode="r")
        np.testing.assert_array_equal(model.predict(data.X), twin.predict(data.X))
        assert_same_model(getattr(model, going_on)(data.X, data.y), getattr(twin, going_on)(data.X, data.y))

    @EVERY_DEEP_COPY
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_warm_start(self, tasks, assert_same_model, how, early_stopping):
        data = tasks["binary"]
        model = make(MLPClassifier, warm_start=True, early_stopping=early_stopping).fit(data.X, data.y)
        twin = COPIES[how](model)
        assert_same_model(model.fit(data.X, data.y), twin.fit(data.X, data.y))
        assert model.validation_scores_ == twin.validation_scores_
        assert model.best_loss_ == twin.best_loss_

    def test_random_generator_is_copied_in_its_state(self, tasks, assert_same_model):
        data = tasks["binary"]
        model = make(MLPClassifier, random_state=np.random.RandomState(4)).fit(data.X, data.y)
        twin = pickle.loads(pickle.dumps(model))
        assert_same_model(model.fit(data.X, data.y), twin.fit(data.X, data.y))
