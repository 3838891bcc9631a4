"""From a fitted estimator to an ONNX model."""

from __future__ import annotations

import skl2onnx
from onnx import ModelProto, TensorProto, helper
from sklearn.base import is_classifier, is_regressor
from sklearn.pipeline import Pipeline

from skmlp.onnx.inputs import input_types
from skmlp.typing import Estimator, MatrixLike, TableLike
from skmlp.version import __version__

OPSETS = {"": 18, "ai.onnx.ml": 3}


def to_onnx(estimator: Estimator, X: MatrixLike | TableLike) -> ModelProto:
    """ONNX model of a fitted estimator or pipeline, by way of skl2onnx.

    Parameters
    ----------
    estimator : estimator
        Fitted: any of skmlp, a pipeline with one, or another estimator of scikit-learn that holds one and that
        skl2onnx knows. Activations must be such that have a name in skmlp.
    X : {array-like, frame} of shape (n_samples, n_features)
        A few rows, of the kind that the model will be given; they say what its inputs are. For an array there is one
        input, ``X``, of shape (n, n_features), for a frame one a column, by its name, of shape (n, 1); so it is for
        an array whose columns are of several types, and the names are ``x0``, ``x1`` and so on. Types are those of X:
        float32, float64, int64 (of all integers), bool and string.

    Returns
    -------
    model : onnx.ModelProto
        For opset 18 (``ai.onnx.ml`` 3). Any number of rows goes. Outputs of a classifier: ``label``, int64 for
        integers, float64 for floats, bool or string, of shape (n,) or, of several labels a row, (n, n_labels);
        ``probabilities``, as ``predict_proba``. Output of a regressor: ``prediction``, as ``predict``. Its precision
        is that of the estimator, except that of meta-estimators, for which it is that of X.

    Raises
    ------
    ValueError
        If an activation is a function of the user's own, or the encoder of a table cannot be expressed in ONNX; if X
        does not fit the estimator, or a column of it holds values of several types, or none.
    sklearn.exceptions.NotFittedError
        If the estimator is not fitted.

    See Also
    --------
    skmlp.to_source : A Python module that needs nothing but NumPy.

    Notes
    -----
    What the model does not do is to check its input: NaN and infinity give some prediction. Missing numbers of tables
    are NaN, missing texts are empty, unless the empty text was a category in training. A category that is a date or
    any other object is not supported.

    Of other estimators than those of skmlp, skl2onnx decides what can be converted, and raises errors of its own.

    Examples
    --------
    >>> import numpy as np
    >>> from onnxruntime import InferenceSession
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skmlp import MLPClassifier
    >>> from skmlp.onnx import to_onnx
    >>> X, y = load_iris(return_X_y=True)
    >>> model = make_pipeline(StandardScaler(), MLPClassifier((16,), solver="lbfgs", random_state=0)).fit(X, y)
    >>> session = InferenceSession(to_onnx(model, X[:1]).SerializeToString())
    >>> label, probabilities = session.run(None, {"X": X})
    >>> bool((label == model.predict(X)).all())
    True
    """
    types = input_types(X)
    flat = hasattr(estimator, "predict") and estimator.predict(X).ndim == 1  # which checks both, too
    options = {id(one): {"zipmap": False} for one in ends(estimator) if is_classifier(one)}
    model = skl2onnx.to_onnx(estimator, initial_types=types, target_opset=OPSETS, options=options)
    model.doc_string = f"{type(estimator).__name__}, written by skmlp {__version__}"
    outputs = ["prediction"] if is_regressor(estimator) else [output.name for output in model.graph.output]
    give_names(model.graph, [name for name, _ in types], outputs)
    if flat and is_regressor(estimator):
        flatten(model.graph)
    return model


def ends(estimator):
    """An estimator, its last step or what a search has found, the last of that, and so on."""
    while estimator is not None:
        yield estimator
        if isinstance(estimator, Pipeline):
            estimator = estimator.steps[-1][1]
        else:
            estimator = getattr(estimator, "best_estimator_", None)


def give_names(graph, inputs, outputs):
    """Name inputs, whose names skl2onnx has changed where they are no identifiers, and outputs.

    Whatever else has the name of an input makes way, outputs as well: underscores at the end keep names apart.
    """
    results = [name for node in graph.node for name in node.output] + [constant.name for constant in graph.initializer]
    taken = {*inputs, *results}

    def free(name):
        while name in taken:
            name += "_"
        taken.add(name)
        return name

    names = {name: free(name) for name in results if name in inputs}
    names |= {value.name: name for value, name in zip(graph.input, inputs, strict=True)}
    names |= {value.name: free(name) for value, name in zip(graph.output, outputs, strict=True) if value.name != name}
    rename(graph, names)


def rename(graph, names):
    """Change names of values, wherever they stand in a graph."""
    for node in graph.node:
        for values in (node.input, node.output):
            values[:] = [names.get(name, name) for name in values]
    for value in (*graph.input, *graph.output, *graph.initializer):
        value.name = names.get(value.name, value.name)


def flatten(graph):
    """Make the one output of a graph, a column, one-dimensional."""
    (column,) = graph.output
    name = column.name
    rename(graph, {name: f"{name}_column"})
    shape = helper.make_tensor(f"{name}_shape", TensorProto.INT64, [1], [-1])
    flat = helper.make_tensor_value_info(name, column.type.tensor_type.elem_type, [None])
    graph.initializer.append(shape)
    graph.node.append(helper.make_node("Reshape", [column.name, shape.name], [name], "flatten"))
    graph.output.remove(column)
    graph.output.append(flat)
