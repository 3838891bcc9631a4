"""Signatures and their documentation say the same; so do the constraints and attributes of estimators."""

import importlib
import inspect
import re
from ast import literal_eval
from types import NoneType, UnionType
from typing import Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
import pytest
from sklearn.utils._param_validation import StrOptions, make_constraint

import skmlp
from tests import public

ESTIMATORS = [getattr(skmlp, name) for name in skmlp.__all__ if name.startswith(("MLP", "Tabular"))]
every_estimator = pytest.mark.parametrize("estimator", ESTIMATORS)


def section(documented, title):
    """A section of a documentation, and its type lines by name."""
    pattern = rf"^{title}\n-{{{len(title)}}}\n(.*?)(?:\n\n|\Z)"
    found = re.search(pattern, inspect.getdoc(documented), re.DOTALL | re.MULTILINE)
    text = found[1] if found else ""
    lines = re.findall(r"^(\*{0,2}\w+(?:, \w+)*) : (.*)$", text, re.MULTILINE)
    return text, {name: kind for names, kind in lines for name in names.split(", ")}


def says(kind, default):
    """Whether a type line has the default, or none where there is none."""
    _, given, text = kind.partition("default=")
    if default is inspect.Parameter.empty or not given:
        return default is inspect.Parameter.empty and not given
    if isinstance(default, type):
        return text == f"numpy.{default.__name__}"
    return text == "inf" if default == np.inf else literal_eval(text) == default


def hints_of_parameters(estimator):
    return {name: hint for name, hint in get_type_hints(estimator.__init__).items() if name != "return"}


def names_in(hint):
    """The names of all literals in a type."""
    if get_origin(hint) is Literal:
        return set(get_args(hint))
    return set().union(*map(names_in, get_args(hint)))


def takes_none(hint):
    return get_origin(hint) in (Union, UnionType) and NoneType in get_args(hint)


@pytest.mark.parametrize("name", ["skmlp", "skmlp.datasets", "skmlp.onnx"])
def test_the_documentation_has_every_parameter_and_its_default(name):
    if name == "skmlp.onnx":
        pytest.importorskip("skl2onnx")
    module = importlib.import_module(name)
    methods = {each: function for each, function in public.functions(module) if not each.endswith(".__init__")}
    for each, thing in (dict(public.classes(module)) | methods).items():
        text, documented = section(thing, "Parameters")
        parameters = inspect.signature(thing).parameters.values()
        defaults = {str(one.replace(annotation=one.empty, default=one.empty)): one.default for one in parameters}
        defaults.pop("self", None)
        assert list(documented) == list(defaults), each
        assert [one for one, kind in documented.items() if not says(kind, defaults[one])] == [], each
        assert re.findall(r"^\S+ : .*\n(?!    \S)", text, re.MULTILINE) == [], each


def test_signatures_are_short():
    """As an editor shows them: types by their names."""
    signature = str(inspect.signature(skmlp.MLPClassifier.fit))
    assert "sample_weight: 'ArrayLike | None' = None" in signature and len(signature) < 300


@every_estimator
def test_names_are_the_same_in_types_constraints_and_documentation(estimator):
    _, documented = section(estimator, "Parameters")
    hints = hints_of_parameters(estimator)
    assert hints.keys() == estimator._parameter_constraints.keys()
    for name, hint in hints.items():
        constraints = estimator._parameter_constraints[name]
        allowed = set().union(*(each.options for each in constraints if isinstance(each, StrOptions)))
        kind = documented[name].rpartition(", default=")[0]
        assert set(re.findall(r"'([^']*)'", kind)) == allowed, name
        assert names_in(hint) == allowed - {"cuda:N"}, name
        if constraints != "no_validation":
            accepted = any(make_constraint(each).is_satisfied_by(None) for each in constraints)
            assert takes_none(hint) == ("None" in kind) == accepted, name


@every_estimator
def test_a_default_is_of_the_types(estimator):
    for name, hint in hints_of_parameters(estimator).items():
        default = inspect.signature(estimator).parameters[name].default
        if isinstance(default, str):
            assert default in names_in(hint) or str in (hint, *get_args(hint)), name
        elif default is None:
            assert takes_none(hint), name


@pytest.mark.parametrize("estimator", [each for each in ESTIMATORS if each is not skmlp.TabularEncoder])
def test_parameters_are_attributes_of_the_same_types(estimator):
    """Those of the encoder a type checker sees itself, in the constructor."""
    assert hints_of_parameters(estimator).items() <= get_type_hints(estimator).items()


@every_estimator
def test_documented_attributes_have_types(estimator):
    _, documented = section(estimator, "Attributes")
    properties = {name for name, _ in inspect.getmembers(estimator, lambda each: isinstance(each, property))}
    assert len(documented) > 7 and documented.keys() <= get_type_hints(estimator).keys() | properties


@pytest.mark.parametrize("estimator", [skmlp.TabularMLPClassifier, skmlp.TabularMLPRegressor])
def test_losses_of_the_users_own_are_not_promised(estimator):
    text, documented = section(estimator, "Parameters")
    assert "CustomLoss" not in text
    assert "lbfgs" not in documented["solver"]
