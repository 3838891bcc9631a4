"""Which parameters are stepped alike: slices of the parameter vector, with what they bear."""

from itertools import pairwise
from typing import NamedTuple


class Segment(NamedTuple):
    """A slice of the trained parameters, whether it bears penalty and decay, and its factor of the learning rate."""

    start: int
    stop: int
    penalised: bool
    rate: float


def segments(layout, *, parametrization="standard", bias_rate=1.0, feature_rate=1.0):
    """The segments of a layout, in order.

    Under the neural tangent parametrisation, ``'ntk'``, a weight is w / √n_in, n_in the inputs of its layer, and the
    optimiser works on w (Jacot, Gabriel & Hongler, NeurIPS 2018). A step of the weight itself is that of w over √n_in,
    so for an optimiser whose steps do not depend on the size of the gradient the learning rate is.

    Parameters
    ----------
    layout : skmlp.network.layout.Layout
    parametrization : {'standard', 'ntk'}
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
    parts = []
    for number, ((start, stop), (n_in, _)) in enumerate(
        zip(pairwise(layout.weight_offsets), layout.shapes, strict=True)
    ):
        rate = n_in**-0.5 if parametrization == "ntk" else 1.0
        if layout.scaled and number == 0:
            raw, scales, end = layout.feature_offsets
            features = [Segment(raw, scales, True, rate), Segment(scales, end, False, feature_rate)]
        else:
            parts.append(Segment(start, stop, True, rate))
    parts.append(Segment(layout.bias_offsets[0], layout.bias_offsets[-1], False, bias_rate))
    parts += features if layout.scaled else []
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
