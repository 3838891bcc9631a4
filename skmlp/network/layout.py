"""Where each layer's weights and biases lie in the one flat parameter vector."""

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise

import numpy as np


@dataclass(frozen=True)
class Layout:
    """The parameter vector of a fully connected network: all weights, then all biases, layer by layer.

    What treats weights alone (a penalty, weight decay) is one slice, ``[:n_weights]``; every optimiser, copy and
    saved model is one loop over one array.

    Parameters
    ----------
    units : tuple of int
        Width of the input, of each hidden layer and of the output.
    """

    units: tuple[int, ...]

    @cached_property
    def shapes(self):
        """(n_in, n_out) of each layer's weights."""
        return tuple(pairwise(self.units))

    @cached_property
    def weight_offsets(self):
        """Start of each layer's weights, and the end of the last."""
        return tuple(accumulate((n_in * n_out for n_in, n_out in self.shapes), initial=0))

    @cached_property
    def bias_offsets(self):
        """Start of each layer's biases, and the end of the last."""
        return tuple(accumulate(self.units[1:], initial=self.n_weights))

    @property
    def n_weights(self):
        """Number of weights."""
        return self.weight_offsets[-1]

    @property
    def size(self):
        """Number of parameters."""
        return self.bias_offsets[-1]

    def weights(self, vector):
        """Views of the weights in ``vector``, a tuple of arrays of shape (n_in, n_out).

        >>> import numpy as np
        >>> [w.shape for w in Layout((8, 12, 1)).weights(np.zeros(121))]
        [(8, 12), (12, 1)]
        """
        return tuple(
            vector[start:end].reshape(shape)
            for (start, end), shape in zip(pairwise(self.weight_offsets), self.shapes, strict=True)
        )

    def biases(self, vector):
        """Views of the biases in ``vector``, a tuple of arrays of shape (n_out,)."""
        return tuple(vector[start:end] for start, end in pairwise(self.bias_offsets))


@dataclass(frozen=True)
class Network:
    """A layout, activations (names, or formulas), the inverse link of the output by name, and rates of dropout."""

    layout: Layout
    activations: tuple
    link: str
    dropout: tuple[float, ...] = ()

    def __post_init__(self):
        if not self.dropout:
            object.__setattr__(self, "dropout", (0.0,) * len(self.activations))

    def zeros(self, dtype):
        """A parameter vector of zeros."""
        return np.zeros(self.layout.size, dtype=dtype)
