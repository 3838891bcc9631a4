"""Every loss of the table, in every way in which it runs."""

import numpy as np
import pytest

from skmlp.formulas.links import LINKS
from skmlp.formulas.losses import LOSSES
from tests import naive
from tests.ways import (
    EXTREMES,
    REALS,
    WAYS,
    call,
    loss_and_gradient,
    loss_loop,
    loss_settings,
    needs_jit,
    predictions,
    row_loss_loop,
    single_precision_code,
)

OUTPUTS = 3

CASES = {name: (name, {}) for name in LOSSES} | naive.LOSS_VARIANTS

names = pytest.mark.parametrize("name", LOSSES)
cases = pytest.mark.parametrize("name, settings", CASES.values(), ids=CASES)
ways = pytest.mark.parametrize("way", WAYS)
reals = pytest.mark.parametrize("real", REALS, ids=lambda real: real.__name__)


def draw(name, rows=25, real=np.float64):
    """Raw outputs and targets."""
    random = np.random.default_rng(1)
    z = random.uniform(-3.0, 3.0, (rows, OUTPUTS))
    return z.astype(real), naive.LOSSES[name].draw(random, rows, OUTPUTS).astype(real)


def test_every_loss_has_a_twin():
    assert LOSSES.keys() == naive.LOSSES.keys()


@names
def test_link_exists_and_is_that_of_the_twin(name):
    assert LOSSES[name].link in LINKS
    assert LOSSES[name].link == naive.LOSSES[name].link


@cases
@ways
def test_gradient_equals_central_differences(name, settings, way):
    z, y = draw(name)
    assert naive.from_kinks(name, z, y, **settings) > 1e-4
    gradient = loss_and_gradient(name, LOSSES[name], way, z, y, **settings)[1]
    for k in range(OUTPUTS):
        direction = np.eye(OUTPUTS)[k]

        def along(step, direction=direction):
            return loss_and_gradient(name, LOSSES[name], way, z + step * direction, y, **settings)[0]

        expected = naive.slope_by_differences(along, 0.0)
        np.testing.assert_allclose(gradient[:, k], expected, rtol=1e-6, atol=1e-9)


@cases
@ways
@pytest.mark.parametrize("real, rtol", [(np.float32, 1e-5), (np.float64, 1e-12)], ids=["float32", "float64"])
def test_equals_the_naive_statement(name, settings, way, real, rtol):
    z, y = draw(name, real=real)
    values, gradient = loss_and_gradient(name, LOSSES[name], way, z, y, **settings)
    exact = z.astype(np.longdouble), y.astype(np.longdouble)
    for ours, theirs in ((values, naive.loss_values), (gradient, naive.loss_gradient)):
        np.testing.assert_allclose(ours, theirs(name, *exact, **settings).astype(float), rtol=rtol, atol=rtol)


