"""The constructor's parameters: what each means, what it may be, and what goes with what.

One entry of :data:`PARAMETERS` holds a parameter's constraint, which scikit-learn's validation checks and words the
error of, and its documentation, from which the docstrings of the estimators are put together.
"""

import inspect
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from sklearn.utils._param_validation import Interval, Options, StrOptions

from skmlp.devices import is_device
from skmlp.formulas.activations import ACTIVATIONS
from skmlp.formulas.custom import CustomActivation, CustomLoss
from skmlp.formulas.optimisers import OPTIMISERS
from skmlp.network.initialisers import AUTO, INITIALISERS, NTK
from skmlp.training.schedules import SCHEDULES

FIRST_ORDER_SOLVERS = tuple(name for name in OPTIMISERS if name != "keep_gradient")


class Parameter(NamedTuple):
    """A parameter's documentation (type line and description) and scikit-learn constraint."""

    kind: str
    doc: str
    constraint: list


class Devices(StrOptions):
    """Names of devices, of which there is one for each GPU."""

    def __init__(self):
        super().__init__({"cpu", "cuda", "cuda:N", "auto"})

    def is_satisfied_by(self, value):
        """Whether the parameter may be this."""
        return isinstance(value, str) and is_device(value)


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
        "{'identity', 'logistic', 'tanh', 'relu', 'leaky_relu', 'elu', 'selu', 'gelu', 'silu', 'mish', 'softplus'}, "
        "CustomActivation or list of these, default='relu'",
        "Activation of the hidden layers: one for all, or one for each. Your own: :class:`~skmlp.CustomActivation`.",
        [_names(ACTIVATIONS), CustomActivation, "array-like"],
    ),
    "dropout": Parameter(
        "float in [0, 1) or list of these, default=0.0",
        "Share of the values of each hidden layer that is set to 0 in training: one rate, or one for each layer.",
        [_positive(zero=True, one=1), "array-like"],
    ),
    "normalization": Parameter(
        "{'batch', 'layer'} or None, default=None",
        "Normalisation of each hidden layer, before its activation: of each unit over the rows of a batch, by their "
        "weights ('batch'; running averages take their place in prediction), or of each row over the units ('layer').",
        [StrOptions({"batch", "layer"}), None],
    ),
    "weight_init": Parameter(
        "{'auto', 'glorot_uniform', 'glorot_normal', 'he_uniform', 'he_normal', 'lecun_normal', 'orthogonal', 'ntk'}, "
        "default='auto'",
        "Starting values of the weights; biases start at 0. 'auto': for scikit-learn's four activations as there, "
        "uniform in ±√(6 / (n_in + n_out)) (2 for 6 with 'logistic'), biases too; else what suits the activation, "
        "'he_normal' (also your own) or 'lecun_normal'. 'ntk': weights normal of variance 1 / n_in, biases of "
        "variance 1, and an output layer of zeros.",
        [_names([AUTO, NTK, *INITIALISERS])],
    ),
    "parametrization": Parameter(
        "{'standard', 'ntk'}, default='standard'",
        "With 'ntk', the neural tangent parametrisation, the learning rate of the weights of a layer is divided by "
        "√n_in (with 'sgd', whose steps are proportional to the gradient, by n_in), so that one rate suits all widths. "
        "Ignored by 'lbfgs'.",
        [StrOptions({"standard", "ntk"})],
    ),
    "alpha": Parameter(
        "float >= 0, default=1e-4",
        "Strength of the penalty on the weights, counted once a batch: the mean loss of a batch gets alpha times the "
        "penalty, over the rows of the batch (over their summed weights).",
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
    "label_smoothing": Parameter(
        "float in [0, 1), default=0.0",
        "Share of each target that is spread evenly over the classes, for loss='log_loss'.",
        [_positive(zero=True, one=1)],
    ),
    "focal_gamma": Parameter("float >= 0, default=2.0", "Exponent γ of the focal loss.", [_positive(zero=True)]),
    "quantile": Parameter(
        "float in (0, 1) or list of these, default=0.5",
        "Level of the quantile loss, or increasing levels: one output column each, which do not cross.",
        [Interval(Real, 0, 1, closed="neither"), "array-like"],
    ),
    "delta": Parameter(
        "float > 0, default=1.0", "Residual from which on the Huber loss is linear.", [_positive(zero=False)]
    ),
    "solver": Parameter(
        "{'sgd', 'adam', 'adamw', 'nadam', 'amsgrad', 'rmsprop', 'adagrad', 'adadelta', 'lion', 'lbfgs'}, "
        "default='adam'",
        "The optimiser. 'lbfgs' works on all rows at once, and ignores what is about steps and batches.",
        [StrOptions({*FIRST_ORDER_SOLVERS, "lbfgs"})],
    ),
    "learning_rate": Parameter(
        "{'constant', 'invscaling', 'adaptive', 'exponential', 'cosine', 'one_cycle', 'coslog4', 'plateau'} or "
        "callable, default='constant'",
        "The schedule. 'invscaling': ``learning_rate_init / (t_ + 1)**power_t`` after each epoch. 'adaptive': a fifth "
        "each time training would stop, down to 1e-6. 'plateau': a fifth after n_iter_no_change // 2 epochs (5 if that "
        "is inf) without an improvement, down to 1e-6. Step by step: 'exponential' falls to a hundredth at max_iter, "
        "'cosine' to 0; 'one_cycle' rises from a 25th over 30 % of the steps, then falls to a 10,000th; 'coslog4' goes "
        "from 0 to the rate and back four times, each time taking twice as long as before (while it rises the loss "
        "may, too, so n_iter_no_change=inf goes with it); a callable maps the fraction of the training done, in "
        "[0, 1], to a factor of learning_rate_init.",
        [_names(SCHEDULES), callable],
    ),
    "learning_rate_init": Parameter("float > 0, default=0.001", "The learning rate.", [_positive(zero=False)]),
    "power_t": Parameter("float >= 0, default=0.5", "Exponent of 'invscaling'.", [_positive(zero=True)]),
    "bias_rate": Parameter(
        "float >= 0, default=1.0",
        "Factor of the learning rate of the biases. Ignored by 'lbfgs', which has none.",
        [_positive(zero=True)],
    ),
    "feature_rate": Parameter(
        "float >= 0 or None, default=None",
        "With a number each feature is multiplied by a learned scale, and this is the factor of the learning rate of "
        "those. The scales are part of ``coefs_[0]``; penalty and decay act on the weights without them. Not with "
        "'lbfgs'.",
        [_positive(zero=True), None],
    ),
    "weight_decay": Parameter(
        "float >= 0 or None, default=None",
        "Decoupled decay of the weights, by learning rate times this at each step. None: 0.01 for 'adamw', else 0.",
        [_positive(zero=True), None],
    ),
    "momentum": Parameter("float in [0, 1], default=0.9", "Momentum of 'sgd'.", [Interval(Real, 0, 1, closed="both")]),
    "nesterovs_momentum": Parameter("bool, default=True", "Nesterov's momentum, for 'sgd'.", ["boolean"]),
    "beta_1": Parameter(
        "float in [0, 1), default=0.9",
        "Decay of the first moment of 'adam', its kin and 'lion'.",
        [_positive(zero=True, one=1)],
    ),
    "beta_2": Parameter(
        "float in [0, 1), default=0.999",
        "Decay of the second moment of 'adam' and its kin; of the average of 'lion'.",
        [_positive(zero=True, one=1)],
    ),
    "epsilon": Parameter("float > 0, default=1e-8", "Added to the root of the second moment.", [_positive(zero=False)]),
    "rho": Parameter(
        "float in [0, 1), default=0.9", "Decay of 'rmsprop' and 'adadelta'.", [_positive(zero=True, one=1)]
    ),
    "clip_norm": Parameter(
        "float > 0 or None, default=None",
        "Norm to which a longer gradient, penalty included, is scaled down.",
        [_positive(zero=False), None],
    ),
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
    "max_time": Parameter(
        "float > 0 or None, default=None",
        "Seconds, from the call on, after which training ends with what it has reached: an epoch is the last where "
        "another one that takes as long would not end in time. At least one is done, and schedules go by max_iter. "
        "Ignored by ``partial_fit``.",
        [_positive(zero=False), None],
    ),
    "shuffle": Parameter("bool, default=True", "Whether to shuffle the rows in each epoch.", ["boolean"]),
    "tol": Parameter(
        "float >= 0, default=1e-4",
        "Gain in the loss or the validation score that counts as an improvement.",
        [_positive(zero=True)],
    ),
    "n_iter_no_change": Parameter(
        "int >= 1 or inf, default=10",
        "Training stops when more epochs in a row than this bring no improvement; inf: exactly max_iter epochs.",
        [_count(), Options(Real, {np.inf})],
    ),
    "early_stopping": Parameter(
        "bool, default=False",
        "Whether to stop by the score on validation data, and keep the best epoch. Ignored by 'lbfgs', as in "
        "scikit-learn.",
        ["boolean"],
    ),
    "validation_fraction": Parameter(
        "float in [0, 1), default=0.1",
        "Share of the rows set aside with early stopping, unless ``X_val`` is given.",
        [_positive(zero=True, one=1)],
    ),
    "monitor": Parameter(
        "str, default='auto'",
        "What early stopping watches: 'auto' is the validation score; else a key of ``history_``, 'loss' and "
        "'val_loss' to be low, metrics ('val_<metric>') to be high.",
        [str],
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
        "Measured each epoch and by ``evaluate``: {own}, names of losses (negated), names of scikit-learn's scorers, "
        "and callables (y_true, y_pred), which go by their names, or ``metric_<place>`` where those cannot be keys. "
        "Where one is monitored, greater is better.",
        ["array-like"],
    ),
    "verbose": Parameter(
        "bool or int, default=0",
        "What is printed. 0: nothing. 1: on a terminal or in a notebook a bar with loss, validation value and time "
        "left, elsewhere a line each epoch. From 2 on: a line each epoch.",
        ["verbose"],
    ),
    "dtype": Parameter(
        "{'auto', 'float32', 'float64', 'input'}, default='auto'",
        "Of parameters, arithmetic and predictions. 'auto': float32, and float64 for 'lbfgs'. 'input': what X has.",
        [StrOptions({"auto", "float32", "float64", "input"})],
    ),
    "device": Parameter(
        "{'cpu', 'cuda', 'cuda:N', 'auto'}, default='cpu'",
        "Where to compute: on the CPU, or an NVIDIA GPU, number N, or 0 ('cuda'), which needs the extra ``cuda13`` or "
        "``cuda12``. 'auto': such a GPU if there is one, X is dense, dtype float32 and a step large enough to be "
        "faster there, otherwise the CPU. No GPU with 'lbfgs'. A fitted model predicts there, too, and on the CPU "
        "where there is no GPU.",
        [Devices()],
    ),
    "n_jobs": Parameter(
        "int or None, default=None",
        "Most threads, -1 for all cores. None: one where that is fastest, and the cores that are free where it pays. "
        "Their number changes no bit of a result.",
        [Interval(Integral, None, -1, closed="right"), _count(), None],
    ),
}

