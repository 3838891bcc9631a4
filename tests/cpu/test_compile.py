"""The compile policy: literals, formulas inside compiled loops, and loops by their addresses."""

import math
import threading

import numpy as np
import pytest
from numba import types
from numba.core.compiler_lock import global_compiler_lock

from skmlp.cpu import compile as policy
from skmlp.cpu.memory import LAYER, LOOP, N_FIELDS, N_ROWS, TURN, WORK, Memory, X, Z, vector
from tests.ways import REALS, loop, needs_jit, single_precision_code, uncompiled

reals = pytest.mark.parametrize("real", REALS, ids=lambda real: real.__name__)


def halve(x, scale=2.0):
    """Half of x."""
    return 0.5 * x if x > 0.0 else x * (1 / scale)


# ---------------------------------------------------------------------------------------------------------------------
# Literals
# ---------------------------------------------------------------------------------------------------------------------


@reals
def test_float_literals_take_the_type(real):
    typed = policy.with_literals(halve, real)
    literals = [value for value in typed.__code__.co_consts if isinstance(value, float | np.floating)]
    assert sorted(map(float, literals)) == [0.0, 0.5]
    assert {type(value) for value in literals} == {real}


@reals
def test_other_literals_and_the_rest_of_the_function_stay(real):
    typed = policy.with_literals(halve, real)
    assert 1 in typed.__code__.co_consts and halve.__doc__ in typed.__code__.co_consts
    assert typed.__name__ == "halve" and typed.__defaults__ == (2.0,)
    assert typed(4.0) == halve(4.0) and typed(-4.0) == halve(-4.0)


def test_the_function_itself_is_left_alone():
    before = halve.__code__.co_consts
    policy.with_literals(halve, np.float32)
    assert halve.__code__.co_consts is before
    assert {type(value) for value in before if isinstance(value, float)} == {float}


def test_a_closure_keeps_its_cells():
    factor = 3.0

    def scaled(x):
        return factor * x

    assert policy.with_literals(scaled, np.float32)(2.0) == 6.0


@pytest.mark.parametrize(
    "arguments, real",
    [
        ((types.float32,), np.float32),
        ((types.float64,), np.float64),
        ((types.int64, types.float32, types.float64), np.float32),
        ((types.Array(types.float32, 2, "C"),), np.float32),
        ((types.Array(types.float64, 1, "C", readonly=True), types.int64), np.float64),
    ],
)
def test_real_type_is_that_of_the_first_floating_point_argument(arguments, real):
    assert policy.real_type(*arguments) is real


def test_real_type_needs_a_floating_point_argument():
    with pytest.raises(TypeError, match="floating-point"):
        policy.real_type(types.int64, types.boolean)


# ---------------------------------------------------------------------------------------------------------------------
# Formulas
# ---------------------------------------------------------------------------------------------------------------------


def test_a_formula_comes_back_as_it_was():
    def double(x):
        return 2.0 * x

    assert policy.formula(double) is double
    assert double(4.0) == 8.0


@reals
def test_compiled_code_calls_a_formula(real):
    def third(x):
        return x / 3.0

    run = loop(policy.formula(third))
    x, out = np.arange(4, dtype=real), np.empty(4, dtype=real)
    run(out, x)
    np.testing.assert_array_equal(out, x / real(3.0))


def tenfold(x):
    return 10.0 * x + 0.1


def ninefold(x):
    return 9.0 * x + 0.1


@needs_jit
def test_literals_decide_between_single_and_double_precision():
    """What the tests of the formulas look for in compiled code is there where literals are not typed."""
    x = np.ones(3, dtype=np.float32)
    untyped, typed = loop(policy.function(tenfold)), loop(policy.formula(ninefold))
    for run in (untyped, typed):
        run(x.copy(), x)
    assert " double " in single_precision_code(untyped)
    assert " double " not in single_precision_code(typed)


@needs_jit
def test_formulas_of_a_module_are_those_it_defines():
    from skmlp.formulas import links

    out = np.empty(2)
    loop(links.exponential)(out, np.zeros(2))  # its own
    np.testing.assert_array_equal(out, [1.0, 1.0])
    assert links.logistic.__module__ != links.__name__


# ---------------------------------------------------------------------------------------------------------------------
# Loops by their addresses
# ---------------------------------------------------------------------------------------------------------------------


OFFSETS = {"one": 1.0, "two": 2.0, "three": 3.0}


