"""Denormal numbers are 0 inside of kernels, and what they were outside."""

import threading

import numpy as np
import pytest

from skmlp.cpu import denormals
from skmlp.cpu.compile import function
from skmlp.cpu.denormals import swap_control
from tests.cpu.problem import make_problem
from tests.ways import REALS, needs_jit, uncompiled

reals = pytest.mark.parametrize("real", REALS, ids=lambda real: real.__name__)
where_known = pytest.mark.skipif(not denormals.KNOWN, reason="this processor's setting is not known")


@function
def halves(values, out, flush):
    """Halves, with and without the setting; the setting before and meanwhile."""
    before = swap_control(True, 0)
    if not flush:
        swap_control(False, before)
    for i in range(values.size):
        out[i] = values[i] / 2
    return before, swap_control(False, before)


@function
def setting():
    found = swap_control(True, 0)
    swap_control(False, found)
    return found


def denormals_live(real):
    """Whether this thread's arithmetic knows denormal numbers."""
    tiny = np.array([np.finfo(real).tiny])
    return (tiny / 2)[0] > 0 and (tiny / 4 * 2)[0] > 0


@needs_jit
@where_known
@reals
def test_denormal_results_and_operands_are_zero_between(real):
    tiny, out = np.finfo(real).tiny, np.ones(3, dtype=real)
    values = np.array([tiny, tiny / 4, 8 * tiny], dtype=real)
    halves(values, out, True)
    np.testing.assert_array_equal(out == 0, [True, True, False])
    halves(values, out, False)
    np.testing.assert_array_equal(out == 0, [False, False, False])


@needs_jit
def test_the_setting_is_put_back():
    before = setting()
    assert before & denormals.FLUSH == 0 if denormals.KNOWN else before == 0
    out = np.empty(2)
    inside = halves(np.ones(2), out, True)
    assert inside[0] == before and (not denormals.KNOWN or inside[1] == before | denormals.FLUSH)
    assert setting() == before


@needs_jit
@where_known
@reals
def test_inside_of_kernels_they_are_zero(real):
    problem = make_problem(hidden=(), n_in=1, outputs=2)
    tiny, parameters = np.finfo(real).tiny, np.array([1.0, 4.0, 0.0, 0.0], dtype=real)
    raw = problem.backend(real).predict(parameters, np.full((3, 1), tiny / 4, dtype=real), raw=True)
    np.testing.assert_array_equal(raw, 0.0)
    raw = problem.backend(real).predict(parameters, np.full((3, 1), tiny, dtype=real), raw=True)
    np.testing.assert_array_equal(raw, np.full((3, 2), [tiny, 4 * tiny]))


@reals
def test_fits_and_predictions_leave_the_caller_s_arithmetic_as_it_was(real):
    problem, seen = make_problem(), []

    def work():
        seen.append(denormals_live(real))
        run = problem.run(batch_size=3, solver="adam")
        run.run_epoch(np.arange(problem.rows), np.full(3, 0.1))
        seen.append(denormals_live(real))
        problem.backend().predict(problem.vector, problem.X)
        seen.append(denormals_live(real))

    work()
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [True] * 6


def test_with_the_jit_off_nothing_is_set():
    out = np.empty(2)
    assert uncompiled(halves)(np.array([np.finfo(float).tiny, 1.0]), out, True) == (0, 0)
    assert (out > 0).all()
