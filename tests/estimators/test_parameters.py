"""A parameter that cannot be is named before any training, with what was given and what is allowed."""

import numpy as np
import pytest
from sklearn import neural_network

import skmlp

X = np.random.default_rng(0).standard_normal((30, 4))
LABELS = (X[:, 0] > 0).astype(int)
VALUES = X[:, 0] + X[:, 1] ** 2

ACTIVATIONS = [
    *("identity", "logistic", "tanh", "relu"),
    *("leaky_relu", "elu", "selu", "gelu", "silu", "mish", "softplus"),
]
SOLVERS = ["sgd", "adam", "adamw", "nadam", "amsgrad", "rmsprop", "adagrad", "adadelta", "lion", "lbfgs"]
SCHEDULES = ["constant", "invscaling", "adaptive", "exponential", "cosine", "one_cycle", "coslog4", "plateau"]
INITIALISERS = [
    *("auto", "glorot_uniform", "glorot_normal", "he_uniform", "he_normal"),
    *("lecun_normal", "orthogonal", "ntk"),
]
LOSSES_OF_VALUES = ["squared_error", "absolute_error", "huber", "log_cosh", "quantile", "poisson", "gamma"]
EVERY_ESTIMATOR = pytest.mark.parametrize(
    "name", ["MLPBinaryClassifier", "MLPMulticlass", "MLPClassifier", "MLPRegressor"]
)


def fit_error(name, **parameters):
    y = VALUES if name == "MLPRegressor" else LABELS
    with pytest.raises((ValueError, TypeError)) as error:
        getattr(skmlp, name)(**parameters).fit(X, y)
    return str(error.value)


def assert_names(message, *fragments):
    for fragment in fragments:
        assert fragment in message, f"{fragment!r} is missing in: {message}"


UNKNOWN_NAMES = {
    "activation": ACTIVATIONS,
    "solver": SOLVERS,
    "learning_rate": SCHEDULES,
    "weight_init": INITIALISERS,
    "normalization": ["None"],
    "parametrization": ["standard", "ntk"],
    "batch_size": ["auto"],
    "monitor": ["auto", "loss", "val_loss"],
    "dtype": ["auto", "float32", "float64", "input"],
    "device": ["cpu", "cuda", "cuda:N", "auto"],
}


@EVERY_ESTIMATOR
@pytest.mark.parametrize("parameter", UNKNOWN_NAMES)
def test_unknown_names_list_what_is_allowed(name, parameter):
    message = fit_error(name, **{parameter: "nonsense"})
    assert_names(message, parameter, "'nonsense'", *UNKNOWN_NAMES[parameter])


@EVERY_ESTIMATOR
def test_unknown_loss_lists_what_is_allowed(name):
    allowed = LOSSES_OF_VALUES if name == "MLPRegressor" else ["log_loss", "focal"]
    assert_names(fit_error(name, loss="hinge"), "loss", "'hinge'", *allowed)


@EVERY_ESTIMATOR
def test_loss_of_the_other_kind_is_unknown(name):
    loss = "log_loss" if name == "MLPRegressor" else "squared_error"
    assert_names(fit_error(name, loss=loss), "loss", repr(loss))


@EVERY_ESTIMATOR
@pytest.mark.parametrize("metrics", [("acuracy",), ["r2", "acuracy"]])
def test_unknown_metric_lists_what_is_allowed(name, metrics):
    assert_names(fit_error(name, metrics=metrics), "metrics", "'acuracy'", "accuracy", "r2")


def test_metric_of_another_kind():
    assert_names(fit_error("MLPClassifier", metrics=(3,)), "metrics", "3")


OUT_OF_RANGE = {
    "alpha": (-1.0, ["0"]),
    "l1_ratio": (1.5, ["0", "1"]),
    "learning_rate_init": (0.0, ["0"]),
    "power_t": (-0.5, ["0"]),
    "momentum": (1.5, ["0", "1"]),
    "beta_1": (1.0, ["0", "1"]),
    "beta_2": (-0.1, ["0", "1"]),
    "epsilon": (0.0, ["0"]),
    "rho": (1.5, ["0", "1"]),
    "bias_rate": (-0.1, ["0"]),
    "feature_rate": (-0.1, ["0", "None"]),
    "max_time": (0.0, ["0", "None"]),
    "weight_decay": (-0.1, ["0", "None"]),
    "clip_norm": (0.0, ["0", "None"]),
    "max_fun": (0, ["1"]),
    "batch_size": (0, ["1"]),
    "max_iter": (0, ["1"]),
    "tol": (-1e-3, ["0"]),
    "n_iter_no_change": (0, ["1", "inf"]),
    "validation_fraction": (1.0, ["0", "1"]),
}