LOSS_CLASSIFIER = Parameter(
    "{'log_loss', 'focal'} or CustomLoss, default='log_loss'",
    "Cross-entropy of the predicted probabilities, or the focal loss, which gives less weight to easy rows. Your own, "
    "not for softmax outputs: :class:`~skmlp.CustomLoss`.",
    [StrOptions({"log_loss", "focal"}), CustomLoss],
)
LOSS_REGRESSOR = Parameter(
    "{'squared_error', 'absolute_error', 'huber', 'log_cosh', 'quantile', 'poisson', 'gamma'} or CustomLoss, "
    "default='squared_error'",
    "Half the squared error, the absolute error, the pinball loss, or half the deviance of a Poisson (y >= 0) or gamma "
    "(y > 0) distribution with an exponential output. Summed over outputs. Your own: :class:`~skmlp.CustomLoss`.",
    [StrOptions({"squared_error", "absolute_error", "huber", "log_cosh", "quantile", "poisson", "gamma"}), CustomLoss],
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
    names = [activation] * len(sizes) if isinstance(activation, str | CustomActivation) else list(activation)
    if len(names) != len(sizes):
        raise ValueError(
            f"activation: got {len(names)} for {len(sizes)} hidden layers; give one name, or one for each layer."
        )
    for name in names:
        if not isinstance(name, CustomActivation) and name not in ACTIVATIONS:
            raise ValueError(
                f"activation: unknown name {name!r}; allowed are {sorted(ACTIVATIONS)} and skmlp.CustomActivation."
            )
    return tuple(map(int, sizes)), tuple(names)


def dropout_rates(dropout, n_hidden):
    """Rate of dropout of each hidden layer.

    Raises
    ------
    ValueError
        If there are not as many as layers, or one is not in [0, 1).
    """
    rates = [dropout] * n_hidden if isinstance(dropout, Real) else list(dropout)
    if len(rates) != n_hidden:
        raise ValueError(f"dropout: got {len(rates)} rates for {n_hidden} hidden layers; give one, or one for each.")
    if not all(isinstance(rate, Real) and 0 <= rate < 1 for rate in rates):
        raise ValueError(f"dropout must be in [0, 1), got {dropout}.")
    return tuple(map(float, rates))


def batch_rows(batch_size, n_rows):
    """Rows of a batch, of so many rows.

    >>> batch_rows("auto", 1000), batch_rows(256, 100)
    (200, 100)
    """
    return min(200 if batch_size == "auto" else int(batch_size), n_rows)


def check_together(estimator, incremental=False):
    """Refuse values that do not go together, or not with a partial fit, and layers that cannot be.

    Raises
    ------
    ValueError
    """
    if incremental and estimator.early_stopping:
        raise ValueError("partial_fit does not support early_stopping=True")
    sizes, _ = hidden_layers(estimator.hidden_layer_sizes, estimator.activation)
    dropout_rates(estimator.dropout, len(sizes))
    if estimator.solver == "lbfgs":
        if estimator.device.startswith("cuda"):
            raise ValueError(
                f"device={estimator.device!r} does not go with solver='lbfgs', which runs on the CPU only; use "
                f"device='cpu' or 'auto', or one of {list(FIRST_ORDER_SOLVERS)}."
            )
        asked_for = {
            **{name: np.any(getattr(estimator, name)) for name in ("l1_ratio", "clip_norm", "weight_decay", "dropout")},
            "normalization": estimator.normalization == "batch",
            "feature_rate": estimator.feature_rate is not None,
        }
        for name, asked in asked_for.items():
            if asked:
                raise ValueError(
                    f"{name}={getattr(estimator, name)!r} does not go with solver='lbfgs', which needs a smooth "
                    f"objective and has no steps to act on; leave {name} at its default, or use one of "
                    f"{list(FIRST_ORDER_SOLVERS)}."
                )


def shared_with(constructor, other):
    """Names of the parameters that two constructors have in common, but for ``self``."""
    own, others = (list(inspect.signature(function).parameters)[1:] for function in (constructor, other))
    return tuple(name for name in own if name in others)


def store(estimator, arguments):
    """Set each argument of a constructor, given as its ``locals()``, as an attribute."""
    for name, value in arguments.items():
        if name not in ("self", "__class__"):
            setattr(estimator, name, value)
