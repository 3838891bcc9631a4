"""Formulas of the user's own: what the objects are, and what becomes of their functions in kernels."""

import copy
import inspect
import math
import pickle

import numpy as np
import pytest
from numba import njit

from skmlp.cpu import compile as policy
from skmlp.cpu import custom
from skmlp.cpu.activation import activation_loops, derivative_loops
from skmlp.cpu.custom import kernel_formula
from skmlp.cpu.loss import loss_loops
from skmlp.cpu.memory import LANES, LOOP
from skmlp.cpu.plan import Workspace, shard_plan
from skmlp.formulas.activations import ACTIVATIONS
from skmlp.formulas.custom import LINKS_OF_ONE, CustomActivation, CustomLoss, adapted, find
from skmlp.formulas.links import LINKS
from skmlp.formulas.losses import LOSSES, Loss, LossSettings
from skmlp.network.layout import Layout, Network
from tests import naive
from tests.cpu.operations import operate
from tests.own import SQUARE, SWISH, residual, square, swish, swish_slope
from tests.ways import REALS, WAYS, loop, loss_and_gradient, needs_jit, over, single_precision_code

SLOPE = 2.5
Z = np.linspace(-4.0, 4.0, 60)
ways = pytest.mark.parametrize("way", WAYS)
reals = pytest.mark.parametrize("real", REALS, ids=lambda real: real.__name__)


def restated_activation(name):
    """An activation of the table as a user's own, plain Python functions with closures."""
    f, slope = ACTIVATIONS[name].function, ACTIVATIONS[name].derivative
    return CustomActivation(lambda z: f(z), lambda z: slope(z, f(z)))


def restated_loss(name):
    loss, s = LOSSES[name], LossSettings()
    value, gradient, smoothing, gamma, delta = loss.value, loss.gradient, *s
    return CustomLoss(
        lambda z, y: value(z, y, LossSettings(smoothing, gamma, delta)),
        lambda z, y: gradient(z, y, LossSettings(smoothing, gamma, delta)),
        link=loss.link,
    )


def close(actual, expected):
    """To rounding."""
    tolerance = 20 * np.finfo(expected.dtype).eps
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)


def of_kernels(activation):
    return kernel_formula(ACTIVATIONS, activation)


def values(user_function, way, z):
    return over(of_kernels(CustomActivation(user_function, user_function)).function, way, z)


# ---------------------------------------------------------------------------------------------------------------------
# The objects
# ---------------------------------------------------------------------------------------------------------------------


def test_they_are_equal_by_their_functions():
    assert CustomActivation(swish, swish_slope) == SWISH
    assert hash(CustomActivation(swish, swish_slope)) == hash(SWISH)
    assert CustomActivation(swish_slope, swish) != SWISH
    assert CustomLoss(square, residual, link="exp") != SQUARE != CustomLoss(residual, square)
    assert CustomActivation(lambda z: z, lambda z: 1.0) != CustomActivation(lambda z: z, lambda z: 1.0)


def test_they_show_the_names_of_their_functions():
    assert repr(SWISH) == "CustomActivation(swish, swish_slope)" and str(SWISH) == "swish"
    assert repr(SQUARE) == "CustomLoss(square, residual)"
    assert repr(CustomLoss(square, residual, link="exp")) == "CustomLoss(square, residual, link='exp')"


def test_they_cannot_be_changed():
    with pytest.raises(AttributeError):
        SWISH.function = swish_slope


@pytest.mark.parametrize("formula", [SWISH, SQUARE], ids=str)
def test_a_copy_in_the_process_is_the_same_object(formula):
    assert copy.copy(formula) is copy.deepcopy(formula) is formula
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(formula, protocol)) is formula


@needs_jit
def test_jitted_lambdas_pickle():
    formula = CustomActivation(njit(lambda z: 2.0 * z), njit(lambda z: 2.0))
    assert pickle.loads(pickle.dumps(formula)) is formula


