"""Types of what constructors and methods take and give, for your own annotations too.

Names that form a closed set are literals, so that editors complete them. What a type checker cannot know, since
scikit-learn and SciPy have no types, is said by protocols, or is ``Any``.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, SupportsFloat, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from skmlp.formulas.custom import CustomActivation

__all__ = [
    "Activation",
    "ActivationName",
    "ArrayLike",
    "BatchSize",
    "CategoricalFeatures",
    "ClassLoss",
    "ClassWeight",
    "DTypeLike",
    "Device",
    "DtypeName",
    "Estimator",
    "FilePath",
    "FirstOrderSolverName",
    "Floats",
    "Folds",
    "Frame",
    "HiddenLayerSizes",
    "InitialiserName",
    "MatrixLike",
    "Metric",
    "Metrics",
    "NormalizationName",
    "OneOrMany",
    "ParametrizationName",
    "RandomState",
    "ScalingName",
    "Schedule",
    "ScheduleName",
    "SolverName",
    "SparseMatrix",
    "Splitter",
    "Style",
    "TableLike",
    "TargetLike",
    "ValueLoss",
]

Function = TypeVar("Function", bound=Callable[..., Any])


def typed(decorator: Callable[..., Any]) -> Callable[[Function], Function]:
    """A decorator of a library without types, of which a type checker is told that it changes no signature."""
    return decorator


class Estimator(Protocol):
    """An estimator of this package, of scikit-learn, or of others that do as scikit-learn does."""

    def get_params(self, deep: bool = ...) -> Any:
        """Its parameters."""


class Parametrized:
    """What scikit-learn's ``BaseEstimator`` has, for type checkers, who see no base class there."""

    if TYPE_CHECKING:

        def get_params(self, deep: bool = True) -> dict[str, Any]:
            """Parameters by name."""

        def set_params(self, **params: Any) -> Self:
            """Set parameters by name."""


class Frame(Protocol):
    """A dataframe, of pandas or polars."""

    @property
    def columns(self) -> Any:
        """Names of the columns."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""


class SparseMatrix(Protocol):
    """A sparse matrix or array of SciPy."""

    @property
    def nnz(self) -> int:
        """Number of values that are stored."""

    def tocsr(self) -> Any:
        """The same by rows."""


class Splitter(Protocol):
    """A cross-validation splitter of scikit-learn."""

    def split(self, X: Any, y: Any = ..., groups: Any = ...) -> Any:
        """Rows to train on and rows to hold out."""

    def get_n_splits(self, X: Any = ..., y: Any = ..., groups: Any = ...) -> Any:
        """Number of such pairs."""


# Data
MatrixLike: TypeAlias = ArrayLike | Frame | SparseMatrix
TargetLike: TypeAlias = ArrayLike | Frame | SparseMatrix
TableLike: TypeAlias = ArrayLike | Frame | Sequence[Any]
Floats: TypeAlias = NDArray[np.floating[Any]]
FilePath: TypeAlias = str | bytes | os.PathLike[str] | os.PathLike[bytes]

# The network
ActivationName: TypeAlias = Literal[
    "identity", "logistic", "tanh", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "softplus"
]
Activation: TypeAlias = ActivationName | CustomActivation
InitialiserName: TypeAlias = Literal[
    "auto", "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_normal", "orthogonal", "ntk"
]
NormalizationName: TypeAlias = Literal["batch", "layer"]
ParametrizationName: TypeAlias = Literal["standard", "ntk"]
HiddenLayerSizes: TypeAlias = int | Sequence[int] | NDArray[np.integer[Any]]
OneOrMany: TypeAlias = float | Sequence[float] | Floats

# The objective
ClassLoss: TypeAlias = Literal["log_loss", "focal"]
ValueLoss: TypeAlias = Literal["squared_error", "absolute_error", "huber", "log_cosh", "quantile", "poisson", "gamma"]
ClassWeight: TypeAlias = Literal["balanced"] | dict[Any, Any] | list[dict[Any, Any]]

# Training
FirstOrderSolverName: TypeAlias = Literal[
    "sgd", "adam", "adamw", "nadam", "amsgrad", "rmsprop", "adagrad", "adadelta", "lion"
]
SolverName: TypeAlias = FirstOrderSolverName | Literal["lbfgs"]
ScheduleName: TypeAlias = Literal[
    "constant", "invscaling", "adaptive", "exponential", "cosine", "one_cycle", "coslog4", "plateau"
]
Schedule: TypeAlias = ScheduleName | Callable[[float], float]
BatchSize: TypeAlias = int | Literal["auto"]
RandomState: TypeAlias = int | np.random.RandomState
Metric: TypeAlias = str | Callable[[Any, Any], SupportsFloat]
Metrics: TypeAlias = tuple[Metric, ...] | list[Any]  # no sequence, which a string is, too

# The machine
DtypeName: TypeAlias = Literal["auto", "float32", "float64"]
Device: TypeAlias = Literal["cpu", "cuda", "auto"] | str  # also 'cuda:N'

# Raw tables
ScalingName: TypeAlias = Literal["robust", "standard", "quantile"]
CategoricalFeatures: TypeAlias = Literal["from_dtype"] | Sequence[int] | Sequence[str] | NDArray[Any]
Folds: TypeAlias = int | Splitter | Sequence[tuple[ArrayLike, ArrayLike]]

# Keyword arguments of artists of matplotlib
Style: TypeAlias = Mapping[str, Any]
