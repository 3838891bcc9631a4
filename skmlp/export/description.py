"""What a fitted network computes when it predicts: arrays and names, from which other programs can be made."""

from typing import NamedTuple

import numpy as np

EPSILON = 1e-5  # added to variances, as in skmlp.formulas.normalization


class Layer(NamedTuple):
    """activation(x @ weights + biases), where layer normalisation with scales and shifts may come in between.

    Batch normalisation, which is affine in prediction, is part of the weights and biases.
    """

    weights: np.ndarray
    biases: np.ndarray
    activation: str
    scales: np.ndarray | None = None
    shifts: np.ndarray | None = None


class Output(NamedTuple):
    """What becomes of the raw outputs: the name of a link, and for classes their kind and labels."""

    link: str
    kind: str | None = None
    classes: np.ndarray | None = None


def layers_of(estimator):
    """The layers of a fitted network, the last one without its link.

    Parameters
    ----------
    estimator : fitted estimator with one network

    Returns
    -------
    layers : list of Layer

    Raises
    ------
    ValueError
        If an activation is a function of the user's own.
    """
    network, vector = estimator._network, estimator._parameters
    own = [str(activation) for activation in network.activations if not isinstance(activation, str)]
    if own:
        raise ValueError(
            f"activation: {own} cannot be exported, since they are functions of your own (CustomActivation); those "
            "that have a name in skmlp can."
        )
    affine = zip(network.layout.weights(vector), network.layout.biases(vector), strict=True)
    layers = [Layer(*pair, name) for pair, name in zip(affine, (*network.activations, "identity"), strict=True)]
    norms = network.layout.normalizations(vector)
    for number, parts in enumerate(zip(*norms.values(), strict=True)):
        layers[number] = with_normalization(layers[number], **dict(zip(norms, parts, strict=True)))
    return layers


def with_normalization(layer, scales, shifts, means=None, variances=None):
    """A layer with layer normalisation or, where there are running averages, batch normalisation before its activation.

    The latter is worked out in double precision.
    """
    if means is None:
        return layer._replace(scales=scales, shifts=shifts)
    dtype = layer.weights.dtype
    factors = scales / np.sqrt(variances.astype(np.float64) + EPSILON)
    weights, biases = layer.weights * factors, (layer.biases - means) * factors + shifts
    return layer._replace(weights=weights.astype(dtype), biases=biases.astype(dtype))


def output_of(encoding, link):
    """The output of a fitted estimator.

    Parameters
    ----------
    encoding : skmlp.estimators.targets.ClassEncoding or ValueEncoding
    link : str
        Of its network.

    Returns
    -------
    output : Output
        A single class is softmax of one unit, which is 1 whatever the unit says.
    """
    if not encoding.is_classifier:
        return Output(link)
    if encoding.kind == "binary" and len(encoding.classes) == 1:
        return Output("softmax", "multiclass", encoding.classes)
    return Output(link, encoding.kind, encoding.classes)
