"""Activations and inverse links as ONNX operators on z, the raw values of a layer, of shape (n_samples, n_units).

To add one, write a function of the graph and z that uses operators of opset 18 which ONNX Runtime has in both
precisions, and overflows nowhere.
"""

import numpy as np
from numpy.polynomial import Chebyshev, Polynomial
from scipy.special import erfcx


def normal_cdf(g, z):
    """Distribution function of the standard normal distribution.

    ONNX Runtime has the error function in single precision only. In double precision it is ½ erfc(|z| / √2), or for
    positive z 1 less it, with erfc(y) = exp(-y²) t q(t), t = 1 / (1 + y/2) and q a polynomial.
    """
    y = g.Mul(z, 0.5**0.5)
    if g.dtype == np.float32:
        return g.Mul(g.Add(g.Erf(y), 1.0), 0.5)
    y = g.Abs(y)
    t = g.Reciprocal(g.Add(g.Mul(y, 0.5), 1.0))
    tail = g.Mul(g.Mul(g.Exp(g.Neg(g.Mul(y, y))), 0.5), g.Mul(t, polynomial(g, g.Sub(g.Mul(t, 2.0), 1.0))))
    return g.Where(g.Greater(z, 0.0), g.Sub(1.0, tail), tail)


def polynomial(g, u):
    """erfc(y) exp(y²) / t for y = 2/t - 2 and t = (u + 1) / 2, by Horner's scheme."""
    fit = Chebyshev.interpolate(lambda t: erfcx(2.0 / t - 2.0) / t, 22, domain=[0.0, 1.0])
    *lower, result = fit.convert(kind=Polynomial, domain=[0.0, 1.0]).coef.tolist()
    for coefficient in reversed(lower):
        result = g.Add(g.Mul(u, result), coefficient)
    return result


def below(g, z):
    """exp(z) - 1 for z < 0, else 0."""
    return g.Sub(g.Exp(g.Min(z, 0.0)), 1.0)


def softplus(g, z):
    """max(z, 0) + log(1 + exp(-|z|)); the operator of this name is infinite for large z in double precision."""
    return g.Add(g.Relu(z), g.Log(g.Add(g.Exp(g.Neg(g.Abs(z))), 1.0)))


def increasing(g, z):
    """The first value, and onto each the softplus of the next."""
    first, others = g.Slice(z, [0], [1], [1]), g.Slice(z, [1], [np.iinfo(np.int64).max], [1])
    return g.CumSum(g.Concat(first, softplus(g, others), axis=1), 1)


ACTIVATIONS = {
    "identity": lambda g, z: z,
    "logistic": lambda g, z: g.Sigmoid(z),
    "tanh": lambda g, z: g.Tanh(z),
    "relu": lambda g, z: g.Relu(z),
    "leaky_relu": lambda g, z: g.Max(z, g.Mul(z, 0.01)),
    "elu": lambda g, z: g.Add(g.Relu(z), below(g, z)),
    "selu": lambda g, z: g.Add(g.Mul(g.Relu(z), 1.0507009873554805), g.Mul(below(g, z), 1.7580993408473766)),
    "gelu": lambda g, z: g.Mul(z, normal_cdf(g, z)),
    "silu": lambda g, z: g.Mul(z, g.Sigmoid(z)),
    "mish": lambda g, z: g.Mul(z, g.Tanh(softplus(g, z))),
    "softplus": softplus,
}

LINKS = {
    "identity": ACTIVATIONS["identity"],
    "logistic": ACTIVATIONS["logistic"],
    "softmax": lambda g, z: g.Softmax(z, axis=1),
    "exp": lambda g, z: g.Exp(z),
    "increasing": increasing,
}
