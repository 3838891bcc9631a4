"""The training kernel: a run of shards, with a parameter update after the last shard of each batch."""

from skmlp.cpu.backward import backward
from skmlp.cpu.compile import function, inlined, kernel
from skmlp.cpu.forward import forward
from skmlp.cpu.loss import loss_and_delta, row_weight
from skmlp.cpu.structures import BATCH_LOSS, BATCH_WEIGHT, EPOCH_LOSS, EPOCH_ROWS, Pass
from skmlp.cpu.team import join
from skmlp.cpu.update import update
from skmlp.cpu.views import matrix

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


@inlined
def step(network, parameters, rate, rule, state, memory, tally, team, rows):
    """Update the parameters at the end of a batch of so many rows, and count it in."""
    memory[STEPS] += 1.0
    weight = tally[BATCH_WEIGHT]
    penalty = update(
        rule.address,
        parameters,
        team.total,
        state,
        memory,
        network.n_weights,
        rule.settings,
        memory[STEPS],
        rate,
        weight,
    )
    tally[EPOCH_LOSS] += (tally[BATCH_LOSS] + penalty) / weight * rows
    tally[EPOCH_ROWS] += rows


@function
def together(team, tally, first, last, member):
    """Wait for the other members, and add up what the shards of this round gave; returns whether to go on."""
    return join(team.join, team.total, team.parts, team.losses, tally, team.barrier, first, last, member) > 0


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
    team,
    member,
):
    """Train on the rounds ``first`` to ``last`` of an epoch whose batches are cut from ``order``.

    A shard has the rows that ``work`` is for, a round a shard for each member of the team, of whom this is one. Each
    batch has as many shards as a full one; those of a shorter last batch may be empty. Shards are added in their order.
    A batch whose weights are all 0 is skipped. ``tally[EPOCH_LOSS]`` of the first member adds up the mean loss of each
    batch, penalty included, times its rows.
    """
    shards = (batch_size + work.rows - 1) // work.rows
    rounds = (shards + team.size - 1) // team.size
    for index in range(first, last):
        batch, turn = index // rounds, index % rounds
        start = batch * batch_size
        stop = min(start + batch_size, order.size)
        if turn == 0:
            tally[BATCH_LOSS] = 0.0
            tally[BATCH_WEIGHT] = batch_weight(weights, order[start:stop])
        skipped = not tally[BATCH_WEIGHT] > 0.0
        if skipped and outputs.shape[0] == 0:
            continue
        shard = turn * team.size + member
        begin = start + shard * work.rows
        rows = order[min(begin, stop) : min(begin + work.rows, stop)]
        if rows.size > 0:
            gradient = team.total if shard == 0 else team.parts[member]
            way = Pass(1, rule.seed, int(memory[STEPS]), shard * work.rows)
            loss = shard_gradient(network, parameters, X, targets, weights, rows, work, gradient, way)
            z = matrix(work.z, work.offsets[-1] * rows.size, rows.size, network.units[-1])
            record(z, outputs, begin)
            if team.size > 1:  # spelt out here: as a function it would cost small networks a twentieth and more
                team.losses[member] = loss
            else:
                tally[BATCH_LOSS] += loss
                if shard > 0:
                    add_gradient(team.total, team.parts[0])
        if team.size > 1:
            filled = (stop - start + work.rows - 1) // work.rows - turn * team.size
            if not together(team, tally, 1 if turn == 0 else 0, min(filled, team.size), member):
                return
        if turn == rounds - 1 and not skipped:
            if member == 0:
                step(network, parameters, rates[batch], rule, state, memory, tally, team, stop - start)
            if team.size > 1 and not together(team, tally, 0, 0, member):
                return
