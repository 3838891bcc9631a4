"""Random estimators and data for the estimators' tests, most of which go together."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from scipy import sparse
from sklearn.metrics import accuracy_score, mean_absolute_error

import skmlp
from skmlp.estimators.parameters import FIRST_ORDER_SOLVERS
from skmlp.formulas.activations import ACTIVATIONS
from skmlp.network.initialisers import AUTO, INITIALISERS, NTK
from skmlp.training.schedules import SCHEDULES
from tests.estimators.random_faults import data_faults, parameter_faults

LOSSES = ("squared_error", "absolute_error", "huber", "log_cosh", "quantile", "poisson", "gamma")
KINDS = {  # of targets that an estimator takes
    "MLPBinaryClassifier": ("binary", "one class"),
    "MLPMulticlass": ("binary", "multiclass", "one class"),
    "MLPClassifier": ("binary", "multiclass", "multilabel", "sparse multilabel", "one class"),
    "MLPRegressor": ("one output", "one column", "many outputs", "constant", "integers"),
}
METRICS = {  # for classes or not; the last is not for one class
    True: ("accuracy", "log_loss", "focal", "f1_macro", accuracy_score, "neg_log_loss"),
    False: ("r2", *LOSSES, "neg_root_mean_squared_error", mean_absolute_error),
}


@dataclass
class Case:
    """A constructor's parameters, the calls to make, and what is wrong with them (None: nothing that is known)."""

    estimator: str
    parameters: dict
    calls: list
    X: Any
    fault: str | None = None
    kind: str = ""

    def make(self):
        return getattr(skmlp, self.estimator)(**self.parameters)


@dataclass
class Call:
    """A call of fit or partial_fit."""

    method: str
    arguments: dict = field(default_factory=dict)

    def on(self, model):
        return getattr(model, self.method)(**self.arguments)


def decades(low, high):
    """Powers of ten."""
    return st.floats(low, high).map(lambda exponent: 10.0**exponent)


def mostly(usual, odd):
    """``odd`` about one time in ten."""
    return st.integers(0, 9).flatmap(lambda number: odd if number == 7 else usual)


def one_or_each(strategy, n_hidden):
    """One value, or a list or tuple of one a hidden layer."""
    lists = st.lists(strategy, min_size=n_hidden, max_size=n_hidden)
    return st.one_of(strategy, lists, lists.map(tuple))


def quantiles():
    level = st.floats(0.01, 0.99)
    return st.one_of(level, st.lists(level, min_size=1, max_size=3, unique=True).map(sorted))


def factor(fraction):
    return 1.0 - 0.9 * fraction


def network(sizes):
    """Parameters of the network, each there or not."""
    optional = {
        "activation": one_or_each(st.sampled_from(sorted(ACTIVATIONS)), len(sizes)),
        "dropout": one_or_each(st.floats(0.0, 0.95), len(sizes)),
        "normalization": st.sampled_from(["batch", "layer", None]),
        "parametrization": st.sampled_from(["standard", "ntk"]),
        "weight_init": st.sampled_from([AUTO, NTK, *INITIALISERS]),
    }
    sizes = st.sampled_from([sizes, list(sizes), np.array(sizes, dtype=int)] + list(sizes) * (len(sizes) == 1))
    return st.fixed_dictionaries({"hidden_layer_sizes": sizes}, optional=optional)