@ways
@pytest.mark.parametrize("kind", ["binary", "categorical"])
def test_focal_without_focus_is_the_log_loss(way, kind):
    z, y = draw(f"{kind}_focal")
    focal, log_loss = f"{kind}_focal", f"{kind}_log_loss"
    ours = loss_and_gradient(focal, LOSSES[focal], way, z, y, focal_gamma=0.0)
    for one, other in zip(ours, loss_and_gradient(log_loss, LOSSES[log_loss], way, z, y), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


@ways
def test_smoothed_binary_loss_is_that_of_two_classes(way):
    """A logistic unit is a softmax of its raw output and 0."""
    z, y = draw("binary_log_loss")
    z, y = z[:, :1], y[:, :1]
    two = np.hstack([np.zeros_like(z), z])
    binary, categorical = (
        loss_and_gradient(name, LOSSES[name], way, raw, y, label_smoothing=0.2)
        for name, raw in (("binary_log_loss", z), ("categorical_log_loss", two))
    )
    np.testing.assert_allclose(binary[0], categorical[0], rtol=1e-12)
    np.testing.assert_allclose(binary[1][:, 0], categorical[1][:, 1], rtol=1e-11)


@ways
@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_one_quantile_has_no_link(way, level):
    z, y = draw("quantile")
    values, gradient = loss_and_gradient("quantile", LOSSES["quantile"], way, z[:, :1], y, levels=(level,))
    above = z[:, :1] > y
    np.testing.assert_allclose(gradient, np.where(above, 1.0 - level, -level), rtol=1e-15)
    np.testing.assert_allclose(values, np.abs(np.where(above, 1.0 - level, level) * (z[:, :1] - y))[:, 0], rtol=1e-14)


@names
@ways
@reals
def test_extreme_raw_outputs_give_numbers(name, way, real):
    z = np.array([[a, b, c] for a in EXTREMES for b in EXTREMES for c in EXTREMES], dtype=real)
    y = naive.LOSSES[name].draw(np.random.default_rng(2), len(z), OUTPUTS).astype(real)
    values, gradient = loss_and_gradient(name, LOSSES[name], way, z, y)
    assert not np.isnan(values).any() and not np.isnan(gradient).any()
    assert (values >= 0.0).all()


@names
@ways
@reals
@pytest.mark.parametrize("target", [0.0, 1e4], ids=["zero", "large"])
def test_extreme_targets_give_numbers(name, way, real, target):
    z, y = draw(name, real=real)
    if LOSSES[name].link in ("softmax", "logistic"):
        target = min(target, 1.0)  # the number of a class, or a probability
    if LOSSES[name].domain == "> 0":
        target = max(target, 1e-4)
    y[...] = target
    values, gradient = loss_and_gradient(name, LOSSES[name], way, z, y)
    assert np.isfinite(values).all() and np.isfinite(gradient).all()


@names
@ways
@reals
@pytest.mark.parametrize("place", range(OUTPUTS))
def test_nan_comes_through(name, way, real, place):
    z, y = draw(name, real=real)
    z[0, place] = np.nan
    values, gradient = loss_and_gradient(name, LOSSES[name], way, z, y)
    assert np.isnan(values[0]) and np.isnan(gradient[0, place])
    assert np.isfinite(values[1:]).all() and np.isfinite(gradient[1:]).all()


@names
@ways
def test_perfect_prediction_gives_the_least_loss(name, way):
    z, y = draw(name)
    twin = naive.LOSSES[name]
    ideal = twin.ideal(y, OUTPUTS)
    perfect = naive.LINKS[twin.link].raw(ideal)
    np.testing.assert_allclose(predictions(LINKS[twin.link], way, perfect), ideal, atol=1e-12)
    least, gradient = loss_and_gradient(name, LOSSES[name], way, perfect, y)
    np.testing.assert_allclose(least, 0.0, atol=1e-12)
    np.testing.assert_allclose(gradient, 0.0, atol=1e-12)
    for other in (z, perfect + 0.1 * z, perfect - 0.1 * z):
        # A shift of all raw outputs of a softmax, or beyond a limit, changes nothing that can be seen.
        assert (loss_and_gradient(name, LOSSES[name], way, other, y)[0] >= least - 1e-12).all()
    assert (loss_and_gradient(name, LOSSES[name], way, z, y)[0] > least + 1e-6).all()


@names
@ways
def test_the_loss_takes_the_least_target_of_its_domain(name, way):
    z, y = draw(name)
    least = {"any": 0.0, ">= 0": 0.0, "> 0": np.finfo(float).tiny}[LOSSES[name].domain]
    values, gradient = loss_and_gradient(name, LOSSES[name], way, z, np.full_like(y, least))
    assert np.isfinite(values).all() and np.isfinite(gradient).all()


@pytest.mark.parametrize("name, domain", [("poisson", ">= 0"), ("gamma", "> 0")])
def test_domains(name, domain):
    assert LOSSES[name].domain == domain
    assert {loss.domain for other, loss in LOSSES.items() if other not in ("poisson", "gamma")} == {"any"}


@names
@reals
@needs_jit
def test_results_have_the_type_of_the_arguments(name, real):
    for formula in (LOSSES[name].value, LOSSES[name].gradient):
        if formula is not None:
            compiled = call(formula)
            compiled(real(0.5), real(1.0), loss_settings(real))
            for signature in compiled.nopython_signatures:
                assert signature.return_type == signature.args[0]


@names
@needs_jit
def test_single_precision_does_without_double(name):
    loss = LOSSES[name]
    loss_and_gradient(name, loss, "compiled", *draw(name, real=np.float32))
    elementwise = [loss_loop(formula) for formula in (loss.value, loss.gradient) if formula is not None]
    for compiled in elementwise or [row_loss_loop(loss.row)]:
        code = single_precision_code(compiled)
        assert " float " in code and " double " not in code


@names
@pytest.mark.parametrize("real, rtol", [(np.float32, 1e-5), (np.float64, 1e-12)], ids=["float32", "float64"])
def test_extreme_outputs_give_the_same_whether_compiled_or_not(name, real, rtol):
    """Probabilities are kept from 0 and 1 by the ε of the type of the outputs, also where Python computes in double."""
    z = np.resize(np.array([-60.0, 60.0, 0.0, 1.0, -30.0], dtype=real), (10, OUTPUTS))
    y = draw(name, rows=10, real=real)[1]
    for one, other in zip(*(loss_and_gradient(name, LOSSES[name], way, z, y) for way in WAYS[1:]), strict=True):
        np.testing.assert_allclose(one, other, rtol=rtol, atol=rtol)
