"""Multilayer perceptrons for tabular data, as scikit-learn estimators on Numba kernels."""

from skmlp.estimators.classification import MLPBinaryClassifier, MLPClassifier, MLPMulticlass
from skmlp.estimators.custom import CustomActivation, CustomLoss
from skmlp.estimators.regression import MLPRegressor
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
    "TabularEncoder",
    "TabularMLPClassifier",
    "TabularMLPRegressor",
    "__version__",
    "to_source",
    "warmup",
]
