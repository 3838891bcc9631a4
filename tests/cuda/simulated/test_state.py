"""A run goes on from the state of another, also from one of the other back end."""

import numpy as np
import pytest

from skmlp.formulas.optimisers import STEPS
from tests.cpu.problem import make_problem, optimisers
from tests.cuda.simulated.both import assert_near, on_cuda, reals

RATES = np.array([0.02, 0.03])


def copied(state):
    return tuple(part.copy() for part in state)


def two_epochs(problem, optimiser, real, then):
    """One run goes through; another goes on, as a problem of which ``then`` has the back end, from its first epoch."""
    through = problem.run(real, batch_size=5, solver=optimiser, seed=3)
    through.run_epoch(np.arange(7), RATES)
    parameters, state = through.parameters.copy(), copied(through.state)
    through.run_epoch(np.arange(7), RATES)
    then.vector, before = parameters, then.vector
    onward = then.run(real, batch_size=5, solver=optimiser, state=state, seed=3)
    then.vector = before
    onward.run_epoch(np.arange(7), RATES)
    return through, onward


@optimisers
@reals
def test_going_on_equals_going_through(optimiser, real):
    problem = on_cuda(make_problem(rows=7, n_in=3, hidden=()))
    through, onward = two_epochs(problem, optimiser, real, problem)
    assert through.state[1][STEPS] == onward.state[1][STEPS] == 4
    np.testing.assert_array_equal(onward.parameters, through.parameters)
    for one, other in zip(onward.state, through.state, strict=True):
        np.testing.assert_array_equal(one, other)


def test_going_on_with_dropout_and_normalization():
    """The masks go by the steps done, and the running averages are parameters."""
    problem = make_problem(rows=7, n_in=3, hidden=(4,), normalization="batch")
    problem.dropout = (0.4,)
    through, onward = two_epochs(on_cuda(problem), "adam", "float64", on_cuda(problem))
    np.testing.assert_array_equal(onward.parameters, through.parameters)


@pytest.mark.parametrize("optimiser", ["sgd", "nadam", "amsgrad"])
def test_one_back_end_goes_on_where_the_other_was(optimiser):
    problem = make_problem(rows=7, n_in=3, hidden=())
    for first, second in ((problem, on_cuda(problem)), (on_cuda(problem), problem)):
        through, onward = two_epochs(first, optimiser, "float64", second)
        assert_near(onward.parameters, through.parameters, "float64")
        assert_near(onward.state[0], through.state[0], "float64")
        assert_near(onward.state[1], through.state[1], "float64")


def test_parameters_and_state_are_what_they_were_until_an_epoch_has_ended():
    problem = on_cuda(make_problem(rows=7, hidden=()))
    run = problem.run(batch_size=5, solver="adam")
    np.testing.assert_array_equal(run.parameters, problem.vector)
    assert not run.state[0].any() and run.state[1].tolist() == [1.0, 1.0, 0.0]
    parameters = run.parameters
    run.run_epoch(np.arange(7), RATES)
    assert run.parameters is parameters and (parameters != problem.vector).any()


def test_shuffling_is_that_of_random_state():
    run = on_cuda(make_problem(rows=7, hidden=())).run()
    ours, expected = np.arange(20), np.arange(20)
    run.shuffle(ours, np.random.RandomState(4))
    np.random.RandomState(4).shuffle(expected)
    np.testing.assert_array_equal(ours, expected)