def asserting(z):
    assert z > -100.0
    return 1.0


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda: CustomActivation(math.tanh, swish), TypeError, "CustomActivation: function .* tanh"),
        (lambda: CustomActivation(swish, "relu"), TypeError, "derivative .* 'relu'"),
        (lambda: CustomActivation(swish, residual), TypeError, r"derivative .*\(z\).* residual: missing.*'y'"),
        (lambda: CustomLoss(swish, residual), TypeError, r"loss .*\(z, y\).* swish: too many"),
        (lambda: CustomActivation(swish, asserting), TypeError, "derivative .* asserting .* raise or assert.* nan"),
        (lambda: CustomLoss(square, residual, link="softmax"), ValueError, "link='softmax'.*'identity', 'logistic'"),
    ],
)
def test_what_cannot_be_is_refused_at_once(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_the_links_are_those_of_single_outputs():
    assert {name for name in LINKS if not LINKS[name].by_row} == set(LINKS_OF_ONE)
    assert SQUARE._linked("exp") == CustomLoss(square, residual, link="exp")
    assert SQUARE._linked("exp")._linked("identity").link == "exp"


def test_a_formula_is_found_by_name_or_is_one_itself():
    assert find(LOSSES, "poisson") is LOSSES["poisson"]
    assert find(LOSSES, SQUARE) is SQUARE
    assert isinstance(kernel_formula(LOSSES, SQUARE), Loss) and SQUARE.domain == "any"


# ---------------------------------------------------------------------------------------------------------------------
# Copies of functions
# ---------------------------------------------------------------------------------------------------------------------


def doubled(value):
    return 2.0 * value if isinstance(value, float) else value


def plain(user_function, substitute=doubled):
    return adapted(user_function, substitute, lambda made: made)


def helper(z):
    return z + 1.0


def with_constants(z, offset=3.0, *, factor=5.0):
    within = lambda x: 7.0 * x  # noqa: E731
    return (z + offset, factor, SLOPE, within(z), helper(z))


def test_a_copy_has_other_constants_wherever_they_stand():
    before = with_constants(1.0)
    assert plain(with_constants)(1.0) == (7.0, 10.0, 5.0, 14.0, 3.0)
    assert with_constants(1.0) == before


def test_a_copy_has_other_enclosing_variables():
    scale = 3.0
    assert plain(lambda z: scale * z)(1.0) == 6.0


def test_a_function_that_calls_itself_is_copied_with_itself():
    def halved(z):
        return z if z < 1.0 else halved(0.25 * z)

    assert plain(halved)(8.0) == 1.0 and halved(8.0) == 0.5


def test_a_variable_without_a_value_has_none_in_the_copy():
    def scaled(z):
        return scale * z

    if SLOPE < 0.0:
        scale = 1.0
    with pytest.raises(NameError, match="scale"):
        plain(scaled)(1.0)


def test_functions_of_other_modules_are_left_alone():
    expected = naive.softplus(1.0)
    assert plain(lambda z: naive.softplus(z))(1.0) == expected


def test_a_copy_holds_on_to_nothing_that_the_function_does_not_name():
    names = plain(helper).__globals__.keys()
    assert not names & {"Z", "SWISH", "swish"}


# ---------------------------------------------------------------------------------------------------------------------
# In kernels
# ---------------------------------------------------------------------------------------------------------------------


@ways
@reals
@pytest.mark.parametrize("name", ["elu", "gelu"])
def test_a_restated_activation_is_that_of_the_table(name, way, real):
    z = Z.astype(real)
    own, ours = of_kernels(restated_activation(name)), ACTIVATIONS[name]
    a = over(ours.function, way, z)
    close(over(own.function, way, z), a)
    close(over(own.derivative, way, z, a), over(ours.derivative, way, z, a))


@ways
@reals
@pytest.mark.parametrize("name", ["binary_log_loss", "gamma"])
def test_a_restated_loss_is_that_of_the_table(name, way, real):
    random = np.random.default_rng(0)
    z = random.uniform(-3.0, 3.0, (20, 3)).astype(real)
    y = naive.LOSSES[name].draw(random, 20, 3).astype(real)
    own = kernel_formula(LOSSES, restated_loss(name))
    assert own.link == LOSSES[name].link
    ours = loss_and_gradient(name, LOSSES[name], way, z, y)
    for one, other in zip(loss_and_gradient(name, own, way, z, y), ours, strict=True):
        close(one, other)


@ways
def test_derivatives_equal_central_differences(way):
    activation = of_kernels(SWISH)
    expected = naive.slope_by_differences(lambda z: over(activation.function, way, z), Z)
    np.testing.assert_allclose(over(activation.derivative, way, Z, Z), expected, rtol=1e-6, atol=1e-10)
    loss, y = kernel_formula(LOSSES, SQUARE), np.roll(Z, 7)[:, None]
    expected = naive.slope_by_differences(lambda z: loss_and_gradient("huber", loss, way, z[:, None], y)[0], Z)
    gradient = loss_and_gradient("huber", loss, way, Z[:, None], y)[1][:, 0]
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-9)


