"""The compile policy: every jitted function of the CPU back end is made here.

Kernels are compiled lazily, on their first call, with the GIL released, and kept on disk. What they call is compiled
into them. Formulas stay plain Python; :func:`formula` lets kernels call them, their literals in the dtype of the
arguments. The loop of each formula is compiled by itself, and called by its address outside the inner loops
(:class:`Family`), so that one compiled kernel serves all of them.
"""

import os
import threading
from types import FunctionType

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils, config
from numba.core.ccallback import CFunc
from numba.core.compiler_lock import global_compiler_lock
from numba.extending import intrinsic, overload
from numba.np.arrayobj import make_array

from skmlp.cpu import cache

# Sums may be reordered, so that they vectorise, and products contracted; NaN and infinity keep their meaning.
LOOP_OPTIONS = {"fastmath": {"reassoc", "contract", "nsz"}, "error_model": "numpy"}
KERNEL_OPTIONS = {**LOOP_OPTIONS, "nogil": True}
# What is called is inlined. As a function of its own it would keep the loop around it from being vectorised; and when a
# kernel is loaded from the cache, the linker could put a function of the same name in its place.
OPTIONS = {**KERNEL_OPTIONS, "forceinline": True}
# Where the order of operations carries the accuracy.
STRICT_OPTIONS = {**OPTIONS, "fastmath": {"contract"}}
LOOP = types.void(types.CPointer(types.int64), types.CPointer(types.int64))  # signature of every loop
_compiling = threading.RLock()


def _before_fork():
    """Take this lock and Numba's, in this order: a child must not inherit them from a thread that compiles."""
    _compiling.acquire()
    global_compiler_lock.acquire()


def _after_fork():
    global_compiler_lock.release()
    _compiling.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)


def function(python_function):
    """Compile a function that kernels call."""
    return njit(**OPTIONS)(python_function)


def ordered(python_function):
    """Compile a function that kernels call, whose sums keep the order in which they are written."""
    return njit(**STRICT_OPTIONS)(python_function)


def kernel(python_function):
    """Compile an entry point of the back end, and cache it on disk."""
    compiled = njit(**KERNEL_OPTIONS)(python_function)
    if not config.DISABLE_JIT:
        cache.attach(compiled, python_function)
    return compiled


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

    @overload(python_function, strict=False, jit_options=OPTIONS)
    def typed(*arguments):
        if all(isinstance(argument, types.Integer) for argument in arguments):
            return python_function
        return with_literals(python_function, real_type(*arguments))

    return python_function


def formulas(module):
    """Let kernels call every function that ``module`` defines."""
    for member in list(vars(module).values()):
        if isinstance(member, FunctionType) and member.__module__ == module.__name__:
            formula(member)


class Family:
    """Loops of one kind, one a formula, which kernels call by address.

    A loop is compiled when its formula is first used, and cached on disk by itself. So a kernel is compiled once for
    all formulas, and a table of formulas may grow without making the first fit slower.

    Parameters
    ----------
    build : callable
        ``build(name, real)`` makes the Python loop of the formula ``name``, or of one that is given itself, for numbers
        of the NumPy type ``real``: a function of ``(memory, operation)``, as :mod:`skmlp.cpu.memory` says.
    """

    def __init__(self, build):
        self._build = build
        self._loops = {}

    def address(self, name, dtype):
        """Address of a loop for float32 or float64; without the JIT, its number."""
        key = (name, np.dtype(dtype))
        with _compiling:
            if key not in self._loops:
                loop = self._build(name, key[1].type)
                of_table = isinstance(name, str)
                # Also the symbol's name: that of another loop must not be the same.
                label = name if of_table else len(self._loops)
                loop.__name__ = loop.__qualname__ = f"{self._build.__name__}_{label}_{key[1].name}"
                self._loops[key] = _python_address(loop) if config.DISABLE_JIT else _compiled(loop, cached=of_table)
            return self._loops[key] if config.DISABLE_JIT else self._loops[key].address


_python_loops = []


def _python_address(loop):
    _python_loops.append(loop)
    return len(_python_loops) - 1


def _compiled(loop, cached):
    compiled = CFunc(loop, (LOOP.args, LOOP.return_type), {}, LOOP_OPTIONS)
    if cached:  # the fingerprint knows nothing of a user's functions
        cache.attach(compiled, loop)
    compiled.compile()
    return compiled


def execute(plan, number, memory):
    """Carry out an operation, a row of a plan: its first number is the address of the loop."""
    _python_loops[plan[number, 0]](memory, plan[number])


@intrinsic
def _execute(typing_context, plan, number, memory):
    def build(context, builder, signature, arguments):
        rows, cells = (make_array(kind)(context, builder, arguments[i]) for i, kind in ((0, plan), (2, memory)))
        columns = cgutils.unpack_tuple(builder, rows.shape, 2)[1]
        operation = builder.gep(rows.data, [builder.mul(arguments[1], columns)])
        pointer, nothing = map(context.get_value_type, (types.CPointer(types.int64), types.void))
        loop = builder.inttoptr(builder.load(operation), ir.FunctionType(nothing, [pointer] * 2).as_pointer())
        builder.call(loop, [cells.data, operation])
        return context.get_dummy_value()

    return types.void(plan, types.int64, memory), build


@overload(execute, jit_options=OPTIONS)
def _execute_overload(plan, number, memory):
    return lambda plan, number, memory: _execute(plan, number, memory)
