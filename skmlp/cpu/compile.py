"""The compile policy: every jitted function of the CPU back end is made here.

Kernels are compiled lazily, on their first call, with the GIL released, and kept on disk. What they call is compiled
into them. Formulas stay plain Python; :func:`formula` lets kernels call them, their literals in the dtype of the
arguments. Built-ins are chosen by integer code outside the inner loops (:func:`by_code`), so that one compiled
kernel serves all of them.
"""

from inspect import signature
from types import FunctionType

import numpy as np
from numba import njit, types
from numba.core import config
from numba.extending import overload

from skmlp.cpu import cache

# Sums may be reordered, so that they vectorise, and products contracted; NaN and infinity keep their meaning.
OPTIONS = {"fastmath": {"reassoc", "contract", "nsz"}, "error_model": "numpy", "nogil": True}
# A formula that stayed a call would keep its loop from being vectorised.
FORMULA_OPTIONS = {**OPTIONS, "forceinline": True}
# Where the order of operations carries the accuracy.
STRICT_OPTIONS = {**FORMULA_OPTIONS, "fastmath": {"contract"}}


def function(python_function):
    """Compile a function that kernels call."""
    return njit(**OPTIONS)(python_function)


def inlined(python_function):
    """Write a function into its one caller: LLVM goes through a compiled one again in each of its callers."""
    return njit(inline="always", **OPTIONS)(python_function)


def kernel(python_function):
    """Compile an entry point of the back end, and cache it on disk."""
    compiled = function(python_function)
    return compiled if config.DISABLE_JIT else cache.attach(compiled)


def real_type(*numba_types):
    """The floating-point type, as NumPy knows it, of the first argument that has one."""
    for candidate in numba_types:
        dtype = getattr(candidate, "dtype", candidate)
        if isinstance(dtype, types.Float):
            return np.float32 if dtype == types.float32 else np.float64
    raise TypeError(f"a formula needs a floating-point argument, got {numba_types}")


def with_literals(python_function, real):
    """The same function with its float literals in the type ``real``: an untyped one would promote to float64."""
    code = python_function.__code__
    constants = tuple(real(value) if type(value) is float else value for value in code.co_consts)
    return FunctionType(
        code.replace(co_consts=constants),
        python_function.__globals__,
        python_function.__name__,
        python_function.__defaults__,
        python_function.__closure__,
    )


def formula(python_function):
    """Let kernels call a plain Python formula; returns it unchanged."""

    @overload(python_function, strict=False, jit_options=FORMULA_OPTIONS)
    def typed(*arguments):
        return with_literals(python_function, real_type(*arguments))

    return python_function


def formulas(module):
    """Let kernels call every function that ``module`` defines."""
    for member in list(vars(module).values()):
        if isinstance(member, FunctionType) and member.__module__ == module.__name__:
            formula(member)


def by_code(loops):
    """One function ``choose(code, ...)`` that runs ``loops[code](...)``, the choice made once a call.

    Its text is put together here, with the names of the loops' own arguments, so that it can be inlined.
    """
    arguments = ", ".join(signature(loops[0]).parameters)
    lines = [f"    if code == {code}: return loop_{code}({arguments})" for code in range(len(loops) - 1)]
    lines = [f"def choose(code, {arguments}):", *lines, f"    return loop_{len(loops) - 1}({arguments})"]
    scope = {f"loop_{code}": loop for code, loop in enumerate(loops)}
    exec("\n".join(lines), scope)
    return inlined(scope["choose"])


def by_input(dense, sparse):
    """One function of (X, ...) that runs ``dense`` or ``sparse``, chosen when compiled by the type of X."""

    def choose(X, *arguments):
        return (dense if isinstance(X, np.ndarray) else sparse)(X, *arguments)

    @overload(choose, strict=False, jit_options=OPTIONS)
    def typed(X, *arguments):
        return dense if isinstance(X, types.Array) else sparse

    return choose
