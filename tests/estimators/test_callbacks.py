"""scikit-learn's callbacks: what they are told of a fit, and what they can do to it."""

import pickle
import sys
from importlib.util import module_from_spec, spec_from_file_location
from itertools import pairwise

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy.sparse import bsr_array, coo_array, csc_array, csr_array
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

import skmlp.estimators.callbacks
from skmlp import MLPBinaryClassifier, MLPClassifier, MLPMulticlass, MLPRegressor

callback = pytest.importorskip("sklearn.callback")

ESTIMATORS = [MLPBinaryClassifier, MLPMulticlass, MLPClassifier, MLPRegressor]
EVERY_ESTIMATOR = pytest.mark.parametrize("estimator", ESTIMATORS)
EPOCHS = 4
QUIET = {"hidden_layer_sizes": (5,), "max_iter": EPOCHS, "n_iter_no_change": np.inf, "random_state": 0}
FIT = ["begin fit", *["begin epoch", "end epoch"] * EPOCHS, "end fit"]
COMPLETE = ["setup", *FIT, "teardown"]

FEW_ITERATIONS = pytest.mark.filterwarnings("ignore:lbfgs failed to converge")


class Log:
    """Notes each hook, and at the end of tasks all that it is given."""

    def __init__(self):
        self.heard, self.begun, self.ended = [], [], []

    def setup(self, estimator, context):
        self.hear("setup")

    def on_fit_task_begin(self, estimator, context, *, X, y, metadata, fitted_estimator):
        self.begun.append(fitted_estimator)
        self.hear(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context, *, X, y, metadata, fitted_estimator):
        self.ended.append((X, y, metadata, fitted_estimator))
        return self.hear(f"end {context.task_name}")

    def teardown(self, estimator, context):
        self.hear("teardown")

    def hear(self, event):
        self.heard.append(event)

    @property
    def epochs(self):
        """The fitted estimators after each epoch."""
        return [fitted for *_, fitted in self.ended[:-1]]


class At(Log):
    """Does something at the given occurrence of an event: raises, or asks for the end of the fit."""

    def __init__(self, event, occurrence=1, error=None):
        super().__init__()
        self.event, self.occurrence, self.error = event, occurrence, error

    def hear(self, event):
        super().hear(event)
        if event == self.event and self.heard.count(event) == self.occurrence:
            if self.error is not None:
                raise self.error
            return True


