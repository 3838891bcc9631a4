"""NumPy has an expression for every formula of prediction."""

import math
import warnings

import numpy as np
import pytest

from skmlp.export import expressions
from skmlp.formulas.activations import ACTIVATIONS
from skmlp.formulas.links import LINKS
from tests import naive
from tests.exports import EXTREMES, every_activation, every_link
from tests.ways import REALS, over, predictions

reals = pytest.mark.parametrize("real", REALS, ids=lambda real: real.__name__)
RTOL = {np.float32: 1e-5, np.float64: 1e-12}
Z = np.vstack([np.random.default_rng(0).uniform(-4.0, 4.0, (20, 9)), EXTREMES, EXTREMES[:, ::-1]])


def value(expression, z):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of overflow, for instance
        return eval(expression, {"np": np, "math": math, "z": z})


def test_every_formula_has_an_expression():
    assert expressions.ACTIVATIONS.keys() == ACTIVATIONS.keys()
    assert expressions.LINKS.keys() == LINKS.keys()


@every_activation
@reals
def test_activations_equal_the_formulas_and_overflow_nowhere(activation, real):
    z = Z.astype(real)
    ours = value(expressions.ACTIVATIONS[activation], z)
    expected = over(ACTIVATIONS[activation].function, "python", z.astype(np.float64))
    assert ours.dtype == real
    np.testing.assert_allclose(ours, expected, rtol=RTOL[real], atol=RTOL[real] / 100)


@every_link
@reals
def test_links_equal_the_formulas_and_overflow_nowhere(link, real):
    z = np.minimum(Z, 80.0).astype(real) if link == "exp" else Z.astype(real)
    ours = value(expressions.LINKS[link], z)
    assert ours.dtype == real
    expected = predictions(LINKS[link], "numpy", z.astype(np.float64))
    np.testing.assert_allclose(ours, expected, rtol=RTOL[real], atol=RTOL[real] / 100)


@every_activation
def test_activations_equal_the_naive_statement(activation):
    z = Z[:20]
    expected = naive.ACTIVATIONS[activation][0](z)
    np.testing.assert_allclose(value(expressions.ACTIVATIONS[activation], z), expected, rtol=1e-11)


@every_activation
def test_nan_comes_through(activation):
    with np.errstate(invalid="ignore"):
        assert np.isnan(value(expressions.ACTIVATIONS[activation], np.full((2, 3), np.nan))).all()
