"""Types of the attributes of estimators, whose assignments no type checker sees: parameters, and what a fit sets."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from skmlp.preprocessing import TabularEncoder
from skmlp.typing import (
    Activation,
    BatchSize,
    CategoricalFeatures,
    ClassWeight,
    Device,
    DtypeName,
    FirstOrderSolverName,
    Floats,
    Folds,
    HiddenLayerSizes,
    InitialiserName,
    Metrics,
    NormalizationName,
    OneOrMany,
    ParametrizationName,
    Parametrized,
    RandomState,
    ScalingName,
    Schedule,
    SolverName,
)


class Parameters(Parametrized):
    """Parameters of all estimators, but for those whose types differ."""

    hidden_layer_sizes: HiddenLayerSizes
    activation: Activation | Sequence[Activation]
    dropout: OneOrMany
    normalization: NormalizationName | None
    weight_init: InitialiserName
    parametrization: ParametrizationName
    alpha: float
    l1_ratio: float
    learning_rate: Schedule
    learning_rate_init: float
    power_t: float
    bias_rate: float
    feature_rate: float | None
    weight_decay: float | None
    momentum: float
    nesterovs_momentum: bool
    beta_1: float
    beta_2: float
    epsilon: float
    rho: float
    clip_norm: float | None
    batch_size: BatchSize
    max_iter: int
    max_time: float | None
    shuffle: bool
    tol: float
    n_iter_no_change: float
    monitor: str
    random_state: RandomState | None
    metrics: Metrics
    verbose: int
    device: Device
    n_jobs: int | None


class ClassParameters:
    """Parameters of classifiers alone."""

    class_weight: ClassWeight | None
    label_smoothing: float
    focal_gamma: float


class ValueParameters:
    """Parameters of regressors alone."""

    quantile: OneOrMany
    delta: float


class NetworkAttributes(Parameters):
    """Parameters and fitted attributes of the estimators that are one network."""

    solver: SolverName
    max_fun: int
    early_stopping: bool
    validation_fraction: float
    restore_best: bool
    warm_start: bool
    dtype: DtypeName | Literal["input"]

    n_features_in_: int
    feature_names_in_: NDArray[np.object_]
    n_iter_: int
    n_layers_: int
    n_outputs_: int
    out_activation_: str
    t_: int
    loss_: float
    best_loss_: float | None
    loss_curve_: list[float]
    validation_scores_: list[float] | None
    best_validation_score_: float | None
    best_iteration_: int | None
    history_: dict[str, list[float]]
    device_: str


class EnsembleAttributes(Parameters):
    """Parameters and fitted attributes of the estimators for raw tables."""

    categorical_features: CategoricalFeatures | None
    numeric_scaling: ScalingName
    n_bins: int | None
    max_categories: int | None
    n_estimators: int
    cv: Folds
    calibrate: bool
    pickle_oof: bool
    solver: FirstOrderSolverName
    dtype: DtypeName

    encoder_: TabularEncoder
    estimators_: list[Any]
    oof_prediction_: Floats
    oof_score_: float
    n_iter_: int
    device_: str