class Propagated:
    """Counts the tasks of all levels that end, by name."""

    max_propagation_depth = None

    def __init__(self):
        self.ended = []

    def setup(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        self.ended.append(context.task_name)

    def teardown(self, estimator, context):
        pass


@pytest.fixture
def data(tasks):
    return tasks["binary"]


# ---------------------------------------------------------------------------------------------------------------------
# Tasks
# ---------------------------------------------------------------------------------------------------------------------


@EVERY_ESTIMATOR
def test_a_fit_is_a_task_with_one_task_an_epoch(data, estimator):
    log = Log()
    estimator(**QUIET).set_callbacks(log).fit(data.X, data.y)
    assert log.heard == COMPLETE


@EVERY_ESTIMATOR
@FEW_ITERATIONS
def test_an_iteration_of_lbfgs_is_a_task(data, estimator):
    log = Log()
    model = estimator(solver="lbfgs", **QUIET).set_callbacks(log).fit(data.X, data.y)
    assert model.n_iter_ == EPOCHS
    assert log.heard == [event.replace("epoch", "iteration") for event in COMPLETE]


def test_lbfgs_that_begins_where_it_ends_leaves_no_task_open(data):
    """One iteration has begun, and that there is no better place ends it without a result."""
    log = Log()
    model = MLPRegressor(solver="lbfgs", **QUIET | {"tol": 1e9}).set_callbacks(log).fit(data.X, data.y)
    assert model.n_iter_ == 0
    assert log.heard == ["setup", "begin fit", "begin iteration", "end iteration", "end fit", "teardown"]
    assert log.epochs == [None]


@pytest.mark.parametrize("classifier", [MLPClassifier, MLPMulticlass])
def test_a_partial_fit_is_a_task_of_its_own(data, classifier):
    log = Log()
    model = classifier(**QUIET).set_callbacks(log)
    for _ in range(2):
        model.partial_fit(data.X, data.y, classes=[0, 1])
    assert log.heard == ["setup", "begin fit", "end fit", "teardown"] * 2
    assert [len(fitted.loss_curve_) for *_, fitted in log.ended] == [1, 2]


def test_a_warm_start_is_told_like_any_fit(data):
    log = Log()
    model = MLPClassifier(warm_start=True, **QUIET).fit(data.X, data.y).set_callbacks(log).fit(data.X, data.y)
    assert log.heard == COMPLETE
    assert [len(fitted.loss_curve_) for fitted in log.epochs] == [5, 6, 7, 8]
    assert [fitted.n_iter_ for fitted in log.epochs] == [1, 2, 3, 4]
    assert len(model.loss_curve_) == 8


def test_the_tasks_are_those_of_the_epochs_that_were_done(data):
    log = Log()
    model = MLPClassifier(tol=10.0, n_iter_no_change=1, max_iter=50).set_callbacks(log).fit(data.X, data.y)
    assert model.n_iter_ == 3 == log.heard.count("end epoch") == log.heard.count("begin epoch")


def test_without_callbacks_no_task_is_made(data, monkeypatch):
    monkeypatch.delattr(callback.CallbackSupportMixin, "_init_callback_context")
    MLPClassifier(**QUIET).set_callbacks(Log()).set_callbacks().fit(data.X, data.y).partial_fit(data.X, data.y)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("early_stopping", [False, True])
@FEW_ITERATIONS
def test_callbacks_do_not_change_the_model(data, assert_same_model, solver, early_stopping):
    model = MLPClassifier(solver=solver, early_stopping=early_stopping, dropout=0.0, **QUIET)
    told = clone(model).set_callbacks(Log(), callback.ScoringMonitor(scoring="accuracy"))
    assert_same_model(model.fit(data.X, data.y), told.fit(data.X, data.y))
    assert set(vars(told)) - set(vars(model)) == {"_skl_callbacks"}


# ---------------------------------------------------------------------------------------------------------------------
# What callbacks are given
# ---------------------------------------------------------------------------------------------------------------------


@EVERY_ESTIMATOR
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@FEW_ITERATIONS
def test_fitted_estimators_are_as_if_the_fit_had_stopped_there(data, state_of, estimator, solver):
    log = Log()
    parameters = QUIET | {"solver": solver, "metrics": ("r2" if estimator is MLPRegressor else "accuracy",)}
    estimator(**parameters).set_callbacks(log).fit(data.X, data.y, X_val=data.X[:50], y_val=data.y[:50])
    for epochs, fitted in enumerate(log.epochs, 1):
        expected = estimator(**parameters | {"max_iter": epochs})
        expected.fit(data.X, data.y, X_val=data.X[:50], y_val=data.y[:50])
        np.testing.assert_array_equal(fitted.predict(data.X), expected.predict(data.X))
        np.testing.assert_array_equal(fitted._parameters, expected._parameters)
        assert (fitted.n_iter_, fitted.loss_curve_) == (epochs, expected.loss_curve_)
        for name in fitted.history_.keys() - {"seconds"}:
            np.testing.assert_array_equal(fitted.history_[name], expected.history_[name])
        assert vars(fitted).keys() >= vars(expected).keys()


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@FEW_ITERATIONS
def test_a_task_begins_with_what_the_one_before_has_left(data, solver):
    log = Log()
    MLPClassifier(solver=solver, **QUIET).set_callbacks(log).fit(data.X, data.y)
    beginnings, ends = log.begun[1:], log.epochs
    assert len(beginnings) == len(ends) == EPOCHS
    for before, after in zip(ends, beginnings[1:], strict=False):
        np.testing.assert_array_equal(before.predict_proba(data.X), after.predict_proba(data.X))
    assert all(not np.array_equal(*(e.coefs_[0] for e in pair)) for pair in pairwise([beginnings[0], *ends]))


def test_the_last_task_shows_the_estimator_itself(data, assert_same_model):
    log = Log()
    model = MLPClassifier(early_stopping=True, **QUIET).set_callbacks(log).fit(data.X, data.y)
    assert_same_model(model, log.ended[-1][-1])


def test_data_are_those_given_to_the_fit(data):
    X, log = pd.DataFrame(data.X, columns=list("abcdefgh")), Log()
    MLPClassifier(**QUIET).set_callbacks(log).fit(X, data.y, sample_weight=data.sample_weight)
    for given_X, given_y, metadata, fitted in log.ended:
        assert given_X is X and given_y is data.y
        assert metadata == {"sample_weight": data.sample_weight}
        assert fitted.feature_names_in_.tolist() == list("abcdefgh")


@pytest.mark.parametrize("kind", [list, np.asarray, pd.DataFrame])
def test_with_early_stopping_epochs_show_the_rows_trained_on(data, kind):
    numbered, log = np.column_stack([data.X, np.arange(150)]), Log()
    model = MLPClassifier(early_stopping=True, **QUIET).set_callbacks(log)
    model.fit(kind(numbered), data.y, sample_weight=data.sample_weight)
    for X, y, metadata, _ in log.ended[:-1]:
        assert isinstance(X, type(kind(numbered)))
        rows = np.asarray(X)[:, -1].astype(int)
        assert len(set(rows)) == 135
        np.testing.assert_array_equal(y, data.y[rows])
        np.testing.assert_array_equal(metadata["sample_weight"], data.sample_weight[rows])
    assert len(log.ended[-1][0]) == 150, "the fit as a whole has all rows"


@pytest.mark.parametrize("kind", [csr_array, csc_array, coo_array, bsr_array])
def test_sparse_data_are_shown_too(data, kind):
    log, monitor = Log(), callback.ScoringMonitor(scoring="accuracy")
    model = MLPClassifier(early_stopping=True, **QUIET).set_callbacks(log, monitor)
    model.fit(kind(data.X), data.y, sample_weight=2.0)
    assert [X.shape[0] for X, *_ in log.ended] == [135] * EPOCHS + [150]
    assert all(metadata is None for _, _, metadata, _ in log.ended), "one weight for all rows is none"
    assert len(scores_of(monitor, "accuracy")) == EPOCHS


@pytest.mark.parametrize("early_stopping", [False, True])
def test_with_validation_data_of_its_own_a_fit_trains_on_all_rows(data, early_stopping):
    log = Log()
    model = MLPClassifier(early_stopping=early_stopping, **QUIET).set_callbacks(log)
    model.fit(data.X, data.y, X_val=data.X[:50], y_val=data.y[:50])
    assert all(X is data.X for X, *_ in log.ended)
    assert [len(fitted.history_["val_loss"]) for fitted in log.epochs] == [1, 2, 3, 4]


def test_what_is_not_finite_is_shown_to_nobody(data):
    log, monitor = Log(), callback.ScoringMonitor(scoring="r2")
    model = MLPRegressor(
        solver="sgd", activation="identity", learning_rate_init=1e3, early_stopping=True, random_state=0
    )
    with pytest.warns(sklearn.exceptions.ConvergenceWarning, match="non-finite"):
        model.set_callbacks(log, monitor).fit(data.X, data.y * 1e30)
    assert log.heard.count("end epoch") == model.n_iter_ and log.epochs[-1] is None


# ---------------------------------------------------------------------------------------------------------------------
# What callbacks can do
# ---------------------------------------------------------------------------------------------------------------------


@EVERY_ESTIMATOR
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("n_iter_no_change", [10, np.inf])
def test_a_callback_can_end_the_fit(data, estimator, solver, n_iter_no_change):
    parameters = QUIET | {"solver": solver, "max_iter": 50, "n_iter_no_change": n_iter_no_change, "tol": 1e-9}
    task = "iteration" if solver == "lbfgs" else "epoch"
    log = At(f"end {task}", 2)
    model = estimator(**parameters).set_callbacks(log).fit(data.X, data.y)
    assert (model.n_iter_, len(model.loss_curve_)) == (2, 2)
    np.testing.assert_array_equal(model.predict(data.X), log.epochs[-1].predict(data.X))
    assert log.heard[-2:] == ["end fit", "teardown"]


def test_in_the_last_epoch_too_and_without_a_warning(data):
    log = At("end epoch", EPOCHS)
    model = MLPClassifier(**QUIET | {"n_iter_no_change": 10}).set_callbacks(log).fit(data.X, data.y)
    assert model.n_iter_ == EPOCHS


@pytest.mark.parametrize("restore_best", [False, True])
def test_a_fit_so_ended_still_restores_the_best_epoch(data, restore_best):
    log = At("end epoch", 12)
    parameters = QUIET | {"max_iter": 100, "early_stopping": True, "learning_rate_init": 0.05}
    model = MLPClassifier(restore_best=restore_best, **parameters).set_callbacks(log).fit(data.X, data.y)
    assert model.n_iter_ == 12 > model.best_iteration_
    kept = log.epochs[model.best_iteration_ - 1 if restore_best else -1]
    np.testing.assert_array_equal(model._parameters, kept._parameters)


@pytest.mark.parametrize("event", ["setup", "begin fit", "begin epoch", "end epoch", "end fit"])
@pytest.mark.parametrize("before", ["unfitted", "fitted"])
def test_a_callback_that_fails_leaves_the_estimator_as_it_was(data, state_of, event, before):
    model = MLPClassifier(**QUIET | {"random_state": np.random.RandomState(1)})
    if before == "fitted":
        model.fit(data.X, data.y)
    state, log = state_of(model), At(event, error=RuntimeError("this callback fails"))
    with pytest.raises(RuntimeError, match="this callback fails"):
        model.set_callbacks(log).fit(data.X, data.y)
    assert log.heard[-1] == "teardown"
    assert state_of(model.set_callbacks()) == state


def test_a_fit_that_fails_tears_callbacks_down(data, state_of):
    log, model = Log(), MLPClassifier(**QUIET)
    state = state_of(model)
    with pytest.raises(ValueError, match="NaN"):
        model.set_callbacks(log).fit(np.full_like(data.X, np.nan), data.y)
    assert log.heard == ["setup", "begin fit", "teardown"]
    assert state_of(model.set_callbacks()) == state


@pytest.mark.parametrize("event", ["begin epoch", "end epoch"])
def test_an_interruption_ends_the_tasks_and_keeps_what_was_reached(data, event):
    log = At(event, 3, error=KeyboardInterrupt())
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        model = MLPClassifier(**QUIET).set_callbacks(log).fit(data.X, data.y)
    assert model.n_iter_ == len(model.loss_curve_) == (3 if event == "end epoch" else 2)
    assert log.heard.count("begin epoch") == log.heard.count("end epoch") == 3
    assert log.heard[-2:] == ["end fit", "teardown"]


# ---------------------------------------------------------------------------------------------------------------------
# scikit-learn's own callbacks, and its meta-estimators
# ---------------------------------------------------------------------------------------------------------------------


def scores_of(monitor, name):
    """The scores after each epoch, in their order."""
    return [row[name] for row in monitor.get_logs().data if row["task_name"] in ("epoch", "iteration")]


@EVERY_ESTIMATOR
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("weighted", [False, True])
@FEW_ITERATIONS
def test_scoring_monitor(data, estimator, solver, weighted):
    name = "r2" if estimator is MLPRegressor else "accuracy"
    log, monitor = Log(), callback.ScoringMonitor(scoring=name)
    weights = data.sample_weight if weighted else None
    model = estimator(solver=solver, **QUIET).set_callbacks(log, monitor).fit(data.X, data.y, weights)
    expected = [fitted.score(data.X, data.y, weights) for fitted in log.epochs]
    assert scores_of(monitor, name) == expected
    assert monitor.get_logs().data[0][name] == model.score(data.X, data.y, weights)


def test_scoring_monitor_in_a_pipeline(data):
    monitor = callback.ScoringMonitor(scoring="neg_log_loss")
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(**QUIET).set_callbacks(monitor)).fit(data.X, data.y)
    scores = scores_of(monitor, "neg_log_loss")
    assert len(scores) == EPOCHS and scores == sorted(scores)
    assert scores[-1] == sklearn.metrics.get_scorer("neg_log_loss")(pipeline, data.X, data.y)


