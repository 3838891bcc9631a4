"""Derivatives of outputs by features are those that finite differences of predictions say, in every network."""

import tracemalloc

import numpy as np
import pytest
from scipy import sparse

from skmlp.cpu import input_gradients
from skmlp.cpu.backend import CpuBackend
from skmlp.cpu.input_gradients import LEAST_ROWS, SHARD_NUMBERS, SHARD_ROWS, gradient_plans, shard_rows
from skmlp.cpu.plan import Workspace
from skmlp.formulas.links import LINKS
from skmlp.network.layout import Layout, Network
from tests.cpu import test_plan
from tests.cpu.problem import activations, close, make_problem, networks
from tests.own import SWISH
from tests.ways import needs_jit

raws = pytest.mark.parametrize("raw", [False, True], ids=["predictions", "raw"])
STEP = 1e-6


def differences(predict, X):
    """Central differences of predictions (rows, outputs) by each feature, (rows, outputs, features)."""
    gradients = []
    for step in STEP * np.eye(X.shape[1]):
        gradients.append((predict(X + step) - predict(X - step)) / (2.0 * STEP))
    return np.stack(gradients, axis=2)


def assert_equal_differences(backend, vector, X, raw):
    gradients = backend.input_gradients(vector, X, raw=raw)
    expected = differences(lambda X: backend.predict(vector, X, raw=raw), X)
    assert gradients.shape == expected.shape and gradients.dtype == backend.dtype
    np.testing.assert_allclose(gradients, expected, rtol=1e-6, atol=1e-8 * np.abs(expected).max() + 1e-12)


def assert_right(problem, raw):
    assert_equal_differences(problem.backend(), problem.vector, problem.X, raw)


# Where the naive network is asked to stand clear of kinks, it is in training: relu is tried without batch statistics.
@activations
@pytest.mark.parametrize("normalization", [None, "layer"])
@pytest.mark.parametrize("outputs", [1, 2])
@raws
def test_of_every_activation(activation, normalization, outputs, raw):
    problem = make_problem("gamma", (activation, activation), normalization=normalization, outputs=outputs)
    assert_right(problem, raw)


@pytest.mark.parametrize("activation", ["tanh", "gelu", "softplus"])
@pytest.mark.parametrize("outputs", [1, 2])
@raws
def test_batch_normalisation_goes_by_its_running_averages(activation, outputs, raw):
    assert_right(make_problem("gamma", (activation, activation), normalization="batch", outputs=outputs), raw)


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("outputs", [1, 4])
@raws
def test_of_every_link(link, outputs, raw):
    """Whatever the loss: it has no part in this."""
    network = Network(Layout((4, 5, outputs)), ("tanh",), link)
    vector = np.random.default_rng(0).normal(size=network.layout.size)
    X = np.random.default_rng(1).normal(size=(6, 4))
    assert_equal_differences(CpuBackend(network, "squared_error", "float64"), vector, X, raw)


@networks
@raws
def test_of_networks_of_every_shape(network, raw):
    assert_right(make_problem("categorical_log_loss", **network), raw)


@raws
def test_learned_scales_of_features_are_part_of_the_weights(raw):
    assert_right(make_problem("poisson", scaled=True), raw)


def test_dropout_is_off():
    problem = make_problem()
    plain = problem.backend().input_gradients(problem.vector, problem.X)
    problem.dropout = (0.5, 0.5)
    np.testing.assert_array_equal(problem.backend().input_gradients(problem.vector, problem.X), plain)


@pytest.mark.parametrize("outputs", [1, 2])
@raws
def test_of_an_activation_of_the_users_own(outputs, raw):
    named = make_problem("gamma", ("silu", "silu"), outputs=outputs)
    own = CpuBackend(Network(Layout(named.units), (SWISH, SWISH), "exp"), "gamma", "float64")
    expected = named.backend().input_gradients(named.vector, named.X, raw=raw)
    close(own.input_gradients(named.vector, named.X, raw=raw), expected, 1e-9)


@pytest.mark.parametrize("format", [sparse.csr_matrix, sparse.csr_array])
@raws
def test_sparse_rows_give_the_same_dense_derivatives(format, raw):
    problem = make_problem("categorical_log_loss", rows=30)
    problem.X[problem.X < 0.3] = 0.0
    dense = problem.backend().input_gradients(problem.vector, problem.X, raw=raw)
    close(problem.backend().input_gradients(problem.vector, format(problem.X), raw=raw), dense, 1e-12)


