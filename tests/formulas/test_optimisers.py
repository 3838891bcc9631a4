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

    @function
    def three(w, g, slots, constants):
        for i in range(w.size):
            w[i], slots[0, i], slots[1, i], slots[2, i] = update(
                w[i], g[i], slots[0, i], slots[1, i], slots[2, i], constants
            )

    return {1: one, 2: two, 3: three}[OPTIMISERS[name].slots]


def start(name, size, real=np.float64):
    """Parameters, and the state that an optimiser starts with: slots and memory."""
    random = np.random.default_rng(3)
    w = random.normal(size=size).astype(real)
    return w, (np.zeros((OPTIMISERS[name].slots, size), dtype=real), np.ones(2))


def take_step(name, way, step, rate, settings, w, g, state):
    """One step in place, in the dtype of ``w``."""
    slots, memory = state
    constants = np.array(OPTIMISERS[name].constants(float(step), rate, settings, memory), dtype=w.dtype)
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
    nothing = dict.fromkeys(("l1", "l2", "weight_decay", "clip_norm"), 0.0)
    assert Settings()._asdict() == naive.SETTINGS | nothing


@names
def test_constants_are_six_numbers(name):
    constants = OPTIMISERS[name].constants(1.0, 0.1, Settings(), np.ones(2))
    assert [isinstance(value, float) for value in constants] == [True] * 6


@names
@ways
@settings
def test_50_steps_equal_the_naive_statement(name, way, settings):
    w, state = start(name, 5)
    random = np.random.default_rng(4)
    twin, expected = naive.OPTIMISERS[name](**{**naive.SETTINGS, **settings}), w.copy()
    for step in range(1, 51):
        g, rate = random.normal(size=w.size), random.uniform(0.01, 0.1)
        take_step(name, way, step, rate, Settings(**settings), w, g, state)
        expected = twin.step(expected, g, rate)
        np.testing.assert_allclose(w, expected, rtol=1e-10)


TORCH = {
    "sgd": ("SGD", lambda s: {"momentum": s.momentum, "nesterov": True}),
    "adamw": ("Adam", lambda s: {"betas": (s.beta_1, s.beta_2), "eps": s.epsilon}),
    "amsgrad": ("Adam", lambda s: {"betas": (s.beta_1, s.beta_2), "eps": s.epsilon, "amsgrad": True}),
    "nadam": ("NAdam", lambda s: {"betas": (s.beta_1, s.beta_2), "eps": s.epsilon}),
    "rmsprop": ("RMSprop", lambda s: {"alpha": s.rho, "eps": s.epsilon}),
    "adagrad": ("Adagrad", lambda s: {"eps": s.epsilon}),
    "adadelta": ("Adadelta", lambda s: {"rho": s.rho, "eps": s.epsilon}),
}


@pytest.fixture
def torch():
    """PyTorch in double precision: its NAdam keeps the product of the momenta in the default type."""
    module = pytest.importorskip("torch")
    before = module.get_default_dtype()
    module.set_default_dtype(module.float64)
    yield module
    module.set_default_dtype(before)


@pytest.mark.parametrize("name", TORCH)
@pytest.mark.parametrize("settings", [SETTINGS["default"], SETTINGS["other"]], ids=["default", "other"])
def test_50_steps_equal_those_of_pytorch(torch, name, settings):
    """adam is left out: there ε is added to the corrected root, as ours adds it in adamw; so adamw is held to it."""
    theirs, translate = TORCH[name]
    settings = Settings(**settings)
    w, state = start(name, 5)
    parameter = torch.nn.Parameter(torch.tensor(w))
    optimiser = getattr(torch.optim, theirs)([parameter], lr=0.05, **translate(settings))
    random = np.random.default_rng(6)
    for step in range(1, 51):
        g = random.normal(size=w.size)
        take_step(name, "compiled", step, 0.05, settings, w, g, state)
        parameter.grad = torch.tensor(g)
        optimiser.step()
        np.testing.assert_allclose(w, parameter.detach().numpy(), rtol=1e-10)


