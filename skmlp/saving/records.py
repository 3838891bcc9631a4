"""What is saved of the objects of a class: attributes with names, each of a kind, that go with each other.

The same is asked when they are saved and when they are loaded. So what is saved can be loaded, and what is loaded is
whole, whoever wrote the file.
"""

import reprlib
from functools import cached_property

from sklearn import config_context

RECORDS: dict[str, "Record"] = {}  # by the name of the class; modules that have such classes put them there
NO_CALLBACKS = "save takes no callbacks. set_callbacks() removes them; pickle, joblib and skops.io take them."
# What scikit-learn adds to a state, and to an estimator for the time of a fit with callbacks.
PASSING = ("_sklearn_version", "_callback_fit_ctx", "_parent_callback_ctx", "_skl_callbacks_to_teardown")
OUTPUT = "_sklearn_output_config"  # what set_output sets, fitted or not


def register(*records):
    """Make classes known, under their names."""
    RECORDS.update((record.cls.__name__, record) for record in records)


def require(condition, message):
    """Refuse an object that is not whole.

    Raises
    ------
    ValueError
    """
    if not condition:
        raise ValueError(message)


class Record:
    """Attributes of the objects of a class.

    Parameters
    ----------
    cls : type
    fields : dict
        Name of an attribute to its :class:`~skmlp.saving.kinds.Kind`.
    check : callable, default=None
        Of an object: raises a ValueError if its attributes do not go together.
    """

    def __init__(self, cls, fields, check=None):
        self.cls, self.fields, self._check = cls, fields, check

    def pack(self, value, pack, path):
        """JSON of an object."""
        state = {name: part for name, part in value.__getstate__().items() if not is_cached(self.cls, name)}
        self.check_all(state)
        self.check(value)
        return {name: pack(part, f"{path}.{name}") for name, part in state.items()}

    def unpack(self, content, unpack):
        """The object of its JSON."""
        state = {name: unpack(part) for name, part in content.items()}
        self.check_all(state)
        value = self.cls.__new__(self.cls)
        getattr(value, "__setstate__", vars(value).update)(state)  # as pickle does
        self.check(value)
        return value

    def check_kinds(self, state):
        """Refuse attributes that are not known, or of the wrong kind."""
        cls = self.cls.__name__
        for name, value in state.items():
            require(name in self.fields, f"{cls} has an attribute {name!r}, which save does not know")
            kind = self.fields[name]
            require(kind.holds(value), f"{name} of {cls} must be {kind.words}, got {reprlib.repr(value)}")

    def check_all(self, state):
        """Refuse attributes that are missing, too."""
        self.check_kinds(state)
        missing = [name for name, kind in self.fields.items() if name not in state and not kind.optional]
        require(not missing, f"{self.cls.__name__} lacks {', '.join(missing)}")

    def check(self, value):
        """Refuse an object whose attributes do not go together."""
        if self._check is not None:
            self._check(value)


class EstimatorRecord(Record):
    """Parameters of an estimator, and its attributes if it is fitted."""

    def pack(self, value, pack, path):
        """JSON of an estimator."""
        value._validate_params()
        parameters, state = value.get_params(deep=False), dict(value.__getstate__())  # which may be its own dict
        require("_skl_callbacks" not in state, f"{path}: {NO_CALLBACKS}")
        content = {"parameters": {name: pack(part, f"{path}.{name}") for name, part in parameters.items()}}
        if state.pop("_metadata_request", None) is not None:
            content["requests"] = requests_of(value)
        state = {name: part for name, part in state.items() if name not in {*parameters, *PASSING}}
        self._check_attributes(value, state)
        return content | {"attributes": {name: pack(part, f"{path}.{name}") for name, part in state.items()}}

    def unpack(self, content, unpack):
        """The estimator of its JSON."""
        value = self.cls(**{name: unpack(part) for name, part in content["parameters"].items()})
        value._validate_params()
        state = {name: unpack(part) for name, part in content["attributes"].items()}
        vars(value).update(state)
        self._check_attributes(value, state)
        for method, requests in content.get("requests", {}).items():
            with config_context(enable_metadata_routing=True):
                getattr(value, f"set_{method}_request")(**requests)
        return value

    def _check_attributes(self, value, state):
        """Refuse an estimator whose attributes are not those of one that is fitted, or not."""
        self.check_kinds(state)
        if state.keys() - {OUTPUT}:
            self.check_all(state)
            self.check(value)


def is_cached(cls, name):
    """Whether an attribute of the objects of a class is what a property has worked out from others."""
    return isinstance(getattr(cls, name, None), cached_property)


def requests_of(estimator):
    """What methods of an estimator request of metadata routing, by method."""
    routing = estimator.get_metadata_routing()
    methods = [name[4:-8] for name in dir(type(estimator)) if name.startswith("set_") and name.endswith("_request")]
    return {method: dict(getattr(routing, method).requests) for method in methods}
