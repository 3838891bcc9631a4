"""Whole fits on a GPU follow those on the CPU."""

import pickle
import signal
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.exceptions import ConvergenceWarning

from skmlp import MLPBinaryClassifier, MLPClassifier, MLPMulticlass, MLPRegressor, TabularMLPRegressor
from skmlp.cuda import launch, tiles, training
from tests.cuda.simulated.both import SMALL, TOLERANCES, assert_near

RNG = np.random.default_rng(0)
X = RNG.standard_normal((21, 3))
VALUES = np.column_stack([X[:, 0] * X[:, 1], X[:, 2] - X[:, 0] ** 2])
LABELS = np.array(["no", "yes"])[(X[:, 0] > 0).astype(int)]
CLASSES = np.digitize(X[:, 1], [-0.5, 0.5])
COUNTS = np.exp(X[:, 0]).round()
WEIGHTS = RNG.uniform(0.5, 2.0, 21)
VALIDATION = {"X_val": X[:9] + 0.1, "y_val": VALUES[:9], "sample_weight_val": WEIGHTS[:9]}
SHORT = {"hidden_layer_sizes": (4,), "batch_size": 8, "max_iter": 3, "n_iter_no_change": np.inf, "random_state": 0}

FITS = {
    "two classes": (MLPBinaryClassifier, LABELS, {"metrics": ("accuracy",), "class_weight": "balanced"}, {}),
    "classes": (MLPMulticlass, CLASSES, {"dropout": 0.3, "label_smoothing": 0.1, "metrics": ("log_loss",)}, {}),
    "labels": (MLPClassifier, np.eye(3)[CLASSES].astype(int), {"loss": "focal", "solver": "lion"}, {}),
    "values": (MLPRegressor, VALUES, {"metrics": ("r2",), "verbose": 1}, VALIDATION),
    "quantiles": (MLPRegressor, VALUES[:, 0], {"loss": "quantile", "quantile": [0.2, 0.8], "clip_norm": 0.5}, {}),
    "counts": (MLPRegressor, COUNTS, {"loss": "poisson", "solver": "adamw", "learning_rate": "one_cycle"}, {}),
    "weights": (MLPRegressor, VALUES, {"l1_ratio": 0.5, "alpha": 0.1}, {"sample_weight": WEIGHTS}),
    "batch normalisation": (MLPRegressor, VALUES, {"normalization": "batch", "solver": "sgd"}, {}),
    "layer normalisation": (MLPBinaryClassifier, LABELS, {"normalization": "layer", "activation": "gelu"}, {}),
    "factors of rates": (MLPRegressor, VALUES, {"feature_rate": 3.0, "bias_rate": 0.1, "parametrization": "ntk"}, {}),
    "no hidden layer": (MLPMulticlass, CLASSES, {"hidden_layer_sizes": (), "learning_rate": "invscaling"}, {}),
}


@pytest.fixture(autouse=True)
def few_threads(monkeypatch):
    monkeypatch.setattr(tiles, "SIMULATION", SMALL)


def fitted(kind, y, given, **parameters):
    return kind(**SHORT | {"learning_rate_init": 0.02} | parameters).fit(X, y, **given)


def assert_models_near(model, expected, dtype="float64"):
    """In all that training has left, and in predictions."""
    assert (model.n_iter_, model.best_iteration_) == (expected.n_iter_, expected.best_iteration_)
    assert_near(model.loss_curve_, expected.loss_curve_, dtype)
    assert model.history_.keys() == expected.history_.keys()
    for name in expected.history_.keys() - {"seconds"}:
        assert_near(model.history_[name], expected.history_[name], dtype, name)
    if expected.validation_scores_ is not None:
        assert_near(model.validation_scores_, expected.validation_scores_, dtype)
    assert_near(model._parameters, expected._parameters, dtype)
    assert_near(model._predictions(X), expected._predictions(X), dtype)
    assert (model.predict(X) == expected.predict(X)).all() or not hasattr(model, "classes_")


def assert_fits_near(kind, y, given=None, dtype="float64", **parameters):
    expected = fitted(kind, y, given or {}, dtype=dtype, **parameters)
    model = fitted(kind, y, given or {}, dtype=dtype, device="cuda", **parameters)
    assert (model.device_, expected.device_) == ("cuda:0", "cpu")
    assert_models_near(model, expected, dtype)
    return model


@pytest.mark.parametrize(
    "name, dtype", [(name, "float64") for name in FITS] + [(name, "float32") for name in list(FITS)[::4]]
)
def test_fits_follow_the_loss_curve_of_the_cpu(name, dtype, capsys):
    kind, y, parameters, given = FITS[name]
    model = assert_fits_near(kind, y, given, dtype, **parameters)
    assert model.evaluate(X, y).loss == pytest.approx(
        pickle.loads(pickle.dumps(model)).set_params(device="cpu").evaluate(X, y).loss, rel=TOLERANCES[dtype]
    )


@pytest.mark.parametrize("monitor, tol", [("auto", 0.01), ("val_loss", 0.01), ("loss", 0.1)])
def test_early_stopping_stops_and_restores_where_the_cpu_does(monitor, tol):
    parameters = {"early_stopping": True, "monitor": monitor, "n_iter_no_change": 2, "max_iter": 12}
    model = assert_fits_near(MLPRegressor, VALUES, VALIDATION, learning_rate_init=0.3, tol=tol, **parameters)
    assert model.best_iteration_ < model.n_iter_ < 12


