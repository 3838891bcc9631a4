"""The products of a layer: each loop by itself, and in networks whose products are of one kind."""

import numpy as np
import pytest
from scipy import sparse

from skmlp.cpu import memory as places
from skmlp.cpu.backend import SHARD_ROWS
from skmlp.cpu.epoch import carry_out
from skmlp.cpu.memory import DATA, N_FIELDS, NOT_FINITE, SOURCE, WORK, Memory
from skmlp.cpu.plan import Plan, Workspace, product
from skmlp.cpu.products import PRODUCTS, product_loops
from skmlp.cpu.tiles import DEPTH
from skmlp.network.layout import Layout, Network
from tests.cpu.operations import MARGIN, operate, whole_numbers, within
from tests.cpu.problem import make_problem
from tests.ways import needs_jit

reals = pytest.mark.parametrize("real", ["float32", "float64"])
kinds = pytest.mark.parametrize("kind", ["dense", "sparse"])
precisions = pytest.mark.parametrize("real, rtol", [("float32", 5e-4), ("float64", 1e-11)], ids=["float32", "float64"])

# ---------------------------------------------------------------------------------------------------------------------
# Each loop by itself, on whole numbers, for which the order of sums does not matter
# ---------------------------------------------------------------------------------------------------------------------

N_DATA, FIRST = 23, 2  # rows of X, and the first place in the order of them that the shard has


class Layer:
    """Random values of a layer, and what its products are."""

    def __init__(self, real, rows, n_in, n_out):
        random = np.random.default_rng(rows + 100 * n_in + n_out)
        self.real, self.rows, self.n_in, self.n_out = real, rows, n_in, n_out
        self.X = whole_numbers(random, (N_DATA, n_in), real) * (random.random((N_DATA, n_in)) < 0.6)
        self.order = random.permutation(N_DATA)
        self.x = self.X[self.order[FIRST : FIRST + rows]]
        self.w, self.b = whole_numbers(random, (n_in, n_out), real), whole_numbers(random, n_out, real)
        self.delta = whole_numbers(random, (rows, n_out), real)
        self.z, self.slope, self.back = self.x @ self.w + self.b, self.x.T @ self.delta, self.delta @ self.w.T

    def carry_out(self, name, values, result, place="WORK", field="Z", sums=False, source=WORK, **more):
        """An operation on ``values`` in WORK, whose result has the shape of ``result``; what is there then, all of it.

        Where the result is a gradient, it goes with that of the biases.
        """
        parameters = within(np.append(self.w, self.b))[1]
        outcome = within(np.full(np.size(result), np.nan, dtype=self.real))[1]
        values = np.append(values, outcome if place == "WORK" else []).astype(self.real)
        sparse_X = sparse.csr_array(self.X)
        start = values.size - outcome.size + MARGIN if place == "WORK" else MARGIN
        fields = {
            "N_IN": self.n_in,
            "N_OUT": self.n_out,
            "SOURCE": source,
            "W": MARGIN,
            "B": MARGIN + self.w.size,
            "SUMS": sums,
            **({field: start} if place == "WORK" else {}),
            **more,
        }
        arrays = {"PARAMETERS": parameters, "WORK": values, "ORDER": self.order, "GRADIENT": outcome}
        numbers = {"N_ROWS": self.rows, "FIRST": FIRST if "sparse" in name or name == "gather" else 0}
        if "sparse" in name:
            arrays["DATA"] = sparse_X.data
            arrays["INDICES"], arrays["INDPTR"] = sparse_X.indices.astype(np.int64), sparse_X.indptr.astype(np.int64)
        else:
            arrays["DATA"] = self.X
        before = parameters.copy()
        operate(product_loops, name, self.real, arrays, {**numbers, "N_DATA": N_DATA}, **fields)
        np.testing.assert_array_equal(parameters, before)
        return values[values.size - outcome.size :] if place == "WORK" else outcome

    def check(self, name, values, result, **more):
        """Right, and nothing beside it is touched."""
        found = self.carry_out(name, values, result, **more)
        np.testing.assert_array_equal(found, within(np.asarray(result, dtype=self.real).ravel())[1])

    def check_weights(self, name, values, x_at, delta_at, sums):
        """Without ``sums`` the gradient of the biases is left as it is."""
        biases = self.delta.sum(axis=0) if sums else np.full(self.n_out, np.nan)
        result = np.append(self.slope, biases)
        self.check(name, values, result, place="GRADIENT", sums=sums, X=x_at, DELTA=delta_at)


