"""ONNX has operators for every formula of prediction."""

from skmlp.formulas.activations import ACTIVATIONS
from skmlp.formulas.links import LINKS
from skmlp.onnx import operators


def test_every_formula_has_operators():
    assert operators.ACTIVATIONS.keys() == ACTIVATIONS.keys()
    assert operators.LINKS.keys() == LINKS.keys()
