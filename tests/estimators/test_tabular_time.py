"""Fits that end early: by the clock, by Ctrl-C, by an error in a member."""

import signal
import threading
import time
import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from skmlp.cpu import team
from tests.estimators.tabular import KINDS, LABELS, VALUES, X, assert_same_outputs, classifier, outputs, regressor

ENDLESS = {"max_iter": 10**6}
pytestmark = pytest.mark.usefixtures("no_thread_is_left")
EVERY_NUMBER_OF_THREADS = pytest.mark.parametrize("n_jobs", [1, 2, None])


@EVERY_NUMBER_OF_THREADS
@pytest.mark.parametrize("kind", KINDS)
def test_time_is_shared_by_all_members(kind, n_jobs):
    make, y = KINDS[kind]
    make(max_iter=2).fit(X, y)  # compile
    started = time.perf_counter()
    model = make(max_time=0.3, n_jobs=n_jobs, **ENDLESS).fit(X, y)
    assert time.perf_counter() - started < 5.0
    assert len(model.estimators_) == 3
    assert all(member.n_iter_ >= 1 for member in model.estimators_)
    assert model.n_iter_ == max(member.n_iter_ for member in model.estimators_) > 1
    assert np.isfinite(model.oof_prediction_).all()


def test_no_time_at_all_is_an_epoch_each():
    model = regressor(max_time=1e-9, n_jobs=1, **ENDLESS).fit(X, VALUES)
    assert [member.n_iter_ for member in model.estimators_] == [1, 1, 1]


class Alarm(KeyboardInterrupt):
    """A Ctrl-C at a chosen moment."""


def interrupted_after(seconds, call):
    """Call a function and interrupt it, in time again and again; returns whether the interrupt came out of it."""

    def ring(*_):
        raise Alarm

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds, 3.0)
        call()
        signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:
        return True
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    return False


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers on this system")
@EVERY_NUMBER_OF_THREADS
@pytest.mark.parametrize(("make", "y"), [(classifier, LABELS), (regressor, VALUES)])
def test_ctrl_c_leaves_what_is_reached(make, y, n_jobs):
    make(max_iter=2).fit(X, y)  # compile
    answered = 0
    for seconds in np.linspace(0.002, 0.2, 12):
        model = make(n_jobs=n_jobs, **ENDLESS)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            came_out = interrupted_after(seconds, lambda model=model: model.fit(X, y))
        if came_out:
            assert not hasattr(model, "estimators_")
            continue
        answered += 1
        assert [str(warning.message) for warning in caught] == ["Training interrupted by user."]
        assert caught[0].filename == __file__
        assert 1 <= len(model.estimators_) <= 3
        assert all(member.n_iter_ >= 1 for member in model.estimators_)
        assert np.isfinite(outputs(model, X)[1]).all()
        assert np.isfinite(model.oof_score_)
        assert np.isfinite(model.evaluate(X, y).loss)
    assert answered > 0


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers on this system")
def test_an_interrupted_fit_after_a_fit_is_one_or_the_other():
    model = regressor().fit(X, VALUES)
    before = model.predict(X)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        came_out = interrupted_after(0.001, lambda: model.set_params(**ENDLESS).fit(X, VALUES))
    assert came_out == np.array_equal(model.predict(X), before)


def slow_in_threads(y_true, y_pred):
    """A metric that takes long in any thread but the one that called ``fit``."""
    if threading.current_thread() is not threading.main_thread():
        time.sleep(0.05)
    return 0.0


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers on this system")
def test_ctrl_c_while_one_thread_waits_for_another():
    model = regressor(n_jobs=2, n_estimators=2, max_iter=1, metrics=(slow_in_threads,)).fit(X, VALUES)  # compile
    model.set_params(max_iter=60)
    with pytest.warns(UserWarning, match="Training interrupted by user") as caught:
        assert not interrupted_after(1.0, lambda: model.fit(X, VALUES))
    assert len(caught) == 1
    fewer, all_epochs = sorted(member.n_iter_ for member in model.estimators_)
    assert fewer < all_epochs == 60


def test_ctrl_c_while_threads_start(monkeypatch):
    start, started = team.start_new_thread, []

    def interrupted(*arguments):
        if started:
            raise KeyboardInterrupt
        started.append(arguments)
        start(*arguments)

    monkeypatch.setattr(team, "start_new_thread", interrupted)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = regressor(n_jobs=3, **ENDLESS)
        try:
            model.fit(X, VALUES)
        except KeyboardInterrupt:  # the one thread has not begun
            assert not hasattr(model, "estimators_")
        else:
            assert len(model.estimators_) == 1
    assert len(started) == 1


class Late:
    """A metric that fails, or is Ctrl-C, in its n-th call."""

    def __init__(self, calls, error):
        self.left, self.error = calls, error

    def __call__(self, y_true, y_pred):
        self.left -= 1
        if self.left == 0:
            raise self.error
        return 0.0


@EVERY_NUMBER_OF_THREADS
@pytest.mark.parametrize("calls", [1, 4, 11])
def test_an_error_in_a_member_ends_all(n_jobs, calls):
    model = regressor(n_jobs=n_jobs, metrics=(Late(calls, RuntimeError("this metric fails")),), **ENDLESS)
    with pytest.raises(RuntimeError, match="this metric fails"):
        model.fit(X, VALUES)
    assert not hasattr(model, "estimators_")


def test_members_without_an_epoch_are_left_out():
    plain = regressor(n_jobs=1, max_iter=2).fit(X, VALUES)
    # Two calls an epoch: in the middle of the first epoch of the second member.
    model = regressor(n_jobs=1, max_iter=2, metrics=(Late(6, KeyboardInterrupt()),))
    with pytest.warns(UserWarning, match="Training interrupted by user") as caught:
        model.fit(X, VALUES)
    assert len(caught) == 1
    assert len(model.estimators_) == 1
    np.testing.assert_array_equal(model.estimators_[0].coefs_[0], plain.estimators_[0].coefs_[0])
    assert np.isnan(model.oof_prediction_).sum() == 60
    with pytest.raises(KeyboardInterrupt):
        regressor(n_jobs=1, metrics=(Late(1, KeyboardInterrupt()),)).fit(X, VALUES)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_members_that_diverge_keep_their_best_epoch(n_jobs):
    with pytest.warns(ConvergenceWarning, match="non-finite parameter weights"):
        model = regressor(solver="sgd", learning_rate_init=1e30, max_iter=50, n_jobs=n_jobs).fit(X, VALUES)
    assert np.isfinite(model.predict(X)).all()


def test_printing_changes_nothing(capsys):
    loud = regressor(verbose=2, n_jobs=2).fit(X, VALUES)
    assert "loss" in capsys.readouterr().out
    assert_same_outputs(loud, regressor().fit(X, VALUES))
