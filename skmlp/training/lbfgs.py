"""L-BFGS over all rows at once, by SciPy's implementation."""

import time
import warnings

import numpy as np
from scipy.optimize import minimize
from sklearn.utils.optimize import _check_optimize_result

from skmlp.training.hooks import NO_HOOKS
from skmlp.training.report import make_report
from skmlp.training.trainer import CALLER, INTERRUPTED, NON_FINITE, OUT_OF_TIME


def fit_lbfgs(run, loop, max_fun, progress, training, validation, hooks=NO_HOOKS):
    """Minimise the loss of a run with the rule ``keep_gradient``; one history entry an iteration.

    Byrd, Lu, Nocedal & Zhu, SIAM J. Sci. Comput. 1995. ``tol`` bounds the largest component of the projected gradient.

    Raises
    ------
    ValueError
        If loss or parameters turn non-finite.
    """
    progress.n_iter = 0
    progress.commit()
    report = make_report(loop.verbose, loop.max_iter, loop.monitor)
    started, stopped = time.perf_counter(), False

    def loss_and_gradient(vector):
        hooks.before_epoch()
        loss, gradient = run.loss_and_gradient(vector)
        return loss, gradient.astype(np.float64)

    def record(intermediate_result):
        nonlocal started, stopped
        vector = intermediate_result.x.astype(run.parameters.dtype)
        entry = {"loss": float(intermediate_result.fun)}
        if training.metrics:
            values = training.measure(vector)[1]
            entry |= {name: values[name] for name in training.metrics}
        if validation is not None:
            entry |= {f"val_{name}": value for name, value in validation.measure(vector)[1].items()}
        entry |= {"learning_rate": float("nan"), "seconds": time.perf_counter() - started}
        progress.record(entry)
        progress.judge(loop.tol, float("nan"), float("nan"), vector)
        reached[...] = run.parameters[...] = vector  # the line search may have looked elsewhere since
        progress.commit()
        report.epoch(progress.n_iter, entry)
        out_of_time = time.perf_counter() + entry["seconds"] > loop.deadline
        stopped = hooks.after_epoch(np.isfinite(progress.loss)) or out_of_time
        if out_of_time:
            report.message(OUT_OF_TIME)
        if stopped:
            raise StopIteration
        started = time.perf_counter()

    reached = run.parameters.copy()
    options = {"maxfun": max_fun, "maxiter": loop.max_iter, "gtol": loop.tol}
    try:
        # A diverging line search is reported below.
        with report, run.searching(), np.errstate(over="ignore", invalid="ignore"):
            result = minimize(
                loss_and_gradient,
                run.parameters.astype(np.float64),
                method="L-BFGS-B",
                jac=True,
                callback=record,
                options=options,
            )
    except KeyboardInterrupt:
        progress.revert()
        if not hooks.interrupted():
            warnings.warn(INTERRUPTED, stacklevel=CALLER)
        run.parameters[...] = reached
        return
    run.parameters[...] = result.x
    progress.loss = float(result.fun)
    if not (np.isfinite(result.fun) and np.isfinite(run.parameters).all()):
        raise ValueError(f"{NON_FINITE} It happened in iteration {result.nit}. Try scaling X (and y).")
    if not progress.history:  # converged where it began
        progress.history = {"loss": [], "learning_rate": [], "seconds": []}
    if not stopped:
        progress.n_iter = _check_optimize_result("lbfgs", result, loop.max_iter)
