"""Batch and layer normalisation as the estimators offer it."""

import pickle
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone

from skmlp import MLPClassifier, MLPRegressor
from skmlp.training.trainer import ConvergenceWarning

RNG = np.random.default_rng(0)
X = RNG.standard_normal((400, 6)) * [1.0, 30.0, 0.1, 1.0, 5.0, 1.0] + [0.0, 100.0, 0.0, -3.0, 0.0, 2.0]
Z = (X - X.mean(axis=0)) / X.std(axis=0)
Y = (Z[:, 0] * Z[:, 1] + Z[:, 2] > 0).astype(int)
NORM_PARTS = {"batch": ("scales", "shifts", "means", "variances"), "layer": ("scales", "shifts"), None: ()}

normalizations = pytest.mark.parametrize("normalization", ["batch", "layer"])


def make(normalization, estimator=MLPClassifier, **parameters):
    defaults = {"hidden_layer_sizes": (20, 10), "max_iter": 5, "n_iter_no_change": np.inf, "random_state": 3}
    return estimator(normalization=normalization, **{**defaults, **parameters})


@pytest.mark.parametrize("normalization", ["batch", "layer", None])
def test_fitted_parameters_are_views_of_one_array_a_hidden_layer(normalization):
    model = make(normalization).fit(X, Y)
    model = pickle.loads(pickle.dumps(model))
    for part in ("scales", "shifts", "means", "variances"):
        name = f"norm_{part}_"
        assert hasattr(model, name) == (part in NORM_PARTS[normalization])
        if hasattr(model, name):
            assert [view.shape for view in getattr(model, name)] == [(20,), (10,)]
            before = model.predict_proba(X)
            getattr(model, name)[1][:] += 0.5
            assert np.abs(model.predict_proba(X) - before).max() > 1e-3
    with pytest.raises(AttributeError, match="norm_scales_"):
        _ = make(normalization).norm_scales_


@normalizations
def test_summary_counts_every_parameter(normalization):
    model = make(normalization).fit(X, Y)
    lines = model.summary().splitlines()
    counts = [int(line.split()[-1].replace(",", "")) for line in lines[1:]]
    per_unit = len(NORM_PARTS[normalization])
    assert counts == [7 * 20, 20 * per_unit, 21 * 10, 10 * per_unit, 11, sum(counts[:-1])]
    assert lines[2].startswith(f"{normalization} norm 1")


def test_features_on_any_scale_do_not_hinder_batch_normalisation():
    """The first hidden layer has no scaled inputs, and each unit is brought to the same scale."""
    normalized, plain = (make(kind, max_iter=150).fit(X, Y).score(X, Y) for kind in ("batch", None))
    assert normalized > 0.85 > plain + 0.1


@pytest.mark.parametrize("batch_size", [1, 2, 7, 57, 400])
@normalizations
def test_batches_of_any_size_learn_and_predict(normalization, batch_size):
    """400 rows: batches of 7 and 57 leave one row for the last; those of 1 have no variance, those of 2 a poor one."""
    model = make(normalization, batch_size=batch_size, max_iter=40, learning_rate_init=0.01).fit(Z, Y)
    assert model.score(Z, Y) > (0.65 if normalization == "batch" and batch_size <= 2 else 0.85)
    assert model.evaluate(Z, Y).loss < 0.75


@normalizations
def test_predictions_of_a_row_do_not_depend_on_the_others(normalization):
    model = make(normalization, max_iter=20, dtype="float64").fit(Z, Y)
    alone = np.vstack([model.predict_proba(Z[[i]]) for i in range(30)])
    np.testing.assert_allclose(model.predict_proba(Z)[:30], alone, rtol=1e-10)


def test_running_averages_come_near_those_of_the_data():
    model = make("batch", hidden_layer_sizes=(8,), max_iter=100, learning_rate_init=1e-9, batch_size=100).fit(Z, Y)
    products = Z @ model.coefs_[0] + model.intercepts_[0]
    np.testing.assert_allclose(model.norm_means_[0], products.mean(axis=0), atol=0.1)
    np.testing.assert_allclose(model.norm_variances_[0], products.var(axis=0), rtol=0.2)


def test_running_averages_of_single_rows_come_near_those_of_the_data():
    model = make("batch", hidden_layer_sizes=(8,), max_iter=3, learning_rate_init=1e-9, batch_size=1).fit(Z, Y)
    products = Z @ model.coefs_[0] + model.intercepts_[0]
    np.testing.assert_allclose(model.norm_means_[0], products.mean(axis=0), atol=0.8)
    ratios = model.norm_variances_[0] / products.var(axis=0)
    assert (ratios > 0.2).all() and (ratios < 3.0).all()


