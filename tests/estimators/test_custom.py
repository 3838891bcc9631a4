"""Estimators with losses and activations of the user's own."""

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from joblib import parallel_config
from numba import njit
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skmlp
from skmlp import CustomActivation, CustomLoss, MLPBinaryClassifier, MLPClassifier, MLPMulticlass, MLPRegressor
from skmlp.cpu.activation import activation_loops
from skmlp.cpu.loss import loss_loops
from skmlp.estimators import custom
from skmlp.formulas.activations import ACTIVATIONS
from skmlp.formulas.losses import LOSSES, LossSettings
from tests.own import SQUARE, SWISH, sigmoid, square, swish
from tests.ways import needs_jit

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RANDOM = np.random.default_rng(0)
VALUES = RANDOM.normal(size=200)
TARGETS = {
    "around 0": VALUES,
    "large": 1e6 * VALUES,
    "small": 1e-6 * VALUES,
    "far off": 1e6 + VALUES,
    "positive": np.exp(4.0 * VALUES),
    "classes": np.arange(2.0).repeat(5),
    "one value": np.ones(5),
}


@njit
def ramp(z):
    return max(z, 0.0)


@njit
def ramp_slope(z):
    return 1.0 if z > 0.0 else 0.0


@njit
def cross_entropy(z, y):
    return max(z, 0.0) - z * y + math.log(1.0 + math.exp(-abs(z)))


@njit
def cross_entropy_gradient(z, y):
    return sigmoid(z) - y


@njit
def counts(z, y):
    return math.exp(z) - y * z + (y * math.log(y) - y if y > 0.0 else 0.0)


@njit
def counts_gradient(z, y):
    return math.exp(z) - y


RAMP = CustomActivation(ramp, ramp_slope)
CROSS_ENTROPY = CustomLoss(cross_entropy, cross_entropy_gradient)
COUNTS = CustomLoss(counts, counts_gradient, link="exp")
# Estimator, task, name of a loss, the same restated.
KINDS = {
    "binary": (MLPBinaryClassifier, "binary", "log_loss", CROSS_ENTROPY),
    "two classes": (MLPClassifier, "binary", "log_loss", CROSS_ENTROPY),
    "multilabel": (MLPClassifier, "multilabel", "log_loss", CROSS_ENTROPY),
    "regression": (MLPRegressor, "regression", "squared_error", SQUARE),
    "two outputs": (MLPRegressor, "regression2", "squared_error", SQUARE),
    "counts": (MLPRegressor, "poisson2", "poisson", COUNTS),
}
every_kind = pytest.mark.parametrize("estimator, task, name, loss", KINDS.values(), ids=KINDS)
WAYS = {
    "plain": {},
    "float64": {"dtype": "float64"},
    "early stopping": {"early_stopping": True, "monitor": "val_loss", "metrics": ("accuracy",)},
    "lbfgs": {"solver": "lbfgs", "max_iter": 5},
}


def model(estimator, loss, activation, **parameters):
    settings = {"max_iter": 4, "random_state": 0, "weight_init": "he_normal", "batch_size": 40}
    return estimator(hidden_layer_sizes=(7, 5), loss=loss, activation=activation, **settings | parameters)


