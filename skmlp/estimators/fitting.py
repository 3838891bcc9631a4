"""The course of a fit: data and parameters in, a trainer in the middle, fitted attributes out."""

import copy
import math
import re
import time
import warnings
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state

from skmlp.devices import make_backend
from skmlp.estimators import inputs
from skmlp.estimators.custom import check_formulas
from skmlp.estimators.parameters import batch_rows, check_together, dropout_rates, hidden_layers
from skmlp.estimators.placement import device_of_fit
from skmlp.estimators.targets import ClassEncoding, ValueEncoding
from skmlp.formulas.custom import find
from skmlp.formulas.losses import LOSSES
from skmlp.network.initialisers import initialise
from skmlp.network.layout import Layout, Network
from skmlp.network.segments import segments
from skmlp.training.lbfgs import fit_lbfgs
from skmlp.training.metrics import resolve, stopping_score
from skmlp.training.progress import Progress
from skmlp.training.schedules import make_schedule
from skmlp.training.trainer import CALLER, Loop, Trainer
from skmlp.training.validation import Evaluation


class Model(NamedTuple):
    """What a fit makes: on which device, a network, the encoding of its targets, parameters, and what is reached."""

    device: str
    network: Network
    encoding: ClassEncoding | ValueEncoding
    parameters: np.ndarray
    progress: Progress


def fit(estimator, X, y, sample_weight, validation, *, incremental, classes, tasks):
    """Fit an estimator, or with ``incremental`` go on for one pass; ``validation`` is (X, y, sample_weight).

    ``tasks`` are told of it: :class:`~skmlp.estimators.callbacks.Tasks`.
    """
    started = time.perf_counter()
    check_together(estimator, incremental)
    fresh = not hasattr(estimator, "_parameters") or not (estimator.warm_start or incremental)
    random_state = check_random_state(estimator.random_state)

    X, y = estimator._check_data(X, y, reset=fresh)
    encoding = estimator._make_encoding(y, incremental, classes)
    network = make_network(estimator, encoding, X.shape[1])
    dtype = inputs.compute_dtype(estimator.dtype, estimator.solver, X)
    device = device_of_fit(estimator, network, X, dtype)
    data = training_data(estimator, device, network, encoding, dtype, X, y, sample_weight)
    parameters = starting_parameters(estimator, network, random_state, dtype, fresh)
    rows, held_out = split(estimator, data, encoding, validation, random_state)
    weights = estimator._with_class_weights(encoding, y, data.weights, dtype, incremental)

    progress = Progress(estimator.early_stopping and estimator.solver != "lbfgs", **reached(estimator, fresh))
    model = Model(device, network, encoding, parameters, progress)
    tasks.follow(rows, lambda: snapshot(estimator, model))
    before = progress.commit()
    try:
        optimiser = train(estimator, model, data, weights, rows, held_out, random_state, tasks, incremental, started)
    except BaseException:
        progress.revert(before)  # its lists are those of the fit before
        raise
    vars(estimator).pop("_optimizer", None)
    if incremental:
        estimator._optimizer = optimiser
    publish(estimator, model)


def make_network(estimator, encoding, n_features):
    """The network that an estimator's parameters and its data ask for."""
    sizes, activations = hidden_layers(estimator.hidden_layer_sizes, estimator.activation)
    rates = dropout_rates(estimator.dropout, len(sizes))
    units = n_features, *sizes, encoding.n_outputs
    layout = Layout(units, estimator.normalization, scaled=estimator.feature_rate is not None)
    return Network(layout, activations, find(LOSSES, encoding.loss).link, rates)


def training_data(estimator, device, network, encoding, dtype, X, y, sample_weight):
    """The training data as numbers, with the back end that works on them and the metrics."""
    targets = encoding.encode(y, dtype)
    check_formulas(network.activations, encoding.loss, targets)
    backend = make_backend(device, network, encoding.loss, dtype, n_jobs=estimator.n_jobs, **encoding.loss_settings)
    X = inputs.for_training(X, dtype)
    weights = inputs.check_weights(sample_weight, X, dtype)
    metrics = resolve(estimator.metrics, encoding)
    check_monitor(estimator, metrics)
    return Evaluation(backend, X, targets, weights, metrics)


