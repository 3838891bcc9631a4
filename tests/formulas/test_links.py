"""Every inverse link of the table, in every way in which it runs."""

import numpy as np
import pytest

from skmlp.cpu.compile import function
from skmlp.formulas.links import LINKS, largest
from tests import naive
from tests.ways import (
    EXTREMES,
    REALS,
    WAYS,
    call,
    jacobians,
    loop,
    needs_jit,
    predictions,
    row_loop,
    single_precision_code,
    slopes_loop,
)

Z = np.random.default_rng(0).uniform(-4.0, 4.0, (20, 3))

names = pytest.mark.parametrize("name", LINKS)
ways = pytest.mark.parametrize("way", WAYS)
reals = pytest.mark.parametrize("real", REALS, ids=lambda real: real.__name__)


def compiled_loop(name):
    return (row_loop if LINKS[name].by_row else loop)(LINKS[name].function)


def compiled_slopes(name):
    return (slopes_loop if LINKS[name].by_row else loop)(LINKS[name].derivative)


def test_every_link_has_a_twin():
    assert LINKS.keys() == naive.LINKS.keys()


@names
@ways
@pytest.mark.parametrize("real, rtol", [(np.float32, 1e-5), (np.float64, 1e-12)], ids=["float32", "float64"])
def test_equals_the_naive_statement(name, way, real, rtol):
    z = Z.astype(real)
    expected = naive.LINKS[name].function(z.astype(np.longdouble)).astype(np.float64)
    np.testing.assert_allclose(predictions(LINKS[name], way, z), expected, rtol=rtol)


@names
@ways
@pytest.mark.parametrize("real, rtol", [(np.float32, 1e-5), (np.float64, 1e-12)], ids=["float32", "float64"])
def test_derivatives_equal_the_naive_statement(name, way, real, rtol):
    z = Z.astype(real)
    expected = naive.LINKS[name].jacobian(naive.LINKS[name].function(z.astype(np.longdouble))).astype(np.float64)
    np.testing.assert_allclose(jacobians(LINKS[name], way, z), expected, rtol=rtol)


@pytest.mark.parametrize("name, z", [("logistic", [[50.0]]), ("softmax", [[50.0, 0.0]])])
@ways
def test_derivatives_stay_where_a_probability_rounds_to_1(name, way, z):
    z = np.array(z)
    assert predictions(LINKS[name], way, z)[0, 0] == 1.0
    np.testing.assert_allclose(np.abs(jacobians(LINKS[name], way, z)), np.exp(-50.0), rtol=1e-9)


@names
@ways
@reals
def test_derivatives_at_extreme_arguments_are_numbers(name, way, real):
    z = np.array([[a, b, c] for a in EXTREMES for b in EXTREMES for c in EXTREMES], dtype=real)
    assert not np.isnan(jacobians(LINKS[name], way, z)).any()


@names
@ways
def test_naive_raw_outputs_are_the_inverse(name, way):
    """What other tests rely on to find raw outputs of a given prediction."""
    p = naive.LINKS[name].function(Z)
    np.testing.assert_allclose(predictions(LINKS[name], way, naive.LINKS[name].raw(p)), p, rtol=1e-9)


@names
@ways
@reals
def test_extreme_arguments_give_numbers(name, way, real):
    z = np.array([[a, b, c] for a in EXTREMES for b in EXTREMES for c in EXTREMES], dtype=real)
    p = predictions(LINKS[name], way, z)
    assert not np.isnan(p).any()
    if name == "softmax":
        np.testing.assert_allclose(p.sum(axis=1), 1.0, rtol=1e-6)
    if name == "increasing":
        assert (np.diff(p, axis=1) >= 0.0).all()


@names
@ways
@reals
@pytest.mark.parametrize("place", [0, 1, 2])
def test_nan_comes_through(name, way, real, place):
    """A NaN spoils its own prediction and all that rest on it."""
    z = np.ones((2, 3), dtype=real)
    z[0, place] = np.nan
    p = predictions(LINKS[name], way, z)
    spoilt = {"softmax": slice(None), "increasing": slice(place, None)}.get(name, place)
    assert np.isnan(p[0, spoilt]).all()
    assert np.isfinite(p[1]).all()


@pytest.mark.parametrize(
    "row, expected", [([1.0, 3.0, 2.0], 3.0), ([-2.0], -2.0), ([-np.inf, -5.0], -5.0), ([1.0, np.nan, 2.0], np.nan)]
)
@pytest.mark.parametrize("run", [largest, function(lambda row: largest(row))], ids=["python", "compiled"])
def test_largest(row, expected, run):
    np.testing.assert_equal(run(np.array(row)), expected)


@pytest.mark.parametrize("name", [name for name, link in LINKS.items() if not link.by_row])
@reals
@needs_jit
def test_result_has_the_type_of_the_argument(name, real):
    compiled = call(LINKS[name].function)
    compiled(real(0.5))
    for signature in compiled.nopython_signatures:
        assert signature.return_type == signature.args[0]


@names
@needs_jit
def test_single_precision_does_without_double(name):
    predictions(LINKS[name], "compiled", Z.astype(np.float32))
    jacobians(LINKS[name], "compiled", Z.astype(np.float32))
    for compiled in (compiled_loop(name), compiled_slopes(name)):
        code = single_precision_code(compiled)
        assert " double " not in code
        assert " float " in code or name == "identity"
