"""Every formula of the tables computes on a GPU what it computes on the CPU."""

from dataclasses import replace

import numpy as np
import pytest

from skmlp.cpu import cache
from skmlp.cpu.compile import formula
from skmlp.formulas.activations import ACTIVATIONS, Activation
from skmlp.formulas.links import LINKS
from skmlp.formulas.losses import LOSSES, Loss
from skmlp.formulas.optimisers import OPTIMISERS, Optimiser
from tests import naive, own
from tests.cpu.problem import SETTINGS, Problem, activations, losses, make_problem, optimisers, variants
from tests.cpu.test_epoch import assert_epochs_equal
from tests.cuda.simulated.both import (
    TOLERANCES,
    assert_all_near,
    assert_follows_cpu,
    assert_near,
    on_cuda,
    reals,
    trained,
)
from tests.ways import EXTREMES

FAR = np.concatenate([np.linspace(-20.0, 20.0, 25), [-1e-35, 1e-35, -1e-6, 1e-6, *EXTREMES]])


@activations
@reals
def test_networks_with_every_activation(activation, real):
    assert_follows_cpu(make_problem(activations=(activation,), rows=5, n_in=3, hidden=(5,)), real, epochs=1)


@activations
@reals
def test_activations_and_derivatives_far_from_0(activation, real):
    """They are the gradient of the absolute error, whose slope is 1, in weights after and before units with such z."""
    count = len(FAR)
    vector = np.concatenate([FAR, np.ones(count), np.zeros(count + 1)])
    problem = Problem((1, count, 1), (activation,), "absolute_error", np.ones((1, 1)), np.array([[-1e6]]), None, vector)
    expected, actual = (
        trained(each, real, epochs=1, solver="keep_gradient", recording=False) for each in (problem, on_cuda(problem))
    )
    right = expected["slots"][0, : 2 * count]
    assert np.count_nonzero(right) > count / 2
    np.testing.assert_allclose(actual["slots"][0, : 2 * count], right, rtol=TOLERANCES[real], atol=TOLERANCES[real])


def test_activations_of_one_network_do_not_mix():
    names = tuple(ACTIVATIONS)
    problem = make_problem(activations=names[:4], rows=5, n_in=3, hidden=(3,) * 4)
    assert_follows_cpu(replace(problem, activations=names[3::-1]), epochs=1)
    assert_follows_cpu(replace(problem, activations=(names[1], names[0], names[1], names[0])), epochs=1)


@losses
@reals
def test_every_loss(loss, real):
    assert_follows_cpu(make_problem(loss, rows=5, n_in=3, hidden=(), outputs=3), real, epochs=1)


@variants
@reals
def test_losses_with_other_parameters(loss, loss_settings, real):
    problem = make_problem(loss, rows=5, n_in=3, hidden=(), outputs=3, loss_settings=loss_settings)
    assert_follows_cpu(problem, real, epochs=1)


@pytest.mark.parametrize("link", LINKS)
@reals
def test_every_link(link, real):
    problem = make_problem(rows=7, n_in=3, hidden=(), outputs=3)
    X = problem.X.astype(real)
    backends = [each.backend(real) for each in (problem, on_cuda(problem))]
    for backend in backends:
        backend.network = replace(backend.network, link=link)
    expected, actual = (backend.predict(problem.vector.astype(real), X) for backend in backends)
    assert_near(actual, expected, real)


@pytest.mark.parametrize(
    "optimiser, settings",
    [(name, kind) for name in OPTIMISERS for kind in ("default", "other")] + [("sgd", "plain"), ("sgd", "heavy ball")],
)
@reals
def test_every_optimiser(optimiser, settings, real):
    problem = make_problem(rows=7, n_in=3, hidden=())
    rate = 5.0 if optimiser == "adadelta" else 0.05  # whose first steps are small
    assert_follows_cpu(problem, real, rate=rate, solver=optimiser, settings=SETTINGS[settings])


