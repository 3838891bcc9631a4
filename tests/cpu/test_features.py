"""Learned scales of the features: s and v are trained, and the weights are s v."""

import numpy as np
import pytest
from scipy import sparse

from skmlp.cpu import backend
from skmlp.cpu.backend import SHARD_ROWS
from skmlp.cpu.features import feature_loops
from tests import naive
from tests.cpu.operations import operate
from tests.cpu.problem import (
    assert_a_row_of_weight_2_counts_as_two_rows,
    assert_gradient_equals_central_differences,
    cut_into_pieces,
    make_problem,
    networks,
    optimisers,
    penalties,
)
from tests.cpu.test_columns import AsSparse
from tests.cpu.test_epoch import assert_epochs_equal
from tests.ways import needs_jit

sizes = pytest.mark.parametrize("n_in, n_out", [(1, 1), (1, 7), (5, 1), (9, 4), (17, 33)])
RATES = {"feature_rate": 3.0, "bias_rate": 0.2, "parametrization": "ntk"}
STEP = {"weight_decay": 0.2, "clip_norm": 0.3}


def features_of(problem, vector):
    """The first layer's weights, and what they should be."""
    layout = problem.backend().network.layout
    raw, scales = layout.features(vector)
    return layout.weights(vector)[0], scales[:, None] * raw


def assert_products(problem, vector):
    np.testing.assert_array_equal(*features_of(problem, vector))


@sizes
@pytest.mark.parametrize("real", ["float32", "float64"])
@pytest.mark.parametrize("members", [1, 2, 3])
def test_the_gradient_in_the_weights_becomes_that_in_scales_and_weights_without_them(n_in, n_out, real, members):
    """And after the step the weights are their product; each member sees to its own features."""
    random = np.random.default_rng(n_in)
    weights, n = n_in * n_out, 2 * n_in * n_out + n_in
    parameters, total = random.normal(size=(2, n + 3)).astype(real)
    before, w_gradient = parameters.copy(), total[:weights].reshape(n_in, n_out).copy()
    v, s = before[weights : 2 * weights].reshape(n_in, n_out), before[2 * weights : n]
    for name in ("back", "forward"):
        for member in range(members):
            operate(
                feature_loops,
                name,
                real,
                {"PARAMETERS": parameters, "TOTAL": total},
                {"MEMBER": member, "MEMBERS": members},
                N_IN=n_in,
                N_OUT=n_out,
                W=0,
                RAW=weights,
                SCALES=2 * weights,
            )
        if name == "back":
            np.testing.assert_array_equal(parameters, before)
    tolerance = 1e-5 if real == "float32" else 1e-13
    np.testing.assert_array_equal(total[weights : 2 * weights], (s[:, None] * w_gradient).ravel())
    np.testing.assert_allclose(total[2 * weights : n], (v * w_gradient).sum(axis=1), rtol=tolerance, atol=tolerance)
    np.testing.assert_array_equal(parameters[:weights], (s[:, None] * v).ravel())
    np.testing.assert_array_equal(parameters[weights:], before[weights:])


@networks
@penalties
@pytest.mark.parametrize("normalization", [None, "batch", "layer"])
def test_the_gradient_equals_central_differences(network, penalty, normalization):
    problem = make_problem(**{"normalization": normalization, **network}, scaled=True)
    assert_gradient_equals_central_differences(problem, penalty)


def test_a_row_of_weight_2_counts_as_two():
    assert_a_row_of_weight_2_counts_as_two_rows(make_problem(weighted=False, scaled=True))


@optimisers
@pytest.mark.parametrize("step", [{}, STEP], ids=["plain", "decay and clipping"])
def test_epochs_equal_the_naive_statement(optimiser, step):
    problem = make_problem(rows=14, scaled=True, rates=RATES)
    run = assert_epochs_equal(problem, optimiser, {"epsilon": 1e-3}, batch_size=4, penalty=(0.3, 0.2), **step)
    assert_products(problem, run.parameters)


@networks
@pytest.mark.parametrize("normalization", [None, "batch", "layer"])
def test_networks_of_every_shape(network, normalization):
    problem = make_problem(**{"rows": 14, "normalization": normalization, **network}, scaled=True, rates=RATES)
    assert_epochs_equal(problem, "adam", {"epsilon": 1e-3}, batch_size=4, rtol=1e-8)


