"""Dropout: masks by counter, kept expectation, exact gradients, and nothing of it in predictions."""

import numpy as np
import pytest

from skmlp.cpu.backend import SHARD_ROWS, CpuBackend
from skmlp.cpu.dropout import drop, dropout_loops
from skmlp.cpu.memory import LANES
from skmlp.formulas.activations import ACTIVATIONS
from skmlp.formulas.optimisers import STEPS
from skmlp.formulas.random import mixed, random_bits, random_key
from skmlp.network.layout import Layout, Network
from skmlp.network.segments import segments
from tests import naive
from tests.cpu.operations import operate


def mask(size, *, key=12345, first=0, rate=0.3, dtype="float64"):
    values = np.ones(size, dtype=dtype)
    drop(values, key, first, rate)
    return values


def test_mixing_is_a_permutation():
    """Of a sample, no two give the same; and integers stay within 32 bits."""
    numbers = [mixed(x) for x in range(0, 2**32, 2**32 // 5003)]
    assert len(set(numbers)) == len(numbers)
    assert all(0 <= number < 2**32 for number in numbers)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_masks_are_those_of_plain_python(dtype):
    key, first = random_key(2**31 - 1, 10**6, 3), 4_000
    kept = [random_bits(key, first + i) >= int(0.3 * 2**32) for i in range(200)]
    expected = np.where(kept, np.ones(1, dtype) * (1.0 / 0.7), 0.0)
    np.testing.assert_allclose(mask(200, key=key, first=first, dtype=dtype), expected, rtol=1e-6)


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9])
def test_the_expectation_is_kept(rate):
    size = 20_000
    values = mask(size, rate=rate)
    spread = np.sqrt(rate / (1 - rate) / size)
    assert abs(values.mean() - 1.0) <= 5 * spread
    assert set(np.round(np.unique(values), 9)) <= {0.0, round(1 / (1 - rate), 9)}


def test_a_mask_depends_on_the_place_in_the_batch_alone():
    whole = mask(300)
    parts = [mask(120), mask(180, first=120)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_masks_of_other_seeds_steps_and_layers_are_unrelated():
    keys = [random_key(*where) for where in [(1, 0, 0), (2, 0, 0), (1, 1, 0), (1, 0, 1), (1, 2, 0), (0, 1, 0)]]
    masks = np.array([mask(20_000, key=key, rate=0.5) > 0 for key in keys])
    correlation = np.corrcoef(masks) - np.eye(len(keys))
    assert np.abs(correlation).max() < 5 / np.sqrt(20_000)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("way", ["forward", "back"])
def test_the_mask_of_a_layer_is_that_of_its_place_in_the_batch(way, dtype):
    """Forward of the activations; back of their gradient, while the activations become those before the mask."""
    rows, units, first, seed, step, layer, rate = 5, 7, 256, 11, 3, 1, 0.3
    random = np.random.default_rng(0)
    before, slope = random.normal(size=(2, rows * units)).astype(dtype)
    kept = mask(rows * units, key=random_key(seed, step, layer), first=first * units, rate=rate, dtype=dtype)
    values = [before * kept if way == "back" else before, np.zeros(LANES), slope, np.zeros(LANES)]
    work = np.concatenate(values, dtype=dtype)
    a, delta = work[: rows * units], work[rows * units + LANES : -LANES]
    operate(
        dropout_loops,
        way,
        dtype,
        {"WORK": work, "DROPOUT": np.array([0.9, rate]), "KEPT": np.array([0.0, 0.0, step])},
        {"N_ROWS": rows, "SEED": seed, "PLACE": first},
        N_OUT=units,
        LAYER=layer,
        DELTA=rows * units + LANES,
    )
    expected = (np.where(kept > 0, before, 0.0), slope * kept) if way == "back" else (before * kept, slope)
    np.testing.assert_allclose(a, expected[0], rtol=4 * np.finfo(dtype).eps)
    np.testing.assert_allclose(delta, expected[1], rtol=4 * np.finfo(dtype).eps)


def make_run(activation, rows, dropout=(0.4, 0.2), units=(3, 4, 3, 2), seed=7, dtype="float64"):
    random = np.random.default_rng(1)
    network = Network(Layout(units), (activation,) * (len(units) - 2), "identity", dropout)
    backend = CpuBackend(network, "squared_error", dtype)
    X, y = random.normal(size=(rows, units[0])), random.normal(size=(rows, units[-1]))
    vector = random.normal(size=network.layout.size)
    run = backend.start(
        vector.astype(dtype),
        X.astype(dtype),
        y.astype(dtype),
        None,
        batch_size=rows,
        solver="keep_gradient",
        settings={"l2": 0.1},
        segments=segments(network.layout),
        seed=seed,
    )

    def loss_and_gradient(vector, step=0):
        run.state[1][STEPS] = step
        loss, gradient = run.loss_and_gradient(vector)
        return loss, gradient.copy()

    return backend, X, vector, loss_and_gradient


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("rows", [1, 7])
def test_gradient_under_a_mask_equals_central_differences(activation, rows):
    _, _, vector, loss_and_gradient = make_run(activation, rows)
    expected = naive.gradient_by_differences(lambda v: loss_and_gradient(v)[0], vector)
    np.testing.assert_allclose(loss_and_gradient(vector)[1], expected, rtol=1e-6, atol=1e-8)


def test_gradient_of_a_batch_of_several_shards_equals_central_differences():
    _, _, vector, loss_and_gradient = make_run("tanh", SHARD_ROWS + 9, dropout=(0.4,), units=(2, 2, 1))
    expected = naive.gradient_by_differences(lambda v: loss_and_gradient(v)[0], vector)
    np.testing.assert_allclose(loss_and_gradient(vector)[1], expected, rtol=1e-6, atol=1e-8)


def test_the_mask_changes_from_step_to_step_and_with_the_seed():
    _, _, vector, loss_and_gradient = make_run("tanh", 9)
    losses = {loss_and_gradient(vector, step)[0] for step in range(4)}
    losses |= {make_run("tanh", 9, seed=8)[3](vector)[0], make_run("tanh", 9, seed=-1)[3](vector)[0]}
    assert len(losses) == 6


def test_predictions_know_no_dropout():
    backend, X, vector, _ = make_run("tanh", 9)
    without, _, _, _ = make_run("tanh", 9, dropout=())
    np.testing.assert_array_equal(backend.predict(vector, X), without.predict(vector, X))