@EVERY_ESTIMATOR
@pytest.mark.parametrize("parameter", OUT_OF_RANGE)
def test_numbers_out_of_range(name, parameter):
    value, allowed = OUT_OF_RANGE[parameter]
    message = fit_error(name, **{parameter: value})
    assert_names(message, parameter, str(value), *allowed)


@pytest.mark.parametrize(
    "name, parameter, value, allowed",
    [
        ("MLPClassifier", "label_smoothing", 1.0, ["0", "1"]),
        ("MLPClassifier", "label_smoothing", -0.1, ["0", "1"]),
        ("MLPClassifier", "focal_gamma", -1.0, ["0"]),
        ("MLPRegressor", "delta", 0.0, ["0"]),
    ],
)
def test_parameters_of_losses_out_of_range(name, parameter, value, allowed):
    assert_names(fit_error(name, **{parameter: value}), parameter, str(value), *allowed)


@pytest.mark.parametrize("value", [np.nan, np.inf, None, "0.1", [0.1]])
@pytest.mark.parametrize("parameter", ["alpha", "learning_rate_init", "bias_rate", "tol", "beta_1", "epsilon"])
def test_what_is_no_number(parameter, value):
    assert_names(fit_error("MLPRegressor", **{parameter: value}), parameter, str(value))


@pytest.mark.parametrize("value", [2.5, -3, "many", None])
@pytest.mark.parametrize("parameter", ["batch_size", "max_iter", "max_fun", "n_iter_no_change"])
def test_what_is_no_count(parameter, value):
    assert_names(fit_error("MLPRegressor", **{parameter: value}), parameter, str(value))


@pytest.mark.parametrize("parameter", ["shuffle", "early_stopping", "warm_start", "nesterovs_momentum", "restore_best"])
def test_what_is_no_truth_value(parameter):
    assert_names(fit_error("MLPRegressor", **{parameter: "yes"}), parameter, "yes")


@pytest.mark.parametrize("parameter, value", [("random_state", "seed"), ("verbose", "loud"), ("n_jobs", "all")])
def test_other_types(parameter, value):
    assert_names(fit_error("MLPRegressor", **{parameter: value}), parameter, value)


def test_no_job_at_all():
    assert_names(fit_error("MLPRegressor", n_jobs=0), "n_jobs", "0")


class TestHiddenLayerSizes:
    @pytest.mark.parametrize("sizes", [0, -1, (5, 0), [5, -3]])
    def test_that_are_not_positive(self, sizes):
        message = fit_error("MLPClassifier", hidden_layer_sizes=sizes)
        with pytest.raises(ValueError) as theirs:
            neural_network.MLPClassifier(hidden_layer_sizes=sizes).fit(X, LABELS)
        if np.ndim(sizes):
            # Of a single size scikit-learn speaks as of any other parameter.
            assert message.startswith(str(theirs.value).rstrip("."))
        assert_names(message, "hidden_layer_sizes", str(list(np.atleast_1d(sizes))[-1]))

    @pytest.mark.parametrize("sizes", [2.5, (5, 2.5), "wide", ("wide",), None, (None,), ((5, 2),)])
    def test_that_are_no_counts(self, sizes):
        assert_names(fit_error("MLPRegressor", hidden_layer_sizes=sizes), "hidden_layer_sizes")

    @pytest.mark.parametrize("activation", [(), ("relu",), ["relu", "tanh", "relu"]])
    def test_that_are_fewer_or_more_than_activations(self, activation):
        message = fit_error("MLPRegressor", hidden_layer_sizes=(5, 3), activation=activation)
        assert_names(message, "activation", "hidden", "2", str(len(activation)))

    def test_with_one_unknown_activation(self):
        message = fit_error("MLPRegressor", hidden_layer_sizes=(5, 3), activation=("relu", "nonsense"))
        assert_names(message, "activation", "'nonsense'", *ACTIVATIONS)


