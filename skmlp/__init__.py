"""Multilayer perceptrons for tabular data, as scikit-learn estimators on Numba kernels."""

from skmlp.displays import NetworkDisplay, TrainingHistoryDisplay
from skmlp.estimators.classification import MLPBinaryClassifier, MLPClassifier, MLPMulticlass
from skmlp.estimators.custom import CustomActivation, CustomLoss
from skmlp.estimators.regression import MLPRegressor
from skmlp.estimators.saving import load
from skmlp.estimators.tabular_classification import TabularMLPClassifier
from skmlp.estimators.tabular_regression import TabularMLPRegressor
from skmlp.export import to_source
from skmlp.preprocessing import TabularEncoder
from skmlp.version import __version__
from skmlp.warmup import warmup

__all__ = [
    "CustomActivation",
    "CustomLoss",
    "MLPBinaryClassifier",
    "MLPClassifier",
    "MLPMulticlass",
    "MLPRegressor",
    "NetworkDisplay",
    "TabularEncoder",
    "TabularMLPClassifier",
    "TabularMLPRegressor",
    "TrainingHistoryDisplay",
    "__version__",
    "load",
    "to_source",
    "warmup",
]