@optimisers
def test_epochs_of_every_optimiser_equal_the_naive_statement(optimiser):
    problem = make_problem(rows=7, n_in=3, hidden=(5,))
    assert_epochs_equal(on_cuda(problem), optimiser, {}, batch_size=5, epochs=2, penalty=(0.3, 0.2), weight_decay=0.1)


# ---------------------------------------------------------------------------------------------------------------------
# One source
# ---------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def add(monkeypatch):
    """Function that puts an entry in a table, its twin in another, and lets kernels call the functions given.

    Nothing of it is kept on disk: the fingerprint of what is there knows no tests.
    """
    monkeypatch.setattr(cache, "attach", lambda compiled, function: None)

    def put(table, entry, twins, twin, *functions):
        monkeypatch.setitem(table, "added", entry)
        monkeypatch.setitem(twins, "added", twin)
        for function in functions:
            formula(function)

    return put


def squared(x):
    return x * x


def bent(z):
    return z / (1.0 + 0.25 * squared(z))


def bent_slope(z, a):
    return (1.0 - 0.25 * squared(z)) / squared(1.0 + 0.25 * squared(z))


def test_an_activation_that_is_added_is_one_of_both(add):
    twin = bent, lambda z: 1 / (1 + z**2 / 4) - z**2 / 2 / (1 + z**2 / 4) ** 2
    add(ACTIVATIONS, Activation(bent, bent_slope), naive.ACTIVATIONS, twin, squared, bent, bent_slope)
    assert_in_both(make_problem(activations=("added", "tanh"), rows=7, hidden=(5, 3)))


def fourth_power(z, y, s):
    return 0.25 * squared(squared(z - y))


def cube(z, y, s):
    return (z - y) * squared(z - y)


def test_a_loss_that_is_added_is_one_of_both(add):
    twin = naive.Loss(
        "identity", lambda p, y, s: ((p - y) ** 4 / 4).sum(axis=1), lambda p, y, s: (p - y) ** 3, naive.draw_values
    )
    add(LOSSES, Loss("identity", fourth_power, cube), naive.LOSSES, twin, squared, fourth_power, cube)
    assert_in_both(make_problem("added", rows=7, hidden=(5,)))


def average_constants(step, rate, settings, memory):
    memory[0] *= 0.5
    return rate, settings.rho, 1.0 - settings.rho, 1.0 - memory[0], 0.0, 0.0


def average_step(w, g, m, constants):
    m = constants[1] * m + constants[2] * g
    return w - constants[0] * m / constants[3], m


class Average:
    """Steps along the moving average of the gradient, the first of them larger."""

    def __init__(self, rho, **others):
        self.rho, self.gradients = rho, []

    def step(self, w, gradient, rate):
        self.gradients.append(gradient)
        average = (1 - self.rho) * naive.fading_sum(self.gradients, self.rho)
        return w - rate * average / (1 - 0.5 ** len(self.gradients))


def test_an_optimiser_that_is_added_is_one_of_both(add):
    entry = Optimiser(1, average_constants, average_step)
    add(OPTIMISERS, entry, naive.OPTIMISERS, Average, average_constants, average_step)
    assert_in_both(make_problem(rows=7, hidden=()), "added")


def assert_in_both(problem, solver="sgd"):
    """In single precision; and what is computed is, in double precision, what the twin does."""
    assert_follows_cpu(problem, "float32", epochs=1, solver=solver)
    assert_epochs_equal(on_cuda(problem), solver, {}, batch_size=5, epochs=1)


@reals
def test_formulas_of_the_users_own(monkeypatch, real):
    """Equal to those of the tables that they are."""
    problem = make_problem(activations=("silu", "tanh"), rows=7, hidden=(5, 3))
    expected = assert_follows_cpu(problem, real, epochs=1)
    loss = own.SQUARE._linked("identity")
    monkeypatch.setitem(naive.LOSSES, loss, naive.LOSSES["squared_error"])
    actual = assert_follows_cpu(replace(problem, activations=(own.SWISH, "tanh"), loss=loss), real, epochs=1)
    assert_all_near(actual, expected, real)
