"""Forks, interrupts and other things that happen to a process while it fits."""

import os
import signal
import subprocess
import sys
import warnings

import numpy as np
import pytest
from scipy.sparse import csr_array
from threadpoolctl import threadpool_info

from skmlp import MLPClassifier, MLPRegressor

RNG = np.random.default_rng(0)
X = RNG.standard_normal((300, 30))
LABELS = (X[:, 0] > 0).astype(int)

FORKS = """
import os, sys, threading, numpy as np
from skmlp import MLPRegressor
X = np.random.default_rng(0).standard_normal((500, 30))
model = MLPRegressor(hidden_layer_sizes=(50,), max_iter=2, n_iter_no_change=np.inf).fit(X, X[:, 0])
def work():
    while True:
        model.predict(X)
threading.Thread(target=work, daemon=True).start()
for _ in range(15):
    child = os.fork()
    if child == 0:
        model.predict(X)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""

FORK_WHILE_FITTING = """
import os, signal, threading, numpy as np
from skmlp import MLPRegressor
X = np.random.default_rng(0).standard_normal((3000, 30))
def fit(epochs=3):
    model = MLPRegressor(hidden_layer_sizes=(50,), max_iter=epochs, n_iter_no_change=np.inf, batch_size=1024,
                         n_jobs=2, random_state=0)
    return model.fit(X, X[:, 0]).predict(X)
expected = fit()
threading.Thread(target=fit, args=(10**6,), daemon=True).start()
for _ in range(10):
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        os._exit(0 if (fit() == expected).all() else 1)
    assert os.waitpid(child, 0)[1] == 0
os._exit(0)
"""

FORK_WHILE_COMPILING = """
import os, signal, threading, time
import skmlp.cpu.compile
from numba.core.compiler_lock import global_compiler_lock
held = threading.Event()
def compile():
    with global_compiler_lock:
        held.set()
        time.sleep(0.2)
threading.Thread(target=compile).start()
held.wait()
child = os.fork()
if child == 0:
    signal.alarm(20)
    with global_compiler_lock:
        os._exit(0)
assert os.waitpid(child, 0)[1] == 0
"""

WHILE = {"predicts": FORKS, "fits": FORK_WHILE_FITTING, "compiles": FORK_WHILE_COMPILING}


def run(code, *options):
    """Run code in a new process on the sources of this checkout."""
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    return subprocess.run([sys.executable, *options, "-c", code], env=environment, timeout=120, check=True)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.parametrize(
    "code", [FORKS, FORK_WHILE_FITTING, FORK_WHILE_COMPILING], ids=["predicts", "fits", "compiles"]
)
def test_a_process_forked_while_another_thread_works_can_work_too(code):
    run(code, "-W", "ignore::DeprecationWarning")  # newer Pythons warn of forks beside threads


@pytest.mark.parametrize("option", ["-O", "-OO"])
def test_imports_without_docstrings(option):
    run("import skmlp; assert skmlp.MLPClassifier().max_iter == 200", option)


def blas_threads():
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


class Alarm(KeyboardInterrupt):
    """A Ctrl-C at a chosen moment."""


def interrupted_after(seconds, call):
    """Call a function and interrupt it; returns whether the interrupt came out of it.

    It rings until it is heard: what is raised within ``__del__`` or a callback of the garbage collector is swallowed.
    """

    def ring(*_):
        raise Alarm

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
        call()
    except Alarm:
        return True
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    return False


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers on this system")
@pytest.mark.parametrize(
    "parameters", [{}, {"early_stopping": True}, {"solver": "lbfgs"}, {"feature_rate": 3.0}], ids=str
)
def test_interrupted_fits_leave_everything_in_order(parameters):
    model = MLPClassifier((40,), max_iter=10**6, n_iter_no_change=np.inf, tol=0.0, max_fun=10**8, **parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        MLPClassifier((40,), max_iter=2, **parameters).fit(X, LABELS).predict(X)  # compile
        before, answered = blas_threads(), 0
        for seconds in np.linspace(0.004, 0.05, 25):
            came_out = interrupted_after(seconds, lambda: model.fit(X, LABELS))
            if came_out or not hasattr(model, "n_iter_"):
                continue
            answered += 1
            lengths = {len(values) for values in (model.loss_curve_, *model.history_.values())}
            assert len(lengths) == 1
            assert model.solver == "lbfgs" or lengths == {model.n_iter_}
            assert model.validation_scores_ is None or len(model.validation_scores_) == model.n_iter_
            assert np.isfinite(model.predict_proba(X)).all()
            if "feature_rate" in parameters:
                raw, scales = model._network.layout.features(model._parameters)
                np.testing.assert_array_equal(model.coefs_[0], scales[:, None] * raw)
    assert answered > 0
    assert blas_threads() == before


def test_what_scikit_learn_lets_through_is_refused():
    y = X[:, 0].astype(object)
    y[3] = None
    with pytest.raises(ValueError, match=r"Input y contains NaN.*3"):
        MLPRegressor().fit(X, y)
    with pytest.raises(TypeError, match="y must be a dense array"):
        MLPRegressor().fit(X, csr_array(X[:, :2]))
    with pytest.raises(ValueError, match="sample_weight contains NaN or infinity"):
        MLPRegressor().fit(X, X[:, 0], sample_weight=np.inf)
    with pytest.raises(ValueError, match="beyond the range of float32"):
        MLPRegressor().fit(X, X[:, 0], sample_weight=np.full(len(X), 1e39))
    with pytest.raises(ValueError, match="sample_weight: weights too small for float32"):
        MLPRegressor().fit(X, X[:, 0], sample_weight=np.full(len(X), 1e-44))
    with pytest.raises(ValueError, match="hidden_layer_sizes must be > 0, got"):
        MLPRegressor(hidden_layer_sizes=[True]).fit(X, X[:, 0])


def test_class_and_sample_weights_that_leave_no_row_are_refused():
    with pytest.raises(ValueError, match="at least one non-zero number: by class_weight and sample_weight"):
        MLPClassifier(class_weight={0: 0.0}).fit(X, LABELS, sample_weight=(LABELS == 0).astype(float))


def test_many_classes_in_few_rows_are_no_reason_to_warn():
    y = np.arange(25) % 20
    MLPClassifier((4,)).partial_fit(X[:25], y, classes=np.arange(20)).predict(X[:25])