@ways
def test_amsgrad_never_forgets_a_large_gradient(way):
    """Its steps after one large gradient stay small, where those of adamw grow again."""
    moves = {}
    for name in ("amsgrad", "adamw"):
        w, state = start(name, 1)
        for step in range(1, 41):
            before = w.copy()
            g = np.array([100.0 if step == 1 else 1.0])
            take_step(name, way, step, 0.1, Settings(beta_2=0.5), w, g, state)
        moves[name] = abs(w - before)[0]
    assert moves["amsgrad"] < moves["adamw"] / 20


@ways
def test_lion_moves_by_the_rate_alone(way):
    w, state = start("lion", 4)
    before = w.copy()
    take_step("lion", way, 1, 0.25, Settings(), w, np.array([1e-9, -1e9, 3.0, 0.0]), state)
    np.testing.assert_allclose(w - before, [-0.25, 0.25, -0.25, 0.0], rtol=1e-15, atol=1e-15)


@ways
def test_keep_gradient_keeps_the_gradient(way):
    w, state = start("keep_gradient", 5)
    before, g = w.copy(), np.arange(5.0)
    take_step("keep_gradient", way, 1, 0.1, Settings(), w, g, state)
    np.testing.assert_array_equal(w, before)
    np.testing.assert_array_equal(state[0][0], g)


@names
@ways
@reals
def test_extreme_gradients_give_numbers(name, way, real):
    g = np.array([-1e4, -0.0, 0.0, 1e-30, 1e4], dtype=real)
    w, state = start(name, g.size, real)
    for step in range(1, 4):
        take_step(name, way, step, 0.1, Settings(), w, g, state)
    assert np.isfinite(w).all() and np.isfinite(state[0]).all()


@names
@ways
@reals
def test_nan_comes_through(name, way, real):
    w, state = start(name, 3, real)
    take_step(name, way, 1, 0.1, Settings(), w, np.array([np.nan, 1.0, 1.0], dtype=real), state)
    assert np.isnan(state[0][0, 0])
    assert np.isnan(w[0]) or name == "keep_gradient"
    assert np.isfinite(w[1:]).all() and np.isfinite(state[0][:, 1:]).all()


@names
@settings
def test_steps_go_downhill(name, settings):
    """From the same state, a larger gradient gives a smaller parameter."""
    w, state = start(name, 2)
    w[:] = 1.0
    take_step(name, "compiled", 1, 0.01, Settings(**settings), w, np.array([-1.0, 1.0]), state)
    assert w[0] > 1.0 > w[1] or name == "keep_gradient"


@pytest.mark.parametrize("name", [name for name in OPTIMISERS if OPTIMISERS[name].rest])
@settings
@ways
@pytest.mark.parametrize("k", [0, 1, 2, 17, 60])
def test_a_rest_is_as_many_steps_with_a_gradient_of_zero(name, settings, way, k):
    """Whatever their learning rates."""
    s, random = Settings(**settings), np.random.default_rng(k)
    w, state = start(name, 5)
    for step in (1, 2):
        take_step(name, way, step, 0.1, s, w, random.normal(size=5), state)
    constants = OPTIMISERS[name].rest_constants(float(k), s)
    expected = [OPTIMISERS[name].rest(*values, constants) for values in zip(w, *state[0], strict=True)]
    for step in range(3, 3 + k):
        take_step(name, way, step, random.uniform(0.01, 0.1), s, w, np.zeros(5), state)
    np.testing.assert_allclose(np.transpose(expected), [w, *state[0]], rtol=1e-11, atol=1e-14)


def test_a_rest_with_a_momentum_of_1_goes_on_for_ever():
    for nesterov in (0.0, 1.0):
        constants = OPTIMISERS["sgd"].rest_constants(7.0, Settings(momentum=1.0, nesterov=nesterov))
        assert OPTIMISERS["sgd"].rest(2.0, 0.5, constants) == (5.5, 0.5)


def test_those_that_move_without_a_gradient_do_not_rest():
    """Or their steps with a gradient of 0 have no closed form."""
    assert {name for name in OPTIMISERS if OPTIMISERS[name].rest is None} == {
        *("adam", "adamw", "nadam", "amsgrad", "lion", "keep_gradient")
    }


@names
@needs_jit
def test_single_precision_does_without_double(name):
    w, state = start(name, 3, np.float32)
    take_step(name, "compiled", 1, 0.1, Settings(), w, w.copy(), state)
    code = single_precision_code(update_loop(name))
    assert " float " in code and " double " not in code
