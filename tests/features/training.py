"""Demonstrations: the training."""

import signal
import warnings

import numpy as np
import pytest
from sklearn.metrics import r2_score

from skmlp import MLPClassifier, MLPRegressor
from tests.features.table import CLASSES, FAST, NOISE, START, VALUES, X, shows, squares
from tests.gpus import machine

RATES = {  # that suit the data, where 0.01 does not
    "adagrad": 0.1,
    "adadelta": 10.0,
    "sgd": 0.1,
}
STOPPING = FAST | {"early_stopping": True, "n_iter_no_change": 5, "max_iter": 1000, "hidden_layer_sizes": (50,)}


@shows("GPU")
def gpu():
    """Which device computes; the GPU here is not there, and computes as the CPU does."""
    with machine(2) as used:
        model = MLPRegressor(device="cuda:1", **FAST).fit(X, VALUES)
        assert model.device_ == "cuda:1" and model.loss_ < 0.3 * model.loss_curve_[0]
        assert model.score(X, VALUES) > 0.5
        assert used("fit") == used("predict") == [1]
    with machine(0), pytest.raises(RuntimeError, match="CUDA finds no device"):
        MLPRegressor(device="cuda", **FAST).fit(X, VALUES)


@shows("Nine first-order solvers by name")
def solvers():
    for solver in ("sgd", "adam", "adamw", "nadam", "amsgrad", "rmsprop", "adagrad", "adadelta", "lion"):
        rate = RATES.get(solver, 0.01)
        model = MLPRegressor(solver=solver, **FAST | {"learning_rate_init": rate}).fit(X, VALUES)
        assert model.loss_ < 0.3 * model.loss_curve_[0], solver


@shows("L-BFGS")
def lbfgs():
    model = MLPRegressor(solver="lbfgs", max_iter=500, random_state=0).fit(X, VALUES)
    assert model.score(X, VALUES) > 0.99


@shows("Schedules by epochs and by steps")
def schedules():
    """The rate at the end of 10 epochs of 1 step, from 1."""
    ends = {"constant": 1.0, "exponential": 0.01**0.9, "cosine": 0.5 + 0.5 * np.cos(0.9 * np.pi), "plateau": 0.2}
    ends |= {"adaptive": 0.2, "invscaling": 1801**-0.5, "one_cycle": 0.0496}
    ends["coslog4"] = 0.5 - 0.5 * np.cos(2 * np.pi * np.log2(1 + 15 * 0.9))
    for name, end in ends.items():
        settings = {"solver": "adadelta", "learning_rate_init": 1.0, "max_iter": 10, "tol": 1e6, "random_state": 0}
        patience = {"plateau": 16, "adaptive": 7}.get(name, np.inf)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = MLPRegressor(learning_rate=name, n_iter_no_change=patience, **settings).fit(X, VALUES)
        assert model.history_["learning_rate"][-1] == pytest.approx(end, rel=0.01), name


@shows("A schedule of your own")
def own_schedule():
    model = MLPRegressor(learning_rate=lambda done: 1.0 - done, **FAST | {"max_iter": 4}).fit(X, VALUES)
    np.testing.assert_allclose(model.history_["learning_rate"], [0.01, 0.0075, 0.005, 0.0025])


@shows("Learning rate of the biases")
def bias_rate():
    fits = [MLPRegressor(bias_rate=0.0, **settings).fit(X, VALUES) for settings in (START, FAST)]
    for start, end in zip(*(model.intercepts_ for model in fits), strict=True):
        np.testing.assert_array_equal(start, end)
    assert fits[1].loss_ < 0.5 * fits[0].loss_


@shows("Neural tangent parametrisation")
def ntk():
    """One rate suits all widths: here predictions move from 0 by one step."""
    moved = {}
    for kind in ("standard", "ntk"):
        for width in (20, 2000):
            settings = FAST | {"hidden_layer_sizes": (width,), "max_iter": 1, "weight_init": "ntk"}
            model = MLPRegressor(parametrization=kind, **settings).fit(X, VALUES)
            moved[kind, width] = np.abs(model.predict(X)).mean()
    assert moved["standard", 2000] > 20 * moved["standard", 20]
    assert moved["ntk", 2000] < 5 * moved["ntk", 20]


@shows("A time limit")
def time_limit():
    """Without a warning: it is what was asked for."""
    model = MLPRegressor(max_time=0.2, **FAST | {"max_iter": 10**9}).fit(X, VALUES)
    assert 1 <= model.n_iter_ < 10**9


