"""Where an estimator computes: the device of a fit, and that of predictions, which may be made on another machine."""

import sys
import warnings
from typing import Any
from weakref import WeakSet

import numpy as np
from scipy import sparse

from skmlp.devices import DeviceError, resolve, worth_it
from skmlp.estimators.parameters import batch_rows

_warned: WeakSet[Any] = WeakSet()  # models; an attribute would go into copies and pickles


def device_of_fit(estimator, network, X, dtype):
    """Where to fit: 'cpu' or 'cuda:N'.

    'auto' is a GPU, if there is one, for large steps in single precision on dense rows.

    Raises
    ------
    DeviceError
        If a GPU is asked for by name and is not to be had.
    """
    suits = estimator.solver != "lbfgs" and dtype == np.float32 and not sparse.issparse(X)
    return resolve(estimator.device, suits and worth_it(network, batch_rows(estimator.batch_size, X.shape[0])))


def device_of_predictions(model):
    """Where a fitted model predicts: on its ``device``, with 'auto' on a GPU if the fit was on one, else on the CPU.

    Warns
    -----
    UserWarning
        Once a model, if the device that it asks for by name is not to be had.
    """
    by_name = model.device != "auto"
    wanted = model.device if by_name else model.device_
    if wanted == "cpu":
        return wanted
    if not by_name:
        return resolve("auto")
    try:
        return resolve(wanted)
    except DeviceError as error:
        if model not in _warned:
            _warned.add(model)
            warnings.warn(
                f"This model predicts on the CPU, for {error} After set_params(device='cpu') it does so silently.",
                stacklevel=level_of_caller(),
            )
    return "cpu"


def level_of_caller():
    """Of a warning that is raised in the function at hand: the code that called an estimator, not scikit-learn's."""
    frame, level = sys._getframe(1), 1
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] in ("skmlp", "sklearn"):
        frame, level = frame.f_back, level + 1
    return level
