"""Where an estimator computes: the device of a fit, and that of predictions, which may be made on another machine."""

import warnings
from typing import Any
from weakref import WeakSet

import numpy as np
from scipy import sparse

from skmlp.devices import DeviceError, resolve, worth_it
from skmlp.estimators.parameters import batch_rows

CALLER = 5  # frames from here to the code that called the estimator for predictions
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
    """Where a fitted model predicts: on its ``device``, with 'auto' on that of the fit; on the CPU without such a one.

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
                stacklevel=CALLER,
            )
    return "cpu"