def test_early_stopping_by_a_part_of_the_data():
    assert_fits_near(MLPBinaryClassifier, LABELS, early_stopping=True, validation_fraction=0.3, max_iter=4)


def test_a_schedule_that_waits_for_the_loss():
    parameters = {"solver": "sgd", "learning_rate": "adaptive", "n_iter_no_change": 1, "tol": 0.5, "max_iter": 8}
    with pytest.warns(ConvergenceWarning, match="Maximum iterations"):
        model = assert_fits_near(MLPRegressor, VALUES, **parameters)
    assert len(set(model.history_["learning_rate"])) > 2


def test_sparse_rows_give_the_model_of_dense_rows():
    thin = np.where(np.abs(X) < 0.5, 0.0, X)
    dense, sparse = (
        MLPRegressor(device="cuda", dtype="float64", **SHORT).fit(rows, VALUES) for rows in (thin, csr_array(thin))
    )
    np.testing.assert_array_equal(sparse._parameters, dense._parameters)
    np.testing.assert_array_equal(sparse.predict(csr_array(thin)), dense.predict(thin))


def test_partial_fits_and_warm_starts_go_on_from_device_to_device():
    """A state is the same on both."""
    models = []
    for devices in (("cpu",) * 4, ("cuda",) * 4, ("cuda", "cpu", "cuda", "cpu")):
        model = MLPRegressor(dtype="float64", warm_start=True, dropout=0.2, **SHORT)
        for device in devices[:3]:
            model.set_params(device=device).partial_fit(X, VALUES)
        models.append(model.set_params(device=devices[3], max_iter=2).fit(X, VALUES))
    for model in models[1:]:
        assert_models_near(model, models[0])


def test_run_after_run_the_model_is_the_same_to_the_bit_also_in_threads():
    def fit(seed):
        return MLPClassifier(device="cuda", dropout=0.2, **SHORT | {"random_state": seed}).fit(X, LABELS)

    alone = [fit(seed) for seed in (0, 1)]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(fit, (0, 1)))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one._parameters, other._parameters)
        assert one.loss_curve_ == other.loss_curve_
    assert (alone[0]._parameters != alone[1]._parameters).any()


class TestInterrupt:
    @pytest.mark.parametrize("launch_number", [3, 5, 7])
    def test_in_the_middle_of_an_epoch_keeps_those_before(self, monkeypatch, launch_number):
        """An epoch is of three pieces of one batch."""
        monkeypatch.setattr(training, "FIRST_PIECE", 0.0)
        monkeypatch.setattr(training, "PAUSE", 0.0)
        launches, run = [], launch.Launcher.run

        def interrupted(*arguments):
            launches.append(None)
            if len(launches) == launch_number:
                signal.raise_signal(signal.SIGINT)
            run(*arguments)

        monkeypatch.setattr(launch.Launcher, "run", interrupted)
        done = (launch_number - 1) // 3
        model = MLPRegressor(device="cuda", dtype="float64", **SHORT | {"max_iter": 9})
        with pytest.warns(UserWarning, match=r"^Training interrupted by user"):
            model.fit(X, VALUES)
        assert model.n_iter_ == len(model.loss_curve_) == done
        if done:
            assert_models_near(model, MLPRegressor(dtype="float64", **SHORT | {"max_iter": done}).fit(X, VALUES))
        assert np.isfinite(model.predict(X)).all()

    def test_leaves_the_device_free_for_others(self, monkeypatch):
        run = launch.Launcher.run
        monkeypatch.setattr(launch.Launcher, "run", lambda *arguments: signal.raise_signal(signal.SIGINT))
        with pytest.warns(UserWarning, match=r"^Training interrupted by user"):
            fitted(MLPRegressor, VALUES, {}, device="cuda")
        monkeypatch.setattr(launch.Launcher, "run", run)
        assert_fits_near(MLPRegressor, VALUES)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, of numbers that are too large
class TestFailure:
    DIVERGING = {"solver": "sgd", "activation": "identity", "learning_rate_init": 1e30, "momentum": 0.0}

    def test_numbers_that_are_not_finite_end_a_fit(self):
        with pytest.raises(ValueError, match=r"^Solver produced non-finite parameter weights"):
            fitted(MLPRegressor, VALUES, {}, device="cuda", **self.DIVERGING)

    def test_with_early_stopping_the_best_epoch_is_restored(self):
        with pytest.warns(ConvergenceWarning, match="restored"):
            model = fitted(MLPRegressor, VALUES, VALIDATION, device="cuda", early_stopping=True, **self.DIVERGING)
        assert np.isfinite(model._parameters).all()

    def test_rows_that_are_not_finite_are_refused(self):
        model = fitted(MLPRegressor, VALUES, {}, device="cuda")
        for bad in (np.nan, np.inf, -1e300):
            rows = X.copy()
            rows[20, 1] = bad
            with pytest.raises(ValueError, match="Input X contains"):
                model.predict(rows)


def test_tables_are_fitted_on_it():
    columns = np.column_stack([X[:, :2].round(1), CLASSES])
    settings = {"hidden_layer_sizes": (4,), "n_estimators": 2, "cv": 2, "max_iter": 2, "random_state": 0}
    on_cpu, on_gpu = (
        TabularMLPRegressor(**settings, batch_size=8, dtype="float64", device=device).fit(columns, VALUES[:, 0])
        for device in ("cpu", "cuda")
    )
    assert on_gpu.device_ == "cuda:0"
    assert_near(on_gpu.predict(columns), on_cpu.predict(columns), "float64")
