"""Formulas of the user's own as the kernels compile them: copies with typed literals and vectorising functions."""

import math
from contextlib import contextmanager
from types import BuiltinFunctionType, ModuleType

import numpy as np
from numba import types
from numba.extending import overload
from numba.np.numpy_support import from_dtype

from skmlp.cpu.compile import OPTIONS, formula, function, real_type, with_literals
from skmlp.formulas import elementary
from skmlp.formulas.custom import adapted


def kernel_formula(table, key):
    """Entry of a table of formulas by its name, or a formula of the user's own in the form of one."""
    if isinstance(key, str):
        return table[key]
    entry = key._entry(in_kernels)
    for part in filter(callable, entry):
        formula(part)
    return entry


def in_kernels(user_function):
    """A function of the user's as kernels call it."""
    call = adapted(user_function, substitute(float), lambda copy: copy)  # what runs without the JIT

    @overload(call, strict=False, jit_options=OPTIONS)
    def typed(*arguments):
        real = real_type(*arguments)
        # Not the jitted function itself: where that calls itself, Numba would be at a loss which of the two is meant.
        return with_literals(compiled_copy(user_function, real).py_func, real)

    return call


def compiled_copy(user_function, real):
    """The function anew, with what it calls, under the options and in the precision of the kernels."""
    return adapted(user_function, substitute(real), function)


def substitute(real):
    """Function from a constant of a user's function to its constant in a copy for numbers of the type ``real``."""

    def changed(value):
        if isinstance(value, float):
            return real(value)
        if type(value) is tuple:
            return tuple(map(changed, value))
        if value is math or value is np:
            return StandIn(value, changed)
        return VECTORISING.get(value, value) if isinstance(value, BuiltinFunctionType | np.ufunc) else value

    return changed


class StandIn(ModuleType):
    """A module whose members are changed."""

    def __init__(self, module, changed):
        super().__init__(module.__name__)
        self._member = lambda name: changed(getattr(module, name))

    def __getattr__(self, name):
        return self._member(name)


def for_reals(ours, theirs):
    """``ours`` for floating-point numbers, which is all that it knows, and else ``theirs``."""

    def choose(x):
        return ours(x)

    @overload(choose, strict=False, jit_options=OPTIONS)
    def typed(x):
        chosen = ours if isinstance(x, types.Float) else theirs
        return lambda x: chosen(x)

    return choose


# Of those in ``elementary`` the ones that are good for every argument.
VECTORISING = {
    getattr(module, name): for_reals(getattr(elementary, name), getattr(math, name))
    for name in ("exp", "expm1", "log", "tanh")
    for module in (math, np)
}


@contextmanager
def readable_errors(keys, dtype):
    """Say which function of the user's cannot be compiled, and why, where that is what went wrong.

    Raises
    ------
    ValueError
    """
    try:
        yield
    except Exception as error:
        for key in keys:
            for role in () if isinstance(key, str) else key.roles:
                cause = why_not(key, role, np.dtype(dtype))
                if cause is not None:
                    raise ValueError(
                        f"{key.parameter}={key!r}: {role} {key._functions[role].__name__!r} cannot be compiled: {cause}"
                    ) from error
        raise


def why_not(key, role, dtype):
    """What keeps a function of a formula from being compiled, in a line; None if nothing does."""
    copy = compiled_copy(key._functions[role], dtype.type)
    try:
        copy.compile((from_dtype(dtype),) * len(key.roles[role].split(", ")))
    except Exception as error:
        lines = [line.strip() for line in str(error).splitlines()]
        causes = [line for line in lines if line and not line.startswith("Failed in ")]
        return causes[0] if causes else type(error).__name__
    kind = copy.nopython_signatures[0].return_type
    return (
        None
        if isinstance(kind, types.Float | types.Integer | types.Boolean)
        else f"it returns {kind}, which is no number"
    )
