"""The ways in which a formula runs: on Python's floats, on NumPy's scalars, and compiled into a loop.

Kernels whose compilation is switched off hand NumPy's scalars to formulas.
"""

from functools import cache
from inspect import signature

import numpy as np
import pytest
from numba import types
from numba.core import config

import skmlp.cpu.backend  # noqa: F401  (lets compiled code call formulas)
from skmlp.cpu.compile import function
from skmlp.formulas.losses import LossSettings, settings_at
from tests import naive

WAYS = ("python", "numpy", "compiled")
REALS = (np.float32, np.float64)
EXTREMES = (-1e4, -1.0, -0.0, 0.0, 1.0, 1e4)

needs_jit = pytest.mark.skipif(bool(config.DISABLE_JIT), reason="is about compiled code, and compilation is off")


@cache
def loop(formula):
    """Compiled loop of an elementwise formula: (out, first arguments, second arguments, ...)."""

    @function
    def one(out, a):
        for i in range(out.size):
            out[i] = formula(a[i])

    @function
    def two(out, a, b):
        for i in range(out.size):
            out[i] = formula(a[i], b[i])

    @function
    def three(out, a, b, c):
        for i in range(out.size):
            out[i] = formula(a[i], b[i], c[i])

    return {1: one, 2: two, 3: three}[len(signature(formula).parameters)]


@cache
def call(formula):
    """Compiled function that does nothing but call an elementwise formula."""
    calls = {1: lambda a: formula(a), 2: lambda a, b: formula(a, b), 3: lambda a, b, c: formula(a, b, c)}
    return function(calls[len(signature(formula).parameters)])


def over(formula, way, *arguments):
    """An elementwise formula over arrays of one shape and dtype."""
    arguments = np.broadcast_arrays(*arguments)
    columns = [array.flatten() for array in arguments]
    out = np.empty_like(columns[0])
    if way == "compiled":
        loop(formula)(out, *columns)
    else:
        rows = zip(*(column.tolist() if way == "python" else column for column in columns), strict=True)
        out[:] = [formula(*row) for row in rows]
    return out.reshape(arguments[0].shape)


@cache
def row_loop(formula):
    """Compiled loop over rows of a formula that changes a row in place."""

    @function
    def run(rows):
        for i in range(rows.shape[0]):
            formula(rows[i])

    return run


@cache
def slopes_loop(formula):
    """Compiled loop over rows of a formula that fills the derivatives of one output by those of the row."""

    @function
    def run(rows, slopes):
        for i in range(rows.shape[0]):
            for k in range(rows.shape[1]):
                formula(rows[i], k, slopes[i, k])

    return run


@cache
def loss_loop(formula):
    """Compiled loop of the value or the gradient of one output."""

    @function
    def run(out, z, y, s):
        settings = settings_at(s, 0, s.dtype.type)
        for i in range(out.size):
            out[i] = formula(z[i], y[i], settings)

    return run


@cache
def row_loss_loop(formula):
    """Compiled loop over rows of a loss of a row, which fills the row's gradient."""

    @function
    def run(values, z, y, levels, s, gradient):
        settings = settings_at(s, 0, s.dtype.type)
        for i in range(z.shape[0]):
            values[i] = formula(z[i], y[i], levels, settings, gradient[i])

    return run


def uncompiled(dispatcher):
    """The Python function behind a compiled one."""
    return getattr(dispatcher, "py_func", dispatcher)


def predictions(link, way, z):
    """A link of the package over raw outputs (rows, outputs)."""
    if not link.by_row:
        return over(link.function, way, z)
    run = row_loop(link.function)
    rows = z.copy()
    (run if way == "compiled" else uncompiled(run))(rows)
    return rows


def jacobians(link, way, z):
    """∂p_k/∂z_j of a link of the package, (rows, outputs, outputs)."""
    slopes = np.zeros((*z.shape, z.shape[1]), dtype=z.dtype)
    if not link.by_row:
        slopes[:, range(z.shape[1]), range(z.shape[1])] = over(link.derivative, way, z)
        return slopes
    run = slopes_loop(link.derivative)
    (run if way == "compiled" else uncompiled(run))(z, slopes)
    return slopes


def loss_settings(real, **settings):
    """Of the package's losses, in the type ``real``."""
    return LossSettings(**{name: real(value) for name, value in (LossSettings()._asdict() | settings).items()})


def loss_and_gradient(name, loss, way, z, y, **settings):
    """A loss of the package over raw outputs (rows, outputs): the value of each row, and the gradient."""
    settings = naive.loss_settings(name, z.shape[1], **settings)._asdict()
    levels = np.array(settings.pop("levels"), dtype=z.dtype)
    s = loss_settings(float if way == "python" else z.dtype.type, **settings)
    if loss.row is None:
        value, gradient = (one_by_one(formula, way, z, y, s) for formula in (loss.value, loss.gradient))
        return value.sum(axis=1), gradient
    run = row_loss_loop(loss.row)
    values, gradient = np.empty(len(z), dtype=z.dtype), np.empty_like(z)
    (run if way == "compiled" else uncompiled(run))(values, z, y, levels, np.array(s, dtype=z.dtype), gradient)
    return values, gradient


def one_by_one(formula, way, z, y, s):
    """The value or gradient of a loss of one output, for each output of each row."""
    out = np.empty_like(z)
    if way == "compiled":
        columns = [np.ascontiguousarray(each).ravel() for each in (z, y)]
        loss_loop(formula)(out.ravel(), *columns, np.array(s, dtype=z.dtype))
    else:
        pairs = zip(*((each.ravel().tolist() if way == "python" else each.ravel()) for each in (z, y)), strict=True)
        out[...] = np.array([formula(*pair, s) for pair in pairs]).reshape(z.shape)
    return out


def single_precision_code(dispatcher):
    """LLVM code of what a dispatcher has compiled for float32."""
    (chosen,) = [arguments for arguments in dispatcher.signatures if arguments[0].dtype == types.float32]
    return dispatcher.inspect_llvm(chosen)
