"""L-BFGS, on a back end that knows one quadratic function."""

from contextlib import nullcontext

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from skmlp.training.lbfgs import fit_lbfgs
from skmlp.training.progress import Progress
from skmlp.training.trainer import Loop
from tests.training.fakes import evaluation

TARGET = np.array([1.0, -2.0, 3.0, 0.5])
SCALES = np.array([1.0, 4.0, 9.0, 16.0])


class QuadraticRun:
    """Half a sum of squares, least at the target; calls from ``after`` on return ``loss`` or raise it."""

    def __init__(self, dtype="float64", after=None, loss=None):
        self.parameters = np.zeros(TARGET.size, dtype=dtype)
        self.evaluated, self.after, self.loss = [], after, loss
        self.gradient = np.empty(TARGET.size, dtype=dtype)  # of its own, and written over by the next call

    def searching(self):
        return nullcontext()

    def loss_and_gradient(self, vector):
        self.evaluated.append(np.array(vector))
        self.parameters[...] = vector
        self.gradient[...] = SCALES * (self.parameters - TARGET)
        loss = float(0.5 * (SCALES * (self.parameters - TARGET) ** 2).sum())
        if self.after is not None and len(self.evaluated) > self.after:
            if isinstance(self.loss, BaseException):
                raise self.loss
            loss = self.loss
        return loss, self.gradient


def minimise(run, *, max_iter=50, max_fun=1000, tol=1e-8, verbose=0, metrics=None, validation=None, **more):
    progress = Progress(False)
    loop = Loop(10, max_iter, True, tol, 10, "auto", True, verbose, **more)
    fit_lbfgs(run, loop, max_fun, progress, evaluation(3, metrics), validation)
    return progress


@pytest.mark.parametrize("dtype, rtol", [("float32", 1e-3), ("float64", 1e-7)])
def test_finds_the_minimum(dtype, rtol):
    run = QuadraticRun(dtype)
    progress = minimise(run, tol=1e-4 if dtype == "float32" else 1e-8)
    np.testing.assert_allclose(run.parameters, TARGET, rtol=rtol)
    assert run.parameters.dtype == dtype
    np.testing.assert_allclose(progress.loss, 0.0, atol=1e-6)


def test_one_entry_of_the_history_an_iteration():
    progress = minimise(QuadraticRun())
    history = progress.history
    assert list(history) == ["loss", "learning_rate", "seconds"]
    assert {len(values) for values in history.values()} == {progress.n_iter}
    assert history["loss"] == progress.loss_curve
    assert all(later <= earlier for earlier, later in zip(history["loss"], history["loss"][1:], strict=False))
    assert progress.best_loss == min(history["loss"]) and progress.best_iteration == progress.n_iter
    assert np.isnan(history["learning_rate"]).all() and min(history["seconds"]) >= 0.0


def test_metrics_are_those_of_the_iteration():
    def first_parameter(predictions, targets, weights):
        return float(predictions[0, 0])  # what the fake back end predicts

    run = QuadraticRun()
    progress = minimise(run, metrics={"first": first_parameter}, validation=evaluation(2))
    assert list(progress.history) == ["loss", "first", "val_loss", "learning_rate", "seconds"]
    assert progress.history["first"][-1] == run.parameters[0]
    assert progress.history["val_loss"][-1] == run.parameters.sum()


def test_a_looser_tolerance_takes_fewer_iterations():
    assert minimise(QuadraticRun(), tol=1.0).n_iter < minimise(QuadraticRun(), tol=1e-10).n_iter


def test_running_out_of_iterations_is_a_warning():
    with pytest.warns(ConvergenceWarning, match="lbfgs failed to converge"):
        progress = minimise(QuadraticRun(), max_iter=2)
    assert progress.n_iter == len(progress.loss_curve) == 2


def test_running_out_of_evaluations_is_a_warning():
    run = QuadraticRun()
    with pytest.warns(ConvergenceWarning, match="lbfgs failed to converge"):
        minimise(run, max_fun=3)
    assert len(run.evaluated) < 10


@pytest.mark.parametrize("loss", [np.nan, np.inf])
def test_a_loss_that_is_not_finite_is_an_error_that_says_where(loss):
    with pytest.raises(ValueError, match=r"non-finite parameter weights.*iteration \d+.*scaling X"):
        minimise(QuadraticRun(after=0, loss=loss))


def test_an_interruption_keeps_the_iteration_that_was_reached():
    whole = QuadraticRun()
    losses = minimise(whole).loss_curve
    run = QuadraticRun(after=3, loss=KeyboardInterrupt())
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        progress = minimise(run)
    assert 0 < len(progress.loss_curve) < len(losses)
    assert progress.loss_curve == losses[: len(progress.loss_curve)]
    np.testing.assert_allclose(
        0.5 * (SCALES * (run.parameters - TARGET) ** 2).sum(), progress.loss_curve[-1], rtol=1e-12
    )


def test_a_deadline_ends_it_after_an_iteration(capsys):
    """Without a warning, with what was reached."""
    run = QuadraticRun()
    progress = minimise(run, deadline=0.0, verbose=1)
    assert progress.n_iter == len(progress.loss_curve) == 1
    assert progress.loss == pytest.approx(0.5 * (SCALES * (run.parameters - TARGET) ** 2).sum(), rel=1e-12)
    assert capsys.readouterr().out.splitlines()[-1] == "There is no time for another epoch. Stopping."


def test_prints_each_iteration(capsys):
    progress = minimise(QuadraticRun(), verbose=1)
    expected = [f"Iteration {i}, loss = {loss:.8f}" for i, loss in enumerate(progress.loss_curve, start=1)]
    assert capsys.readouterr().out.splitlines() == expected


def test_prints_nothing_unless_asked(capsys):
    minimise(QuadraticRun())
    assert capsys.readouterr().out == ""