def by_numpy(z):
    return np.tanh(z) + np.expm1(-abs(z)) + np.log(abs(z)) + np.exp(z / SLOPE) + math.pi * np.e


def by_math(z):
    return math.tanh(z) + math.expm1(-abs(z)) + math.log(abs(z)) + math.exp(z / SLOPE) + np.pi * math.e


@ways
@reals
def test_functions_of_math_and_numpy(way, real):
    z = Z.astype(real)
    exact = np.array([by_math(x) for x in Z])
    for user_function in (by_numpy, njit(by_math)):
        np.testing.assert_allclose(values(user_function, way, z), exact, rtol=200 * np.finfo(real).eps)


@needs_jit
@pytest.mark.parametrize("user_function", [by_numpy, by_math, swish, lambda z: z * (SLOPE, 1.5)[0]])
def test_single_precision_does_without_double(user_function):
    formula = of_kernels(CustomActivation(user_function, user_function)).function
    over(formula, "compiled", Z.astype(np.float32))
    code = single_precision_code(loop(formula))
    assert " float " in code and " double " not in code


@needs_jit
def test_exponentials_are_no_calls():
    """Which would keep the loop from being vectorised."""
    formula = of_kernels(SWISH).function
    over(formula, "compiled", Z)
    assert "@exp" not in loop(formula).inspect_llvm(loop(formula).signatures[0])


@ways
def test_nothing_raises_for_extreme_arguments(way):
    """Out of range is infinity or NaN, as in any formula."""
    z = np.array([-1e4, -1.0, 0.0, 1.0, 1e4])
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(values(lambda z: math.exp(z), way, z)[[0, 4]], [0.0, np.inf])
        np.testing.assert_array_equal(values(lambda z: math.log(z), way, z)[:3], [np.nan, np.nan, -np.inf])


@needs_jit
def test_division_by_zero_is_infinite_or_nan():
    z = np.array([-1.0, 0.0, 1.0])
    np.testing.assert_array_equal(values(lambda z: 1.0 / z, "compiled", z), [-1.0, np.inf, 1.0])
    np.testing.assert_array_equal(values(lambda z: z / (z - z), "compiled", z), [-np.inf, np.nan, np.inf])


@ways
def test_whole_numbers_keep_their_functions(way):
    np.testing.assert_allclose(values(lambda z: math.exp(2) * z, way, Z), math.exp(2) * Z)


@ways
@reals
def test_results_may_be_whole_numbers_or_truth_values(way, real):
    z = Z.astype(real)
    np.testing.assert_array_equal(values(lambda z: 1 if z > 0 else 0, way, z), z > 0)
    np.testing.assert_array_equal(values(lambda z: z > 0, way, z), z > 0)


def counted(z):
    return counted(z - 1.0) + 1.0 if z > 0.0 else z


@ways
def test_a_function_may_call_itself(way):
    close(values(counted, way, Z), Z)


