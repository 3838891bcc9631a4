"""The constructor's parameters: what each means, what it may be, and what goes with what.

One entry of :data:`PARAMETERS` holds a parameter's constraint, which scikit-learn's validation checks and words the
error of, and its documentation, from which the docstrings of the estimators are put together.
"""

from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from sklearn.utils._param_validation import Interval, Options, StrOptions

from skmlp.formulas.activations import ACTIVATIONS
from skmlp.network.initialisers import INITIALISERS
from skmlp.training.schedules import SCHEDULES

FIRST_ORDER_SOLVERS = ("sgd", "adam", "rmsprop")


class Parameter(NamedTuple):
    """A parameter's documentation (type line and description) and scikit-learn constraint."""

    kind: str
    doc: str
    constraint: list


def _positive(*, zero, one=None):
    """An interval of real numbers from 0, open there unless ``zero``, to below ``one``."""
    closed = "left" if zero else "neither"
    return Interval(Real, 0, one, closed=closed)


def _count():
    return Interval(Integral, 1, None, closed="left")


def _names(table):
    return StrOptions(set(table))


PARAMETERS = {
    "hidden_layer_sizes": Parameter(
        "int or array-like of int, default=(100,)",
        "Units of each hidden layer; ``()`` for none.",
        ["array-like", _count()],
    ),
    "activation": Parameter(
        "{'identity', 'logistic', 'tanh', 'relu'} or list of these, default='relu'",
        "Activation of the hidden layers: one for all, or one for each.",
        [_names(ACTIVATIONS), "array-like"],
    ),
    "dropout": Parameter("float, default=0.0", "Only 0.0 so far: no dropout.", [Options(Real, {0.0})]),
    "normalization": Parameter("None", "Only None so far: no normalisation.", [None]),
    "weight_init": Parameter(
        "{'auto'}, default='auto'",
        "Starting values: uniform in ±√(6 / (n_in + n_out)) (2 for 6 with 'logistic'), biases too, as scikit-learn.",
        [_names(INITIALISERS)],
    ),
    "alpha": Parameter(
        "float >= 0, default=1e-4",
        "Strength of the penalty on the weights, divided by the rows (their summed weights) of a batch.",
        [_positive(zero=True)],
    ),
    "l1_ratio": Parameter(
        "float in [0, 1], default=0.0",
        "Share of the penalty that is alpha Σ|w|; the rest is ½ alpha Σw². Not with 'lbfgs'.",
        [Interval(Real, 0, 1, closed="both")],
    ),
    "class_weight": Parameter(
        "dict, 'balanced', list of dict or None, default=None",
        "Weight of each class, times the sample weights; 'balanced': inversely to the classes' frequencies. A list for "
        "multilabel targets.",
        [dict, list, StrOptions({"balanced"}), None],
    ),
    "label_smoothing": Parameter("float, default=0.0", "Only 0.0 so far.", [Options(Real, {0.0})]),
    "focal_gamma": Parameter("float >= 0, default=2.0", "Of the focal loss, which is to come.", [_positive(zero=True)]),
    "quantile": Parameter(
        "float in (0, 1), default=0.5",
        "Of the quantile loss, which is to come.",
        [Interval(Real, 0, 1, closed="neither")],
    ),
    "delta": Parameter("float > 0, default=1.0", "Of the Huber loss, which is to come.", [_positive(zero=False)]),
    "solver": Parameter(
        "{'sgd', 'adam', 'rmsprop', 'lbfgs'}, default='adam'",
        "The optimiser. 'lbfgs' works on all rows at once, and ignores what is about steps and batches.",
        [StrOptions({*FIRST_ORDER_SOLVERS, "lbfgs"})],
    ),
    "learning_rate": Parameter(
        "{'constant', 'invscaling', 'adaptive'}, default='constant'",
        "The schedule. 'invscaling': learning_rate_init / (t_ + 1)**power_t after each epoch. 'adaptive': a fifth each "
        "time training would stop, down to 1e-6.",
        [_names(SCHEDULES)],
    ),
    "learning_rate_init": Parameter("float > 0, default=0.001", "The learning rate.", [_positive(zero=False)]),
    "power_t": Parameter("float >= 0, default=0.5", "Exponent of 'invscaling'.", [_positive(zero=True)]),
    "weight_decay": Parameter(
        "None or 0, default=None", "Decoupled weight decay; only none so far.", [None, Options(Real, {0.0})]
    ),
    "momentum": Parameter("float in [0, 1], default=0.9", "Momentum of 'sgd'.", [Interval(Real, 0, 1, closed="both")]),
    "nesterovs_momentum": Parameter("bool, default=True", "Nesterov's momentum, for 'sgd'.", ["boolean"]),
    "beta_1": Parameter(
        "float in [0, 1), default=0.9", "Decay of the first moment of 'adam'.", [_positive(zero=True, one=1)]
    ),
    "beta_2": Parameter(
        "float in [0, 1), default=0.999", "Decay of the second moment of 'adam'.", [_positive(zero=True, one=1)]
    ),
    "epsilon": Parameter("float > 0, default=1e-8", "Added to the root of the second moment.", [_positive(zero=False)]),
    "rho": Parameter("float in [0, 1), default=0.9", "Decay of 'rmsprop'.", [_positive(zero=True, one=1)]),
    "clip_norm": Parameter("None", "Only None so far: gradients are not clipped.", [None]),
    "max_fun": Parameter(
        "int >= 1, default=15000",
        "Most evaluations of the loss, for 'lbfgs'.",
        [_count()],
    ),
    "batch_size": Parameter(
        "int >= 1 or 'auto', default='auto'",
        "Rows of a batch; 'auto': min(200, n_samples).",
        [StrOptions({"auto"}), _count()],
    ),
    "max_iter": Parameter("int >= 1, default=200", "Most epochs (iterations of 'lbfgs').", [_count()]),
    "shuffle": Parameter("bool, default=True", "Whether to shuffle the rows in each epoch.", ["boolean"]),
    "tol": Parameter(
        "float >= 0, default=1e-4",
        "Gain in the loss or the validation score that counts as an improvement.",
        [_positive(zero=True)],
    ),
    "n_iter_no_change": Parameter(
        "int >= 1 or inf, default=10",
        "Epochs without an improvement after which training stops; inf: exactly max_iter epochs.",
        [_count(), Options(Real, {np.inf})],
    ),
    "early_stopping": Parameter(
        "bool, default=False",
        "Whether to stop by the score on validation data, and keep the best epoch.",
        ["boolean"],
    ),
    "validation_fraction": Parameter(
        "float in [0, 1), default=0.1",
        "Share of the rows set aside with early stopping, unless ``X_val`` is given.",
        [_positive(zero=True, one=1)],
    ),
    "monitor": Parameter(
        "{'auto'}, default='auto'", "What early stopping watches: the validation score.", [StrOptions({"auto"})]
    ),
    "restore_best": Parameter(
        "bool, default=True", "Whether early stopping ends with the parameters of the best epoch.", ["boolean"]
    ),
    "warm_start": Parameter("bool, default=False", "Whether ``fit`` goes on from the fit before.", ["boolean"]),
    "random_state": Parameter(
        "int, RandomState instance or None, default=None",
        "Seed of initial values, validation split and shuffles. An integer makes fits bit-identical.",
        ["random_state"],
    ),
    "metrics": Parameter(
        "list or tuple, default=()",
        "Measured each epoch and by ``evaluate``: {own}, names of scikit-learn's scorers, and callables "
        "(y_true, y_pred). Greater is better.",
        ["array-like"],
    ),
    "verbose": Parameter("bool or int, default=0", "Whether to print each epoch.", ["verbose"]),
    "dtype": Parameter(
        "{'auto', 'float32', 'float64', 'input'}, default='auto'",
        "Of parameters, arithmetic and predictions. 'auto': float32, and float64 for 'lbfgs'. 'input': what X has.",
        [StrOptions({"auto", "float32", "float64", "input"})],
    ),
    "device": Parameter("{'cpu'}, default='cpu'", "Where to compute.", [StrOptions({"cpu"})]),
    "n_jobs": Parameter("None or 1, default=None", "Threads; one so far.", [None, Options(Integral, {1})]),
}

