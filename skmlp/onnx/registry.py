"""What skl2onnx has to know of the estimators of skmlp, and of scaled targets: parser, shapes, converter of each."""

import numpy as np
from skl2onnx import update_registered_converter
from skl2onnx._parse import _parse_sklearn
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType
from sklearn.compose import TransformedTargetRegressor

from skmlp.estimators.classification import MLPBinaryClassifier, MLPClassifier, MLPMulticlass
from skmlp.estimators.regression import MLPRegressor
from skmlp.estimators.tabular_classification import TabularMLPClassifier
from skmlp.estimators.tabular_regression import TabularMLPRegressor
from skmlp.export.scaling import linear
from skmlp.onnx.encoder import encoded
from skmlp.onnx.graph import Graph
from skmlp.onnx.inputs import tensor_of
from skmlp.onnx.networks import class_outputs, values
from skmlp.preprocessing import TabularEncoder

# What a classifier of scikit-learn has, too: skl2onnx sets these options for it.
CLASSIFIER_OPTIONS = {"zipmap": [False, True], "raw_scores": [False, True]}


def classifier_types(model, inputs):
    """Name and type of each output; labels of several kinds, as ``classes_``."""
    classes, n_classes = model.classes_, len(model.classes_)
    width = [n_classes] if model._encoding.kind == "multilabel" else []
    kind = np.float64 if classes.dtype.kind == "f" else classes.dtype  # as class_outputs has them
    if classes.dtype.kind == "u" and classes.max() > np.iinfo(np.int64).max:
        raise ValueError(f"ONNX Runtime has no labels above {np.iinfo(np.int64).max}, got {classes.max()}.")
    label, probabilities = tensor_of(kind), tensor_of(precision(model))
    return [("label", label([None, *width])), ("probabilities", probabilities([None, n_classes]))]


def regressor_types(model, inputs):
    """Name and type of the output, which is a matrix, as skl2onnx has it of all regressors."""
    return [("prediction", tensor_of(precision(model))([None, model._encoding.n_outputs]))]


def encoder_types(model, inputs):
    """Name and type of the output."""
    return [("encoded", tensor_of(model.dtype)([None, model._n_features_out]))]


def target_types(model, inputs):
    """Name and type of the output, which has the precision of the inputs."""
    linear(model.transformer_, "the transformer of the target")  # or an error
    single = all(isinstance(each.type, FloatTensorType) for each in inputs)
    kind = FloatTensorType if single else DoubleTensorType
    return [("prediction", kind([None, model.transformer_.n_features_in_]))]


def precision(model):
    """Dtype of predictions: that of the parameters, and of ensembles float64."""
    return model._parameters.dtype if hasattr(model, "_parameters") else np.dtype(np.float64)


def convert_classifier(g, operator):
    """Labels and probabilities or, where a meta-estimator wants them, scores."""
    options = g.container.get_options(operator.raw_operator, {"raw_scores": False})
    labels, scores = class_outputs(g, operator.inputs, operator.raw_operator, scores=options["raw_scores"])
    label, probabilities = operator.outputs
    g.container.add_node("Identity", [labels], label.full_name)
    put(g, scores, probabilities)


def convert_regressor(g, operator):
    """Predicted values."""
    put(g, values(g, operator.inputs, operator.raw_operator), *operator.outputs)


def convert_encoder(g, operator):
    """The encoded table."""
    put(g, encoded(g, operator.inputs, operator.raw_operator), *operator.outputs)


def convert_target(g, operator):
    """Predicted values of the regressor that has learnt scaled targets, scaled back."""
    model = operator.raw_operator
    (scaled,) = _parse_sklearn(g.scope, model.regressor_, operator.inputs)  # as skl2onnx does with steps of pipelines
    shift, scale = linear(model.transformer_, "the transformer of the target")
    put(g, g.Add(g.Mul(g.cast(scaled.full_name), scale), shift), *operator.outputs)


def put(g, result, variable):
    """Make a result the value of a variable, in its precision; meta-estimators may want another than the model's."""
    dtype = np.float64 if isinstance(variable.type, DoubleTensorType) else np.float32
    g.container.add_node("Identity", [g.cast(result, dtype)], variable.full_name)


def learn(kind, alias, types, convert, options=None):
    """Let skl2onnx convert one class of estimators."""

    def parse(scope, model, inputs, custom_parsers=None):
        operator = scope.declare_local_operator(alias, model)
        operator.inputs = inputs
        for output in types(model, inputs):
            operator.outputs.append(scope.declare_local_variable(*output))
        return operator.outputs

    def shapes(operator):
        for variable, (_, kind) in zip(operator.outputs, types(operator.raw_operator, operator.inputs), strict=True):
            variable.type.shape = kind.shape

    def converter(scope, operator, container):
        convert(Graph(scope, container, np.float64), operator)

    update_registered_converter(kind, alias, shapes, converter, parser=parse, options=options)


def register():
    """Let skl2onnx convert all estimators of skmlp."""
    for kind in (MLPBinaryClassifier, MLPClassifier, MLPMulticlass, TabularMLPClassifier):
        learn(kind, "SkmlpClassifier", classifier_types, convert_classifier, CLASSIFIER_OPTIONS)
    for kind in (MLPRegressor, TabularMLPRegressor):
        learn(kind, "SkmlpRegressor", regressor_types, convert_regressor)
    learn(TabularEncoder, "SkmlpTabularEncoder", encoder_types, convert_encoder)
    learn(TransformedTargetRegressor, "SkmlpTransformedTargetRegressor", target_types, convert_target)
