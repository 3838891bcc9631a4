"""Scalers of scikit-learn around a network as shifts and scales: what is subtracted, and what is divided by."""

from typing import Any, NamedTuple

from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

SCALERS = {
    StandardScaler: lambda s: (s.mean_ if s.with_mean else 0.0, s.scale_ if s.with_std else 1.0),
    RobustScaler: lambda s: (s.center_ if s.with_centering else 0.0, s.scale_ if s.with_scaling else 1.0),
    MinMaxScaler: lambda s: (-s.min_ / s.scale_, 1.0 / s.scale_),
    MaxAbsScaler: lambda s: (0.0, s.scale_),
}


class Unwrapped(NamedTuple):
    """An estimator, and what stands around it.

    Attributes
    ----------
    estimator : estimator
        What a pipeline ends in, or what has learnt scaled targets.
    names : ndarray of str or None
        Names of the features.
    features : tuple of two floats or ndarrays of shape (n_features,), or None
        What is subtracted from the features, and by what they are divided then.
    targets : tuple of two floats or ndarrays of shape (n_outputs,), or None
        The same for the targets.
    flat : bool
        Whether a single target is predicted in one dimension.
    """

    estimator: Any
    names: Any = None
    features: tuple | None = None
    targets: tuple | None = None
    flat: bool = True


def unwrap(model):
    """A fitted estimator without the scalers around it: those of pipelines, and of ``TransformedTargetRegressor``.

    Parameters
    ----------
    model : fitted estimator

    Returns
    -------
    unwrapped : Unwrapped

    Raises
    ------
    ValueError
        If something else than scalers stands around it.
    """
    found = Unwrapped(model)
    while True:
        model = found.estimator
        if found.names is None:
            found = found._replace(names=getattr(model, "feature_names_in_", None))
        if isinstance(model, Pipeline):
            *before, (_, last) = model.steps
            found = found._replace(estimator=last, features=combined(before, found.features))
        elif isinstance(model, TransformedTargetRegressor) and found.targets is None:
            targets = linear(model.transformer_, "the transformer of the target")
            flat = model._training_dim == 1
            found = found._replace(estimator=model.regressor_, targets=targets, flat=flat)
        else:
            return found


def combined(steps, first):
    """What steps of a pipeline amount to, after a ``first`` scaling of the features, or None."""
    shift, scale = first or (0.0, 1.0)
    for name, step in steps:
        if step is not None and step != "passthrough":
            of_step = linear(step, f"step {name!r} of the pipeline")
            shift, scale = shift + of_step[0] * scale, scale * of_step[1]
    return shift, scale


def linear(scaler, where):
    """Shift and scale of a fitted scaler.

    Raises
    ------
    ValueError
        If it does more than to scale; ``where`` says where it stands.
    """
    if type(scaler) not in SCALERS or getattr(scaler, "clip", False):
        known = ", ".join(kind.__name__ for kind in SCALERS)
        raise ValueError(f"{where} is {type(scaler).__name__}: known are {known} (clip=False).")
    return SCALERS[type(scaler)](scaler)
