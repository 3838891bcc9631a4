"""The prediction kernel: it takes a block of rows, shard by shard, through a plan (:mod:`skmlp.cpu.plan`)."""

from skmlp.cpu.compile import kernel
from skmlp.cpu.denormals import swap_control
from skmlp.cpu.epoch import carry_out
from skmlp.cpu.memory import FIRST, N_ORDER, N_ROWS, SHARD_SIZE


@kernel
def predict_rows(plan, memory):
    """Carry out a plan for N_ORDER rows, shard by shard."""
    before = swap_control(True, 0)
    for first in range(0, memory[N_ORDER], memory[SHARD_SIZE]):
        memory[FIRST], memory[N_ROWS] = first, min(memory[SHARD_SIZE], memory[N_ORDER] - first)
        carry_out(plan, memory)
    swap_control(False, before)
