"""The training kernel: a run of shards, with a step of the optimiser after the last shard of each batch.

It knows no types: what is done to a batch when it begins, to a shard, when the shards of a round are done, and at the
end of a batch, it is told by plans (:mod:`skmlp.cpu.plan`).
"""

from skmlp.cpu.compile import execute, function, kernel
from skmlp.cpu.denormals import swap_control
from skmlp.cpu.memory import (
    ABORTED,
    BATCH,
    BATCH_ROWS,
    BATCH_SIZE,
    BEGIN,
    END,
    FILLED,
    FIRST,
    GRADIENT,
    MEMBER,
    MEMBERS,
    N_ORDER,
    N_ROWS,
    PART,
    PLACE,
    RECORDING,
    SETTLING,
    SHARD_SIZE,
    SKIPPED,
    TOTAL,
    TURN,
)


@function
def carry_out(plan, memory):
    """The operations of a plan, until the team gives up; returns whether to go on."""
    for number in range(plan.shape[0]):
        execute(plan, number, memory)
        if memory[ABORTED]:
            return False
    return True


@function
def run_rounds(opening, shard, further, combining, closing, memory):
    """Train on the rounds from BEGIN to END of an epoch, whose batches are cut from ORDER.

    A round has a shard for each member of the team, of whom this is one. Each batch has as many shards as a full one;
    those of a shorter last batch may be empty. A batch whose weights are all 0 is skipped.
    """
    size, members, shard_size = memory[BATCH_SIZE], memory[MEMBERS], memory[SHARD_SIZE]
    rounds = -(-size // (members * shard_size))
    for index in range(memory[BEGIN], memory[END]):
        batch, turn = index // rounds, index % rounds
        start = batch * size
        rows = min(size, memory[N_ORDER] - start)
        memory[TURN] = turn
        if turn == 0:
            memory[BATCH], memory[BATCH_ROWS], memory[FIRST], memory[N_ROWS] = batch, rows, start, rows
            carry_out(opening, memory)
        if memory[SKIPPED] and not memory[RECORDING]:
            continue
        number = turn * members + memory[MEMBER]
        place = number * shard_size
        memory[FILLED] = min(members, -(-rows // shard_size) - turn * members)
        if place < rows:
            memory[FIRST], memory[PLACE], memory[N_ROWS] = start + place, place, min(shard_size, rows - place)
            memory[GRADIENT] = memory[TOTAL] if number == 0 else memory[PART]
            carry_out(shard if number == 0 else further, memory)
        if not carry_out(combining, memory):
            return
        if turn == rounds - 1 and not memory[SKIPPED] and not carry_out(closing, memory):
            return


@kernel
def run_shards(opening, shard, further, combining, closing, ending, memory):
    """As :func:`run_rounds`, with denormal numbers taken as 0; then, with SETTLING, what ends all."""
    before = swap_control(True, 0)
    run_rounds(opening, shard, further, combining, closing, memory)
    if memory[SETTLING]:
        carry_out(ending, memory)
    swap_control(False, before)
