"""Compiling ahead of the first call: tiny fits and predictions that need the same kernels, which the cache then holds.

What is to be compiled is known to the engine alone. So nothing here names a kernel; what is varied is what a fit may
meet: shapes, kinds of targets, dense and sparse data, threads. A package, so that the function of its name can stand in
its place in ``skmlp``, and ``python -m skmlp.warmup`` runs a module of its own.
"""

import itertools
import time
import warnings
from collections.abc import Hashable
from contextlib import contextmanager
from numbers import Integral
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.model_selection import ParameterGrid
from sklearn.utils import get_tags

from skmlp.devices import kernel_folder
from skmlp.estimators.base import BaseMLP
from skmlp.estimators.classification import MLPBinaryClassifier, MLPClassifier, MLPMulticlass
from skmlp.estimators.custom import CustomLoss
from skmlp.estimators.parameters import LOSS_CLASSIFIER, LOSS_REGRESSOR, PARAMETERS
from skmlp.estimators.regression import MLPRegressor
from skmlp.estimators.tabular import BaseTabularMLP
from skmlp.typing import Estimator

ESTIMATORS = (MLPBinaryClassifier, MLPMulticlass, MLPClassifier, MLPRegressor)
ROWS, ROWS_OF_SHARDS = 128, 1024  # of a small fit, and of one whose batch is shared among threads
COLUMNS = (1, 3)  # of X and of the outputs: one output has loops of its own
# Nothing is compiled for these; here they make a fit short, silent and possible on any data.
SHORT = {
    "weight_init": "auto",
    "class_weight": None,
    "learning_rate": "constant",
    "learning_rate_init": 0.001,
    "max_iter": 1,
    "max_time": None,
    "n_iter_no_change": np.inf,
    "tol": 1e9,
    "early_stopping": False,
    "monitor": "auto",
    "warm_start": False,
    "random_state": 0,
    "verbose": 0,
}


class Warmup(NamedTuple):
    """What :func:`warmup` did.

    Attributes
    ----------
    kernels : int
        Kernels and loops that were compiled; those that the cache held already are not counted.
    seconds : float
        How long it took.
    folder : str or None
        Where compiled kernels are kept. None: no folder can be written, and each process compiles anew.
    """

    kernels: int
    seconds: float
    folder: str | None


def warmup(*estimators: Estimator, sparse: bool = False, everything: bool = False) -> Warmup:
    """Compile the kernels that estimators need, and keep them on disk, so that later fits and predictions need not.

    Later calls in this process and in others load what was compiled, if they find the same folder, processor, Python
    and packages. For container images there is a command that does the same: ``python -m skmlp.warmup``.

    Parameters
    ----------
    *estimators : estimator
        Networks, or estimators that hold some, such as a ``Pipeline``, a search or a ``TabularMLPClassifier``. Of a
        search over a ``param_grid`` it is the networks that it would try; of any other, the network as it stands in it.
        They are neither fitted nor changed. None given: the four ``MLP`` estimators with their defaults, to which those
        for raw tables do not belong.
    sparse : bool, default=False
        Whether X will be sparse, too. Kernels for sparse X are compiled apart.
    everything : bool, default=False
        Whether to compile all that the package can need, for dense and sparse X in both precisions. Takes minutes.

    Returns
    -------
    done : Warmup
        A named tuple: ``kernels``, how many were compiled, ``seconds``, and ``folder``, which is None where no folder
        can be written.

    Raises
    ------
    TypeError
        If an argument is no estimator.
    ValueError
        If it holds no network of this package, or one that could not be fitted.

    Notes
    -----
    Formulas of the user's own (``CustomLoss``, ``CustomActivation``) are compiled for this process only, as ever.

    Examples
    --------
    >>> import skmlp
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> skmlp.warmup(make_pipeline(StandardScaler(), skmlp.MLPRegressor(activation="tanh")))
    Warmup(kernels=..., seconds=..., folder=...)
    >>> skmlp.warmup(skmlp.MLPRegressor(activation="tanh")).kernels
    0
    """
    started = time.perf_counter()
    networks = [network for estimator in estimators for network in networks_in(estimator)]
    if everything:
        networks += every_network()
    elif not estimators:
        networks = [estimator() for estimator in ESTIMATORS]
    folder = kernel_folder()
    before = kernels_in(folder)
    with undisturbed():
        for network in distinct(networks):
            for X, y, settings in problems(network, sparse or everything):
                vars(network).update(settings)
                use(network.fit(X, y), X, y)
    compiled = len(kernels_in(folder) - before)
    return Warmup(compiled, time.perf_counter() - started, folder)


def networks_in(estimator):
    """The networks that an estimator is or holds, or that a search over a grid would try.

    Raises
    ------
    TypeError, ValueError
        If it is no estimator, or holds none.
    """
    if isinstance(estimator, type) or not hasattr(estimator, "get_params"):
        raise TypeError(f"warmup takes estimators such as MLPClassifier(), got {estimator!r}.")
    candidates = [estimator]
    if hasattr(estimator, "param_grid"):
        candidates = [clone(estimator.estimator).set_params(**each) for each in ParameterGrid(estimator.param_grid)]
    parts = [part for each in candidates for part in (each, *each.get_params().values())]
    networks = [part for part in parts if isinstance(part, BaseMLP)]
    networks += [part._member() for part in parts if isinstance(part, BaseTabularMLP)]
    if not networks:
        raise ValueError(f"warmup: there is no network of skmlp in {estimator!r}.")
    return networks