@EVERY_ESTIMATOR
def test_there_cannot_be_no_thread(name):
    assert_names(fit_error(name, n_jobs=0), "n_jobs", "0")


@EVERY_ESTIMATOR
@pytest.mark.parametrize("device", ["cuda:", "cuda:x", "cuda:-1", "cuda:01", "cuda:1 ", "CUDA", "gpu", "", None, 0])
def test_names_of_devices(name, device):
    assert_names(fit_error(name, device=device), "device", repr(device), "'cpu'", "'cuda'", "'cuda:N'", "'auto'")


@pytest.mark.parametrize("value", [0.0, 1.0, -0.1, [], [0.5, 0.5], [0.9, 0.1], [0.1, 1.0], [[0.1, 0.5]], "half"])
def test_quantiles_are_increasing_levels(value):
    assert_names(fit_error("MLPRegressor", loss="quantile", quantile=value), "quantile", str(value))


def test_quantiles_of_several_targets_are_refused():
    with pytest.raises(ValueError, match="loss='quantile' takes one target, y has 2 columns"):
        skmlp.MLPRegressor(loss="quantile").fit(X, np.column_stack([VALUES, VALUES]))


@EVERY_ESTIMATOR
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("monitor", ["accurcy", "val_balanced_accuracy", "learning_rate"])
def test_monitor_must_be_measured(name, monitor, early_stopping):
    parameters = {"metrics": ("explained_variance",), "monitor": monitor, "early_stopping": early_stopping}
    message = fit_error(name, **parameters)
    assert_names(
        message,
        "monitor",
        repr(monitor),
        "'auto'",
        "'loss'",
        "'val_loss'",
        "'explained_variance'",
        "'val_explained_variance'",
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, "0.1", [0.1]])
@pytest.mark.parametrize("parameter", ["feature_rate", "max_time"])
def test_what_is_no_number_and_not_none(parameter, value):
    assert_names(fit_error("MLPRegressor", **{parameter: value}), parameter, str(value), "None")


CANNOT = [
    *({"l1_ratio": 0.5}, {"dropout": 0.5}, {"clip_norm": 1.0}, {"weight_decay": 0.1}, {"normalization": "batch"}),
    *({"feature_rate": 1.0}, {"feature_rate": 0.0}),
]


@pytest.mark.parametrize("parameters", CANNOT, ids=str)
def test_lbfgs_refuses_what_it_cannot_do(parameters):
    (parameter,) = parameters
    assert_names(fit_error("MLPRegressor", solver="lbfgs", **parameters), parameter)


@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_lbfgs_refuses_a_gpu(device):
    message = fit_error("MLPRegressor", solver="lbfgs", device=device)
    assert_names(message, repr(device), "solver='lbfgs'", "on the CPU only", "'cpu'", "'auto'", "'adam'")


def test_lbfgs_names_itself_where_it_cannot():
    assert_names(fit_error("MLPRegressor", solver="lbfgs", l1_ratio=0.5), "l1_ratio", "lbfgs")


@EVERY_ESTIMATOR
@pytest.mark.parametrize("parameter, value", [("alpha", -1.0), ("activation", "nonsense"), ("batch_size", 0)])
def test_partial_fit_refuses_them_too(name, parameter, value):
    model = getattr(skmlp, name)(**{parameter: value})
    target = {"y": VALUES} if name == "MLPRegressor" else {"y": LABELS, "classes": [0, 1]}
    with pytest.raises(ValueError, match=parameter):
        model.partial_fit(X, **target)
    assert not hasattr(model, "coefs_")


@EVERY_ESTIMATOR
def test_constructor_checks_nothing_and_keeps_what_it_is_given(name):
    """As scikit-learn's conventions ask: what cannot be is found by fit, and clone gives the same again."""
    sizes = np.array([3, 2])
    model = getattr(skmlp, name)(hidden_layer_sizes=sizes, activation="nonsense", alpha="much")
    assert model.hidden_layer_sizes is sizes
    assert model.get_params()["alpha"] == "much"


def test_unknown_parameters_are_refused():
    with pytest.raises(TypeError, match="hidden_layers"):
        skmlp.MLPClassifier(hidden_layers=(3,))
