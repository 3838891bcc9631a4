"""Parameters of the estimators for raw tables: what cannot be is named, and the documentation has them all."""

import inspect
import re

import numpy as np
import pytest
from sklearn.utils._param_validation import InvalidParameterError

import skmlp
from tests.estimators.tabular import LABELS, VALUES, N, X, classifier, regressor

MAKERS = pytest.mark.parametrize(("make", "y"), [(classifier, LABELS), (regressor, VALUES)])

INVALID = {
    "categorical_features": ["all", 3],
    "numeric_scaling": ["minmax", None],
    "n_bins": [1, 2.5, "auto"],
    "max_categories": [0, 2.5, "auto"],
    "n_estimators": [0, -1, 2.5, None],
    "cv": [1, 0, 2.5, None, "many"],
    "calibrate": ["yes", None],
    "pickle_oof": ["yes", None],
    "hidden_layer_sizes": ["wide", 0, None],
    "activation": ["nonsense", None],
    "dropout": [1.0, -0.1],
    "normalization": ["instance"],
    "weight_init": ["zeros"],
    "parametrization": ["mup"],
    "loss": ["hinge", None, skmlp.CustomLoss(lambda z, y: (z - y) ** 2, lambda z, y: 2.0 * (z - y))],
    "alpha": [-1.0, "much"],
    "l1_ratio": [1.5],
    "solver": ["lbfgs", "nonsense"],
    "learning_rate": ["nonsense"],
    "learning_rate_init": [0.0, -1.0],
    "power_t": [-0.5],
    "bias_rate": [-1.0],
    "feature_rate": [-1.0],
    "weight_decay": [-0.1],
    "momentum": [1.5],
    "nesterovs_momentum": ["yes"],
    "beta_1": [1.0],
    "beta_2": [-0.1],
    "epsilon": [0.0],
    "rho": [1.5],
    "clip_norm": [0.0],
    "batch_size": [0, 2.5, "many"],
    "max_iter": [0, 2.5],
    "max_time": [0.0, -1.0, "long"],
    "shuffle": ["yes"],
    "tol": [-1e-3],
    "n_iter_no_change": [0],
    "random_state": ["seed"],
    "verbose": ["loud"],
    "dtype": ["float16"],
    "device": ["gpu", "cuda:x", None],
    "n_jobs": [0, "all"],
}
CASES = [(name, value) for name, values in INVALID.items() for value in values]


def test_every_parameter_has_a_case():
    own = {"class_weight", "label_smoothing", "focal_gamma", "quantile", "delta", "monitor", "metrics"}
    names = set(classifier().get_params()) | set(regressor().get_params())
    assert names == INVALID.keys() | own


@MAKERS
@pytest.mark.parametrize(("name", "value"), CASES, ids=lambda value: str(value)[:20])
def test_values_that_cannot_be(make, y, name, value):
    model = make(**{name: value})
    with pytest.raises(InvalidParameterError if name not in ("hidden_layer_sizes", "dropout") else ValueError) as error:
        model.fit(X, y)
    assert name in str(error.value)
    assert not hasattr(model, "encoder_")


@MAKERS
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hidden_layer_sizes", (4, 0)),
        ("activation", ("relu", "tanh")),
        ("activation", ("nonsense",)),
        ("dropout", (0.1, 0.1)),
        ("monitor", "accurcy"),
        ("metrics", ("acuracy",)),
        ("categorical_features", ["mood"]),
        ("categorical_features", [True, False]),
        ("cv", [(np.arange(9), [])]),
    ],
    ids=str,
)
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_values_that_do_not_fit(make, y, name, value, n_jobs):
    with pytest.raises(ValueError, match=name):
        make(n_jobs=n_jobs, **{name: value}).fit(X, y)


@pytest.mark.parametrize(
    ("make", "parameters", "y", "message"),
    [
        (classifier, {"label_smoothing": 1.0}, LABELS, "label_smoothing"),
        (classifier, {"focal_gamma": -1.0}, LABELS, "focal_gamma"),
        (classifier, {"class_weight": "even"}, LABELS, "class_weight"),
        (classifier, {"class_weight": {"low": -1.0}}, LABELS, "class_weight"),
        (classifier, {"class_weight": [{"low": 1.0}]}, LABELS, "class_weight"),
        (classifier, {}, VALUES, "Unknown label type: continuous"),
        (classifier, {}, np.full(N, np.nan), "Input y contains NaN"),
        (regressor, {"delta": 0.0}, VALUES, "delta"),
        (regressor, {"loss": "quantile", "quantile": [0.9, 0.1]}, VALUES, "quantile"),
        (regressor, {"loss": "quantile", "quantile": 1.0}, VALUES, "quantile"),
        (regressor, {"loss": "quantile"}, np.column_stack([VALUES, VALUES]), "loss='quantile' takes one target"),
        (regressor, {"loss": "poisson"}, -np.abs(VALUES), "loss='poisson' needs y >= 0"),
        (regressor, {}, np.where(VALUES > 0, VALUES, np.nan), "Input y contains NaN"),
        (regressor, {}, LABELS, "y must be numeric|could not convert"),
    ],
)
def test_what_does_not_go_with_the_target(make, parameters, y, message):
    with pytest.raises(ValueError, match=message):
        make(**parameters).fit(X, y)


@MAKERS
def test_the_documentation_has_every_attribute(make, y):
    model = make().fit(X, y)
    section = re.search(r"Attributes\n-{10}\n(.*?)\n\n", inspect.getdoc(type(model)), re.DOTALL)[1]
    documented = set(re.findall(r"^(\w+) : ", section, re.MULTILINE))
    fitted = {name for name in vars(model) if name.endswith("_") and not name.startswith("_")}
    assert fitted <= documented
    assert documented - fitted <= {"n_features_in_", "feature_names_in_", "quantile_offsets_"}
    assert all(hasattr(model, name) for name in documented - {"quantile_offsets_"})
