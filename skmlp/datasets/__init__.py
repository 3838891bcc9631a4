"""Data to try the estimators on, shipped with the package."""

from skmlp.datasets.pima import load_pima

__all__ = ["load_pima"]
