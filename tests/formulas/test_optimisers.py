"""Every optimiser of the table, in every way in which it runs."""

from functools import cache

import numpy as np
import pytest

from skmlp.cpu.compile import function
from skmlp.formulas.optimisers import OPTIMISERS, Settings
from tests import naive
from tests.ways import REALS, WAYS, needs_jit, single_precision_code, uncompiled

SETTINGS = {
    "default": {},
    "plain": {"momentum": 0.0},
    "heavy ball": {"momentum": 0.8, "nesterov": 0.0},
    "other": {"momentum": 0.5, "beta_1": 0.7, "beta_2": 0.9, "epsilon": 1e-3, "rho": 0.6},
}

names = pytest.mark.parametrize("name", OPTIMISERS)
ways = pytest.mark.parametrize("way", WAYS)
reals = pytest.mark.parametrize("real", REALS, ids=lambda real: real.__name__)
settings = pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)


@cache
def update_loop(name):
    """Compiled loop of an update over parameters: (w, gradient, slots, constants)."""
    update = OPTIMISERS[name].update

    @function
    def one(w, g, slots, constants):
        for i in range(w.size):
            w[i], slots[0, i] = update(w[i], g[i], slots[0, i], constants)

    @function
    def two(w, g, slots, constants):
        for i in range(w.size):
            w[i], slots[0, i], slots[1, i] = update(w[i], g[i], slots[0, i], slots[1, i], constants)

    return {1: one, 2: two}[OPTIMISERS[name].slots]


def start(name, size, real=np.float64):
    """Parameters, and the state that an optimiser starts with."""
    random = np.random.default_rng(3)
    return random.normal(size=size).astype(real), np.zeros((OPTIMISERS[name].slots, size), dtype=real)


def take_step(name, way, step, rate, settings, w, g, slots):
    """One step in place, in the dtype of ``w``."""
    constants = np.array(OPTIMISERS[name].constants(float(step), rate, settings), dtype=w.dtype)
    if way == "python":
        for i in range(w.size):
            values = (w[i].item(), g[i].item(), *slots[:, i].tolist())
            w[i], *slots[:, i] = OPTIMISERS[name].update(*values, tuple(constants.tolist()))
    else:
        run = update_loop(name)
        (run if way == "compiled" else uncompiled(run))(w, g, slots, constants)


def test_every_optimiser_has_a_twin():
    assert OPTIMISERS.keys() == naive.OPTIMISERS.keys()


def test_settings_have_the_usual_defaults():
    assert Settings()._asdict() == naive.SETTINGS


@names
def test_constants_are_six_numbers(name):
    constants = OPTIMISERS[name].constants(1.0, 0.1, Settings())
    assert [type(value) for value in constants] == [float] * 6


@names
@ways
@settings
def test_50_steps_equal_the_naive_statement(name, way, settings):
    w, slots = start(name, 5)
    random = np.random.default_rng(4)
    twin, expected = naive.OPTIMISERS[name](**{**naive.SETTINGS, **settings}), w.copy()
    for step in range(1, 51):
        g, rate = random.normal(size=w.size), random.uniform(0.01, 0.1)
        take_step(name, way, step, rate, Settings(**settings), w, g, slots)
        expected = twin.step(expected, g, rate)
        np.testing.assert_allclose(w, expected, rtol=1e-10)


@ways
def test_keep_gradient_keeps_the_gradient(way):
    w, slots = start("keep_gradient", 5)
    before, g = w.copy(), np.arange(5.0)
    take_step("keep_gradient", way, 1, 0.1, Settings(), w, g, slots)
    np.testing.assert_array_equal(w, before)
    np.testing.assert_array_equal(slots[0], g)


@names
@ways
@reals
def test_extreme_gradients_give_numbers(name, way, real):
    g = np.array([-1e4, -0.0, 0.0, 1e-30, 1e4], dtype=real)
    w, slots = start(name, g.size, real)
    for step in range(1, 4):
        take_step(name, way, step, 0.1, Settings(), w, g, slots)
    assert np.isfinite(w).all() and np.isfinite(slots).all()


@names
@ways
@reals
def test_nan_comes_through(name, way, real):
    w, slots = start(name, 3, real)
    take_step(name, way, 1, 0.1, Settings(), w, np.array([np.nan, 1.0, 1.0], dtype=real), slots)
    assert np.isnan(slots[:, 0]).all()
    assert np.isnan(w[0]) or name == "keep_gradient"
    assert np.isfinite(w[1:]).all() and np.isfinite(slots[:, 1:]).all()


@names
@settings
def test_steps_go_downhill(name, settings):
    """From the same state, a larger gradient gives a smaller parameter."""
    w, slots = start(name, 2)
    w[:] = 1.0
    take_step(name, "compiled", 1, 0.01, Settings(**settings), w, np.array([-1.0, 1.0]), slots)
    assert w[0] > 1.0 > w[1] or name == "keep_gradient"


@names
@needs_jit
def test_single_precision_does_without_double(name):
    w, slots = start(name, 3, np.float32)
    take_step(name, "compiled", 1, 0.1, Settings(), w, w.copy(), slots)
    code = single_precision_code(update_loop(name))
    assert " float " in code and " double " not in code
