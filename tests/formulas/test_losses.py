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
    loop,
    loss_and_gradient,
    needs_jit,
    predictions,
    row_loss_loop,
    single_precision_code,
)

OUTPUTS = 3

names = pytest.mark.parametrize("name", LOSSES)
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


@names
@ways
def test_gradient_equals_central_differences(name, way):
    z, y = draw(name)
    gradient = loss_and_gradient(LOSSES[name], way, z, y)[1]
    for k in range(OUTPUTS):
        direction = np.eye(OUTPUTS)[k]

        def along(step, direction=direction):
            return loss_and_gradient(LOSSES[name], way, z + step * direction, y)[0]

        expected = naive.slope_by_differences(along, 0.0)
        np.testing.assert_allclose(gradient[:, k], expected, rtol=1e-6, atol=1e-9)


@names
@ways
@pytest.mark.parametrize("real, rtol", [(np.float32, 1e-5), (np.float64, 1e-12)], ids=["float32", "float64"])
def test_equals_the_naive_statement(name, way, real, rtol):
    z, y = draw(name, real=real)
    values, gradient = loss_and_gradient(LOSSES[name], way, z, y)
    exact = z.astype(np.longdouble), y.astype(np.longdouble)
    np.testing.assert_allclose(values, naive.loss_values(name, *exact).astype(np.float64), rtol=rtol, atol=rtol)
    np.testing.assert_allclose(gradient, naive.loss_gradient(name, *exact).astype(np.float64), rtol=rtol, atol=rtol)


@names
@ways
@reals
def test_extreme_raw_outputs_give_numbers(name, way, real):
    z = np.array([[a, b, c] for a in EXTREMES for b in EXTREMES for c in EXTREMES], dtype=real)
    y = naive.LOSSES[name].draw(np.random.default_rng(2), len(z), OUTPUTS).astype(real)
    values, gradient = loss_and_gradient(LOSSES[name], way, z, y)
    assert not np.isnan(values).any() and not np.isnan(gradient).any()
    assert (values >= 0.0).all()


@names
@ways
@reals
@pytest.mark.parametrize("target", [0.0, 1e4], ids=["zero", "large"])
def test_extreme_targets_give_numbers(name, way, real, target):
    z, y = draw(name, real=real)
    if LOSSES[name].row is not None or LOSSES[name].link == "logistic":
        target = min(target, 1.0)  # the number of a class, or a probability
    y[...] = target
    values, gradient = loss_and_gradient(LOSSES[name], way, z, y)
    assert np.isfinite(values).all() and np.isfinite(gradient).all()


@names
@ways
@reals
@pytest.mark.parametrize("place", range(OUTPUTS))
def test_nan_comes_through(name, way, real, place):
    z, y = draw(name, real=real)
    z[0, place] = np.nan
    values, gradient = loss_and_gradient(LOSSES[name], way, z, y)
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
    least, gradient = loss_and_gradient(LOSSES[name], way, perfect, y)
    np.testing.assert_allclose(least, 0.0, atol=1e-12)
    np.testing.assert_allclose(gradient, 0.0, atol=1e-12)
    for other in (z, perfect + 0.1 * z, perfect - 0.1 * z):
        # A shift of all raw outputs of a softmax, or beyond a limit, changes nothing that can be seen.
        assert (loss_and_gradient(LOSSES[name], way, other, y)[0] >= least - 1e-12).all()
    assert (loss_and_gradient(LOSSES[name], way, z, y)[0] > least + 1e-6).all()


@names
@ways
def test_least_target_is_the_end_of_the_domain(name, way):
    """At the least target the loss is a number; the losses without one take any target."""
    z, y = draw(name)
    least = LOSSES[name].least_target
    if np.isfinite(least):
        values, gradient = loss_and_gradient(LOSSES[name], way, z, np.full_like(y, least))
        assert np.isfinite(values).all() and np.isfinite(gradient).all()
    assert (y >= least).all()


@names
@reals
@needs_jit
def test_results_have_the_type_of_the_arguments(name, real):
    for formula in (LOSSES[name].value, LOSSES[name].gradient):
        if formula is not None:
            compiled = call(formula)
            compiled(real(0.5), real(1.0))
            for signature in compiled.nopython_signatures:
                assert signature.return_type == signature.args[0]


@names
@needs_jit
def test_single_precision_does_without_double(name):
    loss = LOSSES[name]
    loss_and_gradient(loss, "compiled", *draw(name, real=np.float32))
    for compiled in [loop(loss.value), loop(loss.gradient)] if loss.row is None else [row_loss_loop(loss.row)]:
        code = single_precision_code(compiled)
        assert " float " in code and " double " not in code