shapes = pytest.mark.parametrize("rows, n_in", [(1, 1), (2, 3), (3, 8), (4, 5), (5, 16), (19, 33), (7, DEPTH + 3)])
widths = pytest.mark.parametrize("n_out", [1, 2, 5, 17, 40])


@shapes
@widths
@reals
def test_forward(rows, n_in, n_out, real):
    layer = Layer(real, rows, n_in, n_out)
    for name in ("forward", "forward_sparse", *(["forward_one"] if n_out == 1 else [])):
        layer.check(name, np.append(np.zeros(3), layer.x), layer.z, X=3)


@shapes
@reals
@pytest.mark.parametrize("name, n_out", [("forward", 6), ("forward_one", 1)])
def test_forward_of_rows_of_x_from_the_one_on_that_is_next(name, n_out, rows, n_in, real):
    """As predictions take them: without the order, at the place itself."""
    layer = Layer(real, rows, n_in, n_out)
    for first in (0, 3):
        layer.order = np.arange(N_DATA)
        data, numbers = layer.X, {"N_ROWS": rows, "FIRST": first, "N_DATA": N_DATA}
        memory = within(np.full((rows, n_out), np.nan, dtype=real))[1]
        arrays = {"DATA": data, "WORK": memory, "PARAMETERS": np.append(layer.w, layer.b)}
        fields = {"N_IN": n_in, "N_OUT": n_out, "SOURCE": DATA, "W": 0, "B": n_in * n_out, "Z": MARGIN}
        operate(product_loops, name, real, arrays, numbers, **fields)
        np.testing.assert_array_equal(memory, within(data[first : first + rows] @ layer.w + layer.b)[1])


@shapes
@widths
@reals
def test_gradient_of_weights_and_biases(rows, n_in, n_out, real):
    layer = Layer(real, rows, n_in, n_out)
    values = np.concatenate([[np.nan] * 3, layer.x.ravel(), layer.delta.ravel()])
    for name in ("weights", "weights_sparse"):
        for sums in (False, True):
            layer.check_weights(name, values, 3, 3 + layer.x.size, sums)
    if n_out == 1:
        layer.check_weights("weights_one", values, 3, 3 + layer.x.size, sums=True)


@shapes
@widths
@reals
def test_gradient_of_inputs(rows, n_in, n_out, real):
    layer = Layer(real, rows, n_in, n_out)
    for name in ("inputs", *(["inputs_one"] if n_out == 1 else [])):
        layer.check(name, np.append(np.zeros(5), layer.delta), layer.back, field="BACK", DELTA=5)


@shapes
@reals
def test_gather(rows, n_in, real):
    layer = Layer(real, rows, n_in, 2)
    layer.check("gather", np.zeros(4), layer.x, field="X")


