"""The epoch loop of the first-order solvers."""

import math
import time
import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skmlp.training.hooks import NO_HOOKS
from skmlp.training.report import make_report
from skmlp.training.validation import evaluate

NON_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and need to be preprocessed."
)
INTERRUPTED = "Training interrupted by user."
OUT_OF_TIME = "There is no time for another epoch. Stopping."
CALLER = 7  # frames from a method of the trainer up to the code that called the estimator


@dataclass(frozen=True)
class Loop:
    """Settings of the loop, named as the estimators' parameters."""

    batch_size: int
    max_iter: int
    shuffle: bool
    tol: float
    n_iter_no_change: float
    monitor: str
    restore_best: bool
    verbose: int
    deadline: float = math.inf  # by time.perf_counter()


class Trainer:
    """Trains one run of a back end, epoch by epoch.

    Parameters
    ----------
    run : training run of a back end
        Holds the parameters, which change in place.
    rows : ndarray of int
        The training rows; shuffled in place.
    loop : Loop
    schedule : skmlp.training.schedules.Constant
    progress : skmlp.training.progress.Progress
        Goes on from where it is.
    random_state : numpy.random.RandomState
    training, validation : skmlp.training.validation.Evaluation or None
        ``training`` only for metrics, taken from the epoch's own predictions.
    hooks : skmlp.training.hooks.Hooks
        Told of each epoch of :meth:`fit`.
    """

    def __init__(self, run, rows, loop, schedule, progress, random_state, training, validation, hooks=NO_HOOKS):
        self._run, self._rows, self._loop = run, rows, loop
        self._schedule, self._progress, self._random_state = schedule, progress, random_state
        self._training, self._validation, self._hooks = training, validation, hooks
        self._report = make_report(loop.verbose, loop.max_iter, loop.monitor)
        self._outputs = None
        if training.metrics:
            shape = (len(rows), training.backend.network.layout.units[-1])
            self._outputs = np.zeros(shape, dtype=training.backend.dtype)

    def fit(self):
        """Train for ``max_iter`` epochs, or until time is up, nothing improves any more, or a hook says so.

        Raises
        ------
        ValueError
            If loss or parameters turn non-finite without early stopping.
        """
        progress, loop = self._progress, self._loop
        progress.n_iter = 0
        if progress.early_stopping:
            progress.best_parameters = self._run.parameters.copy()
        progress.commit()
        finite, done = True, False
        try:
            with self._report:
                while finite and not done and progress.n_iter < loop.max_iter:
                    self._hooks.before_epoch()
                    finite = self._epoch()
                    done = self._hooks.after_epoch(finite) or (finite and (self._converged() or self._out_of_time()))
            if finite and not done and not math.isinf(loop.n_iter_no_change):
                warnings.warn(
                    f"Stochastic Optimizer: Maximum iterations ({loop.max_iter}) reached and the optimization "
                    "hasn't converged yet. Raise max_iter, or ask for exactly so many epochs by "
                    "n_iter_no_change=np.inf.",
                    ConvergenceWarning,
                    stacklevel=CALLER,
                )
        except KeyboardInterrupt:
            progress.revert()
            if not self._hooks.interrupted():
                warnings.warn(INTERRUPTED, stacklevel=CALLER)
        self._finish(finite)

    def partial_fit(self):
        """One epoch, with the stopping rule acting on the learning rate alone."""
        self._progress.n_iter = 0
        self._report = make_report(self._loop.verbose, 1, self._loop.monitor)
        finite = self._epoch()
        if finite:
            self._converged()
        self._finish(finite)

    def _epoch(self):
        """Train and record one epoch; returns whether it is finite."""
        started = time.perf_counter()
        run, progress, loop = self._run, self._progress, self._loop
        if loop.shuffle:
            run.shuffle(self._rows, self._random_state)  # on from the order of the epoch before, as scikit-learn does
        rates = self._schedule.rates(-(-len(self._rows) // loop.batch_size))
        loss = float(run.run_epoch(self._rows, rates, self._outputs))
        finite = math.isfinite(loss) and bool(np.isfinite(run.parameters).all())
        entry = {"loss": loss}
        if self._training.metrics:
            entry |= self._running_metrics()
        score = float("nan")
        if self._validation is not None:
            predictions, values = self._validation.measure(run.parameters)
            entry |= {f"val_{name}": value for name, value in values.items()}
            if progress.early_stopping and finite:
                score = self._validation.score_of(predictions)
        entry |= {"learning_rate": float(rates[-1]), "seconds": time.perf_counter() - started}
        progress.record(entry)
        progress.t += len(self._rows)
        monitored = self._monitored(entry, score) if finite else float("nan")
        progress.judge(loop.tol, score, monitored, run.parameters)
        progress.commit()
        self._report.epoch(progress.n_iter, entry, score if progress.early_stopping else None)
        self._schedule.end_epoch(progress.t, progress.no_improvement_count == 0)
        return finite

    def _running_metrics(self):
        training = self._training
        weights = None if training.weights is None else training.weights[self._rows]
        return evaluate(training.metrics, self._outputs, training.targets[self._rows], weights)

    def _monitored(self, entry, score):
        """What early stopping watches, greater is better."""
        if self._loop.monitor == "auto" or not self._progress.early_stopping:
            return score
        value = entry[self._loop.monitor]
        return -value if self._loop.monitor in ("loss", "val_loss") else value

    def _converged(self):
        """Whether to stop for lack of improvement; a schedule may change the rate and go on."""
        progress, loop = self._progress, self._loop
        if progress.no_improvement_count <= loop.n_iter_no_change:
            return False
        reason = self._schedule.stalled()
        watched = "Training loss"
        if progress.early_stopping:
            watched = "Validation score" if loop.monitor == "auto" else loop.monitor
        self._report.message(
            f"{watched} did not improve more than tol={loop.tol:f} for {loop.n_iter_no_change} consecutive "
            f"epochs. {reason or self._schedule.change}"
        )
        if reason is None:
            progress.no_improvement_count = 0
        return reason is not None

    def _out_of_time(self):
        """Whether another epoch would end after the deadline."""
        over = time.perf_counter() + self._progress.history["seconds"][-1] > self._loop.deadline
        if over:
            self._report.message(OUT_OF_TIME)
        return over

    def _finish(self, finite):
        """Restore the best epoch, or refuse what is not finite."""
        progress, parameters = self._progress, self._run.parameters
        where = f"epoch {progress.n_iter}, learning rate {self._schedule.rate:g}"
        if progress.early_stopping and (self._loop.restore_best or not finite):
            np.copyto(parameters, progress.best_parameters)
        if not finite and not progress.early_stopping:
            raise ValueError(
                f"{NON_FINITE} It happened in {where}. Try scaling X (and y), a smaller learning_rate_init, or "
                "clip_norm."
            )
        if not finite:
            restored = "the best epoch was" if progress.best_iteration else "the values at the start were"
            warnings.warn(
                f"{NON_FINITE} Training stopped in {where}, and {restored} restored.",
                ConvergenceWarning,
                stacklevel=CALLER + 1,
            )
        progress.best_parameters = None
