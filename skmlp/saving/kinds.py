"""What an attribute may hold, in words and as a test."""

from collections.abc import Callable
from numbers import Real
from typing import NamedTuple

import numpy as np

FLOATS = (np.float32, np.float64)


class Kind(NamedTuple):
    """A kind of value; ``optional`` if there may be no such attribute."""

    words: str
    holds: Callable
    optional: bool = False


FLAG = Kind("True or False", lambda value: isinstance(value, bool | np.bool_))
TEXT = Kind("a text", lambda value: isinstance(value, str))
NUMBER = Kind("a number", lambda value: isinstance(value, Real) and not isinstance(value, bool))


def integer(least=0):
    """Integers from ``least`` on, of 64 bits."""
    return Kind(
        f"an integer >= {least}",
        lambda value: isinstance(value, int | np.integer) and not isinstance(value, bool) and least <= value < 2**63,
    )


def instance(*classes):
    """Objects of these classes."""
    names = " or ".join(cls.__name__ for cls in classes)
    return Kind(f"a {names}", lambda value: isinstance(value, classes))


def one_of(*values):
    """One of these texts, or None."""
    return Kind(f"one of {values}", lambda value: isinstance(value, str | None) and value in values)


def array(dtypes, ndim=1):
    """Arrays of so many dimensions, of one of these dtypes."""
    dtypes = [np.dtype(dtype) for dtype in dtypes]
    names = " or ".join(map(str, dtypes))
    return Kind(
        f"an array of {ndim} dimension(s) of {names}",
        lambda value: isinstance(value, np.ndarray) and value.ndim == ndim and value.dtype in dtypes,
    )


def objects(*classes):
    """Arrays of one dimension of objects of these classes."""
    return Kind(
        "an array of objects: " + " or ".join(cls.__name__ for cls in classes),
        lambda value: (
            isinstance(value, np.ndarray)
            and value.ndim == 1
            and value.dtype == object
            and all(isinstance(one, classes) for one in value)
        ),
    )


def either(*kinds):
    """What is of one of these kinds."""
    return Kind(" or ".join(kind.words for kind in kinds), lambda value: any(kind.holds(value) for kind in kinds))


def several(kind, container):
    """Lists or tuples of what is of a kind."""
    return Kind(
        f"a {container.__name__}, of which each is {kind.words}",
        lambda value: isinstance(value, container) and all(map(kind.holds, value)),
    )


def named(kind):
    """Dicts from texts to what is of a kind."""
    return Kind(
        f"a dict, of which each value is {kind.words}",
        lambda value: isinstance(value, dict) and all(map(TEXT.holds, value)) and all(map(kind.holds, value.values())),
    )


def or_none(kind):
    """What is of a kind, or None."""
    return either(kind, one_of(None))


def optional(kind):
    """An attribute of this kind, or none of that name."""
    return kind._replace(optional=True)
