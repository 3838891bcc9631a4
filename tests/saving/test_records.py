"""Objects are saved and loaded whole: all attributes, each of its kind, that go with each other."""

import numpy as np
import pytest

from skmlp.saving.kinds import (
    FLAG,
    NUMBER,
    TEXT,
    array,
    either,
    instance,
    integer,
    named,
    objects,
    one_of,
    optional,
    or_none,
    several,
)
from skmlp.saving.records import Record, require

KINDS = {
    "FLAG": (FLAG, [True, np.True_], [1, None, "True"]),
    "TEXT": (TEXT, ["", "a"], [None, 1, b"a"]),
    "NUMBER": (NUMBER, [1, 0.5, np.float32(1), np.int8(1), float("nan")], [True, "1", None, 1j, [1]]),
    "integer": (integer(1), [1, np.int64(7), 2**63 - 1], [0, -1, 1.0, True, 2**63, None, "1"]),
    "instance": (instance(dict, str), [{}, "a"], [[], None]),
    "one_of": (one_of("a", None), ["a", None], ["b", 0, [], np.zeros(2)]),
    "array": (
        array([np.float32, bool], 2),
        [np.zeros((2, 0), np.float32), np.ones((1, 1), bool)],
        [np.zeros((1, 1)), np.zeros(1, bool), [[True]], None],
    ),
    "objects": (
        objects(str, type(None)),
        [np.array(["a", None], dtype=object)],
        [np.array([1], dtype=object), np.array(["a"]), np.array([["a"]], dtype=object)],
    ),
    "either": (either(TEXT, FLAG), ["a", True], [1, None]),
    "several": (several(TEXT, tuple), [(), ("a",)], [("a", 1), ["a"], "a"]),
    "named": (named(NUMBER), [{}, {"a": 1}], [{"a": "b"}, {1: 1}, ["a"]]),
    "or_none": (or_none(TEXT), ["a", None], [1]),
    "optional": (optional(TEXT), ["a"], [1, None]),
}


@pytest.mark.parametrize("name", KINDS)
def test_kinds_hold_what_they_say(name):
    kind, good, bad = KINDS[name]
    assert [value for value in good if not kind.holds(value)] == []
    assert [value for value in bad if kind.holds(value)] == []
    assert kind.words and kind.optional == (name == "optional")


class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y


def check(point):
    require(point.x <= point.y, "x is greater than y")


RECORD = Record(Point, {"x": integer(0), "y": integer(0), "name": optional(TEXT)}, check)


def same(value, *path):
    return value


def test_objects_come_back():
    content = RECORD.pack(Point(1, 2), same, "point")
    assert content == {"x": 1, "y": 2}
    twin = RECORD.unpack(content, same)
    assert type(twin) is Point and vars(twin) == {"x": 1, "y": 2}


BROKEN = {
    "y of Point must be an integer >= 0, got 'a'": {"x": 1, "y": "a"},
    "Point lacks y": {"x": 1},
    "x is greater than y": {"x": 2, "y": 1},
    "name of Point must be a text, got 3": {"x": 1, "y": 2, "name": 3},
}


@pytest.mark.parametrize("message", BROKEN)
def test_neither_saved_nor_loaded_are_objects_that_are_not_whole(message):
    point = Point(0, 0)
    point.__dict__ = dict(BROKEN[message])
    for attempt in (lambda: RECORD.pack(point, same, "point"), lambda: RECORD.unpack(BROKEN[message], same)):
        with pytest.raises(ValueError, match=message):
            attempt()


def test_unknown_attributes_are_neither_saved_nor_loaded():
    point = Point(1, 2)
    point.z = 3
    for attempt in (lambda: RECORD.pack(point, same, "point"), lambda: RECORD.unpack(vars(point), same)):
        with pytest.raises(ValueError, match="'z', which save does not know"):
            attempt()