TRAINING = {
    "alpha": mostly(decades(-8, 1), st.sampled_from([0, 0.0, 1e3, 1e-320])),
    "l1_ratio": st.floats(0.0, 1.0),
    "solver": mostly(st.sampled_from(FIRST_ORDER_SOLVERS), st.just("lbfgs")),
    "learning_rate": st.sampled_from([*SCHEDULES, factor]),
    "learning_rate_init": mostly(decades(-6, -1), st.sampled_from([1, 1e-300, 10.0, 1e4, 1e300])),
    "power_t": mostly(st.floats(0.0, 3.0), st.sampled_from([0, 1e3, 1e300])),
    "bias_rate": mostly(decades(-2, 1), st.sampled_from([0, 1, 1e300])),
    "feature_rate": mostly(st.one_of(st.none(), decades(-2, 1)), st.sampled_from([0, 1, 1e300])),
    "max_time": st.sampled_from([None, 10**9, 1e9, 1e-9]),
    "weight_decay": st.one_of(st.none(), st.just(0), decades(-6, 0)),
    "momentum": mostly(st.floats(0.0, 0.99), st.sampled_from([0, 1])),
    "nesterovs_momentum": st.booleans(),
    "beta_1": mostly(st.floats(0.0, 0.999), st.sampled_from([0, 1.0 - 1e-12])),
    "beta_2": mostly(st.floats(0.0, 0.9999), st.sampled_from([0, 1.0 - 1e-12])),
    "epsilon": mostly(decades(-12, 0), st.sampled_from([1e-300, 1e300, 1])),
    "rho": mostly(st.floats(0.0, 0.999), st.sampled_from([0, 1.0 - 1e-12])),
    "clip_norm": mostly(st.one_of(st.none(), decades(-3, 3)), st.sampled_from([1e-300, 1e300])),
    "max_fun": st.integers(1, 100),
    "batch_size": st.one_of(st.just("auto"), st.integers(1, 20), st.just(np.int64(3)), st.just(10**20)),
    "shuffle": st.booleans(),
    "tol": mostly(decades(-8, 0), st.sampled_from([0, 1e300])),
    "n_iter_no_change": st.one_of(st.integers(1, 3), st.just(np.inf), st.just(10**20)),
    "validation_fraction": st.floats(0.2, 0.5),
    "restore_best": st.booleans(),
    "warm_start": st.booleans(),
    "verbose": st.sampled_from([False, True, 0, 1, 2]),
    "dtype": st.sampled_from(["auto", "float32", "float64", "input"]),
    "n_jobs": st.sampled_from([None, 1]),
    "device": st.just("cpu"),
}
SEEDS = st.one_of(st.none(), st.integers(0, 2**32 - 1), st.integers(0, 100).map(np.random.RandomState))
OF_CLASSES = {
    "loss": st.sampled_from(["log_loss", "focal"]),
    "label_smoothing": st.floats(0.0, 0.99),
    "focal_gamma": mostly(st.floats(0.0, 5.0), st.sampled_from([0, 1e3, 1e-300])),
}
OF_VALUES = {
    "loss": st.sampled_from(LOSSES),
    "quantile": quantiles(),
    "delta": mostly(decades(-3, 3), st.sampled_from([1, 1e-300, 1e300])),
}


@st.composite
def cases(draw):
    """A case; about one in seven has a fault."""
    name = draw(st.sampled_from(sorted(KINDS)))
    classes = name != "MLPRegressor"
    sizes = tuple(draw(st.lists(st.integers(1, 6), max_size=3)))
    optional = TRAINING | (OF_CLASSES if classes else OF_VALUES)
    required = {"max_iter": st.integers(1, 4), "random_state": SEEDS}
    parameters = draw(network(sizes)) | draw(st.fixed_dictionaries(required, optional=optional))
    kind = draw(st.sampled_from(KINDS[name]))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_rows = draw(st.integers(1, 60))
    X = features(draw, random, n_rows)
    y = targets(draw, random, n_rows, kind, parameters.get("loss"))
    report(draw, parameters, METRICS[classes][: -1 if kind == "one class" else None])
    choose_class_weight(draw, parameters, classes, kind, y)
    calls = draw_calls(draw, random, X, y, classes, kind)
    make_consistent(draw, parameters, calls, n_rows, kind)
    case = Case(name, parameters, calls, X, kind=kind)
    if draw(st.integers(0, 6)) == 3:
        faults = parameter_faults(case) if draw(st.booleans()) else data_faults(case)
        case.fault, spoil = draw(st.sampled_from(faults))
        spoil(case)
    return case


def features(draw, random, n_rows):
    """X in one of the forms and scales that users have."""
    X = random.standard_normal((n_rows, draw(st.integers(1, 5)))) * draw(mostly(st.just(1.0), decades(-9, 9)))
    form = draw(st.sampled_from(["C", "F", "float32", "int", "csr", "csc", "csr_matrix", "read-only", "list", "frame"]))
    if form in ("csr", "csc", "csr_matrix"):
        X = np.where(random.random(X.shape) < 0.5, X, 0.0).astype(draw(st.sampled_from(["float32", "float64"])))
        return {"csr": sparse.csr_array, "csc": sparse.csc_array, "csr_matrix": sparse.csr_matrix}[form](X)
    if form in ("list", "frame"):
        return X.tolist() if form == "list" else pd.DataFrame(X).add_prefix("column ")
    X = {"F": np.asfortranarray, "float32": np.float32, "int": np.int64}.get(form, np.array)(X)
    X.flags.writeable = form != "read-only"
    return X


