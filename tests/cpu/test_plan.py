"""Plans: which loops are carried out, in which order, on which parts of memory."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from numba.core import config

from skmlp.cpu import memory as places
from skmlp.cpu.activation import activation_loops, derivative_loops, derivative_of_one_loops, in_place_loops, link_loops
from skmlp.cpu.backend import SHARD_ROWS, CpuBackend
from skmlp.cpu.columns import forward_loops, settle_loops, sort_loops, step_loops
from skmlp.cpu.dropout import dropout_loops
from skmlp.cpu.features import feature_loops
from skmlp.cpu.loss import loss_loops
from skmlp.cpu.memory import LANES, LOOP
from skmlp.cpu.normalization import normalize_back_loops, normalize_loops
from skmlp.cpu.output import output_loops
from skmlp.cpu.plan import Workspace, batch_plans, prediction_plan, shard_plan
from skmlp.cpu.products import product_loops
from skmlp.cpu.team import add_loops, combine_loops, open_loops, wait_loops
from skmlp.cpu.update import clip_loops, count_loops, squares_loops, update_loops
from skmlp.formulas.activations import ACTIVATIONS
from skmlp.network.layout import Layout, Network
from skmlp.network.segments import segments
from tests.own import SWISH

FAMILIES = {
    "product": product_loops,
    "normalize": normalize_loops,
    "activate": activation_loops,
    "activate in place": in_place_loops,
    "dropout": dropout_loops,
    "loss": loss_loops,
    "link": link_loops,
    "keep": output_loops,
    "derivative": derivative_loops,
    "derivative of one": derivative_of_one_loops,
    "normalize back": normalize_back_loops,
    "open": open_loops,
    "combine": combine_loops,
    "add": add_loops,
    "wait": wait_loops,
    "squares": squares_loops,
    "clip": clip_loops,
    "update": update_loops,
    "count": count_loops,
    "sort": sort_loops,
    "forward by columns": forward_loops,
    "step by columns": step_loops,
    "settle": settle_loops,
    "features": feature_loops,
}
PLAIN = Network(Layout((4, 5, 3, 2)), ("relu", "tanh"), "softmax")
NORMALIZED = {kind: Network(Layout((4, 5, 3, 2), kind), ("relu", "tanh"), "softmax") for kind in ("batch", "layer")}
EVERYTHING = Network(Layout((4, 5, 3, 2), "batch"), ("relu", "tanh"), "softmax", (0.3, 0.0))
NETWORKS = {
    "plain": PLAIN,
    **NORMALIZED,
    "everything": EVERYTHING,
    "not in place": Network(Layout((4, 5, 3, 2), "batch"), ("silu", "gelu"), "softmax", (0.3, 0.4)),
    "one output": Network(Layout((4, 5, 1)), ("relu",), "logistic"),
    "no hidden layer": Network(Layout((4, 2)), (), "identity"),
    "learned scales": Network(Layout((4, 5, 2), "layer", scaled=True), ("relu",), "identity"),
    "wide in the middle": Network(Layout((2, 40, 1, 3), "layer"), ("relu", "relu"), "identity"),
}
networks = pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
LOSS = "categorical_log_loss"
FIRST = Workspace(PLAIN, 8, dense=True, training=True).records[0]


def names(plan, dtype="float64"):
    """What a plan does: families and names of the loops at its addresses."""
    known = {}
    for family, loops in FAMILIES.items():
        for (name, of_type), loop in loops._loops.items():
            address = loop if config.DISABLE_JIT else loop.address
            assert address not in known
            known[address] = f"{family} {name}", of_type
    assert {known[address][1] for address in plan[:, LOOP]} <= {np.dtype(dtype)}
    return [known[address][0] for address in plan[:, LOOP]]


def training(network, *, dense=True, recording=False, dtype="float64", further=False, by_columns=None):
    records = Workspace(network, 8, dense=dense, training=True).records
    kind = {"dense": dense, "recording": recording, "further": further, "by_columns": by_columns}
    return shard_plan(network, LOSS, dtype, records, **kind)


def prediction(network, *, dense=True, measured=False, raw=False, looked_at=True):
    records = Workspace(network, 8, dense=dense, training=False).records
    kind = {"dense": dense, "measured": measured, "raw": raw, "looked_at": looked_at}
    return prediction_plan(network, LOSS, "float64", records, **kind)


# ---------------------------------------------------------------------------------------------------------------------
# The order of operations
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_shard_goes_forward_and_back(dtype):
    plan = training(PLAIN, dtype=dtype)
    assert names(plan, dtype) == [
        "product gather",
        "product forward",
        "activate in place relu",
        "product forward",
        "activate in place tanh",
        "product forward",
        "loss categorical_log_loss",
        "product weights",
        "product inputs",
        "derivative tanh",
        "product weights",
        "product inputs",
        "derivative relu",
        "product weights",
    ]
    assert plan[:, places.LAYER].tolist() == [0, 0, 0, 1, 1, 2, 2, 2, 2, 1, 1, 1, 0, 0]


def test_a_shard_of_a_network_with_everything():
    """Without dropout where its rate is 0."""
    plan = training(EVERYTHING, recording=True)
    assert names(plan) == [
        "product gather",
        "product forward",
        "normalize batch",
        "activate in place relu",
        "dropout forward",
        "product forward",
        "normalize batch",
        "activate in place tanh",
        "product forward",
        "loss categorical_log_loss",
        "link softmax",
        "keep output",
        "product weights",
        "product inputs",
        "derivative tanh",
        "normalize back batch",
        "product weights",
        "product inputs",
        "dropout back",
        "derivative relu",
        "normalize back batch",
        "product weights",
    ]
    assert plan[:, places.LAYER].tolist() == [0] * 5 + [1] * 3 + [2] * 6 + [1] * 4 + [0] * 4


@pytest.mark.parametrize("normalization", [None, "layer"])
@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("dense", [True, False])
def test_all_of_the_gradient_of_a_further_shard_is_added(normalization, outputs, dense):
    """To that of the batch, each number once; by the product itself where that can add."""
    layout = Layout((4, 5, outputs), normalization)
    network, added = Network(layout, ("tanh",), "logistic"), np.zeros(layout.size, dtype=int)
    plan = training(network, dense=dense, further=True)
    for name, operation in zip(names(plan), plan, strict=True):
        start, n_in, n_out = operation[[places.W, places.N_IN, places.N_OUT]]
        if name == "add add":
            added[start : start + n_in] += 1
        elif name == "product weights_added":
            added[start : start + n_in * n_out] += 1
            added[operation[places.B] : operation[places.B] + n_out * operation[places.SUMS]] += 1
    np.testing.assert_array_equal(added, 1)
    expected = [name for name in names(training(network, dense=dense)) if name != "product weights"]
    assert [name for name in names(plan) if name not in ("add add", "product weights_added")] == expected


def test_rows_of_a_sparse_x_are_not_gathered():
    found = names(training(PLAIN, dense=False))
    assert [name for name in found if name.startswith("product")] == [
        "product forward_sparse",
        *["product forward"] * 2,
        *["product weights", "product inputs"] * 2,
        "product weights_sparse",
    ]
    assert names(prediction(PLAIN, dense=False))[0] == "product forward_sparse"


@pytest.mark.parametrize(
    "activation, dropout, expected",
    [
        ("tanh", 0.0, ["derivative of one tanh"]),
        ("gelu", 0.0, ["product inputs_one", "derivative gelu"]),
        ("tanh", 0.5, ["product inputs_one", "dropout back", "derivative tanh"]),
    ],
)
@pytest.mark.parametrize("normalization", [None, "batch", "layer"])
def test_the_way_back_from_one_output_is_one_operation_where_it_can_be(activation, dropout, expected, normalization):
    network = Network(Layout((4, 5, 1), normalization), (activation,), "logistic", (dropout,))
    found = names(training(network))
    normalize_back = [f"normalize back {normalization}"] if normalization else []
    at = found.index("product weights_one")
    assert found[at:] == ["product weights_one", *expected, *normalize_back, "product weights"]


def test_a_sparse_first_layer_by_columns():
    """Its weights make their step on the way back."""
    found = names(training(PLAIN, dense=False, by_columns="sgd"))
    assert found[:3] == ["sort sort", "forward by columns sgd", "activate in place relu"]
    assert found[-3:] == ["product inputs", "derivative relu", "step by columns sgd"]
    assert len(found) == len(training(PLAIN))
    record = Workspace(PLAIN, 8, dense=False, training=True).records[0]
    *_, ending = batch_plans("sgd", "float64", record, members=1, clipped=False, by_columns=True)
    assert names(ending) == ["settle sgd"] and ending[0, places.N_IN] == 4


def test_predictions_go_forward_alone():
    forward = [
        "product forward",
        "activate in place relu",
        "product forward",
        "activate in place tanh",
        "product forward",
    ]
    measured = ["loss categorical_log_loss", "combine alone"]
    assert names(prediction(PLAIN, raw=True)) == [*forward, "keep output"]
    assert names(prediction(PLAIN, raw=True, looked_at=False)) == ["product look", *forward, "keep output"]
    assert names(prediction(PLAIN)) == [*forward, "link softmax", "keep output"]
    assert names(prediction(PLAIN, measured=True)) == [*forward, *measured, "link softmax", "keep output"]


def test_predictions_are_normalised_and_know_no_dropout():
    assert names(prediction(EVERYTHING)) == [
        "product forward",
        "normalize batch",
        "activate in place relu",
        "product forward",
        "normalize batch",
        "activate in place tanh",
        "product forward",
        "link softmax",
        "keep output",
    ]


@pytest.mark.parametrize("clipped", [False, True])
@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("scaled", [False, True])
def test_the_rest_of_a_batch(members, clipped, scaled):
    """Members of a team wait for each other before what one of them needs of the others."""
    plans = batch_plans("adam", "float64", FIRST, members=members, clipped=clipped, scaled=scaled)
    opening, combining, closing, ending = map(names, plans)
    wait = ["wait wait"] * (members > 1)
    assert opening == ["open open"] and ending == []
    assert combining == ["combine alone" if members == 1 else "combine together"]
    assert closing == [
        *(["features back", *wait] if scaled else []),
        *(["squares squares", *wait, "clip clip"] if clipped else []),
        "update adam",
        *wait,
        *(["features forward", *wait] if scaled else []),
        "count count",
    ]


@pytest.mark.parametrize(
    "activation, link, loss",
    [("unknown", "identity", "squared_error"), ("relu", "unknown", "squared_error"), ("relu", "identity", "unknown")],
)
def test_unknown_formulas_are_refused(activation, link, loss):
    model = CpuBackend(Network(Layout((4, 5, 2)), (activation,), link), loss, "float64")
    parameters, X, y = np.zeros(model.network.layout.size), np.zeros((3, 4)), np.zeros((3, 2))
    with pytest.raises(KeyError, match="unknown"):
        every = segments(model.network.layout)
        run = model.start(parameters, X, y, None, batch_size=2, solver="adam", settings={}, segments=every)
        run.run_epoch(np.arange(3), np.ones(2), np.zeros((3, 2)))
    with pytest.raises(KeyError, match="unknown"):
        model.predict_and_loss(parameters, X, y, None)


def test_an_unknown_solver_is_refused():
    with pytest.raises(KeyError, match="unknown"):
        batch_plans("unknown", "float64", FIRST, members=1, clipped=False)


# ---------------------------------------------------------------------------------------------------------------------
# Where operands lie
# ---------------------------------------------------------------------------------------------------------------------


@networks
@pytest.mark.parametrize("kind", ["training", "prediction"])
def test_offsets_of_parameters_are_those_of_the_layout(network, kind):
    layout = network.layout
    records = Workspace(network, 8, dense=True, training=kind == "training").records
    vector = np.arange(layout.size)
    sizes = layout.units
    for layer, (record, weights, biases) in enumerate(
        zip(records, layout.weights(vector), layout.biases(vector), strict=True)
    ):
        assert record[[places.W, places.B]].tolist() == [weights.flat[0], biases.flat[0]]
        assert record[[places.LAYER, places.N_IN, places.N_OUT]].tolist() == [layer, sizes[layer], sizes[layer + 1]]
    fields = {
        "scales": places.SCALE,
        "shifts": places.SHIFT,
        "means": places.MEAN,
        "variances": places.VARIANCE,
    }
    if layout.scaled:
        assert records[0][[places.RAW, places.SCALES]].tolist() == [part.flat[0] for part in layout.features(vector)]
    for name, layers in layout.normalizations(vector).items():
        assert [record[fields[name]] for record in records[:-1]] == [values[0] for values in layers]


def test_biases_before_a_normalisation_get_their_gradient_from_it():
    """The product leaves it alone."""
    for network in (PLAIN, EVERYTHING, NORMALIZED["layer"]):
        sums = [record[places.SUMS] for record in Workspace(network, 8, dense=True, training=True).records]
        assert sums == [network.layout.normalization is None] * 2 + [True]


def buffers(network, rows, *, dense=True):
    """First place and size of each buffer that a record of training names, by what it holds."""
    workspace, found = Workspace(network, rows, dense=dense, training=True), {}
    records, units, last = workspace.records, network.layout.units, len(workspace.records) - 1
    if dense:
        found["X"] = records[0][places.X], rows * units[0]
    for layer, record in enumerate(records):
        values = rows * units[layer + 1]
        found[f"z {layer}"] = record[places.Z], values
        if layer < last:
            if not ACTIVATIONS[network.activations[layer]].in_place:
                found[f"a {layer}"] = record[places.A], values
            if network.layout.normalization:
                found[f"standard {layer}"] = record[places.STANDARD], values
                found[f"inverse {layer}"] = record[places.INVERSE], max(rows, units[layer + 1])
                found[f"shares {layer}"] = record[places.SHARES], rows
                found[f"moments {layer}"] = record[places.MOMENTS], 2 * units[layer + 1]
    widest = rows * max(units[1:])
    found["delta"], found["back"] = (records[-1][places.DELTA], widest), (records[-1][places.BACK], widest)
    return workspace, found


def spans(found):
    """From the first place to the one after the last that a loop over whole vectors reaches."""
    return {name: (first, first + -(-size // LANES) * LANES) for name, (first, size) in found.items()}


@networks
@pytest.mark.parametrize("rows", [1, 7, SHARD_ROWS])
@pytest.mark.parametrize("dense", [True, False])
def test_buffers_of_training_do_not_overlap(network, rows, dense):
    """Not even the rests of their last vectors; but the gradients of the layers take turns in two."""
    workspace, found = buffers(network, rows, dense=dense)
    for (_, (first, end)), (_, (other, other_end)) in combinations(spans(found).items(), 2):
        assert end <= other or other_end <= first
    assert max(end for _, end in spans(found).values()) <= workspace.size
    assert min(first for first, _ in spans(found).values()) >= 0
    records = workspace.records
    for before, record in pairwise(records):
        assert record[places.X] == before[places.A] and record[places.BACK] == before[places.DELTA]
        assert before[places.BACK] == record[places.DELTA]


def test_activations_work_in_place_where_the_way_back_allows_it():
    """Not those of the user's own, of which nothing is known."""
    layout = Layout((4, 5, 5, 5, 2))
    network = Network(layout, ("tanh", "gelu", SWISH), "identity")
    records = Workspace(network, 8, dense=True, training=True).records
    assert [record[places.A] == record[places.Z] for record in records] == [True, False, False, True]
    activations = [name for name in names(training(network)) if name.startswith("activate")]
    assert activations == ["activate in place tanh", "activate gelu", f"activate {SWISH}"]
    activations = [name for name in names(prediction(network)) if name.startswith("activate")]
    assert activations == ["activate in place tanh", "activate in place gelu", f"activate in place {SWISH}"]


