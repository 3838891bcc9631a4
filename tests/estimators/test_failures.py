"""When training fails or is interrupted: what is raised, and what is left."""

import _thread
import pickle
import re
import signal
import threading

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

import skmlp
from skmlp import MLPClassifier, MLPRegressor

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 4))
LABELS = np.array(["no", "yes"])[(X[:, 0] > 0).astype(int)]
VALUES = X[:, 0] + X[:, 1] ** 2
SENTENCE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and need to be preprocessed."
)
QUIET = {"max_iter": 5, "n_iter_no_change": np.inf, "random_state": 0}
DIVERGING = {"solver": "sgd", "activation": "identity", "learning_rate_init": 1e3, "momentum": 0.0}


def with_nan(array):
    array = array.copy()
    array[3] = np.nan
    return array


def failing_metric(y_true, y_pred):
    raise RuntimeError("this metric fails")


def late_failing_metric():
    calls = []

    def metric(y_true, y_pred):
        calls.append(None)
        if len(calls) == 3:
            raise RuntimeError("this metric fails")
        return 0.0

    return metric


def oversized_batch(method):
    """A call of a method with a batch larger than the data, which warns."""
    return lambda: getattr(MLPRegressor(batch_size=100, **QUIET), method)(X, VALUES)


@pytest.mark.parametrize(
    "call",
    [
        oversized_batch("fit"),
        oversized_batch("partial_fit"),
        lambda: MLPRegressor(**QUIET | {"n_iter_no_change": 10}).fit(X, VALUES),
        lambda: MLPRegressor(early_stopping=True, **QUIET, **DIVERGING).fit(X, VALUES),
    ],
    ids=["fit", "partial_fit", "max_iter", "not finite"],
)
def test_warnings_point_at_the_call(call):
    with pytest.warns() as warnings:
        call()
    assert {warning.filename for warning in warnings} == {__file__}


def refit(**parameters):
    return lambda model: model.set_params(**parameters).fit(X, VALUES)


