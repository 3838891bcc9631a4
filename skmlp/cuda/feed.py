"""The rows of an epoch on the GPU: all of the data, if they have room there, else piece by piece."""

import numpy as np
from scipy import sparse

from skmlp.cuda.driver import cuda, event
from skmlp.cuda.memory import nothing

STAGING = 64 << 20  # bytes of a piece of data that does not stay on the GPU


def make_feed(X, targets, weights, dtype, batch_size, room):
    """The feed for data, of which so many bytes have ``room`` on the GPU."""
    numbers = X.shape[0] * (X.shape[1] + targets.shape[1] + 1)
    fits = not sparse.issparse(X) and numbers * dtype.itemsize <= room
    return Resident(X, targets, weights, dtype) if fits else Streamed(X, targets, weights, dtype, batch_size)


def converted(values, dtype):
    """Values as kernels take them; what becomes infinite is found later."""
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(values, dtype=dtype)


class Resident:
    """Data that stay on the GPU.

    Attributes
    ----------
    most_rows : float
        Of a piece.
    """

    most_rows = float("inf")

    def __init__(self, X, targets, weights, dtype):
        self._data = {
            "data": cuda.to_device(converted(X, dtype).reshape(-1)),
            "targets": cuda.to_device(converted(targets, dtype)),
            "weights": cuda.to_device(nothing(dtype) if weights is None else converted(weights, dtype)),
        }

    def load(self, rows, stream):
        """What kernels are handed to work on the given rows of the data, as fields of their memory."""
        return {**self._data, "order": cuda.to_device(rows.astype(np.uint32), stream=stream)}


class Streamed:
    """Data that go to the GPU piece by piece, from memory that it reads itself, while it works on the piece before.

    Sparse rows are made dense on the way.
    """

    def __init__(self, X, targets, weights, dtype, batch_size):
        self._source, self._dtype, self._turn = (X, targets, weights), dtype, 0
        widths = X.shape[1], targets.shape[1], 1
        self.most_rows = min(max(batch_size, STAGING // (sum(widths) * dtype.itemsize)), max(X.shape[0], batch_size))
        shapes = [(self.most_rows, width) for width in widths]
        self._pinned = [[cuda.pinned_array(shape, dtype) for shape in shapes] for _ in range(2)]
        self._device = [[cuda.device_array(shape, dtype) for shape in shapes] for _ in range(2)]
        self._order = cuda.to_device(np.arange(self.most_rows, dtype=np.uint32))
        self._copying, self._copied = cuda.stream(), event()

    def load(self, rows, stream):
        """As :meth:`Resident.load`; the kernels of the piece before the last must have ended."""
        self._turn = 1 - self._turn
        pinned, device = self._pinned[self._turn], self._device[self._turn]
        for source, host, there in zip(self._source, pinned, device, strict=True):
            if source is not None:
                part = source[rows]
                with np.errstate(over="ignore"):
                    host[: len(rows)] = part.toarray() if sparse.issparse(part) else part.reshape(len(rows), -1)
                there[: len(rows)].copy_to_device(host[: len(rows)], stream=self._copying)
        self._copied.record(self._copying)
        self._copied.wait(stream)
        data, targets, weights = device
        return {
            "data": data.reshape(data.size),
            "targets": targets,
            "weights": weights.reshape(weights.size),
            "order": self._order,
        }
