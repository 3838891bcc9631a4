"""What a saved file holds of networks and ensembles; importing ``load`` from here makes all of their classes known."""

from itertools import pairwise

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold

import skmlp.preprocessing.saving  # noqa: F401  (makes the encoder known)
from skmlp.estimators.classification import MLPBinaryClassifier, MLPClassifier, MLPMulticlass
from skmlp.estimators.regression import MLPRegressor
from skmlp.estimators.tabular_classification import TabularMLPClassifier
from skmlp.estimators.tabular_regression import TabularMLPRegressor
from skmlp.estimators.targets import ClassEncoding, ValueEncoding
from skmlp.formulas.activations import ACTIVATIONS
from skmlp.formulas.losses import LOSSES, LossSettings
from skmlp.formulas.optimisers import N_KEPT, OPTIMISERS
from skmlp.network.layout import PARTS, Layout, Network
from skmlp.preprocessing import TabularEncoder
from skmlp.saving import load
from skmlp.saving.kinds import (
    FLAG,
    FLOATS,
    NUMBER,
    TEXT,
    Kind,
    array,
    either,
    instance,
    integer,
    named,
    objects,
    one_of,
    optional,
    or_none,
    several,
)
from skmlp.saving.records import EstimatorRecord, Record, register, require
from skmlp.training.schedules import SCHEDULES

__all__ = ["load"]

COUNT, SIZE, REALS = integer(0), integer(1), array([np.float64])
SEED = or_none(either(COUNT, instance(np.random.RandomState)))
LABELS = Kind("an array of labels", lambda value: isinstance(value, np.ndarray) and value.ndim == 1 and len(value) > 0)


def increasing(values):
    """Whether each value is greater than the one before, which NaN never is."""
    return all(low < high for low, high in pairwise(values))


def check_layout(layout):
    """An input and an output."""
    require(len(layout.units) > 1, f"a network has no layers of {layout.units} units")


def check_network(network):
    """An activation and a rate of dropout for each hidden layer."""
    hidden = len(network.layout.units) - 2
    require(len(network.activations) == len(network.dropout) == hidden, "hidden layers differ in number")
    require(all(0 <= rate < 1 for rate in network.dropout), f"dropout must be in [0, 1), got {network.dropout}")


def check_classes(encoding):
    """Sorted classes, as many as go with the kind, and a loss of that kind."""
    prefix = "categorical_" if encoding.kind == "multiclass" else "binary_"
    require(encoding.loss.startswith(prefix), f"loss {encoding.loss!r} does not go with {encoding.kind} targets")
    require(increasing(encoding.classes), f"classes must be sorted, got {encoding.classes}")
    require(encoding.kind != "binary" or len(encoding.classes) <= 2, "there are more than two classes in one output")
    check_settings(encoding)


def check_values(encoding):
    """A loss of numbers, with the levels of quantiles where those are predicted."""
    require(not encoding.loss.startswith(("categorical_", "binary_")), f"loss {encoding.loss!r} is one of classes")
    levels = encoding.loss_settings.get("levels")
    require((levels is not None) == (encoding.loss == "quantile"), "quantile levels belong to the quantile loss")
    if levels is not None:
        require(encoding.n_targets == 1 and isinstance(levels, tuple) and len(levels) > 0, "no levels of one target")
        require(increasing((0, *levels, 1)), f"levels must increase in (0, 1), got {levels}")
    check_settings(encoding)


def check_settings(encoding):
    """Settings that losses have."""
    for name, value in encoding.loss_settings.items():
        known = name in LossSettings._fields and not isinstance(value, tuple)
        require(known or name == "levels", f"losses have no setting {name}={value!r}")


def check_labels(classifier):
    """The classes that are public are those of the encoding."""
    require(np.array_equal(classifier.classes_, classifier._encoding.classes), "classes_ are not those of the target")


def check_mlp(estimator):
    """What kernels rely on, who look at no index and no length themselves."""
    network, encoding, parameters = estimator._network, estimator._encoding, estimator._parameters
    units, names = network.layout.units, getattr(estimator, "feature_names_in_", None)
    if encoding.is_classifier:
        check_labels(estimator)
        require(estimator._kind(encoding.kind) == encoding.kind, f"targets are {encoding.kind}")
    settings = [value for name, value in encoding.loss_settings.items() if name != "levels"]
    require(all(map(NUMBER.holds, settings)), f"settings of a loss are numbers, got {settings}")
    require(units[0] == estimator.n_features_in_, "features and inputs of the network differ in number")
    require(names is None or len(names) == units[0], "features and their names differ in number")
    require(units[-1] == encoding.n_outputs == estimator.n_outputs_, "targets and outputs differ in number")
    require(
        network.link == LOSSES[encoding.loss].link == estimator.out_activation_, "the output is that of another loss"
    )
    require(len(parameters) == network.layout.size, f"{len(parameters)} parameters are none of units {units}")
    require(len(units) == estimator.n_layers_, "layers differ in number")
    require(len({len(values) for values in estimator.history_.values()}) <= 1, "lists of the history differ in length")
    if hasattr(estimator, "_optimizer"):
        check_optimizer(**estimator._optimizer, n_trained=network.layout.n_trained)


def check_optimizer(solver, schedule, state, n_trained):
    """Slots for all parameters that are trained."""
    slots, kept = state
    require(solver in OPTIMISERS and isinstance(schedule, tuple(SCHEDULES.values())), "no optimiser of a partial fit")
    require(array(FLOATS, 2).holds(slots) and REALS.holds(kept), "an optimiser's state is arrays of numbers")
    same = slots.shape == (OPTIMISERS[solver].slots, n_trained) and len(kept) == N_KEPT
    require(same, "the optimiser is that of another network")
    require(0 <= kept[-1] < 2**53, f"{kept[-1]} is no number of steps")