FAILURES = {
    "NaN in X": lambda model: model.fit(with_nan(X), VALUES),
    "NaN in y": lambda model: model.fit(X, with_nan(VALUES)),
    "other columns": lambda model: model.fit(X[:, :2], with_nan(VALUES)),
    "weights": lambda model: model.fit(X, VALUES, sample_weight=-np.ones(60)),
    "validation data": lambda model: model.fit(X, VALUES, X_val=X[:, :2], y_val=VALUES),
    "partial_fit": lambda model: model.partial_fit(X, with_nan(VALUES)),
    "unknown solver": refit(solver="nonsense"),
    "unknown activation": refit(activation="nonsense"),
    "bad number": refit(alpha=-1.0),
    "small split": refit(early_stopping=True, validation_fraction=0.001),
    "metric fails": refit(metrics=(failing_metric,)),
    "metric fails late": lambda model: refit(metrics=(late_failing_metric(),))(model),
    "diverging": refit(early_stopping=False, **DIVERGING),
    "diverging lbfgs": lambda model: model.set_params(solver="lbfgs").fit(X * 1e200, VALUES * 1e200),
    "diverging warm start": refit(warm_start=True, early_stopping=False, **DIVERGING),
    "diverging partial_fit": lambda model: model.set_params(**DIVERGING).partial_fit(X * 1e300, VALUES),
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("before", ["unfitted", "fit", "partial_fit", "early stopping"])
def test_failed_call_leaves_the_estimator_as_it_was(state_of, failure, before):
    model = MLPRegressor(hidden_layer_sizes=(5,), **QUIET)
    if before == "early stopping":
        model.set_params(early_stopping=True)
    if before == "partial_fit":
        model.partial_fit(X, VALUES)
    elif before != "unfitted":
        model.fit(X, VALUES)
    state, parameters = state_of(model), set(model.get_params())
    with pytest.raises((ValueError, RuntimeError)):
        FAILURES[failure](model)
    now = state_of(model)
    fitted = {name: value for name, value in now.items() if name not in parameters}
    assert fitted == {name: value for name, value in state.items() if name not in parameters}
    # What set_params has set stays set.
    assert now.keys() == state.keys()


@pytest.mark.parametrize("failure", ["NaN in X", "diverging", "metric fails late"])
def test_after_a_failed_call_the_model_still_predicts_and_can_go_on(failure):
    model = MLPRegressor(hidden_layer_sizes=(5,), **QUIET).fit(X, VALUES)
    expected, parameters = model.predict(X), model.get_params()
    with pytest.raises((ValueError, RuntimeError)):
        FAILURES[failure](model)
    np.testing.assert_array_equal(model.predict(X), expected)
    model.set_params(**parameters).fit(X, VALUES)
    np.testing.assert_array_equal(model.predict(X), expected)


@pytest.mark.parametrize("failure", [name for name in FAILURES if name != "partial_fit"])
def test_failed_call_draws_nothing_from_a_generator(state_of, failure):
    model = MLPRegressor(hidden_layer_sizes=(5,), **QUIET | {"random_state": np.random.RandomState(5)})
    before = state_of(model)["random_state"]
    with pytest.raises((ValueError, RuntimeError)):
        FAILURES[failure](model)
    assert state_of(model)["random_state"] == before


class TestClassifier:
    FAILURES = (
        lambda model: model.fit(X, VALUES),
        lambda model: model.partial_fit(X, np.full(60, "maybe")),
        lambda model: model.partial_fit(X, LABELS, classes=["no", "maybe"]),
        lambda model: model.set_params(class_weight={"maybe": 1.0}).fit(X, LABELS),
        lambda model: model.set_params(warm_start=True).fit(X, np.arange(60) % 3),
        lambda model: model.fit(X, LABELS, X_val=X, y_val=np.full(60, "maybe")),
    )

    @pytest.mark.parametrize("failure", FAILURES)
    @pytest.mark.parametrize("before", ["fit", "partial_fit"])
    def test_is_left_as_it_was(self, state_of, failure, before):
        model = MLPClassifier(hidden_layer_sizes=(5,), **QUIET)
        model = model.fit(X, LABELS) if before == "fit" else model.partial_fit(X, LABELS, classes=["no", "yes"])
        state, parameters = state_of(model), set(model.get_params())
        with pytest.raises(ValueError):
            failure(model)
        now = state_of(model)
        assert {name: now[name] for name in now if name not in parameters} == {
            name: state[name] for name in state if name not in parameters
        }

    def test_first_partial_fit_that_fails_leaves_nothing(self, state_of):
        model = MLPClassifier()
        state = state_of(model)
        with pytest.raises(ValueError):
            model.partial_fit(X, LABELS, classes=["no", "maybe"])
        assert state_of(model) == state


class TestDiverging:
    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_is_an_error_that_tells_what_to_try(self, dtype):
        model = MLPRegressor(dtype=dtype, **QUIET | DIVERGING | {"max_iter": 200})
        with pytest.raises(ValueError) as error:
            model.fit(X, VALUES)
        message = str(error.value)
        assert message.startswith(SENTENCE)
        assert re.search(r"epoch \d+", message)
        assert re.search(r"1000|1e\+?0?3", message)
        for hint in ("scal", "learning_rate_init", "clip_norm"):
            assert hint in message[len(SENTENCE) :]

    def test_names_the_epoch(self):
        """The loss is finite in every epoch before the one that is named."""
        parameters = QUIET | DIVERGING | {"dtype": "float64", "max_iter": 200}
        with pytest.raises(ValueError) as error:
            MLPRegressor(**parameters).fit(X, VALUES)
        epoch = int(re.search(r"epoch (\d+)", str(error.value))[1])
        assert epoch > 2
        model = MLPRegressor(**parameters | {"max_iter": epoch - 1}).fit(X, VALUES)
        assert np.isfinite(model.loss_curve_).all()

    def test_in_partial_fit(self):
        model = MLPRegressor(**DIVERGING)
        with pytest.raises(ValueError) as error:
            for _ in range(200):
                model.partial_fit(X, VALUES)
        assert str(error.value).startswith(SENTENCE)
        # Those of the pass before; they may be so large that predictions overflow.
        assert all(np.isfinite(part).all() for part in model.coefs_ + model.intercepts_)
        assert np.isfinite(model.loss_curve_).all()

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_with_early_stopping_restores_the_best_epoch(self, dtype):
        model = MLPRegressor(
            dtype=dtype,
            early_stopping=True,
            **QUIET | DIVERGING | {"max_iter": 200, "learning_rate_init": 10.0},
        )
        with pytest.warns(ConvergenceWarning, match=r"epoch"):
            model.fit(X, VALUES)
        assert model.n_iter_ < 200
        last = model.validation_scores_[-1]
        assert isinstance(last, float)
        assert np.isnan(last)
        assert len(model.validation_scores_) == len(model.loss_curve_) == model.n_iter_
        assert {len(values) for values in model.history_.values()} == {model.n_iter_}
        assert model.best_validation_score_ == np.nanmax(model.validation_scores_)
        assert model.best_iteration_ == np.nanargmax(model.validation_scores_) + 1
        assert np.isfinite(model.predict(X)).all()
        short = MLPRegressor(
            dtype=dtype,
            early_stopping=True,
            **QUIET | DIVERGING | {"max_iter": model.best_iteration_, "learning_rate_init": 10.0},
        ).fit(X, VALUES)
        for a, b in zip(model.coefs_, short.coefs_, strict=True):
            np.testing.assert_array_equal(a, b)

    @pytest.mark.parametrize("name, y", [("MLPClassifier", LABELS), ("MLPRegressor", VALUES)])
    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_without_a_hidden_layer(self, name, y, dtype):
        huge = np.finfo(np.float64).max * RNG.uniform(0.5, 1, (60, 4))
        model = getattr(skmlp, name)(hidden_layer_sizes=(), dtype=dtype, **QUIET)
        with pytest.raises(ValueError) as error:
            model.fit(huge, y)
        assert str(error.value).startswith(SENTENCE)


FEATURES = {
    "unscaled": X * np.array([1e-6, 1.0, 1e5, 1e8]),
    "1e30": X * 1e30,
    "1e300": X * 1e300,
    "largest": np.sign(X) * np.finfo(np.float64).max,
    "largest of float32": (np.sign(X) * np.finfo(np.float32).max).astype(np.float32),
    "tiny": X * 1e-310,
    "constant": np.full((60, 4), 3.0),
    "constant and huge": np.full((60, 4), 1e30),
    "zero": np.zeros((60, 4)),
    "duplicated": np.repeat(X[:, :1], 4, axis=1),
    "duplicated rows": np.repeat(X[:1], 60, axis=0),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
# The sum by which scikit-learn looks for infinities overflows in both directions.
@pytest.mark.filterwarnings("ignore:invalid value encountered in reduce:RuntimeWarning")
@pytest.mark.parametrize("features", FEATURES)
@pytest.mark.parametrize("solver", ["sgd", "adam", "rmsprop", "lbfgs"])
@pytest.mark.parametrize("name", ["MLPBinaryClassifier", "MLPMulticlass", "MLPRegressor"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_strange_features_end_in_a_finite_model_or_in_the_error(
    state_of, features, solver, name, dtype, early_stopping
):
    model = getattr(skmlp, name)(
        hidden_layer_sizes=(6,), solver=solver, dtype=dtype, early_stopping=early_stopping, **QUIET
    )
    y = VALUES if name == "MLPRegressor" else LABELS
    state = state_of(model)
    try:
        model.fit(FEATURES[features], y)
    except ValueError as error:
        assert str(error).startswith(SENTENCE)
        assert features not in ("tiny", "constant", "zero", "duplicated", "duplicated rows")
        assert state_of(model) == state
    else:
        for part in model.coefs_ + model.intercepts_:
            assert np.isfinite(part).all()
        assert len(model.predict(FEATURES[features])) == 60


class TestInterrupt:
    @staticmethod
    def at_epoch(k):
        """A metric during whose k-th call the user presses Ctrl-C."""
        calls = []

        def metric(y_true, y_pred):
            calls.append(None)
            if len(calls) == k:
                signal.raise_signal(signal.SIGINT)
            return float(len(calls))

        return metric

    @pytest.mark.parametrize("solver", ["sgd", "adam", "rmsprop", "lbfgs"])
    @pytest.mark.parametrize("k", [2, 7])
    def test_keeps_the_epochs_done(self, solver, k):
        parameters = {**QUIET, "solver": solver, "max_iter": 500, "tol": 1e-12}
        model = MLPRegressor(metrics=(self.at_epoch(k),), **parameters)
        with pytest.warns(UserWarning, match=r"^Training interrupted by user"):
            model.fit(X, VALUES)
        assert k - 1 <= model.n_iter_ <= k
        assert {len(values) for values in model.history_.values()} == {model.n_iter_}
        if solver != "lbfgs":
            assert len(model.loss_curve_) == model.n_iter_
            untouched = MLPRegressor(**parameters | {"max_iter": k}).fit(X, VALUES)
            assert model.loss_curve_ == untouched.loss_curve_[: model.n_iter_]
        assert np.isfinite(model.predict(X)).all()
        model.set_params(metrics=())
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))

    def test_with_early_stopping_restores_the_best_epoch(self):
        model = MLPRegressor(early_stopping=True, metrics=(self.at_epoch(12),), **QUIET | {"max_iter": 500})
        with pytest.warns(UserWarning, match=r"^Training interrupted by user"):
            model.fit(X, VALUES, X_val=X, y_val=VALUES)
        assert len(model.validation_scores_) == model.n_iter_
        assert model.score(X, VALUES) == pytest.approx(model.best_validation_score_)

    @pytest.mark.parametrize(
        "rows, sizes, max_iter", [(60, (5,), 1_000_000), (20_000, (128, 128), 1000)], ids=["small", "large"]
    )
    def test_while_the_kernels_run(self, rows, sizes, max_iter):
        timer = threading.Timer(0.2, _thread.interrupt_main)

        def start_timer(y_true, y_pred):
            if timer.ident is None:
                timer.start()
            return 0.0

        many, values = RNG.standard_normal((rows, 4)), RNG.standard_normal(rows)
        model = MLPRegressor(hidden_layer_sizes=sizes, metrics=(start_timer,), **QUIET | {"max_iter": max_iter})
        with pytest.warns(UserWarning, match=r"^Training interrupted by user"):
            model.fit(many, values)
        assert 1 <= len(model.loss_curve_) == model.n_iter_ < max_iter
        assert np.isfinite(model.predict(X)).all()

    def test_of_the_next_fit_is_no_different(self):
        model = MLPRegressor(metrics=(self.at_epoch(2),), **QUIET)
        with pytest.warns(UserWarning, match=r"^Training interrupted by user"):
            model.fit(X, VALUES)
        model.set_params(metrics=()).fit(X, VALUES)
        np.testing.assert_array_equal(model.predict(X), MLPRegressor(**QUIET).fit(X, VALUES).predict(X))
