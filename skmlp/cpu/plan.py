"""Plans: the operations that take a shard of rows through a network and back, in their order.

A plan is an array of integers with a row an operation: the address of a loop, and where its operands lie
(:mod:`skmlp.cpu.memory`). It is worked out once for a network, in plain Python; the kernels just go through it.
"""

import numpy as np

from skmlp.cpu import columns, memory
from skmlp.cpu.activation import (
    activation_loops,
    derivative_loops,
    derivative_of_one_loops,
    in_place_loops,
    link_loops,
)
from skmlp.cpu.dropout import dropout_loops
from skmlp.cpu.features import feature_loops
from skmlp.cpu.loss import loss_loops
from skmlp.cpu.memory import LANES, LAYER, N_FIELDS, N_IN, N_OUT, SOURCE, SUMS, X
from skmlp.cpu.normalization import normalize_back_loops, normalize_loops
from skmlp.cpu.output import output_loops
from skmlp.cpu.products import product_loops
from skmlp.cpu.team import add_loops, combine_loops, open_loops, wait_loops
from skmlp.cpu.update import clip_loops, count_loops, squares_loops, update_loops
from skmlp.formulas.activations import ACTIVATIONS


class Workspace:
    """Where the values of a network's layers for a shard of rows lie in one buffer: a record a layer.

    For training each layer has buffers of its own, which the way back needs; in prediction all share two.
    ``to_inputs``: buffers are those of training, but rows are read where they lie, as in prediction, and the way back
    goes as far as them.
    """

    def __init__(self, network, rows, *, dense, training, to_inputs=False):
        self.size, in_place_of_x = 0, to_inputs or not training
        layout = network.layout
        widest = rows * max(layout.units if to_inputs else layout.units[1:])
        turns = [self._take(widest) for _ in range(2)]  # delta and back in turn; in prediction also the layers
        last, self.records = 0 if in_place_of_x or not dense else self._take(rows * layout.units[0]), []
        hidden = len(layout.units) - 2
        for layer, (n_in, n_out) in enumerate(layout.shapes):
            record = np.zeros(N_FIELDS, dtype=np.int64)
            record[[LAYER, N_IN, N_OUT, X]] = layer, n_in, n_out, last
            record[SOURCE] = memory.DATA if layer == 0 and in_place_of_x else memory.WORK
            record[[memory.W, memory.B]] = layout.weight_offsets[layer], layout.bias_offsets[layer]
            record[SUMS] = layer == hidden or layout.normalization is None
            if layer == 0:
                record[[memory.RAW, memory.SCALES]] = layout.feature_offsets[:2]
            delta, back = turns[(hidden - layer) % 2], turns[(hidden - layer + 1) % 2]
            z = last = self._take(rows * n_out) if training else back
            if training and layer < hidden and not in_place(network.activations[layer]):
                last = self._take(rows * n_out)
            record[[memory.Z, memory.A, memory.DELTA, memory.BACK]] = z, last, delta, back
            if layout.normalization and layer < hidden:
                self._normalization(record, layout, layer, rows)
            self.records.append(record)

    def _take(self, size):
        """Room for so many numbers, in whole vectors."""
        first, self.size = self.size, self.size + -(-size // LANES) * LANES
        return first

    def _normalization(self, record, layout, layer, rows):
        units = layout.units[layer + 1]
        hidden = len(layout.units) - 2
        offsets = layout.normalization_offsets[:-1][layer::hidden]
        places = (memory.SCALE, memory.SHIFT, memory.MEAN, memory.VARIANCE)
        record[list(places[: len(offsets)])] = offsets
        sizes = {
            memory.STANDARD: rows * units,
            memory.INVERSE: max(rows, units),
            memory.SHARES: rows,
            memory.MOMENTS: 2 * units,
        }
        for place, size in sizes.items():
            record[place] = self._take(size)


def in_place(activation):
    """Whether the way back needs no pre-activations."""
    return isinstance(activation, str) and ACTIVATIONS[activation].in_place


class Plan:
    """Collects operations: loops by their family and name, with the record of a layer."""

    def __init__(self, dtype):
        self._dtype, self._rows = dtype, []

    def add(self, family, name, record=None):
        """Append an operation."""
        row = np.zeros(N_FIELDS, dtype=np.int64) if record is None else record.copy()
        row[memory.LOOP] = family.address(name, self._dtype)
        self._rows.append(row)

    def array(self):
        """The plan as kernels take it."""
        return np.array(self._rows, dtype=np.int64).reshape(len(self._rows), N_FIELDS)


def product(kind, record, dense=True):
    """Name of the loop of a layer's product."""
    if not dense and record[LAYER] == 0:
        return f"{kind}_sparse"
    return f"{kind}_one" if record[N_OUT] == 1 else kind


def forward(plan, network, records, *, dense, training, by_columns=None):
    """From rows of X to raw outputs."""
    if dense and training:
        plan.add(product_loops, "gather", records[0])
    if by_columns:
        plan.add(columns.sort_loops, "sort", records[0])
    for layer, record in enumerate(records):
        if layer == 0 and by_columns:
            plan.add(columns.forward_loops, by_columns, record)
        else:
            plan.add(product_loops, product("forward", record, dense), record)
        if layer == len(records) - 1:
            break
        if network.layout.normalization:
            plan.add(normalize_loops, network.layout.normalization, record)
        family = in_place_loops if record[memory.A] == record[memory.Z] else activation_loops
        plan.add(family, network.activations[layer], record)
        if training and network.dropout[layer] > 0.0:
            plan.add(dropout_loops, "forward", record)


def backward(plan, network, records, *, dense, further=False, by_columns=None):
    """From the loss's gradient in the raw outputs to that in every parameter; ``further`` as in :func:`shard_plan`."""
    for layer in reversed(range(len(records))):
        record = records[layer]
        if layer == 0 and by_columns:
            plan.add(columns.step_loops, by_columns, record)
        else:
            weights_gradient(plan, record, product("weights", record, dense), further)
        if layer == 0:
            break
        before = records[layer - 1]
        to_layer_before(plan, network, record, before, dropped=network.dropout[layer - 1] > 0.0)
        if network.layout.normalization:
            plan.add(normalize_back_loops, network.layout.normalization, before)
            for place in (memory.SCALE, memory.SHIFT, memory.B) if further else ():
                add_part(plan, before[place], before[N_OUT])


def to_layer_before(plan, network, record, before, *, dropped):
    """From the gradient in the pre-activations of a layer to that in those of the layer before it, normalised ones."""
    activation = network.activations[before[LAYER]]
    if record[N_OUT] == 1 and not dropped and before[memory.A] == before[memory.Z]:
        plan.add(derivative_of_one_loops, activation, record)
        return
    plan.add(product_loops, product("inputs", record), record)
    if dropped:
        plan.add(dropout_loops, "back", before)
    plan.add(derivative_loops, activation, before)


def weights_gradient(plan, record, name, further):
    """Gradient of the weights and biases of a layer."""
    if further and name == "weights":
        plan.add(product_loops, "weights_added", record)
        return
    plan.add(product_loops, name, record)
    if further:
        add_part(plan, record[memory.W], record[N_IN] * record[N_OUT])
        if record[SUMS]:
            add_part(plan, record[memory.B], record[N_OUT])


def add_part(plan, start, size):
    """Add a part of a shard's gradient to that of the batch."""
    record = np.zeros(N_FIELDS, dtype=np.int64)
    record[[memory.W, N_IN]] = start, size
    plan.add(add_loops, "add", record)


def shard_plan(network, loss, dtype, records, *, dense, recording, further=False, by_columns=None):
    """What is done to a shard in training: forward, loss, back.

    ``recording`` keeps the predictions; ``further``: the gradient is added to that of the shards before; ``by_columns``
    is the solver that updates a sparse first layer by columns.
    """
    plan = Plan(dtype)
    forward(plan, network, records, dense=dense, training=True, by_columns=by_columns)
    plan.add(loss_loops, loss, records[-1])
    if recording:
        plan.add(link_loops, network.link, records[-1])
        plan.add(output_loops, "output", records[-1])
    backward(plan, network, records, dense=dense, further=further, by_columns=by_columns)
    return plan.array()


def prediction_plan(network, loss, dtype, records, *, dense, measured, raw, looked_at):
    """What is done to a shard in prediction.

    ``measured``: its loss is added up; ``raw``: without the inverse link; ``looked_at``: X is known to be finite.
    """
    plan = Plan(dtype)
    if dense and not looked_at:
        plan.add(product_loops, "look", records[0])
    forward(plan, network, records, dense=dense, training=False)
    if measured:
        plan.add(loss_loops, loss, records[-1])
        plan.add(combine_loops, "alone")
    if not raw:
        plan.add(link_loops, network.link, records[-1])
    plan.add(output_loops, "output", records[-1])
    return plan.array()


def batch_plans(solver, dtype, first, *, members, clipped, scaled=False, by_columns=False):
    """What is done when a batch begins, when a round of shards ends, when a batch ends, and when all ends.

    ``first`` is the record of the first layer: its features may have learned scales (``scaled``), or its weights be
    updated column by column (``by_columns``).
    """
    opening, combining, closing, ending = (Plan(dtype) for _ in range(4))
    opening.add(open_loops, "open")
    combining.add(combine_loops, "alone" if members == 1 else "together")

    def close_together(family, name, record=None):
        """What members share, and need whole before they go on."""
        closing.add(family, name, record)
        if members > 1:
            closing.add(wait_loops, "wait")

    if scaled:
        close_together(feature_loops, "back", first)
    if clipped:
        close_together(squares_loops, "squares")
        closing.add(clip_loops, "clip")
    close_together(update_loops, solver)
    if scaled:
        close_together(feature_loops, "forward", first)
    closing.add(count_loops, "count")
    if by_columns:
        ending.add(columns.settle_loops, solver, first)
    return opening.array(), combining.array(), closing.array(), ending.array()