@pytest.mark.parametrize("n_in", [1, 3, 40])
@reals
def test_look(n_in, real):
    """Notes NaN and infinity in the rows at hand, wherever they are, and nothing else."""
    first, rows, most = 2, 5, np.finfo(real).max

    def found(value, row, column):
        X = np.random.default_rng(0).choice([most, -most, 0.0, 1e-40], size=(9, n_in)).astype(real)
        X[row, column] = value
        memory = Memory()
        memory[DATA], memory[places.FIRST], memory[places.N_ROWS] = X, first, rows
        record = np.zeros(N_FIELDS, dtype=np.int64)
        record[[SOURCE, places.N_IN]] = DATA, n_in
        plan = Plan(real)
        plan.add(product_loops, "look", record)
        with np.errstate(invalid="ignore"):
            carry_out(plan.array(), memory.cells)
        return memory.cells[NOT_FINITE]

    for row in range(9):
        for column in {0, n_in // 2, n_in - 1}:
            for value in (np.nan, np.inf, -np.inf):
                assert found(value, row, column) == (first <= row < first + rows)
            assert found(1.0, row, column) == 0


def test_every_loop_is_looked_at_by_itself():
    """Above."""
    dense = {f"{kind}{one}" for kind in ("forward", "weights", "inputs") for one in ("", "_one")}
    assert PRODUCTS.keys() == dense | {"forward_sparse", "weights_sparse", "gather", "look"}


# ---------------------------------------------------------------------------------------------------------------------
# In networks
# ---------------------------------------------------------------------------------------------------------------------

# Widths (inputs, hidden units, outputs).
NARROW = {"one output": (3, 4, 1), "several outputs": (3, 4, 2), "one unit": (5, 1, 1), "one input": (1, 5, 3)}
WIDE = {
    "one output": (90, 90, 1),
    "several outputs": (60, 70, 60),
    "deep": (DEPTH + 1, DEPTH + 5, 60),
    "deep, one output": (2 * DEPTH + 3, 2, 1),
    "narrow behind deep": (DEPTH + 9, 2, 2),
}
SINGLE_ROW = {"wide": (200, 150, 120), "deep": (400, 350, 120)}


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


@pytest.mark.parametrize("widths", NARROW.values(), ids=NARROW)
@pytest.mark.parametrize("rows", [1, 2, 17])
@kinds
@precisions
def test_narrow_networks(widths, rows, kind, real, rtol):
    n_in, hidden, outputs = widths
    check(make_problem(rows=rows, n_in=n_in, hidden=(hidden,), outputs=outputs), kind, real, rtol)


@pytest.mark.parametrize("widths", WIDE.values(), ids=WIDE)
@kinds
@precisions
def test_wide_networks(widths, kind, real, rtol):
    n_in, hidden, outputs = widths
    problem = make_problem(rows=SHARD_ROWS, n_in=n_in, hidden=(hidden,), outputs=outputs, activations=("tanh",))
    problem.vector /= 10.0
    check(problem, kind, real, rtol)


@pytest.mark.parametrize("widths", SINGLE_ROW.values(), ids=SINGLE_ROW)
@kinds
@precisions
def test_a_single_row_of_a_wide_network(widths, kind, real, rtol):
    n_in, hidden, outputs = widths
    problem = make_problem(rows=1, n_in=n_in, hidden=(hidden,), outputs=outputs, activations=("tanh",))
    problem.vector /= 10.0
    check(problem, kind, real, rtol)


def test_the_narrowest_layers_and_sparse_inputs_have_loops_of_their_own():
    network = Network(Layout((4, 1, 3, 1)), ("tanh", "tanh"), "identity")
    records = Workspace(network, 5, dense=True, training=True).records
    names = [
        [product(kind, record, dense) for record in records] for kind in ("forward", "weights") for dense in (1, 0)
    ]
    assert names == [
        [f"{kind}_{first}", kind, f"{kind}_one"] for kind in ("forward", "weights") for first in ("one", "sparse")
    ]


@needs_jit
@kinds
@reals
@pytest.mark.parametrize("outputs", [1, 2, 5])
@pytest.mark.parametrize("n_in", [6, 64, 301])
def test_predictions_of_a_row_do_not_depend_on_the_others(kind, real, outputs, n_in):
    """Bit for bit, alone or in a shard."""
    problem = make_problem(rows=60, n_in=n_in, hidden=(9, 1), outputs=outputs)
    model, vector, X = problem.backend(real), problem.vector.astype(real) / 4, problem.X
    X = sparse.csr_array(X) if kind == "sparse" else X
    together = model.predict(vector, X, raw=True)
    for first, last in [(0, 1), (5, 6), (58, 60), (7, 20), (3, 59)]:
        np.testing.assert_array_equal(model.predict(vector, X[first:last], raw=True), together[first:last])


@kinds
def test_nan_in_one_row_stays_there(kind):
    for outputs in (1, 2):
        problem = make_problem(rows=6, n_in=3, outputs=outputs)
        problem.X[2, 1] = np.nan
        X = sparse.csr_matrix(problem.X) if kind == "sparse" else problem.X
        spoilt = np.isnan(problem.backend().predict(problem.vector, X)).any(axis=1)
        np.testing.assert_array_equal(spoilt, np.arange(6) == 2)