def train(estimator, model, data, weights, rows, held_out, random_state, tasks, incremental, started):
    """Let the solver change the model; returns the optimiser, for ``partial_fit`` to go on from, or None."""
    with data.backend.active():
        if estimator.solver == "lbfgs":
            loop = make_loop(estimator, len(rows), started)
            run = start_run(estimator, data, weights, model.parameters, "keep_gradient", loop.batch_size)
            fit_lbfgs(run, loop, estimator.max_fun, model.progress, data, held_out, tasks)
            return None
        optimiser = starting_optimiser(estimator, data.backend.dtype, incremental)
        loop = make_loop(estimator, batch_size(estimator, len(rows)), started)
        run = start_run(
            estimator,
            data,
            weights,
            model.parameters,
            estimator.solver,
            loop.batch_size,
            state=optimiser.get("state"),
            seed=random_state.randint(2**31) if any(model.network.dropout) else -1,
        )
        schedule = optimiser["schedule"]
        trainer = Trainer(run, rows, loop, schedule, model.progress, random_state, data, held_out, tasks)
        trainer.partial_fit() if incremental else trainer.fit()
        return {**optimiser, "state": run.state}


def starting_parameters(estimator, network, random_state, dtype, fresh):
    """New parameters, or a copy of those to go on from."""
    if fresh:
        last = estimator.activation if isinstance(estimator.activation, str) else ("relu", *network.activations)[-1]
        return initialise(estimator.weight_init, network, last, random_state, dtype)
    if network.layout != estimator._network.layout:
        raise ValueError(
            f"hidden_layer_sizes and the data give layers of {network.layout.units} units with normalization="
            f"{network.layout.normalization!r}, but the fit to go on from has {estimator._network.layout.units} and "
            f"{estimator._network.layout.normalization!r}, or only one of them has learned scales of its features "
            "(feature_rate); with warm_start=False a fit begins anew."
        )
    parameters = estimator._parameters.copy()
    if network.layout.scaled:
        network.layout.follow(parameters)
    return parameters.astype(dtype)


def split(estimator, data, encoding, validation, random_state):
    """Rows to train on, and validation data: those given, a part set aside, or None."""
    everything = np.arange(len(data.targets))
    if any(part is not None for part in validation):
        return everything, given_validation(estimator, data.backend, encoding, *validation)
    if not estimator.early_stopping or estimator.solver == "lbfgs":
        return everything, None
    # As scikit-learn's MLP: by class where there is one logistic unit.
    stratify = data.targets.astype(bool) if encoding.is_classifier and encoding.n_outputs == 1 else None
    try:
        rows, held_out = train_test_split(
            everything, random_state=random_state, test_size=estimator.validation_fraction, stratify=stratify
        )
    except ValueError as error:
        raise ValueError(f"{error} The test set is validation_fraction={estimator.validation_fraction}.") from error
    if len(held_out) < 2:
        raise ValueError("The validation set is too small. Increase 'validation_fraction' or the size of your dataset.")
    weights = None
    if data.weights is not None:
        weights = data.weights[held_out]
        if not (weights.any() and data.weights[rows].any()):
            raise ValueError("sample_weight: all are zero in the training or in the validation part of the split.")
    return rows, Evaluation(
        data.backend, data.X[held_out], data.targets[held_out], weights, data.metrics, stopping_score(encoding)
    )


def given_validation(estimator, backend, encoding, X_val, y_val, sample_weight_val):
    """The user's validation data."""
    if X_val is None or y_val is None:
        raise ValueError("X_val and y_val must be given together, and sample_weight_val only with them.")
    with about_validation():
        return evaluation(estimator, backend, encoding, X_val, y_val, sample_weight_val)


@contextmanager
def about_validation():
    """Let errors about X, y and sample_weight say that they are about the validation data."""
    try:
        yield
    except (ValueError, TypeError) as error:
        message = re.sub(r"\b(X|y|sample_weight)\b", r"\1_val", str(error))
        if message == str(error):
            message = f"{message} This is about X_val, y_val or sample_weight_val."
        raise type(error)(message) from error


def evaluation(estimator, backend, encoding, X, y, sample_weight):
    """Data to measure a fitted network on."""
    X, y = estimator._check_data(X, y, reset=False)
    encoding.check(y)
    X = inputs.for_prediction(X, backend.dtype)
    weights = inputs.check_weights(sample_weight, X, backend.dtype)
    metrics = resolve(estimator.metrics, encoding)
    return Evaluation(backend, X, encoding.encode(y, backend.dtype), weights, metrics, stopping_score(encoding))


