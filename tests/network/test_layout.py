"""Which slice of the parameter vector is which layer's weights and biases."""

import pickle
from itertools import pairwise

import numpy as np
import pytest

from skmlp.network.layout import Layout, Network

UNITS = [(8, 1), (8, 12, 1), (3, 5, 4, 2), (1, 1, 1)]
units = pytest.mark.parametrize("units", UNITS, ids=str)


@units
def test_all_weights_layer_by_layer_then_all_biases(units):
    layout = Layout(units)
    vector = np.arange(layout.size)
    parts = [*layout.weights(vector), *layout.biases(vector)]
    np.testing.assert_array_equal(np.concatenate([part.ravel() for part in parts]), vector)


@units
def test_shapes(units):
    layout = Layout(units)
    vector = np.zeros(layout.size)
    shapes = list(pairwise(units))
    assert [w.shape for w in layout.weights(vector)] == list(layout.shapes) == shapes
    assert [b.shape for b in layout.biases(vector)] == [(n_out,) for _, n_out in shapes]


@units
def test_numbers(units):
    layout = Layout(units)
    pairs = list(pairwise(units))
    assert layout.n_weights == sum(n_in * n_out for n_in, n_out in pairs)
    assert layout.size == sum((n_in + 1) * n_out for n_in, n_out in pairs)


@units
def test_weights_are_one_slice(units):
    layout = Layout(units)
    vector = np.zeros(layout.size)
    vector[: layout.n_weights] = 1.0
    assert all((w == 1.0).all() for w in layout.weights(vector))
    assert all((b == 0.0).all() for b in layout.biases(vector))


@units
@pytest.mark.parametrize("parts", ["weights", "biases"])
def test_views_write_through(units, parts):
    layout = Layout(units)
    vector = np.zeros(layout.size)
    for number, view in enumerate(getattr(layout, parts)(vector), start=1):
        assert view.base is not None and np.shares_memory(view, vector)
        view[...] = number
    start, stop = {"weights": (0, layout.n_weights), "biases": (layout.n_weights, layout.size)}[parts]
    assert (vector[start:stop] > 0.0).all()
    assert not vector[:start].any() and not vector[stop:].any()
    vector[:] = -1.0
    assert all((view == -1.0).all() for view in getattr(layout, parts)(vector))


@units
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_views_keep_the_dtype(units, dtype):
    layout = Layout(units)
    vector = Network(layout, ("relu",) * (len(units) - 2), "identity").zeros(dtype)
    assert vector.shape == (layout.size,) and vector.dtype == dtype and not vector.any()
    assert {view.dtype for view in layout.weights(vector) + layout.biases(vector)} == {np.dtype(dtype)}


@units
@pytest.mark.parametrize("normalization", [None, "batch", "layer"])
def test_features_stand_between_biases_and_normalisation(units, normalization):
    plain, layout = Layout(units, normalization), Layout(units, normalization, scaled=True)
    vector = np.arange(layout.size)
    raw, scales = layout.features(vector)
    assert raw.shape == units[:2] and scales.shape == units[:1]
    assert np.shares_memory(raw, vector) and np.shares_memory(scales, vector)
    norms = [part for layers in layout.normalizations(vector).values() for part in layers]
    parts = [*layout.weights(vector), *layout.biases(vector), raw, scales, *norms]
    np.testing.assert_array_equal(np.concatenate([part.ravel() for part in parts]), vector)
    assert layout.n_trained - plain.n_trained == layout.size - plain.size == raw.size + scales.size


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_features_follow_weights_that_somebody_has_written(dtype):
    """Of those features alone; products of denormal size may be 0."""
    layout = Layout((5, 3, 1), "layer", scaled=True)
    vector = np.random.default_rng(0).normal(size=layout.size).astype(dtype)
    weights, (raw, scales) = layout.weights(vector)[0], layout.features(vector)
    raw[3] = np.finfo(dtype).tiny / 2
    weights[:] = scales[:, None] * raw
    weights[3] = 0.0
    before = vector.copy()
    layout.follow(vector)
    np.testing.assert_array_equal(vector, before)
    weights[1, 2], weights[4] = 7.0, np.nan
    layout.follow(vector)
    np.testing.assert_array_equal(scales, np.where([False, True, False, False, True], 1.0, layout.features(before)[1]))
    np.testing.assert_array_equal(raw[[1, 4]], weights[[1, 4]])
    np.testing.assert_array_equal(raw[[0, 2, 3]], layout.features(before)[0][[0, 2, 3]])
    assert weights[1, 2] == 7.0


def test_equal_layouts_are_equal():
    assert Layout((3, 2)) == Layout((3, 2)) != Layout((2, 3))
    assert Layout((3, 2)) != Layout((3, 2), scaled=True) == Layout((3, 2), None, True)
    assert len({Layout((3, 2)), Layout((3, 2)), Layout((2, 3))}) == 2


def test_a_layout_does_not_change():
    with pytest.raises(AttributeError):
        Layout((3, 2)).units = (2, 3)


def test_a_used_layout_can_be_pickled():
    layout = Layout((3, 2, 1))
    assert layout.size == 11
    network = Network(layout, ("relu",), "identity")
    assert pickle.loads(pickle.dumps(network)) == network
