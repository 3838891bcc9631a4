"""The result of ``evaluate``: a named tuple whose fields are the loss and the metrics."""

from collections import namedtuple
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any


class Evaluation(tuple[float, ...]):
    """Loss, then each metric, as floats: a named tuple, whose type is made for the names of the metrics."""

    __slots__ = ()

    if TYPE_CHECKING:
        _fields: tuple[str, ...]

        def __getattr__(self, name: str) -> float:
            """The loss, or a metric by its name."""

        def _asdict(self) -> dict[str, float]:
            """Values by name."""

    def __reduce__(self) -> tuple[Any, ...]:  # the type is made at run time, so pickle cannot find it by name
        return make_evaluation, (dict(zip(self._fields, self, strict=True)),)


@lru_cache
def _evaluation_type(fields: tuple[str, ...]) -> Any:
    return type("Evaluation", (Evaluation, namedtuple("Evaluation", fields)), {"__slots__": ()})


def make_evaluation(values: Mapping[str, float]) -> Evaluation:
    """A named tuple of a dict.

    >>> make_evaluation({"loss": 0.5, "accuracy": 0.75})
    Evaluation(loss=0.5, accuracy=0.75)
    """
    return _evaluation_type(tuple(values))(**values)
