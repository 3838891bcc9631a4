"""The phases at the end of the way forward: the loss of a batch with its gradient, and predictions."""

import numpy as np

from skmlp.cuda.driver import device
from skmlp.cuda.memory import DELTA, FIRST, KIND, N_OUT, OF_LOSS, ROWS, WEIGHTED, Z
from skmlp.cuda.sums import make_sums
from skmlp.cuda.tiles import make_thread
from skmlp.formulas.losses import settings_at

u = np.uint32
read_settings = device(settings_at)


def make_row_weight(program):
    """Function that gives the weight of a row of the batch."""
    one = program.real(1.0)

    @device
    def row_weight(m, batch, row):
        weighted = m.batches[batch, KIND] & WEIGHTED > 0
        return m.weights[m.order[m.batches[batch, FIRST] + row]] if weighted else one

    return row_weight


def make_row_loss(program):
    """Function that fills the gradient in a row's outputs z, and returns its loss."""
    value, gradient, by_row = program.loss.value, program.loss.gradient, program.loss.row
    zero = program.real(0.0)

    @device
    def elementwise(z, y, levels, s, slope):
        total = zero
        for k in range(z.size):
            total += value(z[k], y[k], s)
            slope[k] = gradient(z[k], y[k], s)
        return total

    return elementwise if by_row is None else by_row


def make_loss(program):
    """Σ weight · loss of a batch, a sum a block, and its gradient in z; a thread works out whole rows."""
    real, thread_of, threads = program.real, make_thread(program.tile), u(program.tile.threads**2)
    row_loss, row_weight = make_row_loss(program), make_row_weight(program)
    everywhere = make_sums(program.real, program.tile)[2]

    @device
    def loss(grid, shared, total, m, batch, layer):
        thread = thread_of()
        rows, outputs = m.batches[batch, ROWS], np.int64(m.layers[layer, N_OUT])
        z, delta = np.int64(m.layers[layer, Z]), np.int64(m.layers[layer, DELTA])
        s = read_settings(m.settings, OF_LOSS, real)
        mine = real(0.0)
        row = u(grid.block * threads + thread.number)
        while row < rows:
            first = np.int64(row) * outputs
            slope = m.values[delta + first : delta + first + outputs]
            target = m.targets[m.order[m.batches[batch, FIRST] + row]]
            weight = row_weight(m, batch, row)
            mine += weight * row_loss(m.values[z + first : z + first + outputs], target, m.levels, s, slope)
            for k in range(outputs):
                slope[k] *= weight
            row = u(row + grid.blocks * threads)
        summed = everywhere(shared, thread, mine)
        if thread.number == 0:
            m.losses[batch % m.losses.shape[0], grid.block] = summed

    return loss


def make_record(program):
    """Predictions of a batch to where they are wanted: the inverse link of its raw outputs."""
    thread_of, threads = make_thread(program.tile), u(program.tile.threads**2)
    function, by_row = program.link.function, program.link.by_row

    @device
    def record(grid, shared, total, m, batch, layer):
        rows, outputs, z = m.batches[batch, ROWS], np.int64(m.layers[layer, N_OUT]), np.int64(m.layers[layer, Z])
        row = u(grid.block * threads + thread_of().number)
        while row < rows:
            wanted = m.outputs[m.batches[batch, FIRST] + row]
            for k in range(outputs):
                value = m.values[z + np.int64(row) * outputs + k]
                wanted[k] = value if by_row else function(value)
            if by_row:
                function(wanted)
            row = u(row + grid.blocks * threads)

    return record
