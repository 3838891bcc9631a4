"""The source of a module that predicts as a fitted estimator does, and needs nothing but NumPy."""

from base64 import encodebytes
from pprint import pformat
from textwrap import fill, indent

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skmlp.estimators.base import BaseMLP
from skmlp.export.description import EPSILON, layers_of, output_of
from skmlp.export.expressions import ACTIVATIONS, LINKS
from skmlp.export.scaling import unwrap
from skmlp.typing import Estimator
from skmlp.version import __version__

WIDTH = 100

HEAD = '''\
"""{name}: predictions of a fitted network.

{summary}

{about}

Written by skmlp {version}, with NumPy {numpy}. Needs nothing but NumPy. Arrays stand at the end as their bytes, little
end first, in base64, so that each number is exactly the one that was trained.
"""
'''

ROWS = '''
def rows(X):
    """X as an array of what the network takes, or a ValueError."""
    if FEATURES is not None and hasattr(X, "columns") and list(X.columns) != FEATURES:
        raise ValueError(f"X has the columns {{list(X.columns)}}, expected are {{FEATURES}}.")
    X = np.asarray(X)
    if X.ndim != 2 or X.shape[1] != {n_features}:
        raise ValueError(f"X has shape {{X.shape}}, expected is (n_samples, {n_features}).")
    with np.errstate(over="ignore"):
        X = {scaled}.astype(np.{dtype})
    if not np.isfinite(X).all():
        raise ValueError("X holds NaN, infinity, or values too large for {dtype}.")
    return X
'''

NORMALIZED = '''
def normalized(z, scales, shifts):
    """Layer normalisation: each row with mean 0 and variance 1, then scaled and shifted."""
    z = z - z.mean(axis=1, keepdims=True)
    return z / np.sqrt((z * z).mean(axis=1, keepdims=True) + {epsilon}) * scales + shifts
'''

FUNCTION = '''
def {name}(z):
    """The {role} {name}."""
    return {expression}
'''

NETWORK = '''
def network(X):
    """Raw outputs, shape (n_samples, {n_outputs})."""
    a = rows(X)
{layers}
    return a
'''

REGRESSOR = '''
def predict(X):
    """Predicted values of the rows of X, shape {shape}."""
    y = {link}(network(X)){scaled}
    return {value}
'''

CLASSIFIER = '''
def decision_function(X):
    """Logits of the rows of X, shape {logits_shape}."""
    z = network(X)
    return {logits}


def predict_proba(X):
    """Probabilities of the rows of X, shape {shape}, a column for each of CLASSES."""
    p = {link}(network(X))
    return {probabilities}


def predict(X):
    """Labels of the rows of X, shape {labels_shape}."""
    p = {link}(network(X))
    return {labels}
'''

ARRAY = '''
def array(shape, dtype, text):
    """An array from the bytes of its values in base64."""
    return np.frombuffer(base64.b64decode(text), dtype).astype(dtype[1:]).reshape(shape)
'''

LABELS = {
    "binary": "CLASSES[(p[:, 0] > 0.5).astype(int)]",
    "multiclass": "CLASSES[p.argmax(axis=1)]",
    "multilabel": "(p > 0.5).astype(np.int64)",
}


def to_source(estimator: Estimator) -> str:
    """Source of a Python module that predicts as a fitted estimator does, and needs nothing but NumPy.

    The module has ``predict(X)``, and for classifiers ``predict_proba(X)`` and ``decision_function(X)``, which return
    what the methods of these names do, up to rounding. The weights are part of it, exactly: as bytes in base64.

    Parameters
    ----------
    estimator : MLPClassifier, MLPBinaryClassifier, MLPMulticlass, MLPRegressor, Pipeline or TransformedTargetRegressor
        Fitted. ``StandardScaler``, ``RobustScaler``, ``MinMaxScaler`` and ``MaxAbsScaler`` may scale the features, in a
        pipeline, and the targets.

    Returns
    -------
    source : str
        Text of the module, ASCII but for the names of features and classes. ``predict`` returns label indicators as
        an array, even where labels were sparse in training. The functions raise ``ValueError`` for X of another shape,
        with other columns (of frames), or with NaN or infinity.

    Raises
    ------
    TypeError
        If the estimator is no network, such as ``TabularMLPClassifier``, which is an encoder and an ensemble.
    ValueError
        If an activation is a function of the user's own, features or targets are transformed otherwise, or a class is
        neither text nor number.
    sklearn.exceptions.NotFittedError
        If the estimator is not fitted.

    See Also
    --------
    skmlp.onnx.to_onnx : A model for ONNX Runtime, also of other pipelines and of estimators for raw tables.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skmlp import MLPClassifier, to_source
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier((16,), learning_rate_init=0.01, max_iter=500, random_state=0).fit(X, y)
    >>> module = {}
    >>> exec(to_source(model), module)
    >>> bool(abs(module["predict_proba"](X) - model.predict_proba(X)).max() < 1e-6)
    True
    """
    check_is_fitted(estimator)
    found = unwrap(estimator)
    model = found.estimator
    if not isinstance(model, BaseMLP):
        raise TypeError(
            "to_source takes a fitted MLPClassifier, MLPBinaryClassifier, MLPMulticlass or MLPRegressor, in a Pipeline "
            f"or TransformedTargetRegressor or not, got {model!r}. Of other estimators skmlp.onnx.to_onnx may make an "
            "ONNX model."
        )
    layers, output = layers_of(model), output_of(model._encoding, model._network.link)
    names = None if found.names is None else found.names.tolist()
    functions = "\n".join(
        [
            rows_function(layers[0].weights, found.features is not None),
            *formulas(layers, output.link),
            network_function(layers),
            public_functions(output, layers[-1].biases.size, found),
            ARRAY,
        ]
    )
    imports = ["base64", *(["math"] if "math." in functions else [])]
    return "\n".join(
        [
            head(model, names, output.classes),
            *(f"import {name}" for name in imports),
            "\nimport numpy as np\n",
            functions,
            f"\nFEATURES = {pformat(names, width=WIDTH, compact=True)}",
            *classes_constant(output.classes),
            *scales(found),
            *constants(layers),
            "",
        ]
    )


