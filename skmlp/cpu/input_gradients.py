"""Derivatives of predictions by the features: forward as in prediction, and for each output back to the rows.

The way back is that of training, without what is worked out for the parameters. It begins with the derivative of one
output in the raw outputs, where training begins with that of the loss.
"""

import numpy as np
from scipy import sparse

from skmlp.cpu import memory as places
from skmlp.cpu.blocks import share_blocks
from skmlp.cpu.compile import Family, kernel
from skmlp.cpu.custom import readable_errors
from skmlp.cpu.denormals import swap_control
from skmlp.cpu.epoch import carry_out
from skmlp.cpu.memory import (
    BACK,
    DELTA,
    FIRST,
    N_IN,
    N_ORDER,
    N_OUT,
    N_OUTPUTS,
    N_ROWS,
    OUTPUT,
    OUTPUTS,
    SHARD_SIZE,
    WORK,
    Z,
    matrix,
)
from skmlp.cpu.normalization import normalize_slopes_loops
from skmlp.cpu.plan import Plan, Workspace, forward, product, to_layer_before
from skmlp.cpu.products import product_loops
from skmlp.formulas.links import LINKS

BLOCK_ROWS = 4096  # rows of one call of the kernel, over the number of outputs
SHARD_ROWS, LEAST_ROWS, SHARD_NUMBERS = 256, 8, 2**17
"""Most rows that go forward and back together, fewest, and most numbers of a layer, or of X, that they may have."""


def output_loop(name, real):
    """Loop that begins the way back: delta is the derivative of one output, by its inverse link, in the raw outputs."""
    derivative = LINKS[name].derivative

    def by_row(memory, operation):
        z = matrix(memory, WORK, operation[Z], memory[N_ROWS], operation[N_OUT], real)
        delta = matrix(memory, WORK, operation[DELTA], memory[N_ROWS], operation[N_OUT], real)
        for i in range(z.shape[0]):
            derivative(z[i], memory[OUTPUT], delta[i])

    def by_value(memory, operation):
        z = matrix(memory, WORK, operation[Z], memory[N_ROWS], operation[N_OUT], real)
        delta = matrix(memory, WORK, operation[DELTA], memory[N_ROWS], operation[N_OUT], real)
        k = memory[OUTPUT]
        delta[:] = 0
        for i in range(z.shape[0]):
            delta[i, k] = derivative(z[i, k])

    return by_row if LINKS[name].by_row else by_value


def keep_loop(name, real):
    """Loop that copies the gradient of one output in the rows to its place among all."""

    def run(memory, operation):
        n_rows, n_in, n_outputs = memory[N_ROWS], operation[N_IN], memory[N_OUTPUTS]
        back = matrix(memory, WORK, operation[BACK], n_rows, n_in, real)
        start = memory[FIRST] * n_outputs * n_in
        gradients = matrix(memory, OUTPUTS, start, n_rows, n_outputs * n_in, real)
        first = memory[OUTPUT] * n_in
        for i in range(n_rows):
            for p in range(n_in):
                gradients[i, first + p] = back[i, p]

    return run


output_loops, keep_loops = Family(output_loop), Family(keep_loop)


@kernel
def differentiate_rows(onward, back, memory):
    """Carry out a plan for N_ORDER rows, shard by shard, and for each shard another one for each output."""
    before = swap_control(True, 0)
    for first in range(0, memory[N_ORDER], memory[SHARD_SIZE]):
        memory[FIRST], memory[N_ROWS] = first, min(memory[SHARD_SIZE], memory[N_ORDER] - first)
        carry_out(onward, memory)
        for output in range(memory[N_OUTPUTS]):
            memory[OUTPUT] = output
            carry_out(back, memory)
    swap_control(False, before)


def gradient_plans(network, dtype, records, *, dense, raw, looked_at):
    """What is done to a shard, and then for each output; the arguments are those of a prediction's plan."""
    onward, back = Plan(dtype), Plan(dtype)
    if dense and not looked_at:
        onward.add(product_loops, "look", records[0])
    forward(onward, network, records, dense=dense, training=False)
    back.add(output_loops, "identity" if raw else network.link, records[-1])
    for layer in range(len(records) - 1, 0, -1):
        to_layer_before(back, network, records[layer], records[layer - 1], dropped=False)
        if network.layout.normalization:
            back.add(normalize_slopes_loops, network.layout.normalization, records[layer - 1])
    back.add(product_loops, product("inputs", records[0]), records[0])
    back.add(keep_loops, "keep", records[0])
    return onward.array(), back.array()


def shard_rows(network, rows):
    """Rows that go through the network together: a power of 2, for there is a plan for each."""
    fitting = SHARD_NUMBERS // max(network.layout.units)
    most = max(LEAST_ROWS, min(SHARD_ROWS, 1 << (fitting.bit_length() - 1) if fitting else 0))
    return min(most, 1 << (rows - 1).bit_length()) if rows else 1


def prepared(backend, rows, dense, raw, looked_at):
    """Size of the workspace, and plans, for shards of so many rows."""
    network = backend.network
    with readable_errors(network.activations, backend.dtype):
        workspace = Workspace(network, rows, dense=dense, training=True, to_inputs=True)
        records = workspace.records
        plans = gradient_plans(network, backend.dtype, records, dense=dense, raw=raw, looked_at=looked_at)
    return workspace.size, plans


def input_gradients(backend, parameters, X, raw, looked_at):
    """Derivative of each output by each feature, (rows, n_outputs, n_in), as the back end's method says."""
    backend.network.layout.check(parameters, X)
    rows, dense, (n_in, *_, n_outputs) = X.shape[0], not sparse.issparse(X), backend.network.layout.units
    kind = shard_rows(backend.network, rows), dense, raw, looked_at
    if ("gradients", kind) not in backend.prepared:
        backend.prepared["gradients", kind] = prepared(backend, *kind)
    work_size, plans = backend.prepared["gradients", kind]
    gradients = np.empty((rows, n_outputs, n_in), dtype=backend.dtype)
    parameters = np.ascontiguousarray(parameters)
    block_rows = max(SHARD_ROWS, BLOCK_ROWS // n_outputs)

    def begin(memory):
        if not dense:
            memory[places.ORDER] = np.arange(min(block_rows, rows))
        memory[places.WORK], memory[places.PARAMETERS] = np.zeros(work_size, dtype=backend.dtype), parameters
        memory[places.SHARD_SIZE], memory[places.N_OUTPUTS] = kind[0], n_outputs

    def differentiate_block(memory, block):
        memory[places.OUTPUTS] = gradients[block]
        differentiate_rows(*plans, memory.cells)

    share_blocks(backend, X, block_rows, begin, differentiate_block, effort=1 + n_outputs)
    return gradients
