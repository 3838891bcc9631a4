"""Predictions of networks, and of ensembles of them, in ONNX operators."""

from itertools import accumulate

import numpy as np

from skmlp.estimators.tabular import BaseTabularMLP
from skmlp.export.description import EPSILON, layers_of, output_of
from skmlp.onnx.encoder import encoded
from skmlp.onnx.operators import ACTIVATIONS, LINKS


def raw_outputs(g, x, estimator):
    """Raw outputs of a network, of features in the dtype of the graph."""
    for layer in layers_of(estimator):
        x = g.Gemm(x, layer.weights, layer.biases)
        if layer.scales is not None:
            x = g.LayerNormalization(x, layer.scales, layer.shifts, epsilon=EPSILON)
        x = ACTIVATIONS[layer.activation](g, x)
    return x


def features(g, variables):
    """All inputs as one matrix in the dtype of the graph."""
    parts = [g.cast(variable.full_name) for variable in variables]
    return g.Concat(*parts, axis=1) if len(parts) > 1 else parts[0]


def mean(g, parts):
    """The mean of matrices."""
    return g.Mul(g.Sum(*parts), 1.0 / len(parts))


def logits(g, variables, estimator):
    """Raw outputs of a classifier, and the graph in the dtype of its probabilities."""
    if not isinstance(estimator, BaseTabularMLP):
        g = g.at(estimator._parameters.dtype)
        return raw_outputs(g, features(g, variables), estimator), g
    members, single = estimator.estimators_, g.at(estimator.encoder_.dtype)
    Z, g = encoded(g.at(np.float64), variables, estimator.encoder_), g.at(np.float64)
    z = mean(single, [raw_outputs(single, Z, member) for member in members])
    return g.Div(g.cast(z), float(estimator.temperature_)), g


def link_of(estimator):
    """Name of the link of a network, or of those of an ensemble."""
    return getattr(estimator, "estimators_", [estimator])[0]._network.link


def class_outputs(g, variables, estimator, *, scores=False):
    """Labels, and probabilities, or ``scores``: raw outputs, for two classes minus and plus the logit."""
    output = output_of(estimator._encoding, link_of(estimator))
    z, g = logits(g, variables, estimator)
    p = LINKS[output.link](g, z)
    positive = g.cast(g.Greater(p, 0.5), np.int64)
    if output.kind == "multilabel":
        return positive, z if scores else p
    if output.kind == "binary":
        number, p = g.Squeeze(positive, [1]), g.Concat(g.Sub(1.0, p), p, axis=1)
    else:
        number = g.ArgMax(p, axis=1, keepdims=0)
    labels = g.at(np.float64).Gather(output.classes, number)
    if not scores:
        return labels, p
    if output.kind == "multiclass" and len(output.classes) == 2:
        z = g.Sub(g.Gather(z, [1], axis=1), g.Gather(z, [0], axis=1))
    return labels, g.Concat(g.Neg(z), z, axis=1) if len(output.classes) == 2 else z


def values(g, variables, estimator):
    """Predicted values of a regressor, (n_samples, n_outputs)."""
    link = LINKS[link_of(estimator)]
    if not isinstance(estimator, BaseTabularMLP):
        g = g.at(estimator._parameters.dtype)
        return link(g, raw_outputs(g, features(g, variables), estimator))
    single, g = g.at(estimator.encoder_.dtype), g.at(np.float64)
    Z = encoded(g, variables, estimator.encoder_)
    outputs = [g.cast(link(single, raw_outputs(single, Z, member))) for member in estimator.estimators_]
    y = g.Add(g.Mul(mean(g, outputs), estimator._scale), estimator._mean)
    if hasattr(estimator, "quantile_offsets_"):
        y = g.Add(y, estimator.quantile_offsets_)
        columns = [g.Gather(y, [number], axis=1) for number in range(len(estimator.quantile_offsets_))]
        y = g.Concat(*accumulate(columns, g.Max), axis=1)  # which do not cross
    return g.Min(g.Max(y, estimator._lowest), estimator._highest)
