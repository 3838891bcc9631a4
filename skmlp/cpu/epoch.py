"""The training kernel: a run of shards, with a parameter update after the last shard of each batch."""

from skmlp.cpu.backward import backward
from skmlp.cpu.compile import inlined, kernel
from skmlp.cpu.forward import forward
from skmlp.cpu.loss import loss_and_delta, row_weight
from skmlp.cpu.structures import Pass
from skmlp.cpu.update import update
from skmlp.cpu.views import matrix

# Places in ``tally``, what a run leaves for the next one.
EPOCH_LOSS, EPOCH_ROWS, BATCH_LOSS, BATCH_WEIGHT, N_TALLIES = range(5)
# Places in ``memory``, what an optimiser keeps beside its slots: the first is for its formula.
STEPS, N_MEMORIES = 1, 2


@inlined
def batch_weight(weights, rows):
    """Sum of the weights of a batch."""
    total = 0.0
    for i in range(rows.size):
        total += row_weight(weights, rows[i])
    return total


@inlined
def shard_gradient(network, parameters, X, targets, weights, rows, work, gradient, way):
    """Σ weight · loss of some rows, and its gradient."""
    z = forward(network, parameters, X, weights, rows, work, way)
    delta = matrix(work.delta, 0, rows.size, z.shape[1])
    loss = loss_and_delta(network.loss, z, targets, weights, rows, network.levels, network.loss_settings, delta)
    backward(network, parameters, X, rows, work, gradient, way)
    return loss


@inlined
def add_gradient(total, part):
    """total += part."""
    for i in range(total.size):
        total[i] += part[i]


@inlined
def record(z, outputs, start):
    """Keep raw outputs in the order of the epoch, if asked to."""
    if outputs.shape[0] > 0:
        for i in range(z.shape[0]):
            for j in range(z.shape[1]):
                outputs[start + i, j] = z[i, j]


@kernel
def run_shards(
    network,
    parameters,
    X,
    targets,
    weights,
    order,
    batch_size,
    first,
    last,
    rates,
    rule,
    state,
    memory,
    work,
    tally,
    outputs,
):
    """Train on the shards ``first`` to ``last`` of an epoch whose batches are cut from ``order``.

    A shard has the rows that ``work`` is for. Each batch has as many shards as a full one; those of a shorter last
    batch may be empty. Shards are added in their order. A batch whose weights are all 0 is skipped.
    ``tally[EPOCH_LOSS]`` adds up the mean loss of each batch, penalty included, times its rows.
    """
    shards = (batch_size + work.rows - 1) // work.rows
    for index in range(first, last):
        batch, shard = index // shards, index % shards
        start = batch * batch_size
        stop = min(start + batch_size, order.size)
        if shard == 0:
            tally[BATCH_LOSS] = 0.0
            tally[BATCH_WEIGHT] = batch_weight(weights, order[start:stop])
        skipped = not tally[BATCH_WEIGHT] > 0.0
        if skipped and outputs.shape[0] == 0:
            continue
        begin = start + shard * work.rows
        rows = order[begin : min(begin + work.rows, stop)]
        if rows.size > 0:
            gradient = work.gradient if shard == 0 else work.part
            way = Pass(1, rule.seed, int(memory[STEPS]), shard * work.rows)
            tally[BATCH_LOSS] += shard_gradient(network, parameters, X, targets, weights, rows, work, gradient, way)
            if shard > 0:
                add_gradient(work.gradient, work.part)
            z = matrix(work.z, work.offsets[-1] * rows.size, rows.size, network.units[-1])
            record(z, outputs, begin)
        if shard == shards - 1 and not skipped:
            memory[STEPS] += 1.0
            penalty = update(
                rule.address,
                parameters,
                work.gradient,
                state,
                memory,
                network.n_weights,
                rule.settings,
                memory[STEPS],
                rates[batch],
                tally[BATCH_WEIGHT],
            )
            loss = (tally[BATCH_LOSS] + penalty) / tally[BATCH_WEIGHT]
            tally[EPOCH_LOSS] += loss * (stop - start)
            tally[EPOCH_ROWS] += stop - start
