"""Raw outputs, or predictions, to where they are wanted."""

from skmlp.cpu.compile import Family
from skmlp.cpu.memory import FIRST, N_OUT, N_ROWS, OUTPUTS, WORK, Z, vector


def output_loop(name, real):
    """Loop that copies a shard's outputs to its place among all."""

    def run(memory, operation):
        size = memory[N_ROWS] * operation[N_OUT]
        z = vector(memory, WORK, operation[Z], size, real)
        outputs = vector(memory, OUTPUTS, memory[FIRST] * operation[N_OUT], size, real)
        for i in range(size):
            outputs[i] = z[i]

    return run


output_loops = Family(output_loop)
