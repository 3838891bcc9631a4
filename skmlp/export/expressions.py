"""Activations and inverse links as NumPy expressions of z, the raw values of a layer, of shape (n_samples, n_units).

To add one, write an expression that keeps the dtype of z and overflows nowhere. ``math`` is there besides ``np``.
"""

ACTIVATIONS = {
    "identity": "z",
    "logistic": "np.exp(-np.logaddexp(0, -z))",
    "tanh": "np.tanh(z)",
    "relu": "np.maximum(z, 0)",
    "leaky_relu": "np.where(z < 0, 0.01 * z, z)",
    "elu": "np.where(z < 0, np.expm1(np.minimum(z, 0)), z)",
    "selu": "np.where(z < 0, 1.7580993408473766 * np.expm1(np.minimum(z, 0)), 1.0507009873554805 * z)",
    "gelu": "z * np.vectorize(math.erfc, otypes=[z.dtype])(-z / math.sqrt(2)) / 2",
    "silu": "z * np.exp(-np.logaddexp(0, -z))",
    "mish": "z * np.tanh(np.logaddexp(0, z))",
    "softplus": "np.logaddexp(0, z)",
}

LINKS = {
    "identity": ACTIVATIONS["identity"],
    "logistic": ACTIVATIONS["logistic"],
    "softmax": "(e := np.exp(z - z.max(axis=1, keepdims=True))) / e.sum(axis=1, keepdims=True)",
    "exp": "np.exp(z)",  # where infinity is the prediction
    "increasing": "np.cumsum(np.concatenate([z[:, :1], np.logaddexp(0, z[:, 1:])], axis=1), axis=1)",
}
