"""Scalers of scikit-learn as shifts and scales of the features: what is subtracted, and what is divided by."""

from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

SCALERS = {
    StandardScaler: lambda s: (s.mean_ if s.with_mean else 0.0, s.scale_ if s.with_std else 1.0),
    RobustScaler: lambda s: (s.center_ if s.with_centering else 0.0, s.scale_ if s.with_scaling else 1.0),
    MinMaxScaler: lambda s: (-s.min_ / s.scale_, 1.0 / s.scale_),
    MaxAbsScaler: lambda s: (0.0, s.scale_),
}


def unscaled(model):
    """The last step of a pipeline, and what the scalers before it amount to; or a model itself, and None.

    Parameters
    ----------
    model : fitted Pipeline, or another estimator

    Returns
    -------
    estimator : estimator
    scaling : tuple of two floats or ndarrays of shape (n_features,), or None
        What is subtracted from the features, and by what they are divided then.

    Raises
    ------
    ValueError
        If another step than a scaler comes before the last.
    """
    if not isinstance(model, Pipeline):
        return model, None
    *before, (_, estimator) = model.steps
    shift, scale = 0.0, 1.0
    for name, step in before:
        if step is None or step == "passthrough":
            continue
        if type(step) not in SCALERS or getattr(step, "clip", False):
            known = ", ".join(kind.__name__ for kind in SCALERS)
            raise ValueError(
                f"step {name!r} of the pipeline is {step!r}: before the network there can be {known} (clip=False). "
                "skmlp.onnx.to_onnx knows more."
            )
        of_step = SCALERS[type(step)](step)
        shift, scale = shift + of_step[0] * scale, scale * of_step[1]
    return estimator, (shift, scale)
