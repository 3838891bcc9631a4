"""Which parameters are stepped alike."""

from itertools import pairwise

import numpy as np
import pytest

from skmlp.network.layout import Layout
from skmlp.network.segments import Segment, merged, segments

LAYOUTS = {
    "no hidden layer": Layout((4, 2)),
    "one unit each": Layout((1, 1, 1)),
    "deep": Layout((3, 5, 4, 2)),
    "batch": Layout((3, 5, 4, 2), "batch"),
    "layer": Layout((3, 5, 4, 2), "layer"),
    "scaled": Layout((3, 5, 4, 2), scaled=True),
    "scaled, no hidden layer": Layout((4, 2), scaled=True),
    "scaled, batch": Layout((3, 5, 4, 2), "batch", scaled=True),
    "scaled, layer": Layout((3, 5, 4, 2), "layer", scaled=True),
}
layouts = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
RATES = {
    "alike": {},
    "biases": {"bias_rate": 0.1},
    "still biases": {"bias_rate": 0.0},
    "features": {"feature_rate": 6.0},
    "ntk": {"parametrization": "ntk"},
    "ntk, proportional": {"parametrization": "ntk", "proportional": True},
    "all": {"parametrization": "ntk", "bias_rate": 0.1, "feature_rate": 6.0},
}
rates = pytest.mark.parametrize("rates", RATES.values(), ids=RATES)


def expected_rates(layout, *, parametrization="standard", proportional=False, bias_rate=1.0, feature_rate=1.0):
    """Factor and penalty of every parameter, NaN for those that are not stepped, by the views of the layout."""
    factors, penalised = np.full(layout.size, np.nan), np.full(layout.size, np.nan)
    weights = list(layout.weights(factors)), list(layout.weights(penalised))
    if layout.scaled:
        (weights[0][0], scales), (weights[1][0], scales_penalised) = map(layout.features, (factors, penalised))
        scales[...], scales_penalised[...] = feature_rate, 0.0
    for factor, penalty, n_in in zip(*weights, layout.units, strict=False):
        root = n_in if proportional else np.sqrt(n_in)
        factor[...], penalty[...] = 1.0 / root if parametrization == "ntk" else 1.0, 1.0
    for factor, penalty in zip(layout.biases(factors), layout.biases(penalised), strict=True):
        factor[...], penalty[...] = bias_rate, 0.0
    for vector, value in ((factors, 1.0), (penalised, 0.0)):
        for name, layers in layout.normalizations(vector).items():
            for part in layers if name in ("scales", "shifts") else ():
                part[...] = value
    return factors, penalised


@layouts
@rates
def test_every_trained_parameter_has_its_factor(layout, rates):
    """All but the weights that are products; running averages are not trained."""
    factors, penalised = np.full((2, layout.size), np.nan)
    for start, stop, penalty, rate in segments(layout, **rates):
        assert np.isnan(factors[start:stop]).all(), "once"
        factors[start:stop], penalised[start:stop] = rate, penalty
    expected = expected_rates(layout, **rates)
    np.testing.assert_allclose(factors, expected[0], rtol=1e-15)
    np.testing.assert_array_equal(penalised, expected[1])


@layouts
@rates
def test_segments_are_in_order_and_neighbours_differ(layout, rates):
    parts = segments(layout, **rates)
    assert all(part.start < part.stop for part in parts)
    for one, other in pairwise(parts):
        assert one.stop <= other.start
        assert one.stop < other.start or one[2:] != other[2:]
    assert parts[-1].stop == layout.n_trained


def test_by_default_there_are_weights_and_others():
    for layout in (LAYOUTS["deep"], LAYOUTS["batch"]):
        every = (0, layout.n_weights, True, 1.0), (layout.n_weights, layout.n_trained, False, 1.0)
        assert segments(layout) == every


def test_neighbours_that_are_stepped_alike_are_merged():
    parts = [Segment(0, 2, True, 1.0), Segment(2, 3, True, 1.0), Segment(3, 4, True, 0.5), Segment(5, 6, True, 0.5)]
    assert merged(parts) == (Segment(0, 3, True, 1.0), *parts[2:])
    assert merged([]) == ()


def test_with_the_same_number_of_inputs_layers_have_the_same_rate():
    assert segments(Layout((4, 4, 2)), parametrization="ntk")[0] == (0, 24, True, 0.5)
