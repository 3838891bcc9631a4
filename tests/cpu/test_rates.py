"""Factors of the learning rates of weights and biases, in whole epochs."""

import numpy as np
import pytest

from skmlp.formulas.optimisers import OPTIMISERS
from tests import naive
from tests.cpu.problem import close, make_problem, networks, optimisers
from tests.cpu.test_columns import AsSparse, sparse_problem
from tests.cpu.test_epoch import assert_epochs_equal
from tests.cpu.test_update import large_problem

RATES = {
    "biases": {"bias_rate": 0.1},
    "still biases": {"bias_rate": 0.0},
    "ntk": {"parametrization": "ntk"},
    "both": {"parametrization": "ntk", "bias_rate": 0.1},
}
rates = pytest.mark.parametrize("rates", RATES.values(), ids=RATES)
STEP = {"weight_decay": 0.2, "clip_norm": 0.3}


@optimisers
@rates
def test_epochs_equal_the_naive_statement(optimiser, rates):
    problem = make_problem(rows=14, rates=rates)
    assert_epochs_equal(problem, optimiser, {"epsilon": 1e-3}, batch_size=4, penalty=(0.3, 0.2), **STEP)


@networks
@rates
@pytest.mark.parametrize("normalization", [None, "batch", "layer"])
def test_networks_of_every_shape(network, rates, normalization):
    problem = make_problem(**{"rows": 14, "normalization": normalization, **network}, rates=rates)
    assert_epochs_equal(problem, "adam", {"epsilon": 1e-3}, batch_size=4, rtol=1e-8)


@optimisers
def test_single_precision(optimiser):
    problem = make_problem(rows=14, rates=RATES["both"])
    assert_epochs_equal(problem, optimiser, {"epsilon": 1e-3}, batch_size=4, real="float32", rtol=1e-3)


@pytest.mark.parametrize("optimiser", ["sgd", "nadam", "amsgrad"])
def test_several_chunks(optimiser):
    problem = large_problem()
    problem.rates = RATES["both"]
    assert_epochs_equal(problem, optimiser, {"epsilon": 1e-3}, batch_size=24, penalty=(0.03, 0.02), **STEP)


@pytest.mark.parametrize("optimiser", [name for name in OPTIMISERS if OPTIMISERS[name].rest])
@rates
def test_columns_of_sparse_rows_do_not_rest(optimiser, rates):
    """Their steps by columns know no factor."""
    problem = sparse_problem()
    problem.rates = rates
    assert_epochs_equal(AsSparse(problem), optimiser, {"epsilon": 1e-3}, batch_size=4)


def test_nor_where_all_parameters_have_one_factor():
    problem = sparse_problem(n_in=16, hidden=())
    problem.rates = {"parametrization": "ntk", "bias_rate": 0.25}
    assert set(problem.rate_factors(None)) == {0.25}
    assert_epochs_equal(AsSparse(problem), "adagrad", {"epsilon": 1e-3}, batch_size=4)


class Tangent:
    """Networks by their definition: each layer is u / √n_in times its input, and the optimiser works on u."""

    def __init__(self, problem):
        self.problem, self.roots = problem, [np.sqrt(n_in) for n_in in problem.units[:-1]]

    def by_parameter(self):
        """√n_in for each weight, 1 for each bias."""
        naive_network = self.problem.naive()
        return naive_network.by_part(self.roots[0], self.roots[1:], 1.0, 1.0, 1.0, 1.0)

    def trained(self, optimiser, rates):
        """The weights u / √n_in after steps on all rows."""
        problem, roots = self.problem, self.by_parameter()
        u = problem.vector * roots
        for rate in rates:
            network = problem.naive(u / roots)
            gradient = network.objective(problem.X, problem.y, problem.weights_or_ones, 0.0, 0.0)[1]
            u = optimiser.step(u, gradient / roots, rate)  # by the chain rule
        return u / roots


@pytest.mark.parametrize("optimiser", [name for name in OPTIMISERS if name not in ("keep_gradient", "adadelta")])
def test_the_neural_tangent_parametrisation_is_what_its_definition_says(optimiser):
    """But for ε, which is added to gradients that are smaller by √n_in there; without it adadelta would not move."""
    problem = make_problem(rows=14, hidden=(5, 3), n_in=7, rates=RATES["ntk"])
    rates, settings = np.full(6, 0.02), {**naive.SETTINGS, "epsilon": 1e-30}
    run = problem.run(solver=optimiser, settings={"epsilon": settings["epsilon"]})
    for rate in rates:
        run.run_epoch(np.arange(14), np.array([rate]))
    expected = Tangent(problem).trained(naive.OPTIMISERS[optimiser](**settings), rates)
    close(run.parameters, expected, 1e-8)
    assert np.abs(expected - problem.vector).max() > 1e-3
