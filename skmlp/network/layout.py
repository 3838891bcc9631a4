"""Where each layer's weights and biases lie in the one flat parameter vector."""

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise

import numpy as np

PARTS = {None: (), "layer": ("scales", "shifts"), "batch": ("scales", "shifts", "means", "variances")}
"""What each normalisation keeps for every unit of a hidden layer; the last two are running averages."""


@dataclass(frozen=True)
class Layout:
    """The parameter vector of a fully connected network: all weights, then all biases, layer by layer.

    With learned scales of the features they are followed by the first layer's weights without those, and the scales:
    training changes these two, and the first layer's weights are their product. With normalisation the scales and the
    shifts of the hidden layers follow and, for batch normalisation, their running means and variances, which are not
    trained. What is trained is one slice, ``[:n_trained]``; every copy and saved model is one loop over one array.

    Parameters
    ----------
    units : tuple of int
        Width of the input, of each hidden layer and of the output.
    normalization : {None, 'batch', 'layer'}
        Of the hidden layers.
    scaled : bool
        Whether features have learned scales.
    """

    units: tuple[int, ...]
    normalization: str | None = None
    scaled: bool = False

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

    @cached_property
    def feature_offsets(self):
        """Start of the first layer's weights without the scales of the features, of the scales, and their end."""
        sizes = (self.weight_offsets[1], self.units[0]) if self.scaled else (0, 0)
        return tuple(accumulate(sizes, initial=self.bias_offsets[-1]))

    @cached_property
    def normalization_offsets(self):
        """Start of the scales, shifts, running means and running variances of each hidden layer, and their end."""
        return tuple(accumulate(len(PARTS[self.normalization]) * self.units[1:-1], initial=self.feature_offsets[-1]))

    @property
    def n_trained(self):
        """Number of parameters but for the running averages."""
        averages = 2 * sum(self.units[1:-1]) if self.normalization == "batch" else 0
        return self.size - averages

    @property
    def size(self):
        """Number of parameters."""
        return self.normalization_offsets[-1]

    def check(self, parameters, X):
        """Refuse parameters and rows of another network: kernels look at no length themselves.

        Raises
        ------
        ValueError
        """
        if parameters.size != self.size or X.shape[1] != self.units[0]:
            raise ValueError(
                f"X has {X.shape[1]} features, and there are {parameters.size} parameters, but a network of "
                f"{self.units} units takes {self.units[0]} and {self.size}. Has the model been fitted again meanwhile?"
            )

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

    def features(self, vector):
        """Views of the first layer's weights without the scales of the features, and of those, where they are learned.

        >>> import numpy as np
        >>> [view.shape for view in Layout((8, 12, 1), scaled=True).features(np.zeros(225))]
        [(8, 12), (8,)]
        """
        raw, scales, end = self.feature_offsets
        return vector[raw:scales].reshape(self.shapes[0]), vector[scales:end]

    def follow(self, vector):
        """Let the features follow where somebody has written into the first layer's weights: there scales are 1 again.

        Products that kernels have worked out are those of NumPy, but that kernels take denormal numbers as 0.
        """
        weights = self.weights(vector)[0]
        raw, scales = self.features(vector)
        with np.errstate(under="ignore", over="ignore", invalid="ignore"):
            same = np.abs(weights - scales[:, None] * raw) <= np.finfo(vector.dtype).tiny
        written = ~same.all(axis=1)
        raw[written], scales[written] = weights[written], 1.0

    def normalizations(self, vector):
        """Views of the parameters of normalisation, a dict of tuples of one array of shape (n_out,) a hidden layer.

        >>> import numpy as np
        >>> views = Layout((8, 12, 6, 1), "layer").normalizations(np.zeros(229))
        >>> {name: [view.shape for view in layers] for name, layers in views.items()}
        {'scales': [(12,), (6,)], 'shifts': [(12,), (6,)]}
        """
        views = [vector[start:end] for start, end in pairwise(self.normalization_offsets)]
        hidden = len(self.units) - 2
        return {name: tuple(views[i * hidden : (i + 1) * hidden]) for i, name in enumerate(PARTS[self.normalization])}


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