def check_ensemble(estimator):
    """Members that take what the encoder gives and give what the calibration takes."""
    encoding, members = estimator._encoding, estimator.estimators_
    n_outputs = encoding.n_outputs
    if encoding.is_classifier:
        check_labels(estimator)
    loss = encoding.loss.removeprefix("categorical_").removeprefix("binary_")
    require(loss == estimator._loss, f"loss {estimator._loss!r} is not that of the target")
    require(hasattr(estimator.encoder_, "_n_features_out") and len(members) > 0, "the encoder or members are missing")
    for member in members:
        fitted = isinstance(member, estimator._member_type) and member.__sklearn_is_fitted__()
        require(fitted, "a member is no fitted one of this estimator's")
        require(member.n_features_in_ == estimator.encoder_._n_features_out, "a member takes other features")
        require(member.n_outputs_ == n_outputs, "a member has other outputs")
        kinds = {getattr(each, "kind", None) for each in (member._encoding, encoding)}
        require(len(kinds) == 1, "a member has other targets")
    for name in ("_mean", "_scale", "_lowest", "_highest"):
        require(len(getattr(estimator, name, [0])) in (1, n_outputs), f"{name} is of other outputs")
    for name in ("residual_variance_", "quantile_offsets_"):
        require(len(getattr(estimator, name, [0] * n_outputs)) == n_outputs, f"{name} is of other outputs")
    quantiles = not encoding.is_classifier and encoding.loss == "quantile"
    require(hasattr(estimator, "quantile_offsets_") == quantiles, "quantile_offsets_ belong to the quantile loss")


ENCODING = {
    "loss": one_of(*LOSSES),
    "loss_settings": named(either(NUMBER, several(NUMBER, tuple), REALS)),
}
MLP = {
    "n_features_in_": SIZE,
    "feature_names_in_": optional(objects(str)),
    "_network": instance(Network),
    "_parameters": array(FLOATS),
    "t_": COUNT,
    "n_iter_": COUNT,
    "loss_": NUMBER,
    "loss_curve_": several(NUMBER, list),
    "validation_scores_": or_none(several(NUMBER, list)),
    "best_loss_": or_none(NUMBER),
    "best_validation_score_": or_none(NUMBER),
    "best_iteration_": or_none(SIZE),
    "history_": named(several(NUMBER, list)),
    "_no_improvement_count": COUNT,
    "_best_monitored": Kind(
        "a name and a number",
        lambda value: isinstance(value, tuple) and len(value) == 2 and TEXT.holds(value[0]) and NUMBER.holds(value[1]),
    ),
    "n_layers_": SIZE,
    "n_outputs_": SIZE,
    "out_activation_": TEXT,
    "device_": TEXT,
    "_optimizer": optional(instance(dict)),
}
ENSEMBLE = {
    "encoder_": instance(TabularEncoder),
    "_loss": TEXT,
    "estimators_": several(instance(MLPClassifier, MLPRegressor), list),
    "n_iter_": COUNT,
    "device_": TEXT,
    "oof_score_": NUMBER,
    "oof_prediction_": optional(either(REALS, array([np.float64], 2))),
}
CLASSES = {"classes_": LABELS, "_encoding": instance(ClassEncoding)}
VALUES = {"_encoding": instance(ValueEncoding)}

register(
    Record(
        Layout,
        {"units": several(SIZE, tuple), "normalization": one_of(*PARTS), "scaled": FLAG},
        check_layout,
    ),
    Record(
        Network,
        {
            "layout": instance(Layout),
            "activations": several(one_of(*ACTIVATIONS), tuple),
            "link": TEXT,
            "dropout": several(NUMBER, tuple),
        },
        check_network,
    ),
    Record(
        ClassEncoding,
        {
            "classes": LABELS,
            "kind": one_of("binary", "multiclass", "multilabel"),
            "sparse_labels": FLAG,
            **ENCODING,
        },
        check_classes,
    ),
    Record(ValueEncoding, {"n_targets": SIZE, **ENCODING}, check_values),
    *(
        Record(
            schedule,
            {
                "rate": NUMBER,
                "first": NUMBER,
                "power_t": NUMBER,
                "max_iter": SIZE,
                "patience": SIZE,
                "waited": optional(COUNT),
                "epoch": optional(COUNT),
            },
        )
        for schedule in SCHEDULES.values()
    ),
    *(
        Record(splitter, {"n_splits": integer(2), "shuffle": FLAG, "random_state": SEED})
        for splitter in (KFold, StratifiedKFold)
    ),
    *(
        EstimatorRecord(estimator, MLP | CLASSES, check_mlp)
        for estimator in (MLPBinaryClassifier, MLPMulticlass, MLPClassifier)
    ),
    EstimatorRecord(MLPRegressor, MLP | VALUES, check_mlp),
    EstimatorRecord(TabularMLPClassifier, ENSEMBLE | CLASSES | {"temperature_": NUMBER}, check_ensemble),
    EstimatorRecord(
        TabularMLPRegressor,
        ENSEMBLE
        | VALUES
        | dict.fromkeys(("_mean", "_scale", "_lowest", "_highest", "residual_variance_"), REALS)
        | {"quantile_offsets_": optional(REALS)},
        check_ensemble,
    ),
)