def same_fit(one, other, X):
    """To rounding."""
    tolerance = 1e-4 if one.coefs_[0].dtype == np.float32 else 1e-9
    for ours, theirs in zip(one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(one.predict(X), other.predict(X), rtol=tolerance, atol=tolerance)
    for key in one.history_.keys() - {"seconds"}:
        np.testing.assert_allclose(one.history_[key], other.history_[key], rtol=tolerance, atol=tolerance)


# ---------------------------------------------------------------------------------------------------------------------
# Fits
# ---------------------------------------------------------------------------------------------------------------------


@every_kind
@pytest.mark.parametrize("way", WAYS)
def test_a_fit_is_that_of_the_formulas_restated(tasks, estimator, task, name, loss, way):
    data = tasks[task]
    parameters = dict(WAYS[way])
    if estimator is MLPRegressor and "metrics" in parameters:
        parameters["metrics"] = ("r2",)
    own, named = (
        model(estimator, *formulas, **parameters).fit(data.X, data.y, data.sample_weight)
        for formulas in ((loss, SWISH), (name, "silu"))
    )
    same_fit(own, named, data.X)
    assert own.out_activation_ == named.out_activation_
    np.testing.assert_allclose(own.score(data.X, data.y), named.score(data.X, data.y), rtol=1e-4)
    np.testing.assert_allclose(own.evaluate(data.X, data.y), named.evaluate(data.X, data.y), rtol=1e-4)


def test_with_sparse_rows_class_weights_and_validation_data(tasks):
    data = tasks["binary"]
    X = sparse.csr_matrix(np.maximum(data.X, 0.0))
    own, named = (
        model(MLPClassifier, *formulas, class_weight="balanced").fit(X, data.y, X_val=X[:50], y_val=data.y[:50])
        for formulas in ((CROSS_ENTROPY, SWISH), ("log_loss", "silu"))
    )
    same_fit(own, named, X)
    assert "val_loss" in own.history_


def test_partial_fit_and_warm_start(tasks):
    data = tasks["regression"]
    one, other = (model(MLPRegressor, SQUARE, activation, warm_start=True) for activation in (SWISH, "silu"))
    for each in (one, other):
        each.partial_fit(data.X, data.y).partial_fit(data.X, data.y).fit(data.X, data.y)
    same_fit(one, other, data.X)


def test_names_and_ones_own_stand_side_by_side(tasks):
    data = tasks["regression"]
    mixed = model(MLPRegressor, "squared_error", ["relu", SWISH]).fit(data.X, data.y)
    same_fit(mixed, model(MLPRegressor, "squared_error", (RAMP, "silu")).fit(data.X, data.y), data.X)
    table = mixed.summary().splitlines()
    assert table[1].split()[-2] == "relu" and table[2].split()[-2] == "swish"


def test_auto_starts_as_he_normal(tasks):
    data = tasks["regression"]
    auto, he = (
        model(MLPRegressor, SQUARE, [SWISH, SWISH], weight_init=name, max_iter=1, learning_rate_init=1e-30).fit(
            data.X, data.y
        )
        for name in ("auto", "he_normal")
    )
    np.testing.assert_array_equal(auto.coefs_[0], he.coefs_[0])


def test_a_regressor_may_have_a_logistic_output(tasks):
    X = tasks["regression"].X
    shares = 1.0 / (1.0 + np.exp(-X[:, 0]))
    loss = CustomLoss(cross_entropy, cross_entropy_gradient, link="logistic")
    predicted = model(MLPRegressor, loss, "tanh", max_iter=200, dtype="float64").fit(X, shares).predict(X)
    assert (predicted > 0.0).all() and (predicted < 1.0).all() and np.corrcoef(predicted, shares)[0, 1] > 0.9


# ---------------------------------------------------------------------------------------------------------------------
# As parameters
# ---------------------------------------------------------------------------------------------------------------------


def test_clones_and_representation():
    original = MLPRegressor(COUNTS, activation=[SWISH, "relu"])
    cloned = clone(original)
    assert cloned.loss is COUNTS and cloned.activation[0] is SWISH
    assert repr(original) == (
        "MLPRegressor(activation=[CustomActivation(swish, swish_slope), 'relu'],\n"
        "             loss=CustomLoss(counts, counts_gradient, link='exp'))"
    )


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_grid_search_in_threads(tasks, n_jobs):
    """For processes see the functions of __main__ below."""

    data = tasks["regression"]
    pipeline = make_pipeline(StandardScaler(), model(MLPRegressor, SQUARE, "relu", dtype="float64"))
    grid = {"mlpregressor__loss": [SQUARE, "squared_error"], "mlpregressor__activation": [SWISH, "silu", RAMP, "relu"]}
    with parallel_config("threading"):
        search = GridSearchCV(pipeline, grid, cv=2, n_jobs=n_jobs, error_score="raise").fit(data.X, data.y)
    scores = search.cv_results_["mean_test_score"].reshape(4, 2)
    np.testing.assert_allclose(scores[[0, 2]], scores[[1, 3]], rtol=1e-9)
    np.testing.assert_allclose(scores[:, 0], scores[:, 1], rtol=1e-9)


def test_a_grid_search_makes_no_new_loops(tasks):
    data = tasks["regression"]
    estimator = model(MLPRegressor, SQUARE, SWISH, max_iter=1)
    estimator.fit(data.X, data.y)
    loops = len(activation_loops._loops), len(loss_loops._loops), len(custom._checked)
    GridSearchCV(estimator, {"alpha": [0.1, 0.2, 0.3]}, cv=2).fit(data.X, data.y).predict(data.X)
    assert (len(activation_loops._loops), len(loss_loops._loops), len(custom._checked)) == loops


IN_MAIN = """
import pickle, sys, warnings
import joblib, numpy as np
from math import exp
from numba import njit
from sklearn.model_selection import GridSearchCV
from skmlp import CustomActivation, CustomLoss, MLPRegressor

warnings.simplefilter("ignore")
WIDTH = 0.5

@njit
def width(z):
    return WIDTH * z * z

def make(sign):
    return CustomActivation(njit(lambda z: sign * exp(-width(z))), njit(lambda z: -sign * z * exp(-WIDTH * z * z)))

def loss(z, y):
    return 0.5 * (z - y) ** 2

def gradient(z, y):
    return z - y

def loops():
    from skmlp.cpu.activation import activation_loops
    return len(activation_loops._loops)

X = np.random.default_rng(0).normal(size=(60, 3))
y = np.exp(-X[:, 0] ** 2)
if __name__ == "__main__":
    bells = [make(1.0), make(-1.0)]
    model = MLPRegressor(CustomLoss(loss, gradient), (8,), bells[0], max_iter=3, random_state=0)
    grid = {"activation": bells, "alpha": [0.0, 0.1]}
    searches = [GridSearchCV(model, grid, cv=2, n_jobs=n, error_score="raise").fit(X, y) for n in (1, 2)]
    print(*[(search.cv_results_["mean_test_score"] == searches[0].cv_results_["mean_test_score"]).all()
            for search in searches])
    plain = CustomActivation(lambda z: z, lambda z: 1.0)  # plain functions go to workers too, and are compiled once
    fits = [joblib.delayed(lambda a: (MLPRegressor(activation=a, max_iter=1).fit(X, y), loops())[1])(plain)] * 6
    print(max(joblib.Parallel(n_jobs=2)(fits)) <= 3)
    model = MLPRegressor("squared_error", (8,), bells[0], max_iter=3, random_state=0).fit(X, y)
    print(model.predict(X[:1])[0].item().hex())
    with open(sys.argv[1], "wb") as file:
        pickle.dump(model, file)
"""
LOADING = """
import pickle, sys, numpy as np
with open(sys.argv[1], "rb") as file:
    model = pickle.load(file)
X = np.random.default_rng(0).normal(size=(60, 3))
print(model.predict(X[:1])[0].item().hex())
assert pickle.loads(pickle.dumps(model)).activation is model.activation
"""


def run(program, *arguments, **environment):
    done = subprocess.run(
        [sys.executable, program, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(Path(skmlp.__file__).parent.parent), **environment},
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout.splitlines()


@needs_jit
def test_functions_of_main_go_to_workers_and_into_pickles(tmp_path):
    (tmp_path / "program.py").write_text(IN_MAIN)
    (tmp_path / "loading.py").write_text(LOADING)
    *checks, prediction = run(tmp_path / "program.py", tmp_path / "model.pkl")
    assert checks == ["True True", "True"]
    assert run(tmp_path / "loading.py", tmp_path / "model.pkl") == [prediction]


ON_DISK = """
import sys, numpy as np
from skmlp import CustomActivation, CustomLoss
from skmlp.cpu.backend import CpuBackend
from skmlp.network.layout import Layout, Network
from skmlp.network.segments import segments

scale = float(sys.argv[1])
own = CustomActivation(lambda z: scale * z, lambda z: scale), CustomLoss(lambda z, y: z - y, lambda z, y: 1.0)
vector, row = np.array([1.0, 1.0, 0.0, 0.0]), np.ones((1, 1))
for activation, loss in (("identity", "squared_error"), own):
    model = CpuBackend(Network(Layout((1, 1, 1)), (activation,), "identity"), loss, "float64")
    every = segments(model.network.layout)
    run = model.start(vector.copy(), row, row, None, batch_size=1, solver="sgd", settings={}, segments=every)
    run.run_epoch(np.zeros(1, dtype=np.int64), np.ones(1))
    print(model.predict(vector, row)[0, 0])
"""


@needs_jit
def test_nothing_of_ones_own_is_on_disk(tmp_path):
    """So a function that has changed while its name has not is compiled anew."""
    program, cache = tmp_path / "program.py", tmp_path / "cache"
    program.write_text(ON_DISK)
    for scale in ("2.0", "3.0"):
        assert run(program, scale, NUMBA_CACHE_DIR=str(cache)) == ["1.0", scale]
        names = sorted(path.name.split(".")[0].removeprefix("skmlp-") for path in cache.rglob("*.nbc"))
        assert [name for name in names if name.startswith(("activation", "derivative", "link", "loss"))] == [
            "activation_in_place_loop_identity_float64",
            "derivative_of_one_loop_identity_float64",
            "link_loop_identity_float64",
            "loss_loop_squared_error_float64",
        ]
        assert len(names) == len(set(names))


WITHOUT_JIT = """
import numpy as np
from math import exp
from numba import njit
from skmlp import CustomActivation, CustomLoss, MLPClassifier

@njit
def sigmoid(z):
    return 1.0 / (1.0 + exp(-z))

own = CustomActivation(sigmoid, njit(lambda z: sigmoid(z) * (1.0 - sigmoid(z))))
loss = CustomLoss(njit(lambda z, y: (sigmoid(z) - y) ** 2),
                  njit(lambda z, y: 2.0 * (sigmoid(z) - y) * sigmoid(z) * (1.0 - sigmoid(z))))
X = 1e3 * np.random.default_rng(0).normal(size=(30, 3))  # of which exp(-z) is out of range
model = MLPClassifier((4,), [own], loss=loss, max_iter=2, n_iter_no_change=np.inf, random_state=0).fit(X, X[:, 0] > 0)
print(f"{model.loss_:.5f}")
try:
    MLPClassifier(activation=CustomActivation(sigmoid, sigmoid)).fit(X, X[:, 0] > 0)
except ValueError as error:
    print("does not go with" in str(error))
"""


def test_without_the_jit(tmp_path, capsys):
    program = tmp_path / "program.py"
    program.write_text(WITHOUT_JIT)
    exec(compile(WITHOUT_JIT, program, "exec"), {"__name__": "__main__"})
    with_jit = capsys.readouterr().out.splitlines()
    assert run(program, NUMBA_DISABLE_JIT="1") == with_jit and with_jit[1] == "True"


# ---------------------------------------------------------------------------------------------------------------------
# The check
# ---------------------------------------------------------------------------------------------------------------------


def check(formula, targets=VALUES):
    custom.Check(formula).run(targets)


def scaled_activation(name, of_z=1.0, of_value=1.0, wrong=1.0, where=lambda z: True):
    f, slope = ACTIVATIONS[name].function, ACTIVATIONS[name].derivative
    return CustomActivation(
        lambda z: of_value * f(of_z * z),
        lambda z: (wrong if where(z) else 1.0) * of_value * of_z * slope(of_z * z, f(of_z * z)),
    )


def scaled_loss(name, of_value=1.0, wrong=1.0, where=lambda z, y: True):
    loss, s = LOSSES[name], LossSettings()
    return CustomLoss(
        lambda z, y: of_value * loss.value(z, y, s),
        lambda z, y: (wrong if where(z, y) else 1.0) * of_value * loss.gradient(z, y, s),
        link=loss.link,
    )


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("of_z", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("of_value", [1e-12, 1.0, 1e12])
def test_a_right_derivative_passes_and_one_a_little_wrong_does_not(name, of_z, of_value):
    check(scaled_activation(name, of_z, of_value))
    for wrong in (0.97, 1.03):
        with pytest.raises(ValueError, match="derivative '<lambda>' does not go with function"):
            check(scaled_activation(name, of_z, of_value, wrong))
        with pytest.raises(ValueError, match=r"at z=\d"):
            check(scaled_activation(name, of_z, of_value, wrong, lambda z: z > 0.0))


LOSSES_AND_TARGETS = [
    (name, kind)
    for name, loss in LOSSES.items()
    for kind in TARGETS
    if loss.row is None and (loss.link != "logistic" or kind in ("classes", "one value"))
]


@pytest.mark.parametrize("name, kind", LOSSES_AND_TARGETS)
def test_a_right_gradient_passes_and_one_a_little_wrong_does_not(name, kind):
    targets = TARGETS[kind]
    if LOSSES[name].domain != "any":
        targets = np.abs(targets) + (1e-12 if LOSSES[name].domain == "> 0" else 0.0)
    for of_value in (1e-9, 1e9):
        check(scaled_loss(name, of_value), targets)
    with pytest.raises(ValueError, match="gradient '<lambda>' does not go with loss"):
        check(scaled_loss(name, 1.0, 1.03), targets)
    with pytest.raises(ValueError, match=r"at z=.*, y="):
        check(scaled_loss(name, 1.0, 1.03, lambda z, y: z < 0.0), targets)


@pytest.mark.parametrize(
    "function, derivative",
    [
        (lambda z: max(z, 0.0), lambda z: 0.5 if z == 0.0 else float(z > 0.0)),
        (lambda z: max(z, 0.0), lambda z: math.nan if z == 0.0 else float(z > 0.0)),
        (lambda z: abs(z - 1.0) + abs(z), lambda z: math.copysign(1.0, z - 1.0) + math.copysign(1.0, z)),
        (lambda z: z * z if z < 1.0 else 5.0 - z, lambda z: 2.0 * z if z < 1.0 else -1.0),
        (lambda z: math.sqrt(z), lambda z: 0.5 / math.sqrt(z)),
        (lambda z: z**0.5, lambda z: 0.5 * z**-0.5),
        (lambda z: math.exp(z * z * z), lambda z: 3.0 * z * z * math.exp(z * z * z)),
        (lambda z: math.sin(50.0 * z), lambda z: 50.0 * math.cos(50.0 * z)),
        (lambda z: 1e9 + z * z, lambda z: 2.0 * z),
        (lambda z: math.log(1.0 + math.exp(z)), lambda z: 1.0 / (1.0 + math.exp(-z))),
        (
            lambda z: 1.0 - (1.0 - math.exp(-abs(z) * 40.0)),
            lambda z: -math.copysign(40.0, z) * math.exp(-abs(z) * 40.0),
        ),
        (lambda z: 1.0 / z, lambda z: -1.0 / (z * z)),
        (lambda z: math.floor(z) + z, lambda z: 1.0),
        (lambda z: 3.0, lambda z: 0.0),
        (lambda z: np.where(z > 0.0, z, 0.0), lambda z: z > 0.0),
    ],
)
def test_kinks_poles_growth_and_cancellation_are_no_errors(function, derivative):
    check(CustomActivation(function, derivative))


def test_the_message_says_where_and_by_how_much(tasks):
    data = tasks["regression"]
    loss = CustomLoss(square, njit(lambda z, y: 1.05 * (z - y)))
    with pytest.raises(ValueError, match=r"^loss=CustomLoss\(square, <lambda>.*z=\S+, y=\S+ it is .* give ") as error:
        MLPRegressor(loss).fit(data.X, data.y)
    claimed, found = (float(str(error.value).split(word)[1].split()[0].strip(".,")) for word in ("it is", "give"))
    assert claimed == pytest.approx(1.05 * found, rel=1e-4)
    with pytest.raises(ValueError, match=r"^activation=CustomActivation\(swish, ramp_slope\): derivative 'ramp_slope'"):
        MLPRegressor(activation=["relu", CustomActivation(swish, ramp_slope)], hidden_layer_sizes=(3, 3)).fit(
            data.X, data.y
        )


def test_a_formula_is_checked_once(tasks, monkeypatch):
    data, checks = tasks["regression"], []
    original = custom.Check.run
    monkeypatch.setattr(custom.Check, "run", lambda self, y: (checks.append(self._formula), original(self, y)))
    own = CustomActivation(njit(lambda z: 2.0 * z), njit(lambda z: 2.0))
    for _ in range(2):
        model(MLPRegressor, SQUARE, own, max_iter=1).fit(data.X, data.y)
    assert checks.count(own) == 1


# ---------------------------------------------------------------------------------------------------------------------
# Errors
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "function, error, message",
    [
        (lambda z: (z, z), TypeError, "function '<lambda>' returns .*no number"),
        (lambda z: None if z > 0.0 else z, TypeError, "returns None, which is no number"),
        (lambda z: [z], TypeError, "returns .*no number"),
        (lambda z: unknown(z), ValueError, "nowhere.*function '<lambda>' raises NameError.*'unknown' is not defined"),  # noqa: F821
        (lambda z: math.nan, ValueError, "nowhere are both functions finite"),
        (lambda z: z / 0.0, ValueError, "nowhere.*ZeroDivisionError"),
    ],
)
def test_what_is_no_function_of_numbers_is_refused_before_training(tasks, function, error, message):
    data = tasks["regression"]
    estimator = MLPRegressor(activation=CustomActivation(function, lambda z: 1.0))
    with pytest.raises(error, match=rf"activation=CustomActivation.*{message}") as raised:
        estimator.fit(data.X, data.y)
    assert len(str(raised.value).splitlines()) == 1 and not hasattr(estimator, "coefs_")


@needs_jit
def test_what_cannot_be_compiled_is_refused_before_training(tasks):
    data, table = tasks["regression"], {0.0: 1.0}
    estimator = MLPRegressor(CustomLoss(square, lambda z, y: (z - y) * table[0.0]))
    with pytest.raises(ValueError, match=r"^loss=CustomLoss.*gradient '<lambda>' cannot be compiled: .*'table'.*dict"):
        estimator.fit(data.X, data.y)


@pytest.mark.parametrize("estimator, task", [(MLPClassifier, "multiclass"), (MLPMulticlass, "binary")])
def test_several_classes_are_refused(tasks, estimator, task):
    data = tasks[task]
    with pytest.raises(ValueError, match=r"loss=CustomLoss.*single outputs.*several classes"):
        estimator(loss=CROSS_ENTROPY).fit(data.X, data.y)


def test_classes_need_probabilities(tasks):
    data = tasks["binary"]
    with pytest.raises(ValueError, match=r"loss=CustomLoss.*link='exp'.*link='logistic'"):
        MLPClassifier(loss=COUNTS).fit(data.X, data.y)


def test_label_smoothing_is_for_log_loss(tasks):
    data = tasks["binary"]
    with pytest.raises(ValueError, match=r"label_smoothing=0.1 .*log_loss.*CustomLoss\(cross_entropy"):
        MLPClassifier(loss=CROSS_ENTROPY, label_smoothing=0.1).fit(data.X, data.y)


@pytest.mark.parametrize(
    "parameters", [{"loss": SWISH}, {"activation": SQUARE}, {"loss": square}, {"activation": swish}, {"loss": "square"}]
)
def test_other_things_are_refused_and_told_what_may_be(tasks, parameters):
    data = tasks["regression"]
    (name,) = parameters
    with pytest.raises(ValueError, match=rf"The '{name}' parameter .*Custom{name.title()}"):
        MLPRegressor(**parameters).fit(data.X, data.y)
    with pytest.raises(ValueError, match=r"activation: unknown name .*CustomActivation"):
        MLPRegressor(hidden_layer_sizes=(3, 3), activation=["relu", SQUARE]).fit(data.X, data.y)