def targets(draw, random, n_rows, kind, loss):
    """Targets of a kind, in the domain of the loss."""
    if kind in ("multilabel", "sparse multilabel"):
        y = random.integers(0, 2, (n_rows, draw(st.integers(2, 4))))
        return sparse.csr_array(y) if kind == "sparse multilabel" else y
    if kind in ("binary", "multiclass", "one class"):
        n_classes = {"binary": 2, "one class": 1}.get(kind) or draw(st.integers(3, 5))
        labels = np.array(["b", "a", "é", "d", "c"][:n_classes], dtype=draw(st.sampled_from([str, object])))
        labels = draw(st.sampled_from([labels, np.arange(-1, 4)[:n_classes], np.arange(5.0)[:n_classes]]))
        return labels[random.permutation(np.arange(n_rows) % n_classes)]
    shape = {"one column": (n_rows, 1), "many outputs": (n_rows, draw(st.integers(2, 3)))}.get(kind, (n_rows,))
    y = np.full(shape, 2.5) if kind == "constant" else random.standard_normal(shape)
    y *= draw(mostly(st.just(1.0), decades(-9, 9)))
    if loss in ("poisson", "gamma"):
        y = np.abs(y) + (loss == "gamma") * 1e-9
    if kind == "integers":
        y = (3.0 * y).astype(np.int64) + (loss == "gamma")
    return y


def report(draw, parameters, metrics):
    """Some of the metrics, and a monitor that is one of them."""
    metrics = draw(st.lists(st.sampled_from(metrics), max_size=2, unique_by=id))
    if metrics:
        parameters["metrics"] = draw(st.sampled_from([metrics, tuple(metrics)]))
    names = [metric for metric in metrics if isinstance(metric, str)]
    keys = ["auto", "loss", "val_loss", *names, *(f"val_{name}" for name in names)]
    parameters |= draw(
        st.fixed_dictionaries({}, optional={"monitor": st.sampled_from(keys), "early_stopping": st.booleans()})
    )


def choose_class_weight(draw, parameters, classes, kind, y):
    weight = decades(-3, 3)
    if not classes or draw(st.integers(0, 3)):
        return
    if "multilabel" in kind:
        each = st.fixed_dictionaries({0: weight, 1: weight})
        of_labels = st.lists(each, min_size=y.shape[1], max_size=y.shape[1])
    else:
        of_labels = st.fixed_dictionaries(dict.fromkeys(sorted(set(y.tolist())), weight))
    parameters["class_weight"] = draw(st.one_of(st.just("balanced"), of_labels))


def weights(draw, random, n_rows):
    """Sample weights with some zeros, but not in the first row; or None."""
    kind = draw(st.sampled_from([None, "uniform", "zeros", "integers", "scalar"]))
    some = random.uniform(0.1, 2.0, n_rows) * draw(mostly(st.just(1.0), decades(-9, 9)))
    if kind == "zeros":
        some[1:] *= random.integers(0, 2, n_rows - 1)
    return {None: None, "integers": np.arange(1, n_rows + 1), "scalar": 1.5}.get(kind, some)


def draw_calls(draw, random, X, y, classes, kind):
    """One or two calls of fit, or some of partial_fit."""
    methods = draw(st.sampled_from([["fit"]] * 3 + [["fit", "fit"], ["partial_fit"] * 2, ["fit", "partial_fit"]]))
    calls = []
    for number, method in enumerate(methods):
        arguments = {"X": X, "y": y, "sample_weight": weights(draw, random, y.shape[0])}
        if method == "fit" and draw(st.integers(0, 2)) == 0:
            arguments |= {"X_val": X, "y_val": y, "sample_weight_val": weights(draw, random, y.shape[0])}
        if method == "partial_fit" and classes and number == 0:
            arguments["classes"] = np.arange(y.shape[1]) if "multilabel" in kind else sorted(set(y.tolist()))
        calls.append(Call(method, arguments))
    return calls


def make_consistent(draw, parameters, calls, n_rows, kind):
    """Take away, most of the time, what does not go together."""
    if draw(st.integers(0, 9)) == 7:
        return
    if parameters.get("solver") == "lbfgs":
        for name in ("l1_ratio", "clip_norm", "weight_decay", "dropout", "normalization", "feature_rate"):
            parameters.pop(name, None)
        calls[:] = [call for call in calls if call.method == "fit"] or [Call("fit", calls[0].arguments)]
        for call in calls:
            call.arguments.pop("classes", None)
    methods = {call.method for call in calls}
    if "partial_fit" in methods:
        parameters.pop("early_stopping", None)
        if parameters.get("class_weight") == "balanced":
            del parameters["class_weight"]
    given = all(call.arguments.get("X_val") is not None for call in calls)
    if not given and (n_rows < 30 or kind == "one class"):
        parameters.pop("early_stopping", None)
    if parameters.get("loss") == "focal":
        parameters.pop("label_smoothing", None)
    if parameters.get("loss") == "quantile" and kind == "many outputs":
        parameters["loss"] = "huber"
