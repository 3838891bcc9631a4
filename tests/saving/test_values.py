"""Values come back as what they were, through JSON and arrays alone; what needs code is refused, with its place."""

import decimal
import json
import math

import numpy as np
import pytest
from sklearn.model_selection import KFold

import skmlp  # noqa: F401  (registers the classes that can be saved)
from skmlp.saving.container import can_hold
from skmlp.saving.values import Packer, Unpacker


def through_json(value):
    packer = Packer()
    node = json.loads(json.dumps(packer.pack(value, "value"), allow_nan=False))
    assert all(can_hold(array.dtype) for array in packer.arrays.values())
    return Unpacker(packer.arrays).unpack(node)


def assert_same(first, second):
    """Equal in value and type, all the way down."""
    assert type(first) is type(second)
    if isinstance(first, list | tuple):
        assert len(first) == len(second)
        for one, other in zip(first, second, strict=True):
            assert_same(one, other)
    elif isinstance(first, dict):
        assert_same(list(first.items()), list(second.items()))
    elif isinstance(first, np.ndarray):
        assert first.dtype == second.dtype and first.shape == second.shape
        assert_same(first.tolist(), second.tolist())
    else:
        assert repr(first) == repr(second)


VALUES = [
    None,
    True,
    0,
    -(2**70),
    0.1,
    -0.0,
    5e-324,
    math.nan,
    math.inf,
    -math.inf,
    "",
    "ä ☃ \ud800 \0",
    [],
    [1, [2.0, None]],
    (),
    (1, ("a", [True])),
    {},
    {"tuple": 1, 1: "a", False: 2, 0.5: (3,), None: {}, math.inf: 0},
    {"array": "0"},
    {(1, 2): [3]},
    np.arange(3),
    np.array([[math.nan, 1.0]], dtype=np.float16),
    np.array(["a", "bc"]),
    np.array(["a", None, 1, 0.5, math.nan, True], dtype=object),
    np.array([["a"], ["b"]], dtype=object),
    np.array([[1, 2], [3]], dtype=object),
    np.array(5, dtype=object),
    np.zeros((0, 2), dtype=object),
    np.float32(0.1),
    np.float64(math.nan),
    np.float16(0.1),
    np.int8(-3),
    np.uint64(2**64 - 1),
    np.bool_(True),
    np.str_("a"),
    {np.int64(1): np.float64(0.5)},
    np.float32,
    np.float64,
    float,
    np.dtype("float32"),
    np.dtype("int16"),
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_values_come_back(value):
    assert_same(through_json(value), value)


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_values_come_back_from_within(value):
    assert_same(through_json(({"a": [value]},)), ({"a": [value]},))


@pytest.mark.parametrize("draws", [0, 1, 3])
def test_a_random_state_goes_on(draws):
    state = np.random.RandomState(7)
    state.normal(size=draws)  # of an odd number one is kept for later
    twin = through_json(state)
    np.testing.assert_array_equal(twin.normal(size=1000), state.normal(size=1000))
    np.testing.assert_array_equal(twin.randint(2**31, size=1000), state.randint(2**31, size=1000))


def test_an_array_that_stands_twice_is_one_again():
    array = np.arange(3)
    packer = Packer()
    node = packer.pack([array, (array,), array.copy()], "value")
    first, (second,), third = Unpacker(packer.arrays).unpack(node)
    assert first is second is not third
    assert len(packer.arrays) == 2


def test_arrays_in_a_map_of_memory_are_arrays(tmp_path):
    mapped = np.memmap(tmp_path / "file", dtype=np.float32, mode="w+", shape=(3,))
    np.testing.assert_array_equal(through_json(mapped), np.zeros(3))


class Label(str):
    pass


REFUSED = {
    "lambda": lambda x: x,
    "builtin_function_or_method": len,
    "type": KFold,
    "Decimal": decimal.Decimal(1),
    "set": {1},
    "bytes": b"a",
    "complex": 1j,
    "Label": Label("a"),
    "module": np,
    "Generator": np.random.default_rng(0),
    "RandomState": np.random.RandomState(np.random.PCG64(0)),
    "ndarray": np.zeros(1, dtype=complex),
    "MaskedArray": np.ma.array([1]),
    "complex128": np.complex128(1),
    "longdouble": np.longdouble(1),
    "datetime64": np.datetime64("2020-01-01"),
    "method": [].append,
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_needs_code_is_refused(name):
    name_of_type = type(REFUSED[name]).__name__
    with pytest.raises(ValueError, match=rf"^value\['a'\]\[1\]=.*save takes no {name_of_type}.*pickle and joblib"):
        Packer().pack({"a": [0, REFUSED[name]]}, "value")


def test_objects_within_arrays_are_named():
    with pytest.raises(ValueError, match=r"^value\[1\]=Decimal\('1'\): save takes no Decimal"):
        Packer().pack(np.array(["a", decimal.Decimal(1)], dtype=object), "value")


KEY = [0] * 624
NONSENSE = [
    {},
    {"unknown": 1},
    {"tuple": [], "list": []},
    {"_arrays": []},
    {"unpack": []},
    {"__class__": []},
    {"tuple": 3},
    {"float": "a"},
    {"float": None},
    {"dict": [1]},
    {"dict": [[[], 1]]},
    {"dict": {"a": 1}},
    {"array": "missing"},
    {"array": []},
    {"objects": [[2], ["a"]]},
    {"objects": [[2**62, 4], []]},
    {"objects": 1},
    {"scalar": ["<f8", [1, 2]]},
    {"scalar": ["|V1000000000000", 1]},
    {"scalar": ["|O", 1]},
    {"scalar": ["<f8,<f8", 1]},
    {"scalar": ["|i1", 300]},
    {"scalar": ["nonsense", 1]},
    {"dtype": "O"},
    {"dtype": [["a", "<f8"]]},
    {"type": "os.system"},
    {"random_state": [KEY, 625, 0, 0.0]},
    {"random_state": [KEY, -1, 0, 0.0]},
    {"random_state": [KEY, 10**6, 0, 0.0]},
    {"random_state": [KEY, "1", 0, 0.0]},
    {"random_state": [KEY[1:], 1, 0, 0.0]},
    {"random_state": [[-1, *KEY[1:]], 1, 0, 0.0]},
    {"random_state": [[2**32, *KEY[1:]], 1, 0, 0.0]},
    {"random_state": [KEY, 1, 0, "a"]},
    {"random_state": []},
    {"Layout": {}},
    {"Layout": []},
    {"Layout": {"units": [3, 1], "normalization": None, "scaled": False}},
    {"MLPRegressor": {}},
    {"MLPRegressor": {"parameters": {"unknown": 1}, "attributes": {}}},
]


@pytest.mark.parametrize("node", NONSENSE, ids=lambda node: json.dumps(node)[:50])
def test_nonsense_is_an_error(node):
    with pytest.raises(Exception) as error:
        Unpacker({}).unpack(node)
    assert isinstance(error.value, ValueError | TypeError | KeyError | OverflowError | IndexError | AttributeError)