def shift_loop(name, real):
    offset = OFFSETS[name]

    def run(memory, operation):
        x = vector(memory, WORK, operation[X], memory[N_ROWS], real)
        out = vector(memory, WORK, operation[Z], memory[N_ROWS], real)
        for i in range(x.size):
            out[i] = x[i] + real(offset)
        memory[TURN] += operation[LAYER]

    return run


def make_family():
    return policy.Family(shift_loop)


@policy.function
def carry_out(plan, memory):
    for number in range(plan.shape[0]):
        policy.execute(plan, number, memory)


@reals
def test_a_kernel_calls_the_loops_at_the_addresses_of_a_plan(real):
    """In their order, each with its operation and the memory, which a loop may write into."""
    memory, family = Memory(), make_family()
    memory[WORK], memory[N_ROWS] = np.arange(8, dtype=real), 2
    plan = np.zeros((3, N_FIELDS), dtype=np.int64)
    for row, name, x, out, layer in zip(plan, OFFSETS, (0, 2, 4), (2, 4, 6), (1, 10, 100), strict=True):
        row[[LOOP, X, Z, LAYER]] = family.address(name, real), x, out, layer
    carry_out(plan, memory.cells)
    np.testing.assert_array_equal(memory.array(WORK), [0, 1, 1, 2, 3, 4, 6, 7])
    assert memory.cells[TURN] == 111


def test_one_compiled_kernel_serves_loops_of_all_types():
    """Compiled once: in its memory an array is an address."""
    family, compiled = make_family(), policy.function(getattr(carry_out, "py_func", carry_out))
    for real in REALS:
        memory = Memory()
        memory[WORK], memory[N_ROWS] = np.zeros(4, dtype=real), 2
        plan = np.zeros((1, N_FIELDS), dtype=np.int64)
        plan[0, [LOOP, Z]] = family.address("one", real), 2
        compiled(plan, memory.cells)
        np.testing.assert_array_equal(memory.array(WORK), [0, 0, 1, 1])
    assert len(getattr(compiled, "signatures", [1])) == 1


def test_a_plan_without_operations_does_nothing():
    carry_out(np.zeros((0, N_FIELDS), dtype=np.int64), Memory().cells)


def test_a_loop_has_one_address_for_each_type():
    family = make_family()
    keys = [(name, real) for name in OFFSETS for real in REALS]
    addresses = [family.address(*key) for key in keys]
    assert len(set(addresses)) == len(keys)
    assert [family.address(*key) for key in keys] == addresses


def test_threads_that_ask_at_once_get_the_same_address():
    family, addresses = make_family(), []
    threads = [threading.Thread(target=lambda: addresses.append(family.address("one", "float64"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(addresses) == 4 and len(set(addresses)) == 1


def test_a_child_process_inherits_no_lock_from_a_thread_that_compiles():
    """A fork takes them first, so it waits for such a thread."""
    free = []

    def look():
        for lock in (policy._compiling, global_compiler_lock._lock):
            free.append(lock.acquire(blocking=False))
            if free[-1]:
                lock.release()

    for before, after in ((policy._before_fork, policy._after_fork), (lambda: None, lambda: None)):
        before()
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        after()
    assert free == [False, False, True, True]


def test_an_unknown_name_has_no_address():
    with pytest.raises(KeyError, match="unknown"):
        make_family().address("unknown", "float64")


# ---------------------------------------------------------------------------------------------------------------------
# Options
# ---------------------------------------------------------------------------------------------------------------------


def test_nothing_is_compiled_before_the_first_call():
    @policy.function
    def run(x):
        return x

    assert not getattr(run, "signatures", [])


def test_nan_and_infinity_keep_their_meaning():
    """fastmath that assumed them away would find neither."""

    @policy.function
    def kind(x):
        return math.isnan(x), math.isinf(x), x - x == 0.0

    assert kind(math.nan) == (True, False, False)
    assert kind(math.inf) == (False, True, False)
    assert kind(1.0) == (False, False, True)


def test_division_by_zero_is_infinite():
    @policy.function
    def quotients(a, b, out):
        for i in range(a.size):
            out[i] = a[i] / b[i]

    out = np.empty(3)
    with np.errstate(divide="ignore", invalid="ignore"):
        uncompiled(quotients)(np.array([1.0, -1.0, 0.0]), np.zeros(3), out)
        expected = out.copy()
        quotients(np.array([1.0, -1.0, 0.0]), np.zeros(3), out)
    np.testing.assert_array_equal(out, expected)


@needs_jit
def test_compiled_code_releases_the_gil():
    assert policy.OPTIONS["nogil"] is True
    assert policy.function(halve).targetoptions["nogil"] is True
