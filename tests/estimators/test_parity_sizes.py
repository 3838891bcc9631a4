"""Following scikit-learn's MLP on networks and batches of every size, and on data that nobody has scaled."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn import neural_network

import skmlp
from skmlp.datasets import load_pima

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def follow(name, X, y, rtol=1e-6, curve=True, **parameters):
    """Fit scikit-learn's estimator and ours, hold ours to the other, and return both."""
    parameters = {"random_state": 1} | parameters
    theirs = getattr(neural_network, name)(**parameters).fit(X, y)
    ours = getattr(skmlp, name)(dtype="float64", **parameters).fit(X, y)
    for a, b in zip(ours.coefs_ + ours.intercepts_, [*theirs.coefs_, *theirs.intercepts_], strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-12)
    if curve:
        np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=rtol)
    assert ours.n_iter_ == theirs.n_iter_
    return theirs, ours


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((1500, 40))
    values = X[:, :3] @ rng.standard_normal((3, 2)) + rng.standard_normal((1500, 2))
    return X, {
        "two classes": ("MLPClassifier", (values[:, 0] > 0).astype(int)),
        "seven classes": ("MLPClassifier", np.digitize(values[:, 0], [-2, -1, 0, 1, 2, 3])),
        "one output": ("MLPRegressor", values[:, 0]),
        "two outputs": ("MLPRegressor", values),
    }


@pytest.mark.parametrize("target", ["two classes", "seven classes", "one output", "two outputs"])
@pytest.mark.parametrize("batch_size", [33, 128, 700, 1500, "auto"])
@pytest.mark.parametrize("sizes", [(1,), (40,), (64,) * 4, (150, 120), (300,)])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_sizes(rows, target, batch_size, sizes, solver):
    X, targets = rows
    name, y = targets[target]
    follow(name, X, y, curve=y.ndim == 1, hidden_layer_sizes=sizes, batch_size=batch_size, solver=solver, max_iter=2)


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("weighted", [False, True])
def test_activations_of_wide_layers(rows, activation, weighted):
    X, targets = rows
    y = targets["seven classes"][1]
    weights = np.linspace(0.5, 2, len(X)) if weighted else None
    parameters = {"hidden_layer_sizes": (200, 130), "activation": activation, "max_iter": 3, "random_state": 0}
    theirs = neural_network.MLPClassifier(**parameters).fit(X, y, sample_weight=weights)
    ours = skmlp.MLPClassifier(dtype="float64", **parameters).fit(X, y, sample_weight=weights)
    for a, b in zip(ours.coefs_, theirs.coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-6)


@pytest.mark.parametrize("sizes", [(8,), (150,)])
@pytest.mark.parametrize("batch_size", [50, 700])
def test_sparse(rows, sizes, batch_size):
    X, targets = rows
    sparse = csr_matrix(np.where(np.abs(X) > 1.2, X, 0.0))
    theirs, ours = follow(
        "MLPClassifier",
        sparse,
        targets["seven classes"][1],
        hidden_layer_sizes=sizes,
        batch_size=batch_size,
        max_iter=3,
    )
    np.testing.assert_allclose(ours.predict_proba(sparse), theirs.predict_proba(sparse), rtol=1e-6)


def test_many_classes():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((900, 10)), np.repeat(np.arange(300), 3)
    follow("MLPClassifier", X, y, max_iter=3, batch_size=100)


def test_many_outputs():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 10))
    follow("MLPRegressor", X, rng.standard_normal((300, 200)), curve=False, max_iter=3, batch_size=100)


@pytest.mark.parametrize("n_rows", [1, 2, 3, 17])
@pytest.mark.parametrize("batch_size", [1, "auto"])
def test_few_rows(n_rows, batch_size):
    X = np.arange(2.0 * n_rows).reshape(n_rows, 2) / n_rows
    follow("MLPRegressor", X, X[:, 0], max_iter=5, batch_size=batch_size, hidden_layer_sizes=(3,))


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"solver": "sgd"},
        {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.5, "n_iter_no_change": 1},
        {"batch_size": 10},
        {"activation": "tanh"},
        {"learning_rate_init": 0.02},
        {"early_stopping": True},
        {"n_iter_no_change": 2, "tol": 0.1, "max_iter": 100},
    ],
    ids=lambda parameters: "+".join(map(str, parameters)) or "default",
)
def test_unscaled_features_of_two_classes(parameters):
    """Here outputs saturate: scikit-learn's loss ends where a probability cannot be told from 0 or 1."""
    X, y = load_pima()
    theirs, ours = follow("MLPClassifier", X, y, **{"hidden_layer_sizes": (12,), "max_iter": 20} | parameters)
    if theirs.validation_scores_:
        np.testing.assert_allclose(ours.validation_scores_, theirs.validation_scores_)


@pytest.mark.parametrize("scale", [1.0, 30.0, 1000.0])
@pytest.mark.parametrize("target", ["seven classes", "two classes"])
def test_saturated_outputs(rows, target, scale):
    X, targets = rows
    follow("MLPClassifier", scale * X, targets[target][1], max_iter=5, hidden_layer_sizes=(20,))


def test_saturated_labels(tasks):
    data = tasks["multilabel"]
    follow("MLPClassifier", 300 * data.X, data.y, max_iter=5, hidden_layer_sizes=(20,))
