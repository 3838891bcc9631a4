"""Predictions and measured losses on a GPU are those of the CPU."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from skmlp.cuda import backend
from skmlp.cuda.backend import NotFiniteError, Predictor
from skmlp.cuda.launch import Launcher
from tests.cpu.problem import losses, make_problem, normalizations, variants
from tests.cuda.simulated.both import COOPERATIVE, PHASES, assert_near, on_cuda, reals


def both(problem, real="float64", launching=PHASES):
    """The back ends, and the parameters for them."""
    return problem.backend(real), on_cuda(problem, launching).backend(real), problem.vector.astype(real)


def assert_predicts_as_cpu(problem, real="float64", launching=PHASES, X=None, **settings):
    cpu, gpu, vector = both(problem, real, launching)
    X = problem.X.astype(real) if X is None else X
    expected, actual = (each.predict(vector, X, **settings) for each in (cpu, gpu))
    assert actual.dtype == real
    assert_near(actual, expected, real)
    return actual


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(backend, "BLOCK_ROWS", 5)


@reals
@pytest.mark.parametrize("raw", [False, True], ids=["predictions", "raw"])
@pytest.mark.parametrize("loss", ["squared_error", "categorical_log_loss", "quantile", "poisson"])
def test_predictions(loss, raw, real):
    assert_predicts_as_cpu(make_problem(loss, rows=13, outputs=3), real, raw=raw)


def test_predictions_are_launched_phase_by_phase(monkeypatch):
    ways, inner = [], Launcher.run
    monkeypatch.setattr(Launcher, "run", lambda self, *data: ways.append(self.cooperative) or inner(self, *data))
    assert_predicts_as_cpu(make_problem(rows=3, hidden=()), launching=COOPERATIVE)
    assert ways == [False]


@reals
def test_blocks_of_rows_change_nothing(real, small_blocks):
    problem = make_problem(rows=13, hidden=(9,))
    blocks = assert_predicts_as_cpu(problem, real)
    whole = on_cuda(problem, PHASES).backend(real).predict(problem.vector.astype(real), problem.X.astype(real)[:5])
    np.testing.assert_array_equal(blocks[:5], whole)


@pytest.fixture
def sizes(monkeypatch):
    """Rows of the blocks that are predicted."""
    inner, found = Predictor.run, []
    monkeypatch.setattr(Predictor, "run", lambda self, X, *data: found.append(len(X)) or inner(self, X, *data))
    return found


def test_blocks_have_no_more_rows_than_they_may(small_blocks, sizes):
    problem = make_problem(rows=13, hidden=())
    assert_predicts_as_cpu(problem)
    assert_predicts_as_cpu(problem, X=sparse.csr_array(problem.X))
    assert sizes == 2 * [5, 5, 3]


@reals
@pytest.mark.parametrize("rows, blocks", [(0, [1, 1, 1]), (1, [1, 1, 1]), (2, [2, 1]), (9, [3])])
def test_blocks_are_as_large_as_there_is_room(rows, blocks, real, monkeypatch, sizes):
    """A row has its features, and three values of each output."""
    monkeypatch.setattr(backend, "BLOCK_BYTES", rows * (4 + 3 * 2) * np.dtype(real).itemsize)
    assert_predicts_as_cpu(make_problem(rows=3, n_in=4, hidden=(), outputs=2), real)
    assert sizes == blocks


def test_no_rows_have_no_predictions():
    problem = make_problem(rows=3, outputs=2)
    cpu, gpu, vector = both(problem)
    assert gpu.predict(vector, problem.X[:0]).shape == cpu.predict(vector, problem.X[:0]).shape == (0, 2)


@normalizations
def test_normalized_networks_go_by_running_averages(normalization):
    problem = make_problem(rows=9, hidden=(9, 3), normalization=normalization)
    for launching in (COOPERATIVE, PHASES):
        assert_predicts_as_cpu(problem, launching=launching)


def test_nothing_is_dropped_out():
    problem = make_problem(rows=5)
    expected = assert_predicts_as_cpu(problem)
    np.testing.assert_array_equal(assert_predicts_as_cpu(replace(problem, dropout=(0.5, 0.5))), expected)


def test_sparse_rows(small_blocks):
    problem = make_problem(rows=13, hidden=(3,))
    problem.X[np.abs(problem.X) < 0.5] = 0.0
    dense = assert_predicts_as_cpu(problem)
    for kind in (sparse.csr_matrix, sparse.csr_array):
        np.testing.assert_array_equal(assert_predicts_as_cpu(problem, X=kind(problem.X)), dense)


def test_rows_of_another_dtype_or_memory():
    problem = make_problem(rows=5, hidden=(3,))
    rounded = problem.X.astype("float32")
    expected = assert_predicts_as_cpu(problem, "float32", X=rounded)
    frozen = rounded.copy()
    frozen.flags.writeable = False
    for X in (rounded.astype("float64"), np.asfortranarray(rounded), frozen, np.repeat(rounded, 2, axis=0)[::2]):
        np.testing.assert_array_equal(assert_predicts_as_cpu(problem, "float32", X=X), expected)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # of infinity times 0
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_found_where_nobody_has_looked(bad, small_blocks):
    """Whichever block it is in."""
    problem = make_problem(rows=13, hidden=(3,))
    problem.X[11, 1] = bad
    _, gpu, vector = both(problem)
    with pytest.raises(NotFiniteError):
        gpu.predict(vector, problem.X, looked_at=False)
    predictions = gpu.predict(vector, problem.X)
    assert np.isfinite(np.delete(predictions, 11, axis=0)).all()
    np.testing.assert_array_equal(gpu.predict(vector, problem.X[:11], looked_at=False), predictions[:11])
    assert gpu.NotFiniteError is NotFiniteError


def measured(problem, real="float64", weights=None):
    cpu, gpu, vector = both(problem, real)
    data = problem.X.astype(real), problem.y.astype(real), weights
    (expected, expected_loss), (actual, loss) = (each.predict_and_loss(vector, *data) for each in (cpu, gpu))
    assert_near(actual, expected, real)
    assert_near(loss, expected_loss, real)
    return loss


@losses
@reals
def test_measured_losses(loss, real):
    measured(make_problem(loss, rows=5, hidden=(), outputs=3), real)


@variants
def test_measured_losses_have_the_parameters_but_no_smoothing(loss, loss_settings):
    problem = make_problem(loss, rows=5, hidden=(), outputs=3, loss_settings=loss_settings)
    value = measured(problem)
    if "label_smoothing" in loss_settings:
        assert value == pytest.approx(measured(replace(problem, loss_settings={})), rel=1e-12)


@reals
def test_measured_losses_of_weighted_rows_in_blocks(real, small_blocks):
    problem = make_problem(rows=13, hidden=(3,))
    problem.row_weights[[2, 7, 11]] = 0.0
    weights = problem.row_weights.astype(real)
    loss = measured(problem, real, weights)
    assert abs(loss / measured(problem, real) - 1.0) > 1e-3