def names(parameter):
    """The values that a parameter takes by name."""
    return sorted(parameter.constraint[0].options)


def every_network():
    """Networks that need all that there is: each formula and each kind of network, in both precisions."""
    for dtype in ("float32", "float64"):
        for estimator in ESTIMATORS:
            yield estimator(dtype=dtype)
        for normalization, dropout in itertools.product((None, "batch", "layer"), (0.0, 0.5)):
            yield MLPClassifier(normalization=normalization, dropout=dropout, dtype=dtype)
        for sizes in ((), (1, 3)):
            yield MLPClassifier(sizes, metrics=("accuracy",), dtype=dtype)
        yield MLPRegressor(clip_norm=1.0, dtype=dtype)
        yield MLPRegressor(feature_rate=1.0, dtype=dtype)
        for activation in names(PARAMETERS["activation"]):
            yield MLPRegressor(activation=activation, dtype=dtype)
        for solver in names(PARAMETERS["solver"]):
            yield MLPRegressor(solver=solver, dtype=dtype)
            yield MLPRegressor(solver=solver, alpha=0.0, dtype=dtype)  # sparse columns may rest
        for loss in names(LOSS_REGRESSOR):
            yield MLPRegressor(loss, dtype=dtype)
        for loss in names(LOSS_CLASSIFIER):
            yield MLPClassifier(loss=loss, dtype=dtype)


def distinct(networks):
    """Short copies of networks, one of those that would compile the same."""
    copies = {}
    for network in networks:
        copy = clone(network)
        parameters = vars(copy)  # also those that a user's class has fixed
        parameters.pop("_skl_callbacks", None)
        parameters.update((name, value) for name, value in SHORT.items() if name in parameters)
        # One metric of the package's own has training keep its predictions as all metrics do.
        own = "accuracy" if get_tags(copy).estimator_type == "classifier" else "r2"
        copy.metrics = (own,) if np.size(copy.metrics) else ()
        if isinstance(copy.batch_size, Integral):
            copy.batch_size = min(copy.batch_size, ROWS)
        copies[type(copy), *map(hashable, parameters.values())] = copy
    return copies.values()


def hashable(value):
    """The value of a parameter as part of a key."""
    if isinstance(value, list | np.ndarray):
        return tuple(value)
    return value if isinstance(value, Hashable) else repr(value)


def problems(network, sparse):
    """Data (X, y) of each shape that decides about kernels, with what a network is to be set to for them.

    At last a batch that is shared among threads, unless the network is to take one.
    """
    shapes = [(columns, columns) for columns in COLUMNS]
    given = {name: getattr(network, name) for name in ("batch_size", "n_jobs")}
    threads = given if network.n_jobs == 1 else {"batch_size": ROWS_OF_SHARDS, "n_jobs": 2}
    for dtype in ("float32", "float64") if network.dtype == "input" else ("float32",):
        for rows, features, outputs, settings in (
            *((ROWS, *shape, given) for shape in shapes),
            (ROWS_OF_SHARDS, COLUMNS[-1], COLUMNS[-1], threads),
        ):
            X = np.random.default_rng(0).standard_normal((rows, features)).astype(dtype)
            for y in targets(network, rows, outputs):
                yield X, y, settings
                if sparse:
                    yield csr_matrix(X), y, settings


def targets(network, rows, outputs):
    """Targets of each kind that a network takes, with so many outputs where it can have them."""
    tags, row = get_tags(network), np.arange(rows)
    columns = (row[:, None] + np.arange(outputs)) % 2
    if tags.estimator_type == "regressor":
        one = network.loss == "quantile" or outputs == 1
        yield 1.0 + (columns[:, 0] if one else columns)  # positive, as some losses want them
        return
    yield row % 2
    if outputs > 2 and tags.classifier_tags.multi_class and not isinstance(network.loss, CustomLoss):
        yield row % outputs
    if outputs > 1 and tags.classifier_tags.multi_label:
        yield columns


def use(fitted, X, y):
    """Call each method that predicts, on all rows and on one."""
    fitted.evaluate(X, y)
    for name in ("predict", "decision_function"):
        if hasattr(fitted, name):
            getattr(fitted, name)(X)
            getattr(fitted, name)(X[:1])


@contextmanager
def undisturbed():
    """Let nothing be warned of; a Ctrl-C ends it all, though a fit would answer with a warning and leave it at that."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("error", "Training interrupted", UserWarning)
        try:
            yield
        except UserWarning as interrupted:
            raise KeyboardInterrupt from interrupted


def kernels_in(folder):
    """Names of the files of compiled kernels."""
    return {path.name for path in Path(folder).glob("*.nbc")} if folder else set()