@ways
@reals
def test_nan_comes_through(way, real):
    assert np.isnan(values(swish, way, np.array([np.nan], dtype=real))).all()


# ---------------------------------------------------------------------------------------------------------------------
# Loops
# ---------------------------------------------------------------------------------------------------------------------


def addresses(activation, loss, dtype="float64"):
    network = Network(Layout((3, 4, 1)), (activation,), "identity")
    records = Workspace(network, 2, dense=True, training=True).records
    return shard_plan(network, loss, dtype, records, dense=True, recording=False)[:, LOOP].tolist()


@reals
def test_equal_formulas_are_one_loop(real):
    once = addresses(SWISH, SQUARE, real)
    loops = len(activation_loops._loops), len(loss_loops._loops)
    for again in (
        (CustomActivation(swish, swish_slope), CustomLoss(square, residual)),
        (copy.deepcopy(SWISH), pickle.loads(pickle.dumps(SQUARE))),
    ):
        assert addresses(*again, real) == once
    assert (len(activation_loops._loops), len(loss_loops._loops)) == loops


def of_one_name(factor):
    @njit
    def scaled(z):
        return factor * z

    @njit
    def slope(z):
        return factor

    return CustomActivation(scaled, slope)


def test_functions_of_one_name_do_not_collide():
    several = [of_one_name(factor) for factor in (1.0, 2.0, 3.0)]
    several += [CustomActivation(lambda z: 4.0 * z, lambda z: 4.0), CustomActivation(lambda z: 5.0 * z, lambda z: 5.0)]
    assert len({activation_loops.address(activation, "float64") for activation in several}) == len(several)
    for factor, activation in enumerate(several, start=1):
        work, place = np.append(Z, np.zeros(Z.size + LANES)), Z.size  # a loop goes on to the end of a vector
        operate(activation_loops, activation, "float64", {"WORK": work}, {"N_ROWS": 6}, N_OUT=10, A=place)
        np.testing.assert_array_equal(work[place:-LANES], factor * Z)


@needs_jit
def test_loops_of_ones_own_are_not_cached_on_disk(monkeypatch):
    attached = []
    monkeypatch.setattr("skmlp.cpu.compile.cache.attach", lambda compiled, run: attached.append(run.__name__))
    own, loss = of_one_name(7.0), CustomLoss(lambda z, y: z - y, lambda z, y: 1.0)
    for family, formula in ((activation_loops, own), (derivative_loops, own), (loss_loops, loss)):
        family.address(formula, "float64")
    assert attached == []
    policy._compiled(loss_loops._build("huber", np.float64), cached=True)
    assert len(attached) == 1


THING = object()


def uses_an_object(z):
    return THING.x * z


@needs_jit
@pytest.mark.parametrize(
    "user_function, cause",
    [
        (lambda z: (z, z), "returns UniTuple.*no number"),
        (lambda z: complex(z), "returns complex.*no number"),
        (lambda z: "z", "returns .*no number"),
        (lambda z: unknown_function(z), "name 'unknown_function' is not defined"),  # noqa: F821
        (lambda z: z.shape, "attribute 'shape' of type float"),
        (uses_an_object, "'THING'.*<class 'object'>"),
    ],
)
def test_what_cannot_be_compiled_is_explained_in_a_line(user_function, cause):
    activation = CustomActivation(swish, user_function)
    with pytest.raises(ValueError, match=rf"activation=.*derivative '\S+' cannot be compiled: .*{cause}") as error:
        custom_numbers(activation)
    assert len(str(error.value).splitlines()) == 1


def custom_numbers(activation):
    with custom.readable_errors((activation, "squared_error"), "float32"):
        addresses(activation, "squared_error", "float32")


@needs_jit
def test_other_errors_stay_what_they_are():
    with pytest.raises(KeyError), custom.readable_errors((SWISH, "no such loss"), "float32"):
        addresses(SWISH, "no such loss")


def test_examples_of_the_docstrings_are_there():
    assert all(">>>" in inspect.getdoc(cls) for cls in (CustomActivation, CustomLoss))