LOSS_CLASSIFIER = Parameter(
    "{'log_loss'}, default='log_loss'", "Cross-entropy of the predicted probabilities.", [StrOptions({"log_loss"})]
)
LOSS_REGRESSOR = Parameter(
    "{'squared_error', 'poisson'}, default='squared_error'",
    "Half the squared error, or half the Poisson deviance with an exponential output, for y >= 0. Summed over outputs.",
    [StrOptions({"squared_error", "poisson"})],
)


def hidden_layers(hidden_layer_sizes, activation):
    """Sizes and activations of the hidden layers as tuples.

    Raises
    ------
    ValueError
        If a size is not a positive integer, or the activations are not one a layer, or unknown.
    """
    sizes = [hidden_layer_sizes] if isinstance(hidden_layer_sizes, Integral) else list(hidden_layer_sizes)
    if any(not isinstance(size, Integral) or isinstance(size, bool) or size <= 0 for size in sizes):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}. Each must be an integer.")
    names = [activation] * len(sizes) if isinstance(activation, str) else list(activation)
    if len(names) != len(sizes):
        raise ValueError(
            f"activation: got {len(names)} for {len(sizes)} hidden layers; give one name, or one for each layer."
        )
    for name in names:
        if name not in ACTIVATIONS:
            raise ValueError(f"activation: unknown name {name!r}; allowed are {sorted(ACTIVATIONS)}.")
    return tuple(map(int, sizes)), tuple(names)


def check_together(estimator):
    """Refuse values that do not go together."""
    if estimator.solver == "lbfgs" and estimator.l1_ratio > 0:
        raise ValueError(
            f"l1_ratio={estimator.l1_ratio} with solver='lbfgs': L-BFGS needs a smooth penalty; use l1_ratio=0.0 or "
            f"one of {list(FIRST_ORDER_SOLVERS)}."
        )


def store(estimator, arguments):
    """Set each argument of a constructor, given as its ``locals()``, as an attribute."""
    for name, value in arguments.items():
        if name not in ("self", "__class__"):
            setattr(estimator, name, value)
