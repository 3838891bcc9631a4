"""Which parameters are stepped alike: slices of the parameter vector, with what they bear."""

from itertools import pairwise
from typing import NamedTuple


class Segment(NamedTuple):
    """A slice of the trained parameters, whether it bears penalty and decay, and its factor of the learning rate."""

    start: int
    stop: int
    penalised: bool
    rate: float


def segments(layout, *, parametrization="standard", proportional=False, bias_rate=1.0, feature_rate=1.0):
    """The segments of a layout, in order; neighbours that are stepped alike are one.

    Under the neural tangent parametrisation, ``'ntk'``, a weight is u / √n_in, n_in the inputs of its layer, and the
    optimiser works on u (Jacot, Gabriel & Hongler, NeurIPS 2018). The same is done to the weight itself by a learning
    rate over √n_in, where the steps of an optimiser do not depend on the size of the gradient, and over n_in where they
    are ``proportional`` to it, for the gradient in u is smaller by √n_in, too.

    Parameters
    ----------
    layout : skmlp.network.layout.Layout
    parametrization : {'standard', 'ntk'}
    proportional : bool
        Whether the optimiser's steps are proportional to the gradient.
    bias_rate : float
        Factor of the learning rate of biases.
    feature_rate : float
        Factor of the learning rate of the scales of features.

    Examples
    --------
    >>> from skmlp.network.layout import Layout
    >>> [tuple(part) for part in segments(Layout((4, 3, 1)), bias_rate=0.1)]
    [(0, 15, True, 1.0), (15, 19, False, 0.1)]
    """
    power = 0.0 if parametrization == "standard" else -1.0 if proportional else -0.5
    rates = [n_in**power for n_in, _ in layout.shapes]
    parts = [Segment(*bounds, True, rate) for bounds, rate in zip(pairwise(layout.weight_offsets), rates, strict=True)]
    parts.append(Segment(layout.bias_offsets[0], layout.bias_offsets[-1], False, bias_rate))
    if layout.scaled:  # the weights of the first layer are a product, which follows its factors
        raw, scales, end = layout.feature_offsets
        parts = [*parts[1:], Segment(raw, scales, True, rates[0]), Segment(scales, end, False, feature_rate)]
    parts.append(Segment(layout.feature_offsets[-1], layout.n_trained, False, 1.0))
    return merged(part for part in parts if part.start < part.stop)


def merged(parts):
    """The same with neighbours that are stepped alike made one."""
    result = []
    for part in parts:
        if result and result[-1].stop == part.start and result[-1][2:] == part[2:]:
            part = part._replace(start=result.pop().start)
        result.append(part)
    return tuple(result)