@networks
@pytest.mark.parametrize("rows", [1, 7, SHARD_ROWS])
def test_buffers_of_prediction_take_turns(network, rows):
    """The input of a layer is not where its output comes to be; the first input is X itself."""
    workspace = Workspace(network, rows, dense=True, training=False)
    size = -(-rows * max(network.layout.units[1:]) // LANES) * LANES
    for layer, record in enumerate(workspace.records):
        assert record[places.SOURCE] == (places.DATA if layer == 0 else places.WORK)
        assert layer == 0 or abs(record[places.Z] - record[places.X]) >= size
        assert layer == 0 or record[places.X] == workspace.records[layer - 1][places.A]
        assert abs(record[places.Z] - record[places.DELTA]) >= size
        assert record[places.Z] == record[places.A]
        assert max(record[places.Z], record[places.DELTA]) + size <= workspace.size


@pytest.mark.parametrize("kind", ["batch", "layer"])
def test_what_normalisation_keeps_lies_beside_the_layers_in_prediction_too(kind):
    workspace = Workspace(NORMALIZED[kind], 7, dense=True, training=False)
    size = -(-7 * 5 // LANES) * LANES
    taken = [(record[turn], record[turn] + size) for record in workspace.records for turn in (places.Z, places.DELTA)]
    for record in workspace.records[:-1]:
        for place in (places.STANDARD, places.INVERSE, places.SHARES, places.MOMENTS):
            assert all(record[place] >= end or record[place] < first for first, end in taken)


def test_workspaces_are_no_larger_than_needed():
    def size(**keywords):
        return Workspace(PLAIN, SHARD_ROWS, **keywords).size

    training = size(dense=True, training=True)
    assert size(dense=True, training=False) < training
    assert size(dense=False, training=True) < training
    units = 2 * 5 + 4 + 5 + 3 + 2  # delta and back, X, and the layers in place
    assert training <= SHARD_ROWS * units + 8 * 2 * LANES