@pytest.mark.parametrize("n_jobs, backend", [(1, "threading"), (2, "threading"), (2, "loky")])
def test_scoring_monitor_in_a_grid_search(data, n_jobs, backend):
    monitor = callback.ScoringMonitor(scoring="accuracy")
    model = MLPClassifier(**QUIET).set_callbacks(monitor)
    search = GridSearchCV(model, {"max_iter": [2, 3]}, cv=2, n_jobs=n_jobs, refit=False)
    with joblib.parallel_config(backend):
        search.fit(data.X, data.y)
    assert len(scores_of(monitor, "accuracy")) == 2 * (2 + 3)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_scoring_monitor_in_a_cross_validation(data, n_jobs):
    monitor = callback.ScoringMonitor(scoring="accuracy")
    with joblib.parallel_config("threading"):
        cross_val_score(MLPClassifier(**QUIET).set_callbacks(monitor), data.X, data.y, cv=2, n_jobs=n_jobs)
    runs = monitor.get_logs(select="all")
    assert [len(run.data) for run in runs] == [EPOCHS + 1] * 2


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_callbacks_of_a_search_reach_the_estimator_through_a_pipeline(data, n_jobs):
    propagated = Propagated()
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(**QUIET))
    search = GridSearchCV(pipeline, {"mlpclassifier__alpha": [1e-4, 1e-3]}, cv=2, n_jobs=n_jobs)
    with joblib.parallel_config("threading"):
        search.set_callbacks(propagated).fit(data.X, data.y)
    assert propagated.ended.count("epoch") == EPOCHS * (2 * 2 + 1)
    assert not hasattr(search.best_estimator_[-1], "_skl_callbacks")


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@FEW_ITERATIONS
def test_progress_bar(data, capsys, solver):
    pytest.importorskip("rich")
    model = MLPClassifier(solver=solver, **QUIET)
    model.set_callbacks(callback.ProgressBar()).fit(data.X, data.y)
    assert "MLPClassifier - fit" in capsys.readouterr().out
    make_pipeline(StandardScaler(), model.set_callbacks()).set_callbacks(callback.ProgressBar()).fit(data.X, data.y)
    assert capsys.readouterr().out.count("100%") >= 3


