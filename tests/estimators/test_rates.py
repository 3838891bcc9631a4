"""Factors of learning rates, learned scales of features and the neural tangent parametrisation, of estimators."""

import pickle
import signal
import warnings

import numpy as np
import pytest
from scipy import sparse

import skmlp
from skmlp import MLPClassifier, MLPRegressor

RNG = np.random.default_rng(0)
X = RNG.standard_normal((300, 6)).astype(np.float32)
LABELS = (X[:, 0] * X[:, 1] > 0).astype(int)
VALUES = X[:, 0] * X[:, 1] + X[:, 2]
TASKS = {
    "MLPBinaryClassifier": LABELS,
    "MLPMulticlass": LABELS + (X[:, 2] > 1),
    "MLPClassifier": LABELS,
    "MLPRegressor": VALUES,
}
every_estimator = pytest.mark.parametrize("name", TASKS)
SETTINGS = {"hidden_layer_sizes": (12, 5), "max_iter": 4, "n_iter_no_change": np.inf, "random_state": 0}
RATES = {"parametrization": "ntk", "weight_init": "ntk", "bias_rate": 0.1, "feature_rate": 6.0}
SCHEDULED = {"learning_rate": "coslog4", "learning_rate_init": 0.04, "beta_2": 0.95, "activation": "selu"}


def make(name="MLPRegressor", **parameters):
    return getattr(skmlp, name)(**SETTINGS | {"feature_rate": 3.0} | parameters)


def features(model):
    """The weights without scales, and the scales."""
    return model._network.layout.features(model._parameters)


def assert_products(model):
    raw, scales = features(model)
    np.testing.assert_array_equal(model.coefs_[0], scales[:, None] * raw)
    assert (scales != 1.0).any()


@every_estimator
def test_every_estimator_learns_with_them(name):
    model = make(name, **RATES | SCHEDULED | {"max_iter": 60}).fit(X, TASKS[name])
    assert model.score(X, TASKS[name]) > 0.8
    assert_products(model)


@every_estimator
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_same_seed_same_model_bit_for_bit(name, dtype):
    one, other = (make(name, dtype=dtype, **RATES).fit(X, TASKS[name]) for _ in range(2))
    assert one._parameters.dtype == dtype
    np.testing.assert_array_equal(one._parameters, other._parameters)