@optimisers
def test_epochs_in_single_precision(optimiser):
    problem = make_problem(rows=14, scaled=True, rates=RATES)
    run = assert_epochs_equal(problem, optimiser, {"epsilon": 1e-3}, batch_size=4, real="float32", rtol=2e-3)
    assert_products(problem, run.parameters)


@optimisers
@pytest.mark.parametrize("real, rtol", [("float32", 2e-3), ("float64", 1e-9)])
def test_sparse_rows(optimiser, real, rtol):
    """Nothing rests: each step moves every weight."""
    problem = make_problem(rows=14, n_in=9, scaled=True, rates={"feature_rate": 3.0})
    problem.X[np.random.default_rng(1).random(problem.X.shape) > 0.2] = 0.0
    assert_epochs_equal(AsSparse(problem), optimiser, {"epsilon": 1e-3}, batch_size=4, real=real, rtol=rtol)


def test_batches_of_several_shards():
    problem = make_problem(rows=2 * SHARD_ROWS + 100, n_in=3, hidden=(4,), scaled=True, rates=RATES)
    assert_epochs_equal(problem, "adam", {"epsilon": 1e-3}, batch_size=2 * SHARD_ROWS + 9, **STEP)


@needs_jit
@pytest.mark.parametrize("storage", ["dense", "sparse"])
@pytest.mark.parametrize("step", [{}, STEP], ids=["plain", "decay and clipping"])
def test_the_number_of_members_changes_no_bit(storage, step, monkeypatch):
    problem, results = make_problem(rows=1100, n_in=6, hidden=(9, 4), scaled=True, rates=RATES), []
    X = problem.X.astype("float32")
    X = sparse.csr_array(np.where(X > 0.0, X, 0.0)) if storage == "sparse" else X
    for members in (1, 2, 3):
        monkeypatch.setattr(backend, "team_size", lambda *_, members=members: members)
        run = problem.run("float32", X=X, batch_size=600, solver="nadam", penalty=(0.1, 0.1), settings=step)
        losses = [run.run_epoch(np.arange(1100), np.full(2, 0.01)) for _ in range(3)]
        results.append((losses, run.parameters, *run.state))
        assert_products(problem, run.parameters)
    for result in results[1:]:
        for one, other in zip(result, results[0], strict=True):
            np.testing.assert_array_equal(one, other)


def test_pieces_and_a_batch_without_weight(monkeypatch):
    """What is skipped moves nothing."""
    problem, results = make_problem(rows=12, scaled=True), []
    problem.row_weights[4:8] = 0.0
    for pieces in (None, 1):
        cut_into_pieces(monkeypatch, pieces)
        run = problem.run(batch_size=4, solver="adam")
        run.run_epoch(np.arange(12), np.full(3, 0.1))
        results.append(run.parameters)
        assert_products(problem, run.parameters)
    without = problem.run(batch_size=4, solver="adam")
    without.run_epoch(np.r_[0:4, 8:12], np.full(2, 0.1))
    for vector in results:
        np.testing.assert_array_equal(vector, without.parameters)


def test_scales_of_rate_0_stay():
    problem = make_problem(rows=8, scaled=True, rates={"feature_rate": 0.0})
    run = problem.run(batch_size=4, solver="adam")
    run.run_epoch(np.arange(8), np.full(2, 0.1))
    layout = problem.backend().network.layout
    np.testing.assert_array_equal(*(layout.features(vector)[1] for vector in (run.parameters, problem.vector)))
    assert (layout.features(run.parameters)[0] != layout.features(problem.vector)[0]).all()


def test_it_is_a_layer_that_multiplies_each_feature():
    """Of X s the product with v is that of X with s v."""
    problem = make_problem(scaled=True)
    v, s = problem.naive().features
    plain = naive.Network([v, *problem.naive().weights[1:]], problem.naive().biases, problem.activations, problem.loss)
    np.testing.assert_allclose(plain.predict(problem.X * s), problem.naive().predict(problem.X), rtol=1e-12)
