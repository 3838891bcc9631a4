"""What a loop is handed: the memory of one member of a team, and the operation that it is to carry out.

Every loop of the back end is called as ``loop(memory, operation)``. ``memory`` holds addresses of arrays and a few
integers, at the places named here; an operation is a row of a plan (:mod:`skmlp.cpu.plan`), whose numbers say where in
those arrays its operands lie. So one kernel, which knows no types, calls any loop, at the price of two pointers. A loop
sees arrays as :func:`vector` and :func:`matrix`. With the JIT off ``memory`` is a list of the arrays themselves.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils, config
from numba.core.imputils import impl_ret_borrowed
from numba.extending import intrinsic, overload
from numba.np.arrayobj import make_array, populate_array

from skmlp.cpu.compile import STRICT_OPTIONS

# Places in ``memory``.
(
    # Arrays of the network's dtype. GRADIENT is that of the shard at hand: TOTAL, which becomes that of the batch, or
    # PART, the member's row of PARTS.
    PARAMETERS,
    GRADIENT,
    TOTAL,
    PART,
    PARTS,
    SLOTS,  # state values of the optimiser, (slots, n_trained)
    WORK,  # values of the layers, as :mod:`skmlp.cpu.plan` lays them out
    DATA,  # X, or the stored values of a sparse X
    TARGETS,
    WEIGHTS,
    LEVELS,
    OUTPUTS,
    ENTRIES,  # the values of a sparse batch, column by column
    # Arrays of float64.
    SETTINGS,  # hyperparameters of the optimiser, then parameters of the loss
    RATES,  # learning rates of the epoch
    DROPOUT,  # rate of each hidden layer
    KEPT,  # what the optimiser keeps beside its slots
    TALLY,
    LOSSES,  # of the shards of a round, one a member
    CHUNK_FACTORS,  # of the learning rate
    CHUNKS,  # for each chunk of the parameters its penalty, then the squared norm of its gradient, (2, chunks)
    RESTS,  # factors of the steps that a column has rested, (steps, 2)
    # Arrays of int64. Of a sparse batch that is taken column by column: its columns, where the entries of each begin,
    # the row of each entry; and for all columns their places among those, and the step up to which they are done.
    COLUMNS,
    STARTS,
    ENTRY_ROWS,
    COLUMN_PLACES,
    DONE,
    CHUNK_BOUNDS,  # what of the parameters is which chunk, as in :mod:`skmlp.cpu.update`
    INDICES,
    INDPTR,
    ORDER,
    BARRIER,
    # Numbers.
    N_DATA,  # rows of X
    N_TARGETS,
    N_LEVELS,
    N_TRAINED,
    N_CHUNKS,
    N_COLUMNS,
    WEIGHTED,  # whether the rows have weights
    RECORDING,  # whether predictions are to be kept in OUTPUTS
    SETTLING,  # whether all is to be brought up to date at the end
    TRAINING,
    SEED,  # of dropout
    MEMBER,
    MEMBERS,
    N_ORDER,  # rows of the epoch
    BATCH_SIZE,
    SHARD_SIZE,
    BEGIN,  # rounds to be done,
    END,
    BATCH,  # the batch at hand,
    BATCH_ROWS,
    SKIPPED,  # whether it has no weight,
    TURN,  # the round in it,
    FILLED,  # how many shards that has,
    FIRST,  # the place in ORDER of the first row of the member's shard,
    PLACE,  # the place of that row in the batch,
    N_ROWS,  # and their number
    ABORTED,
    NOT_FINITE,  # whether X is not
    N_OUTPUTS,  # outputs whose derivatives are wanted,
    OUTPUT,  # and that at hand
    N_PLACES,
) = range(63)

# Places in an operation.
(
    LOOP,  # address
    LAYER,
    N_IN,
    N_OUT,
    SOURCE,  # the place of the layer's input: DATA or WORK; X says where in it
    X,
    Z,  # pre-activations, activations, and the gradients in z and in the layer's input, in WORK
    A,
    DELTA,
    BACK,
    W,  # weights and biases, in PARAMETERS and GRADIENT
    B,
    SUMS,  # whether the gradient of the biases is the sum of delta
    SCALE,  # parameters of normalisation, in PARAMETERS and GRADIENT
    SHIFT,
    MEAN,
    VARIANCE,
    STANDARD,  # what normalisation keeps for the way back, in WORK
    INVERSE,
    SHARES,
    MOMENTS,
    RAW,  # weights of a first layer whose features have learned scales, without those, and the scales, in PARAMETERS
    SCALES,
    N_FIELDS,
) = range(24)

# Places in ``TALLY``, what a run of shards leaves for the next one.
EPOCH_LOSS, EPOCH_ROWS, BATCH_LOSS, BATCH_WEIGHT, GRADIENT_SCALE, N_TALLIES = range(6)

LANES = 16
"""Numbers in the widest vector: buffers have room for a multiple, so that a loop over one leaves no scalar rest."""


class Memory:
    """The memory of one member, as kernels take it in ``cells``; keeps its arrays alive."""

    def __init__(self):
        self.cells = [0] * N_PLACES if config.DISABLE_JIT else np.zeros(N_PLACES, dtype=np.int64)
        self._arrays = {}

    def __setitem__(self, place, value):
        """Put in an array, C-contiguous, or an integer."""
        if isinstance(value, np.ndarray):
            if self._arrays.get(place) is value:
                return
            self._arrays[place] = value
            value = value.reshape(-1) if config.DISABLE_JIT else value.__array_interface__["data"][0]
        self.cells[place] = value

    def update(self, contents):
        """Put in several, by their places."""
        for place, value in contents.items():
            self[place] = value

    def array(self, place):
        """The array that was put in."""
        return self._arrays[place]


def pointer(memory, place, start, real):
    """Address of an element of an array of numbers of the type ``real``; with the JIT off, what begins there."""
    return memory[place][start:]


@overload(pointer, jit_options=STRICT_OPTIONS)
def _pointer(memory, place, start, real):
    itemsize = real.instance_type.bitwidth // 8
    return lambda memory, place, start, real: memory[place] + start * itemsize


def padded(size):
    """The next multiple of :data:`LANES`, for loops over buffers that are so long; with the JIT off as it is."""
    return size


@overload(padded, jit_options=STRICT_OPTIONS)
def _padded(size):
    return lambda size: (size + (LANES - 1)) // LANES * LANES


def vector(memory, place, start, size, real):
    """``size`` numbers of the type ``real`` of the array at a place, from ``start`` on, as a view."""
    return memory[place][start : start + size]


def matrix(memory, place, start, rows, columns, real):
    """The same as a C-contiguous view of shape (rows, columns)."""
    return memory[place][start : start + rows * columns].reshape(rows, columns)


@intrinsic
def _view(typing_context, address, start, shape, real):
    """A view as Numba's array structure; it borrows the memory, which must outlive it, and checks nothing."""
    result = types.Array(real.instance_type, shape.count, "C")
    signature = result(types.int64, types.int64, shape, real)

    def build(context, builder, signature, arguments):
        itemsize = ir.Constant(ir.IntType(64), context.get_abi_sizeof(context.get_data_type(result.dtype)))
        sizes = cgutils.unpack_tuple(builder, arguments[2])
        strides = [itemsize]
        for size in reversed(sizes[1:]):
            strides.insert(0, builder.mul(strides[0], size))
        begin = builder.add(arguments[0], builder.mul(arguments[1], itemsize))
        view = make_array(result)(context, builder)
        populate_array(
            view,
            data=builder.inttoptr(begin, context.get_data_type(result.dtype).as_pointer()),
            shape=cgutils.pack_array(builder, sizes),
            strides=cgutils.pack_array(builder, strides),
            itemsize=itemsize,
            meminfo=None,
        )
        return impl_ret_borrowed(context, builder, result, view._getvalue())

    return signature, build


@overload(vector, jit_options=STRICT_OPTIONS)
def _vector(memory, place, start, size, real):
    return lambda memory, place, start, size, real: _view(memory[place], start, (size,), real)


@overload(matrix, jit_options=STRICT_OPTIONS)
def _matrix(memory, place, start, rows, columns, real):
    return lambda memory, place, start, rows, columns, real: _view(memory[place], start, (rows, columns), real)