def test_in_single_precision_nearly_so():
    problem = make_problem("categorical_log_loss")
    exact = problem.backend().input_gradients(problem.vector, problem.X)
    single = problem.backend("float32").input_gradients(problem.vector.astype("float32"), problem.X)
    assert single.dtype == np.float32
    close(single, exact, 2e-4)


@pytest.mark.parametrize("rows", [0, 1, SHARD_ROWS, SHARD_ROWS + 1, 2 * SHARD_ROWS + 9])
def test_of_any_number_of_rows(rows, monkeypatch):
    """Each row has its own, whatever the shards and blocks."""
    monkeypatch.setattr(input_gradients, "BLOCK_ROWS", 1)
    problem = make_problem("categorical_log_loss", rows=max(rows, 1), hidden=(3,))
    backend, X = problem.backend(), problem.X[:rows]
    gradients = backend.input_gradients(problem.vector, X)
    assert gradients.shape == (rows, 2, 4)
    for row in {0, rows // 2, rows - 1} if rows else ():
        close(gradients[[row]], backend.input_gradients(problem.vector, X[[row]]), 1e-12)


@needs_jit
@pytest.mark.parametrize("as_given", [np.asarray, sparse.csr_matrix], ids=["dense", "sparse"])
def test_threads_share_blocks_and_change_no_bit(as_given, monkeypatch):
    monkeypatch.setattr(input_gradients, "BLOCK_ROWS", 1)
    problem = make_problem("categorical_log_loss", rows=4 * SHARD_ROWS + 3, hidden=(3,))
    backend, X = problem.backend(), as_given(problem.X)
    alone = backend.input_gradients(problem.vector, X)
    monkeypatch.setattr(CpuBackend, "team_size", lambda *arguments: 3)
    np.testing.assert_array_equal(backend.input_gradients(problem.vector, X), alone)


@needs_jit
def test_x_that_is_not_finite_is_found():
    problem = make_problem(rows=SHARD_ROWS + 5, hidden=(3,))
    backend = problem.backend()
    looked_at = backend.input_gradients(problem.vector, problem.X)
    np.testing.assert_array_equal(backend.input_gradients(problem.vector, problem.X, looked_at=False), looked_at)
    problem.X[-1, 2] = np.inf
    with pytest.raises(backend.NotFiniteError):
        backend.input_gradients(problem.vector, problem.X, looked_at=False)


def test_memory_beside_the_result_is_that_of_a_shard():
    """Of 500 rows of 1000 features converted at once: 2 MB; the result is as large."""
    problem = make_problem(rows=10, n_in=1000, hidden=(3,), outputs=1)
    backend, vector = problem.backend("float32"), problem.vector.astype("float32")
    X = np.random.default_rng(0).normal(size=(5000, 1000)).astype("float32")
    backend.input_gradients(vector, X[:200])  # compiles
    tracemalloc.start()
    try:
        size = backend.input_gradients(vector, X).nbytes
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < size + 2_500_000 < 1.2 * size


def test_wide_rows_go_through_few_at_a_time():
    wide, narrow = (Network(Layout((n_in, 5, 1)), ("relu",), "identity") for n_in in (10 * SHARD_NUMBERS, 5))
    assert shard_rows(wide, 1000) == LEAST_ROWS and shard_rows(narrow, 1000) == SHARD_ROWS
    for rows in range(1, 2 * SHARD_ROWS):
        taken = shard_rows(narrow, rows)
        assert taken & (taken - 1) == 0 and (taken >= rows or taken == SHARD_ROWS)


def test_the_way_back_works_out_nothing_for_the_parameters():
    network = test_plan.NORMALIZED["batch"]
    records = Workspace(network, 8, dense=True, training=True, to_inputs=True).records
    families = {
        "begin": input_gradients.output_loops,
        "keep": input_gradients.keep_loops,
        "normalize slopes": input_gradients.normalize_slopes_loops,
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(test_plan, "FAMILIES", test_plan.FAMILIES | families)
        onward, back = gradient_plans(network, "float64", records, dense=True, raw=False, looked_at=False)
        assert test_plan.names(onward) == [
            "product look",
            "product forward",
            "normalize batch",
            "activate in place relu",
            "product forward",
            "normalize batch",
            "activate in place tanh",
            "product forward",
        ]
        assert test_plan.names(back) == [
            "begin softmax",
            "product inputs",
            "derivative tanh",
            "normalize slopes batch",
            "product inputs",
            "derivative relu",
            "normalize slopes batch",
            "product inputs",
            "keep keep",
        ]
