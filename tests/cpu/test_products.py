"""The products of a layer by loops, by tiles and by BLAS, dense and sparse.

Each network's products are of one kind; its predictions and its gradient show whether they are right.
"""

import numpy as np
import pytest
from scipy import sparse

from skmlp.cpu.products import SMALL, needs_blas
from skmlp.cpu.backend import SHARD_ROWS
from skmlp.cpu.tiles import DEPTH
from skmlp.network.layout import Layout
from tests.cpu.problem import make_problem
from tests.ways import needs_jit

# Widths (inputs, hidden units, outputs). The rows are such that all products of the network lie on the side named.
SMALL_ONES = {"one output": (3, 4, 1), "several outputs": (3, 4, 2), "one unit": (5, 1, 1), "one input": (1, 5, 3)}
TILED = {"one output": (90, 90, 1), "several outputs": (60, 70, 60), "single row": (200, 150, 120)}
BLAS = {"deep": (DEPTH + 1, DEPTH + 5, 60), "narrow": (DEPTH + 9, 2, 2), "single row": (400, 350, 120)}

kinds = pytest.mark.parametrize("kind", ["dense", "sparse"])
precisions = pytest.mark.parametrize("real, rtol", [("float32", 5e-4), ("float64", 1e-11)], ids=["float32", "float64"])


def multiplications(problem, rows):
    return [rows * n_in * n_out for n_in, n_out in zip(problem.units[:-1], problem.units[1:], strict=True)]


def check(problem, kind, real, rtol):
    X = problem.X.astype(real)
    if kind == "sparse":
        problem.X[np.random.default_rng(7).random(problem.X.shape) < 0.7] = 0.0
        X = sparse.csr_matrix(problem.X, dtype=real)
    twin = problem.naive()
    scale = np.abs(twin.raw(problem.X)).max()
    raw = problem.backend(real).predict(problem.vector.astype(real), X, raw=True)
    np.testing.assert_allclose(raw, twin.raw(problem.X), rtol=rtol, atol=rtol * scale)
    loss, gradient = problem.loss_and_gradient(real, X=X)
    expected_loss, expected = twin.objective(problem.X, problem.y, problem.weights_or_ones, 0.0, 0.0)
    np.testing.assert_allclose(loss, expected_loss, rtol=rtol)
    np.testing.assert_allclose(gradient, expected, rtol=rtol, atol=rtol * np.abs(expected).max())


@pytest.mark.parametrize("widths", SMALL_ONES.values(), ids=SMALL_ONES)
@pytest.mark.parametrize("rows", [1, 2, 17])
@kinds
@precisions
def test_small_products(widths, rows, kind, real, rtol):
    n_in, hidden, outputs = widths
    problem = make_problem(rows=rows, n_in=n_in, hidden=(hidden,), outputs=outputs)
    assert max(multiplications(problem, rows)) <= SMALL and not needs_blas(rows, Layout(problem.units), real)
    check(problem, kind, real, rtol)


@pytest.mark.parametrize("widths", (TILED | BLAS).values(), ids=TILED | BLAS)
@kinds
@precisions
def test_large_products(widths, kind, real, rtol):
    n_in, hidden, outputs = widths
    rows = 1 if n_in * hidden > SMALL else SHARD_ROWS
    problem = make_problem(rows=rows, n_in=n_in, hidden=(hidden,), outputs=outputs, activations=("tanh",))
    assert max(multiplications(problem, rows)) > SMALL
    assert needs_blas(rows, Layout(problem.units), real) or widths in TILED.values()
    problem.vector /= 10.0
    check(problem, kind, real, rtol)


@needs_jit
@pytest.mark.parametrize("outputs", [1, 2, 5])
def test_at_the_crossover_both_sides_agree(outputs):
    """The same rows, on their own and as part of a shard so large that BLAS takes over, if there are no tiles."""
    n_in = 64
    few = SMALL // (n_in * outputs)
    problem = make_problem(rows=few + 1, n_in=n_in, hidden=(), outputs=outputs)
    model = problem.backend()
    by_loop = model.predict(problem.vector, problem.X[:few], raw=True)
    by_blas = model.predict(problem.vector, problem.X, raw=True)[:few]
    np.testing.assert_allclose(by_loop, by_blas, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(by_loop, problem.naive().raw(problem.X[:few]), rtol=1e-11, atol=1e-12)


@kinds
def test_nan_in_one_row_stays_there(kind):
    problem = make_problem(rows=6, n_in=3)
    problem.X[2, 1] = np.nan
    X = sparse.csr_matrix(problem.X) if kind == "sparse" else problem.X
    spoilt = np.isnan(problem.backend().predict(problem.vector, X)).any(axis=1)
    np.testing.assert_array_equal(spoilt, np.arange(6) == 2)