@shows("Decoupled weight decay")
def weight_decay():
    decayed, plain = (squares(MLPRegressor(weight_decay=decay, **FAST).fit(X, VALUES)) for decay in (1.0, 0.0))
    assert decayed < 0.7 * plain


@shows("Gradient clipping")
def clipping():
    """No step of this rate can diverge then."""
    settings = FAST | {"solver": "sgd", "activation": "identity", "learning_rate_init": 1.0, "momentum": 0.0}
    with pytest.raises(ValueError, match="non-finite"):
        MLPRegressor(**settings | {"max_iter": 500}).fit(100 * X, VALUES)
    model = MLPRegressor(clip_norm=0.1, **settings).fit(100 * X, VALUES)
    assert np.isfinite(model.loss_)


@shows("Early stopping on part of the data")
def early_stopping():
    model = MLPClassifier(**STOPPING).fit(X, NOISE)
    assert model.n_iter_ < 100
    assert len(model.validation_scores_) == model.n_iter_


@shows("Early stopping on any metric")
def monitor():
    model = MLPClassifier(metrics=("neg_brier_score",), monitor="val_neg_brier_score", **STOPPING).fit(X, NOISE)
    watched = model.history_["val_neg_brier_score"]
    assert model.best_iteration_ == np.argmax(watched) + 1
    assert model.n_iter_ <= model.best_iteration_ + 6


@shows("Validation data of your own")
def own_validation_data():
    model = MLPRegressor(**STOPPING).fit(X[:100], VALUES[:100], X_val=X[100:], y_val=VALUES[100:])
    assert model.best_validation_score_ == pytest.approx(r2_score(VALUES[100:], model.predict(X[100:])))


@shows("Sample weights for validation data")
def validation_weights():
    weight = np.random.default_rng(4).uniform(size=100)
    validation = {"X_val": X[100:], "y_val": VALUES[100:], "sample_weight_val": weight}
    model = MLPRegressor(**STOPPING).fit(X[:100], VALUES[:100], **validation)
    score = r2_score(VALUES[100:], model.predict(X[100:]), sample_weight=weight)
    assert model.best_validation_score_ == pytest.approx(score)


@shows("Best epoch restored")
def best_epoch():
    scores = []
    for restore in (True, False):
        model = MLPClassifier(restore_best=restore, **STOPPING)
        model.fit(X[:100], NOISE[:100], X_val=X[100:], y_val=NOISE[100:])
        scores.append(model.score(X[100:], NOISE[100:]))
    assert scores[0] == max(model.validation_scores_) > scores[1] == model.validation_scores_[-1]


@shows("A fixed number of epochs")
def fixed_number():
    """And no warning, which would be an error here."""
    assert MLPRegressor(max_iter=7, n_iter_no_change=np.inf).fit(X, VALUES).n_iter_ == 7


@shows("Warm start")
def warm_start():
    model = MLPRegressor(warm_start=True, **FAST | {"max_iter": 10}).fit(X, VALUES)
    first = model.loss_
    model.fit(X, VALUES)
    assert model.loss_curve_[10] < first and len(model.loss_curve_) == 20


@shows("Training on by batches of data")
def partial_fit():
    model = MLPClassifier(**FAST)
    for _ in range(60):
        model.partial_fit(X[:100], CLASSES[:100], classes=[0, 1]).partial_fit(X[100:], CLASSES[100:])
    assert model.score(X, CLASSES) > 0.85


@shows("Ctrl-C leaves a usable model")
def interrupt():
    def press(y_true, y_pred):
        if len(seen) == 9:
            signal.raise_signal(signal.SIGINT)
        return float(seen.append(0) is None)

    seen = []
    with pytest.warns(UserWarning, match="interrupted"):
        model = MLPRegressor(metrics=(press,), **FAST).fit(X, VALUES)
    assert model.n_iter_ == 9
    assert np.isfinite(model.predict(X)).all()


@shows("A diverging fit is an error, and leaves the model as it was")
def diverging():
    model = MLPRegressor(**FAST).fit(X, VALUES)
    before = model.predict(X)
    with pytest.raises(ValueError, match="epoch"):
        model.set_params(solver="sgd", learning_rate_init=1e9, activation="identity").fit(X, VALUES)
    np.testing.assert_array_equal(model.set_params(**FAST).predict(X), before)