def test_metadata_routing_with_callbacks(data):
    log = Log()
    with sklearn.config_context(enable_metadata_routing=True):
        model = MLPClassifier(**QUIET).set_fit_request(X_val=True, y_val=True, sample_weight=True).set_callbacks(log)
        pipeline = Pipeline([("scale", StandardScaler()), ("mlp", model)], transform_input=["X_val"])
        pipeline[0].set_fit_request(sample_weight=False)
        pipeline.fit(data.X, data.y, X_val=data.X, y_val=data.y, sample_weight=data.sample_weight)
    assert log.heard == COMPLETE
    assert log.ended[-1][2] == {"sample_weight": data.sample_weight}
    assert len(pipeline[-1].history_["val_loss"]) == EPOCHS


@EVERY_ESTIMATOR
def test_callbacks_are_no_parameters_and_survive_clone_and_pickle(data, estimator):
    model = estimator(**QUIET).set_callbacks(callback.ScoringMonitor(scoring="r2")).fit(data.X, data.y)
    assert model.get_params().keys() == estimator().get_params().keys()
    for other in (clone(model), pickle.loads(pickle.dumps(model))):
        (monitor,) = other._skl_callbacks
        other.fit(data.X, data.y)
        assert len(scores_of(monitor, "r2")) == EPOCHS


def test_scikit_learn_without_callbacks(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.callback", None)
    spec = spec_from_file_location("callbacks_of_old", skmlp.estimators.callbacks.__file__)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    assert not hasattr(module.CallbackSupportMixin, "set_callbacks")
    assert type(module.begin_tasks(LinearRegression(), 1, None, None, None)) is module.Tasks