@normalizations
def test_rows_of_weight_0_do_not_matter(normalization):
    """Not even for the statistics of their batch."""
    weights = RNG.uniform(0.5, 2.0, len(Z))
    weights[::4] = 0.0
    wild = Z.copy()
    wild[::4] *= 1000.0
    models = [make(normalization, batch_size=50, dtype="float64").fit(data, Y, weights) for data in (Z, wild)]
    for one, other in zip(models[0].coefs_, models[1].coefs_, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)


@normalizations
def test_a_weight_of_2_equals_two_rows_in_one_batch(normalization):
    weights = RNG.integers(1, 3, 60)
    parameters = {"dtype": "float64", "shuffle": False, "alpha": 0.0}
    weighted = make(normalization, batch_size=60, **parameters).fit(Z[:60], Y[:60], weights)
    twice = np.repeat(np.arange(60), weights)
    repeated = make(normalization, batch_size=len(twice), **parameters).fit(Z[twice], Y[twice])
    for one, other in zip(weighted.coefs_, repeated.coefs_, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-7)


@normalizations
def test_partial_fits_go_on_where_a_fit_would(normalization):
    """Running averages included, which one row at a time moves too."""
    fitted = make(normalization, shuffle=False, max_iter=3, dtype="float64").fit(Z, Y)
    stepwise = make(normalization, shuffle=False, dtype="float64")
    for _ in range(3):
        stepwise.partial_fit(Z, Y, classes=[0, 1])
    np.testing.assert_allclose(fitted.predict_proba(Z), stepwise.predict_proba(Z), rtol=1e-9)
    for i in range(200):
        stepwise.partial_fit(Z[[i]], Y[[i]])
    assert stepwise.score(Z, Y) > fitted.score(Z, Y) - 0.05


@normalizations
def test_early_stopping_restores_the_running_averages_of_the_best_epoch(normalization):
    model = make(normalization, early_stopping=True, metrics=("log_loss",), max_iter=40, learning_rate_init=0.05)
    model.set_params(n_iter_no_change=8, monitor="val_log_loss")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(Z[:300], Y[:300], X_val=Z[300:], y_val=Y[300:])
    assert model.evaluate(Z[300:], Y[300:]).log_loss == pytest.approx(max(model.history_["val_log_loss"]), rel=1e-6)


@normalizations
def test_warm_starts_go_on_and_refuse_another_normalisation(normalization):
    model = make(normalization, warm_start=True, shuffle=False).fit(Z, Y)
    loss = model.loss_
    assert model.fit(Z, Y).loss_ < loss
    model.set_params(normalization=None)
    with pytest.raises(ValueError, match="normalization=None"):
        model.fit(Z, Y)


@normalizations
def test_sparse_rows_give_the_same_model(normalization):
    data = np.where(RNG.random(Z.shape) < 0.5, 0.0, Z)
    dense = make(normalization, dtype="float64").fit(data, Y)
    of_sparse = make(normalization, dtype="float64").fit(sparse.csr_matrix(data), Y)
    np.testing.assert_allclose(dense.predict_proba(data), of_sparse.predict_proba(sparse.csc_matrix(data)), rtol=1e-9)


@normalizations
@pytest.mark.parametrize("parameters", [{"dropout": 0.3}, {"hidden_layer_sizes": ()}, {"hidden_layer_sizes": (1, 1)}])
def test_beside_dropout_and_in_the_smallest_networks(normalization, parameters):
    model = make(normalization, **parameters).fit(Z, Y)
    assert np.isfinite(model.predict_proba(Z)).all()
    assert len(model.norm_scales_) == model.n_layers_ - 2


@normalizations
def test_same_seed_same_model(normalization, assert_same_model):
    assert_same_model(make(normalization).fit(Z, Y), clone(make(normalization)).fit(Z, Y))


def test_layer_normalisation_with_lbfgs():
    model = make("layer", MLPRegressor, solver="lbfgs", max_iter=200, tol=1e-3, n_iter_no_change=10)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(Z, Z[:, 0] * Z[:, 1])
    assert model.score(Z, Z[:, 0] * Z[:, 1]) > 0.95


def test_no_batch_normalisation_with_lbfgs():
    with pytest.raises(ValueError, match="normalization='batch' does not go with solver='lbfgs'"):
        make("batch", solver="lbfgs").fit(Z, Y)


@pytest.mark.parametrize("value", ["group", True, 1, ["batch", "layer"]], ids=str)
def test_unknown_normalisations_are_refused(value):
    with pytest.raises(ValueError, match="normalization"):
        make(value).fit(Z, Y)
