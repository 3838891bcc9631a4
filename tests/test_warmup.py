"""After a warm-up nothing is compiled any more, in a new process neither.

Whether that is so is asked of Numba's compiler itself, each of whose passes is an event: what comes from the cache goes
through none.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skmlp
from skmlp import MLPBinaryClassifier, MLPClassifier, MLPRegressor, warmup
from skmlp.warmup import ESTIMATORS, distinct, networks_in
from skmlp.warmup.__main__ import main
from tests.ways import needs_jit

PACKAGE = Path(skmlp.__file__).parent

OBSERVE = """
import numpy as np
from numba.core import event


class Passes(event.Listener):
    def on_start(self, event):
        passes.append(event.data["name"])

    def on_end(self, event):
        pass


passes = []
event.register("numba:run_pass", Passes())
"""
# Fits and predictions of many shapes, some with threads.
FIT = """
import skmlp
from scipy.sparse import csr_array

random = np.random.default_rng(0)


def fit(estimator, sparse=False, **parameters):
    for columns, outputs in ((1, 2), (2, 3), (5, 2), (9, 4), (17, 10), (40, 17), (400, 3)):
        X = random.standard_normal((600, columns))
        y = np.arange(600) % (2 if estimator == "MLPBinaryClassifier" else outputs)
        if estimator == "MLPRegressor":
            y = random.uniform(0.5, 1.5, (600, outputs))
        X = csr_array(X) if sparse else X
        settings = {"max_iter": 2, "n_iter_no_change": np.inf, "random_state": 0} | parameters
        for more in ({}, {"hidden_layer_sizes": (6, 3, 20), "n_jobs": 2, "batch_size": 590}):
            model = getattr(skmlp, estimator)(**settings | more)
            if "solver" not in parameters:
                model.partial_fit(X, y, **{} if estimator == "MLPRegressor" else {"classes": np.unique(y)})
            model.fit(X, y, sample_weight=np.arange(1, 601), X_val=X, y_val=y).predict(X[:1])
            model.score(X, y)


"""
# Whatever may be asked for: the cases of tests/estimators/test_random_parameters.py.
FIT_ANYTHING = """
import io
import warnings
from contextlib import redirect_stdout

from tests.estimators.test_random_parameters import examples

passes.clear()  # of loading the tests
fitted = []


@examples(150, 0)
def check(case):
    model = case.make()
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            for call in case.calls:
                call.on(model)
            model.predict(case.X)
        except (ValueError, TypeError, AttributeError):
            return
    fitted.append(model)


check()
print(len(fitted) > 75, len(passes))
"""


def fits(*estimators, parameters=""):
    """Program that fits estimators with given parameters, and prints how many passes the compiler made."""
    calls = "".join(f"fit({name!r}, {parameters})\n" for name in estimators or [each.__name__ for each in ESTIMATORS])
    return f"{OBSERVE}{FIT}{calls}print(len(passes))"


def environment(**more):
    """Of a new process that finds these sources, without Numba's variables."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    return {**inherited, "PYTHONPATH": str(PACKAGE.parent), **more}


def python(*arguments, **variables):
    """Run a new process."""
    return subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        env=environment(**variables),
        cwd=PACKAGE.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
    )


def output(*arguments, **variables):
    """What a new process prints; it must end well, and complain of nothing."""
    done = python(*arguments, **variables)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split("\n")[:-1]


class Cache:
    """A cache folder of its own, with what processes that use it print."""

    def __init__(self, folder):
        self.variables = {"NUMBA_CACHE_DIR": str(folder)}
        self.folder = folder

    def run(self, program):
        return output("-c", program, **self.variables)

    def command(self, *arguments):
        return output("-m", "skmlp.warmup", *arguments, **self.variables)

    def files(self):
        return {path.name for path in self.folder.rglob("*.*")}


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A cache that the command has filled for the defaults; ``printed`` is what it said."""
    cache = Cache(tmp_path_factory.mktemp("cache"))
    cache.printed = cache.command()
    return cache


# ---------------------------------------------------------------------------------------------------------------------
# What is compiled
# ---------------------------------------------------------------------------------------------------------------------


def test_after_the_command_a_new_process_compiles_nothing(cache):
    files = cache.files()
    assert cache.run(fits()) == ["0"]
    assert cache.files() == files


def test_nor_does_it_for_a_given_estimator(cache):
    """Nothing but what that needs is compiled, and what is compiled is seen."""
    make = """
import skmlp
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