@pytest.mark.parametrize("storage", ["dense", "sparse"])
def test_threads_change_no_bit(storage):
    many = np.tile(X, (8, 1)) * (np.abs(np.tile(X, (8, 1))) > 0.5)
    many, values = sparse.csr_array(many) if storage == "sparse" else many, np.tile(VALUES, 8)
    one, two = (
        make(n_jobs=n_jobs, batch_size=1200, clip_norm=0.5, **RATES).fit(many, values)._parameters for n_jobs in (1, 2)
    )
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("solver", ["sgd", "adam", "rmsprop", "adagrad"])
@pytest.mark.parametrize("rates", [{"feature_rate": 3.0}, {"parametrization": "ntk"}, {"bias_rate": 0.1}], ids=str)
def test_sparse_rows_are_as_dense_ones(solver, rates):
    thin, settings = np.where(np.abs(X) > 1.0, X, 0.0), {"alpha": 0.0, "feature_rate": None, "dtype": "float64"} | rates
    dense, by_rows = (make(solver=solver, **settings).fit(each, VALUES) for each in (thin, sparse.csr_array(thin)))
    np.testing.assert_allclose(by_rows._parameters, dense._parameters, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("parameters", [{}, {"normalization": "batch"}, {"hidden_layer_sizes": ()}], ids=str)
class TestScales:
    """Whatever comes, the weights are the products that training works on."""

    def test_after_a_fit(self, parameters):
        assert_products(make(**parameters).fit(X, VALUES))

    def test_after_the_best_epoch_is_restored(self, parameters):
        model = make(early_stopping=True, n_iter_no_change=3, max_iter=80, learning_rate_init=0.05, **parameters)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(X, VALUES + RNG.standard_normal(300))
        assert model.best_iteration_ < len(model.loss_curve_)
        assert_products(model)

    def test_after_partial_fits(self, parameters):
        model = make(**parameters)
        for _ in range(3):
            assert_products(model.partial_fit(X, VALUES))

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_after_a_warm_start(self, parameters, dtype):
        """Also in another precision."""
        model = make(warm_start=True, dtype="float32", **parameters).fit(X, VALUES)
        scales = features(model)[1].copy()
        model.set_params(dtype=dtype, learning_rate_init=1e-7).fit(X, VALUES)
        assert_products(model)
        np.testing.assert_allclose(features(model)[1], scales, atol=1e-4)

    def test_after_an_interrupt(self, parameters):
        def press(y_true, y_pred):
            if len(seen) == 2:
                signal.raise_signal(signal.SIGINT)
            return float(seen.append(0) is None)

        seen = []
        with pytest.warns(UserWarning, match="interrupted"):
            assert_products(make(metrics=(press,), **parameters).fit(X, VALUES))

    def test_after_pickling(self, parameters):
        model = pickle.loads(pickle.dumps(make(**parameters).fit(X, VALUES)))
        assert_products(model)
        assert_products(model.partial_fit(X, VALUES))


def test_partial_fits_are_the_epochs_of_a_fit():
    whole, parts = make(shuffle=False, **RATES).fit(X, VALUES), make(shuffle=False, **RATES)
    for _ in range(4):
        parts.partial_fit(X, VALUES)
    np.testing.assert_array_equal(parts._parameters, whole._parameters)


def test_weights_may_be_written_and_training_goes_on_from_there():
    model = make(warm_start=True).fit(X, VALUES)
    model.coefs_[0][:] = 0.0
    model.coefs_[0][0, 0] = 2.0
    np.testing.assert_array_equal(np.ptp(model.predict(X * np.eye(6)[3])), 0.0)
    before = model.coefs_[0].copy()
    model.set_params(learning_rate_init=1e-9, max_iter=1).fit(X, VALUES)
    np.testing.assert_allclose(model.coefs_[0], before, atol=1e-6)
    assert make().fit(X, VALUES).coefs_[0].flags.writeable


def test_going_on_with_other_scales_is_refused():
    model = make(warm_start=True).fit(X, VALUES)
    with pytest.raises(ValueError, match=r"feature_rate.*warm_start=False"):
        model.set_params(feature_rate=None).fit(X, VALUES)


def test_summary_and_shapes_are_those_without_scales():
    scaled, plain = make().fit(X, VALUES), make(feature_rate=None).fit(X, VALUES)
    assert scaled.summary() == plain.summary()
    assert [w.shape for w in scaled.coefs_] == [w.shape for w in plain.coefs_]


def test_scales_follow_the_features_that_matter():
    """Of pure noise the others are."""
    noise = RNG.standard_normal((2000, 10))
    model = make(feature_rate=10.0, hidden_layer_sizes=(20,), max_iter=60, learning_rate_init=0.01)
    scales = np.abs(features(model.fit(noise, noise[:, 0] * noise[:, 1]))[1])
    assert scales[:2].min() > 2.0 * scales[2:].max()


def test_biases_of_rate_0_stay():
    model = MLPRegressor(bias_rate=0.0, weight_init="he_normal", **SETTINGS).fit(X, VALUES)
    assert not any(bias.any() for bias in model.intercepts_)


def steps(solver, parametrization, width):
    """How far the second layer's weights move in one step."""
    moved = []
    for rate in (1e-30, 1e-3):
        model = MLPClassifier((width, 3), solver=solver, parametrization=parametrization, batch_size=300, max_iter=1)
        model.set_params(learning_rate_init=rate, alpha=0.0, epsilon=1e-12, dtype="float64", random_state=0)
        moved.append(model.set_params(n_iter_no_change=np.inf).fit(X, LABELS).coefs_[1].copy())
    return moved[1] - moved[0]


@pytest.mark.parametrize("width", [4, 100])
def test_with_ntk_steps_are_over_the_root_of_the_inputs(width):
    """Over the inputs, where they are proportional to the gradient, which is over the root of the inputs itself."""
    for solver, factor in (("adam", width**-0.5), ("lion", width**-0.5), ("sgd", 1.0 / width)):
        standard, ntk = (steps(solver, kind, width) for kind in ("standard", "ntk"))
        np.testing.assert_allclose(ntk, factor * standard, rtol=1e-6, atol=1e-12)


def test_with_ntk_as_starting_values_the_output_starts_at_0():
    model = MLPRegressor(weight_init="ntk", **SETTINGS | {"learning_rate_init": 1e-30}).fit(X, VALUES)
    np.testing.assert_allclose(model.predict(X), 0.0, atol=1e-20)
