"""Matrices laid over a part of a flat array, at the price of a few additions.

A slice and a reshape would cost a tiny network more than its arithmetic.
"""

from numba import types
from numba.core import cgutils
from numba.core.imputils import impl_ret_borrowed
from numba.extending import intrinsic, overload
from numba.np.arrayobj import make_array, populate_array

from skmlp.cpu.compile import STRICT_OPTIONS


def matrix(flat, start, rows, columns):
    """``flat[start : start + rows * columns]`` as a C-contiguous (rows, columns) view."""
    return flat[start : start + rows * columns].reshape(rows, columns)


def vector(flat, start, size):
    """``flat[start : start + size]``."""
    return flat[start : start + size]


@intrinsic
def _view(typing_context, flat, start, shape):
    """The view as Numba's array structure; it borrows the memory, so ``flat`` must outlive it, and checks nothing."""
    result = types.Array(flat.dtype, shape.count, "C")
    signature = result(flat, start, shape)

    def build(context, builder, signature, arguments):
        source = make_array(flat)(context, builder, arguments[0])
        sizes = cgutils.unpack_tuple(builder, arguments[2])
        itemsize = source.itemsize
        strides = [itemsize]
        for size in reversed(sizes[1:]):
            strides.insert(0, builder.mul(strides[0], size))
        view = make_array(result)(context, builder)
        populate_array(
            view,
            data=builder.gep(source.data, [arguments[1]]),
            shape=cgutils.pack_array(builder, sizes),
            strides=cgutils.pack_array(builder, strides),
            itemsize=itemsize,
            meminfo=None,
        )
        return impl_ret_borrowed(context, builder, result, view._getvalue())

    return signature, build


@overload(matrix, jit_options=STRICT_OPTIONS)
def _matrix(flat, start, rows, columns):
    return lambda flat, start, rows, columns: _view(flat, start, (rows, columns))


@overload(vector, jit_options=STRICT_OPTIONS)
def _vector(flat, start, size):
    return lambda flat, start, size: _view(flat, start, (size,))
