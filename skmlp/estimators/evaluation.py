"""The result of ``evaluate``: a named tuple whose fields are the loss and the metrics."""

from collections import namedtuple
from functools import lru_cache


@lru_cache
def _evaluation_type(fields):
    class Evaluation(namedtuple("Evaluation", fields)):
        """Loss, then each metric, as floats."""

        __slots__ = ()

        def __reduce__(self):  # the type is made at run time, so pickle cannot find it by name
            return make_evaluation, (dict(zip(fields, self, strict=True)),)

    return Evaluation


def make_evaluation(values):
    """A named tuple of a dict.

    >>> make_evaluation({"loss": 0.5, "accuracy": 0.75})
    Evaluation(loss=0.5, accuracy=0.75)
    """
    return _evaluation_type(tuple(values))(**values)