def check_monitor(estimator, metrics):
    """Refuse to watch what is not measured."""
    keys = ["auto", "loss", "val_loss", *metrics, *(f"val_{name}" for name in metrics)]
    if estimator.monitor not in keys:
        raise ValueError(
            f"monitor={estimator.monitor!r} is not measured; allowed are {keys}, by the metrics asked for."
        )


def batch_size(estimator, n_rows):
    """Rows of a batch; warns if that are fewer than were asked for."""
    if estimator.batch_size != "auto" and estimator.batch_size > n_rows:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped "
            f"from {estimator.batch_size} to {n_rows}.",
            stacklevel=CALLER,
        )
    return batch_rows(estimator.batch_size, n_rows)


def make_loop(estimator, rows_of_batch, started):
    """The trainer's settings; ``started`` is when the fit began."""
    names = ("max_iter", "shuffle", "tol", "n_iter_no_change", "monitor", "restore_best", "verbose")
    deadline = math.inf if estimator.max_time is None else started + estimator.max_time
    return Loop(batch_size=rows_of_batch, deadline=deadline, **{name: getattr(estimator, name) for name in names})


def start_run(estimator, data, weights, parameters, solver, rows_of_batch, *, state=None, seed=-1):
    """A run of the back end."""
    settings = {name: getattr(estimator, name) for name in ("momentum", "beta_1", "beta_2", "epsilon", "rho")}
    settings |= {
        "nesterov": estimator.nesterovs_momentum,
        "l1": estimator.alpha * estimator.l1_ratio,
        "l2": estimator.alpha * (1.0 - estimator.l1_ratio),
        "weight_decay": weight_decay(estimator),
        "clip_norm": estimator.clip_norm or 0.0,
    }
    return data.backend.start(
        parameters,
        data.X,
        data.targets,
        weights,
        batch_size=rows_of_batch,
        solver=solver,
        settings=settings,
        segments=segments(
            data.backend.network.layout,
            parametrization=estimator.parametrization,
            proportional=solver == "sgd",
            bias_rate=estimator.bias_rate,
            feature_rate=estimator.feature_rate,
        ),
        state=state,
        seed=seed,
    )


def weight_decay(estimator):
    """The decoupled weight decay."""
    if estimator.weight_decay is None:
        return 0.01 if estimator.solver == "adamw" else 0.0
    return estimator.weight_decay


def starting_optimiser(estimator, dtype, incremental):
    """The optimiser's schedule and state: new, or in a sequence of partial fits a copy of what was reached."""
    before = getattr(estimator, "_optimizer", None)
    if incremental and before is not None and before["solver"] == estimator.solver:
        slots, kept = before["state"]
        return {**before, "state": (slots.astype(dtype), kept.copy()), "schedule": copy.copy(before["schedule"])}
    names = ("learning_rate", "learning_rate_init", "power_t", "max_iter", "n_iter_no_change")
    schedule = make_schedule(**{name: getattr(estimator, name) for name in names})
    return {"solver": estimator.solver, "schedule": schedule}


PROGRESS = ("t", "loss_curve", "validation_scores", "best_loss", "best_validation_score", "best_iteration", "history")


def reached(estimator, fresh):
    """What a fit goes on from, as fields of :class:`~skmlp.training.progress.Progress`."""
    if fresh:
        return {}
    fields = {name: getattr(estimator, f"{name}_") for name in PROGRESS}
    fields["no_improvement_count"] = estimator._no_improvement_count
    monitor, best = estimator._best_monitored
    return {**fields, "best_monitored": best} if monitor == estimator.monitor else fields


def snapshot(estimator, model):
    """A copy of the estimator, fitted with what is reached so far."""
    fitted = copy.copy(estimator)
    publish(fitted, model._replace(parameters=model.parameters.copy(), progress=model.progress.copy()))
    return fitted


def publish(estimator, model):
    """Set the fitted attributes."""
    network, progress = model.network, model.progress
    vars(estimator).update(_network=network, _encoding=model.encoding, _parameters=model.parameters)  # at once
    for name in PROGRESS:
        setattr(estimator, f"{name}_", getattr(progress, name))
    estimator._no_improvement_count = progress.no_improvement_count
    estimator._best_monitored = estimator.monitor, progress.best_monitored
    estimator.n_iter_, estimator.loss_ = progress.n_iter, progress.loss
    estimator.n_layers_ = len(network.layout.units)
    estimator.n_outputs_ = network.layout.units[-1]
    estimator.out_activation_ = network.link
    estimator.device_ = model.device
