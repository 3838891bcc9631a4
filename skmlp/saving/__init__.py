"""Estimators in files without pickle: arrays and JSON, from which no code can come.

``container`` knows the file, ``values`` what stands in it, ``records`` what is saved of the objects of a class, and
``kinds`` what that may be. Which classes there are, those say who have them (:data:`~skmlp.saving.records.RECORDS`).
"""

from skmlp.saving.models import Saveable, load

__all__ = ["Saveable", "load"]
