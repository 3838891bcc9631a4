"""Formulas as functions of kernels: the plain Python text of :mod:`skmlp.formulas`, its literals in one precision.

Each function is copied with all that it calls, the literals in the type of the kernel, and compiled. Exponentials,
logarithms and hyperbolic functions are those of CUDA's own library.
"""

import threading
from types import FunctionType

import numpy as np

from skmlp.cuda.driver import device
from skmlp.formulas import elementary
from skmlp.formulas.custom import adapted, find

_copies = {}  # of functions, by precision
_copying = threading.RLock()
PACKAGE = elementary.__name__.rpartition(".")[0]


def compiled(function, real):
    """A function of :mod:`skmlp.formulas`, or made of such, as kernels call it, for numbers of the type ``real``."""
    with _copying:
        done = _copies.setdefault(real, {elementary.machine_epsilon: constant(real(np.finfo(real).eps))})

        def substitute(value):
            if isinstance(value, float):
                return real(value)
            if isinstance(value, FunctionType) and value.__module__.startswith(PACKAGE):
                return adapted(value, substitute, device, done)
            return value

        return adapted(function, substitute, device, done)


def constant(value):
    """Function of one argument that is always the same."""
    return device(lambda x: value)


def entry_of(table, key, real):
    """Entry of a table of formulas, or a formula of the user's own, with functions as kernels call them."""
    entry = find(table, key)
    if not isinstance(key, str):
        entry = key._entry(lambda function: compiled(function, real))
    return entry._replace(
        **{name: compiled(part, real) for name, part in entry._asdict().items() if callable(part)}
    )


def chosen(functions, arity):
    """One function of (code, z) or (code, z, a) for several of z, or z and a, chosen by their place."""
    first, *others = functions
    if arity == 1:
        if not others:
            return device(lambda code, z: first(z))
        rest = chosen(others, arity)
        return device(lambda code, z: first(z) if code == 0 else rest(code - 1, z))
    if not others:
        return device(lambda code, z, a: first(z, a))
    rest = chosen(others, arity)
    return device(lambda code, z, a: first(z, a) if code == 0 else rest(code - 1, z, a))