network = skmlp.MLPRegressor(activation="gelu", solver="adamw", batch_size=64, metrics=("r2",))
print(skmlp.warmup(make_pipeline(StandardScaler(), network)).kernels, skmlp.warmup(network).kernels)
"""
    needed = "activation in training and in prediction, derivative, what goes before it, optimiser"
    assert cache.run(make) == ["5 0"], needed
    files = cache.files()
    parameters = "activation='gelu', solver='adamw', metrics=['squared_error']"
    assert cache.run(fits("MLPRegressor", parameters=parameters)) == ["0"]
    assert cache.files() == files
    (passes,) = cache.run(fits("MLPRegressor", parameters="activation='silu'"))
    assert int(passes) > 0
    assert len(cache.files() - files) == 3  # training, prediction, derivative


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments, parameters",
    [
        (["--sparse"], "sparse=True"),
        (["--normalization", "batch", "layer"], "normalization='batch'"),
        (["--solver", "lbfgs"], "solver='lbfgs', max_iter=200, tol=1e30"),
        (["--dtype", "float64", "--solver", "sgd", "lion"], "dtype='float64', solver='lion'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_nor_for_what_the_command_is_asked_for(cache, arguments, parameters):
    cache.command(*arguments)
    assert cache.run(fits(parameters=parameters)) == ["0"]


@pytest.mark.slow
def test_after_all_is_compiled_a_new_process_compiles_nothing_whatever_it_fits(tmp_path):
    cache = Cache(tmp_path)
    printed = cache.command("--all")
    assert len(printed) > 20
    assert cache.run(OBSERVE + FIT_ANYTHING) == ["True 0"]


# ---------------------------------------------------------------------------------------------------------------------
# The command
# ---------------------------------------------------------------------------------------------------------------------


def test_the_command_says_what_it_does(cache):
    first, *lines, last = cache.printed
    folder = Path(first.removeprefix("Cache folder: "))
    assert folder.parent == cache.folder and any(folder.iterdir())
    of_each = [re.fullmatch(r" *(\d+) compiled in +\d+\.\d s for (\w+)\(\)", line) for line in lines]
    assert of_each[0][2] == "MLPBinaryClassifier"
    in_all = re.fullmatch(r" *(\d+) compiled in +\d+\.\d s in all", last)
    assert int(in_all[1]) == sum(int(each[1]) for each in of_each) > 10


def test_the_command_says_nothing_if_asked_to(cache):
    assert cache.command("--quiet") == []


def test_the_command_fails_where_no_folder_can_be_written(tmp_path):
    """Neither the one asked for, nor beside the sources, nor in the home of the user."""
    shutil.copytree(PACKAGE, tmp_path / "skmlp", ignore=shutil.ignore_patterns("__pycache__"))
    for path in (tmp_path / "file", tmp_path / "skmlp" / "cpu" / "__pycache__"):
        path.touch()
    nowhere = dict.fromkeys(["NUMBA_CACHE_DIR", "HOME", "XDG_CACHE_HOME", "IPYTHONDIR"], str(tmp_path / "file" / "x"))
    done = subprocess.run(
        [sys.executable, "-m", "skmlp.warmup"],
        env=environment(**nowhere, PYTHONDONTWRITEBYTECODE="1") | {"PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("No folder for compiled kernels can be written") and "NUMBA_CACHE_DIR" in done.stderr


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--activation", "sine"], "invalid choice: 'sine'"),
        (["--solver", "lbfgs", "--normalization", "batch"], "normalization='batch' does not go with solver='lbfgs'"),
        (["--everything"], "unrecognized arguments"),
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_is_refused(arguments, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert message in capsys.readouterr().err


# ---------------------------------------------------------------------------------------------------------------------
# The function
# ---------------------------------------------------------------------------------------------------------------------


def test_it_is_the_function_however_it_is_imported():
    """Though a module has its name; and until it is called no compiler is loaded."""
    ways = [
        "import skmlp; found = skmlp.warmup",
        "from skmlp import warmup as found",
        "import skmlp.warmup; found = skmlp.warmup",
        "import skmlp.warmup as found",
        "from skmlp.warmup import warmup as found",
        "import importlib; importlib.import_module('skmlp.warmup'); found = skmlp.warmup",
        "import pickle; found = pickle.loads(pickle.dumps(skmlp.warmup))",
    ]
    program = "\n".join(f"{way}; print(type(found).__name__, found.__name__)" for way in ways)
    printed = output("-c", f"{program}\nimport sys; print('numba' in sys.modules)")
    assert printed == ["function warmup"] * len(ways) + ["False"]


@needs_jit
def test_it_changes_neither_the_estimators_nor_the_random_state():
    random_state = np.random.RandomState(3)
    X = np.random.default_rng(0).standard_normal((60, 3))
    given = MLPClassifier((4,), random_state=random_state, max_iter=2, n_iter_no_change=np.inf).fit(X, X[:, 0] > 0)
    before = {name: value for name, value in vars(given).items()}
    weights = given.coefs_[0].copy()
    states = [generator.get_state() for generator in (random_state, np.random.mtrand._rand)]

    first, second = warmup(given), warmup(given)
    assert second.kernels == 0 < second.seconds
    assert first.folder == second.folder and Path(first.folder).is_dir()

    assert all(vars(given)[name] is value for name, value in before.items()) and len(vars(given)) == len(before)
    assert np.array_equal(given.coefs_[0], weights)
    for generator, state in zip((random_state, np.random.mtrand._rand), states, strict=True):
        assert all(np.array_equal(one, other) for one, other in zip(generator.get_state(), state, strict=True))


@needs_jit
def test_parameters_that_are_about_the_data_do_no_harm(capsys):
    """Nor do those that make a fit loud, long or doubtful."""

    def metric(y_true, y_pred):
        raise AssertionError("is called for the user's data alone")

    settings = {"early_stopping": True, "monitor": "val_loss", "metrics": [metric], "verbose": 2, "warm_start": True}
    settings |= {"learning_rate_init": 1e300, "learning_rate": metric, "batch_size": 5000}
    network = MLPClassifier((4,), class_weight={"yes": 2.0, "no": 1.0}, **settings)
    warmup(network)
    warmup(MLPRegressor("quantile", (4,), quantile=[0.1, 0.9], **settings))
    assert capsys.readouterr() == ("", "")


@needs_jit
def test_callbacks_hear_nothing():
    pytest.importorskip("sklearn.callback")

    class Callback:
        def setup(self, estimator, context):
            raise AssertionError("is told of a fit")

        on_fit_task_begin = on_fit_task_end = teardown = setup

    given = MLPBinaryClassifier((4,)).set_callbacks(Callback())
    warmup(given)
    with pytest.raises(AssertionError, match="is told"):
        given.fit([[0.0], [1.0]], [0, 1])


@needs_jit
def test_formulas_of_the_users_own():
    """Which softmax outputs cannot have."""
    square, slope = lambda z, y: (z - y) * (z - y), lambda z, y: 2.0 * (z - y)
    bent = skmlp.CustomActivation(lambda z: z + z * z, lambda z: 1.0 + 2.0 * z)
    loss = skmlp.CustomLoss(square, slope)
    warmup(MLPRegressor(loss, (4,), activation=bent), MLPClassifier((4,), loss=loss))


@needs_jit
def test_where_no_folder_can_be_written(monkeypatch):
    monkeypatch.setattr(sys.modules["skmlp.warmup"], "kernel_folder", lambda: None)
    done = warmup(MLPBinaryClassifier((4,)))
    assert done == (0, done.seconds, None)


@needs_jit
def test_an_interrupt_ends_it(monkeypatch):
    def press(trainer):
        raise KeyboardInterrupt

    monkeypatch.setattr("skmlp.training.trainer.Trainer._epoch", press)
    with pytest.raises(KeyboardInterrupt):
        warmup(MLPBinaryClassifier((4,)))


def test_networks_are_found_wherever_they_are():
    network = MLPRegressor(activation="tanh")
    pipeline = make_pipeline(StandardScaler(), TransformedTargetRegressor(network))
    assert networks_in(network) == networks_in(pipeline) == [network]
    assert networks_in(RandomizedSearchCV(pipeline, {})) == [network]

    place = "transformedtargetregressor__regressor__"
    grid = [{f"{place}activation": ["relu", "gelu"], f"{place}alpha": [0.0, 1.0]}, {f"{place}solver": ["sgd"]}]
    tried = [(each.activation, each.alpha, each.solver) for each in networks_in(GridSearchCV(pipeline, grid))]
    relu, gelu = ([(name, alpha, "adam") for alpha in (0.0, 1.0)] for name in ("relu", "gelu"))
    assert sorted(tried) == sorted([*relu, *gelu, ("tanh", 1e-4, "sgd")])
    assert network.activation == "tanh"


def test_of_an_estimator_for_raw_tables_a_member_is_taken():
    (network,) = networks_in(skmlp.TabularMLPRegressor(activation="silu", feature_rate=3.0))
    assert (type(network), network.activation, network.feature_rate) == (MLPRegressor, "silu", 3.0)
    assert networks_in(make_pipeline(skmlp.TabularMLPClassifier()))[0].early_stopping


def test_networks_that_compile_the_same_are_taken_once():
    rates = [MLPClassifier(learning_rate_init=rate, hidden_layer_sizes=[8, 8]) for rate in (0.1, 0.01)]
    others = [MLPClassifier((8, 8), learning_rate="cosine", metrics=["f1"]), MLPBinaryClassifier((8, 8))]
    assert len(distinct([*rates, *others])) == 3


class Named(MLPRegressor):
    """A class with a constructor of its own, whose parameters are a dict and an estimator."""

    def __init__(self, names=None, scaler=None):
        super().__init__(hidden_layer_sizes=np.array([4, 4]))
        self.names, self.scaler = names, scaler


@needs_jit
def test_networks_of_a_users_class():
    given = Named({"a": 1}, StandardScaler())
    (copy,) = distinct([given])
    assert copy.names == given.names and copy.max_iter == 1 < given.max_iter
    warmup(given)


@pytest.mark.parametrize(
    "given, error, message",
    [
        (MLPClassifier, TypeError, "takes estimators such as MLPClassifier()"),
        ("MLPClassifier", TypeError, "takes estimators"),
        (StandardScaler(), ValueError, "no network of skmlp in StandardScaler()"),
        (MLPClassifier(activation="sine"), ValueError, "activation"),
        (MLPClassifier(batch_size=None), ValueError, "batch_size"),
    ],
    ids=str,
)
def test_what_cannot_be_warmed_up_is_refused(given, error, message):
    with pytest.raises(error, match=re.escape(message)):
        warmup(given)