def head(model, names, classes):
    """The docstring of the module."""
    about = [f"Features: {model.n_features_in_ if names is None else ', '.join(map(repr, names))}."]
    if classes is not None:
        about.append(f"Classes: {', '.join(map(repr, classes.tolist()))}.")
    text = {
        "name": type(model).__name__,
        "summary": model.summary(),
        "about": "\n".join(fill(line, WIDTH, subsequent_indent="    ") for line in about),
    }
    text = {name: part.replace("\\", "\\\\").replace('"', '\\"') for name, part in text.items()}
    return HEAD.format(**text, version=__version__, numpy=np.__version__)


def rows_function(weights, scaled):
    """The function that checks X and scales it, which it does in double precision."""
    return ROWS.format(n_features=len(weights), dtype=weights.dtype, scaled="((X - SHIFT) / SCALE)" if scaled else "X")


def formulas(layers, link):
    """The functions that the network and its output call."""
    if any(layer.scales is not None for layer in layers):
        yield NORMALIZED.format(epsilon=EPSILON)
    used = dict.fromkeys((layer.activation for layer in layers[:-1]), "activation")
    for name, role in (used | {link: "inverse link"}).items():
        yield FUNCTION.format(name=name, role=role, expression=(ACTIVATIONS | LINKS)[name])


def network_function(layers):
    """The function of the raw outputs."""
    lines = []
    for number, layer in enumerate(layers, start=1):
        term = f"a @ WEIGHTS_{number} + BIASES_{number}"
        if layer.scales is not None:
            term = f"normalized({term}, SCALES_{number}, SHIFTS_{number})"
        lines.append(f"a = {term}" if layer is layers[-1] else f"a = {layer.activation}({term})")
    return NETWORK.format(n_outputs=layers[-1].biases.size, layers=indent("\n".join(lines), "    "))


def public_functions(output, n_outputs, found):
    """What users call."""
    several = f"(n_samples, {n_outputs})"
    if output.kind is None:
        shape, value = ("(n_samples,)", "y[:, 0]") if n_outputs == 1 and found.flat else (several, "y")
        scaled = "" if found.targets is None else " * TARGET_SCALE + TARGET_SHIFT"
        return REGRESSOR.format(link=output.link, scaled=scaled, shape=shape, value=value)
    logits = "z"
    if output.kind != "multilabel":
        logits = {1: "z[:, 0]", 2: "z[:, 1] - z[:, 0]"}.get(n_outputs, logits)
    return CLASSIFIER.format(
        link=output.link,
        logits=logits,
        logits_shape=several if logits == "z" else "(n_samples,)",
        probabilities="np.hstack([1 - p, p])" if output.kind == "binary" else "p",
        shape=f"(n_samples, {len(output.classes)})",
        labels=LABELS[output.kind],
        labels_shape=several if output.kind == "multilabel" else "(n_samples,)",
    )


def classes_constant(classes):
    """The labels, as an array of their dtype.

    Raises
    ------
    ValueError
        If a label is an object that is no text, number or truth value.
    """
    if classes is not None:
        labels = classes.astype(np.int64 if classes.dtype.kind in "mM" else classes.dtype).tolist()
        for label in labels:
            if not isinstance(label, str | bytes | int | float):
                raise ValueError(f"the class {label!r} cannot be written into a module.")
        written = pformat(labels, width=WIDTH, compact=True)
        yield f"CLASSES = np.array({written}, dtype={classes.dtype.str!r})"


def scales(found):
    """What scales features and targets."""
    for prefix, scaling in (("", found.features), ("TARGET_", found.targets)):
        for name, values in zip(("SHIFT", "SCALE"), scaling or (), strict=False):
            yield constant(prefix + name, np.float64(values))


def constants(layers):
    """The arrays of the network."""
    for number, layer in enumerate(layers, start=1):
        for name in ("weights", "biases", "scales", "shifts"):
            if (values := getattr(layer, name)) is not None:
                yield constant(f"{name.upper()}_{number}", values)


def constant(name, values):
    """An array as an assignment."""
    little = values.astype(values.dtype.newbyteorder("<"))
    text = encodebytes(little.tobytes()).decode()
    return f'{name} = array({values.shape}, "{little.dtype.str}", """\n{text}""")'
