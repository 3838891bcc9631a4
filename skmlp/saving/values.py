"""Values as JSON, which has no more than None, booleans, finite numbers, texts and lists.

Whatever else there is becomes an object of one entry, by what it is: ``{"tuple": [1, 2]}``, or ``{"Layout": {...}}``
for an object of a class that has a :class:`~skmlp.saving.records.Record`.
"""

import math
import reprlib

import numpy as np

from skmlp.saving.container import can_hold
from skmlp.saving.records import RECORDS

TYPES = {"float": float, "numpy.float32": np.float32, "numpy.float64": np.float64}
PLAIN = (type(None), bool, int, str)
ALGORITHM, KEY_LENGTH = "MT19937", 624  # of a RandomState


class Packer:
    """Turns values into JSON, and keeps their arrays aside, each once.

    Attributes
    ----------
    arrays : dict of ndarray
        By name.
    """

    def __init__(self):
        self.arrays, self._names = {}, {}

    def pack(self, value, path):
        """The JSON of a value; ``path`` says in errors where it stands.

        Raises
        ------
        ValueError
            If it can be saved by pickle only.
        """
        kind = type(value)
        if kind in PLAIN or (kind is float and math.isfinite(value)):
            return value
        if kind is list:
            return self._each(value, path)
        record = RECORDS.get(kind.__name__)
        if record is not None and record.cls is kind:
            return {kind.__name__: record.pack(value, self.pack, path)}
        tag, content = self._tagged(value, kind, path)
        return {tag: content}

    def _tagged(self, value, kind, path):
        if kind is float:
            return "float", str(value)
        if kind is tuple:
            return "tuple", self._each(value, path)
        if kind is dict:
            return "dict", [[self.pack(key, path), self.pack(item, f"{path}[{key!r}]")] for key, item in value.items()]
        if kind in (np.ndarray, np.memmap) and can_hold(value.dtype):
            return "array", self._name(value)
        if kind is np.ndarray and value.dtype == object:
            return "objects", [list(value.shape), self._each(value.ravel().tolist(), path)]
        if isinstance(value, np.generic) and value.dtype.kind in "biufU" and can_hold(value.dtype):
            return "scalar", [value.dtype.str, self.pack(value.item(), path)]
        if isinstance(value, np.dtype) and can_hold(value):
            return "dtype", value.str
        for name, known in TYPES.items():
            if value is known:
                return "type", name
        if kind is np.random.RandomState and (state := value.get_state(legacy=False))["bit_generator"] == ALGORITHM:
            inner = state["state"]
            return "random_state", [inner["key"].tolist(), inner["pos"], state["has_gauss"], state["gauss"]]
        raise ValueError(
            f"{path}={reprlib.repr(value)}: save takes no {kind.__name__}, for its files hold no code. pickle and "
            "joblib take it, and skops.io does if it can be imported by name."
        )

    def _each(self, values, path):
        return [self.pack(value, f"{path}[{place}]") for place, value in enumerate(values)]

    def _name(self, array):
        """The name of an array; the same for the same array, so that it is one array again."""
        if id(array) not in self._names:
            name = self._names[id(array)] = str(len(self.arrays))
            self.arrays[name] = array
        return self._names[id(array)]


class Unpacker:
    """Turns the JSON of a :class:`Packer` into the values that it was made of.

    Parameters
    ----------
    arrays : dict of ndarray
        By name.
    """

    def __init__(self, arrays):
        self._kinds = {
            "float": float,
            "tuple": lambda content: tuple(map(self.unpack, content)),
            "dict": lambda content: {self.unpack(key): self.unpack(item) for key, item in content},
            "array": arrays.__getitem__,
            "objects": lambda content: object_array(content[0], self.unpack(content[1])),
            "scalar": lambda content: scalar(content[0], self.unpack(content[1])),
            "dtype": known_dtype,
            "type": TYPES.__getitem__,
            "random_state": lambda content: random_state(*content),
        }

    def unpack(self, node):
        """The value of a node.

        Raises
        ------
        Exception
            Of any kind, if it is not one that a packer makes.
        """
        if isinstance(node, list):
            return [self.unpack(each) for each in node]
        if not isinstance(node, dict):
            return node
        ((tag, content),) = node.items()
        if tag in RECORDS:
            return RECORDS[tag].unpack(content, self.unpack)
        return self._kinds[tag](content)


def object_array(shape, values):
    """An array of Python objects."""
    array = np.empty(len(values), dtype=object)
    for place, value in enumerate(values):  # a slice would take lists apart
        array[place] = value
    return array.reshape(shape)


def known_dtype(name):
    """The dtype of a name, if a file can hold it."""
    dtype = np.dtype(str(name))
    if not can_hold(dtype):
        raise ValueError(f"values of dtype {dtype} are not saved")
    return dtype


def scalar(name, value):
    """A scalar of NumPy's; ``value`` is a plain number or text."""
    if type(value) not in (bool, int, float, str):
        raise ValueError(f"{value!r} is no number")
    dtype = known_dtype(name)
    if dtype.kind in "iu" and not np.iinfo(dtype).min <= int(value) <= np.iinfo(dtype).max:  # NumPy 1 would wrap it
        raise ValueError(f"{value!r} is no number of dtype {dtype}")
    return dtype.type(value)


def random_state(key, place, has_gauss, gauss):
    """A generator in the middle of its numbers."""
    # NumPy looks at the length of the key itself, and takes the place in it on trust.
    if type(place) is not int or not 0 <= place <= KEY_LENGTH:
        raise ValueError(f"a random state is at place {place!r} of {KEY_LENGTH}")
    if not all(type(word) is int and 0 <= word < 2**32 for word in key):
        raise ValueError("a random state is of words of 32 bits")
    state = np.random.RandomState()
    state.set_state((ALGORITHM, np.array(key, dtype=np.uint32), place, has_gauss, gauss))
    return state
