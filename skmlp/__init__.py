"""Multilayer perceptrons for tabular data, as scikit-learn estimators on Numba kernels."""

from importlib.metadata import PackageNotFoundError, version

from skmlp.displays import NetworkDisplay, TrainingHistoryDisplay
from skmlp.estimators.classification import MLPBinaryClassifier, MLPClassifier, MLPMulticlass
from skmlp.estimators.custom import CustomActivation, CustomLoss
from skmlp.estimators.regression import MLPRegressor
from skmlp.estimators.tabular_classification import TabularMLPClassifier
from skmlp.estimators.tabular_regression import TabularMLPRegressor
from skmlp.preprocessing import TabularEncoder
from skmlp.warmup import warmup

try:
    __version__ = version("skmlp")
except PackageNotFoundError:  # a checkout that is not installed
    __version__ = "0.0.0"

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
    "warmup",
]
