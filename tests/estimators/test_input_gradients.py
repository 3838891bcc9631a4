"""Derivatives of the estimators' outputs by the features, against finite differences of what the user sees."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.exceptions import NotFittedError

from skmlp import CustomLoss, MLPBinaryClassifier, MLPClassifier, MLPMulticlass, MLPRegressor
from tests.own import SQUARE, SWISH, residual, square

SMALL = {"hidden_layer_sizes": (6, 4), "max_iter": 10, "n_iter_no_change": np.inf, "random_state": 0}
SMOOTH = {**SMALL, "activation": "tanh", "dtype": "float64", "learning_rate_init": 0.02}
CLASSIFIERS = {
    "binary": (MLPBinaryClassifier, "binary"),
    "two classes": (MLPClassifier, "binary"),
    "two softmax units": (MLPMulticlass, "binary"),
    "multiclass": (MLPClassifier, "multiclass"),
    "multilabel": (MLPClassifier, "multilabel"),
}
REGRESSORS = {
    "squared_error": ("regression", {}),
    "several outputs": ("regression2", {"loss": "huber"}),
    "poisson": ("poisson", {"loss": "poisson"}),
    "poisson of several outputs": ("poisson2", {"loss": "poisson"}),
    "one level": ("regression", {"loss": "quantile", "quantile": 0.3}),
    "levels": ("regression", {"loss": "quantile", "quantile": [0.1, 0.5, 0.9]}),
    "own loss": ("regression", {"loss": SQUARE}),
    "own loss with a link": ("regression", {"loss": CustomLoss(square, residual, link="exp")}),
    "own activation": ("regression", {"activation": SWISH}),
    "batch normalisation": ("regression", {"normalization": "batch"}),
    "layer normalisation": ("regression", {"normalization": "layer"}),
    "learned scales": ("regression", {"feature_rate": 2.0}),
    "dropout": ("regression", {"dropout": 0.3}),
    "no hidden layer": ("regression", {"hidden_layer_sizes": ()}),
    "lbfgs": ("regression", {"solver": "lbfgs"}),
}
classifiers = pytest.mark.parametrize("estimator, task", CLASSIFIERS.values(), ids=CLASSIFIERS)
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def differences(predict, X, step=1e-6):
    columns = [(predict(X + move) - predict(X - move)) / (2.0 * step) for move in step * np.eye(X.shape[1])]
    return np.stack(columns, axis=-1)


def assert_derivatives(gradients, predict, X):
    expected = differences(predict, X)
    assert gradients.shape == expected.shape
    np.testing.assert_allclose(gradients, expected, rtol=1e-5, atol=1e-7)


@classifiers
def test_of_probabilities(tasks, estimator, task):
    """Of two classes that of the second; every other shape is that of predict_proba, with an axis of features."""
    data = tasks[task]
    model, X = estimator(**SMOOTH).fit(data.X, data.y), data.X[:20]
    two = task == "binary"
    assert_derivatives(
        model.input_gradients(X), lambda X: model.predict_proba(X)[:, 1] if two else model.predict_proba(X), X
    )


@classifiers
def test_of_logits(tasks, estimator, task):
    data = tasks[task]
    model, X = estimator(**SMOOTH).fit(data.X, data.y), data.X[:20]
    assert_derivatives(model.input_gradients(X, raw=True), model.decision_function, X)


@pytest.mark.parametrize("task, parameters", REGRESSORS.values(), ids=REGRESSORS)
def test_of_values(tasks, task, parameters):
    data = tasks[task]
    model, X = MLPRegressor(**SMOOTH | parameters).fit(data.X, data.y), data.X[:20]
    assert_derivatives(model.input_gradients(X), model.predict, X)


def test_raw_outputs_of_counts_are_their_logarithms(tasks):
    data = tasks["poisson2"]
    model, X = MLPRegressor("poisson", **SMOOTH).fit(data.X, data.y), data.X[:20]
    assert_derivatives(model.input_gradients(X, raw=True), lambda X: np.log(model.predict(X)), X)


def test_focal_loss_and_its_parameters_have_no_part_in_it(tasks):
    data = tasks["multiclass"]
    model = MLPClassifier(loss="focal", focal_gamma=1.5, **SMOOTH).fit(data.X, data.y)
    assert_derivatives(model.input_gradients(data.X[:9]), model.predict_proba, data.X[:9])


@pytest.mark.parametrize("estimator", [MLPBinaryClassifier, MLPMulticlass, MLPClassifier])
def test_the_probability_of_an_only_class_never_moves(tasks, estimator):
    X = tasks["binary"].X
    model = estimator(**SMOOTH).fit(X, np.ones(len(X)))
    gradients = model.input_gradients(X)
    assert gradients.shape == X.shape and not gradients.any()
    assert_derivatives(model.input_gradients(X, raw=True), model.decision_function, X)


@pytest.mark.parametrize("kind", ["sparse", "frame", "float32", "fortran", "read only", "list"])
def test_rows_of_every_kind(tasks, kind):
    data = tasks["regression"]
    X = np.where(data.X > 0, data.X, 0.0)[:10]
    given = {
        "sparse": sparse.csc_array(X),
        "frame": pd.DataFrame(X, columns=list("abcdefgh")),
        "float32": X.astype(np.float32),
        "fortran": np.asfortranarray(X),
        "read only": np.frombuffer(X.tobytes()).reshape(X.shape),
        "list": X.tolist(),
    }[kind]
    model = MLPRegressor(**SMOOTH)
    model.fit(pd.DataFrame(data.X, columns=list("abcdefgh")) if kind == "frame" else data.X, data.y)
    plain = model.input_gradients(given)
    assert isinstance(plain, np.ndarray) and plain.dtype == np.float64
    expected = MLPRegressor(**SMOOTH).fit(data.X, data.y).input_gradients(X)
    np.testing.assert_allclose(plain, expected, rtol=1e-5 if kind == "float32" else 1e-12)


def test_the_dtype_is_that_of_the_model(tasks):
    data = tasks["regression"]
    assert MLPRegressor(**SMALL).fit(data.X, data.y).input_gradients(data.X).dtype == np.float32


def test_errors_are_those_of_predictions(tasks):
    data = tasks["regression"]
    with pytest.raises(NotFittedError):
        MLPRegressor().input_gradients(data.X)
    model = MLPRegressor(**SMALL).fit(data.X, data.y)
    spoilt = data.X.copy()
    spoilt[3, 1] = np.nan
    with pytest.raises(ValueError, match=r"Input X contains NaN[\s\S]*row\(s\) \[3\]"):
        model.input_gradients(spoilt)
    with pytest.raises(ValueError, match="8 features"):
        model.input_gradients(data.X[:, :3])
    with pytest.raises(ValueError, match="0 sample"):
        model.input_gradients(data.X[:0])


def test_no_gpu_is_asked_for(tasks):
    """Without one predictions would warn."""
    data = tasks["regression"]
    model = MLPRegressor(**SMALL).fit(data.X, data.y)
    expected = model.input_gradients(data.X)
    np.testing.assert_array_equal(model.set_params(device="cuda").input_gradients(data.X), expected)


def test_the_model_stays_as_it_was(tasks, state_of):
    data = tasks["multiclass"]
    model = MLPClassifier(normalization="batch", **SMALL).fit(data.X, data.y)
    before = state_of(model)
    model.input_gradients(data.X)
    assert state_of(model) == before


def test_members_of_an_ensemble_tell_of_encoded_features():
    from tests.estimators import tabular

    model = tabular.regressor(dtype="float64", activation="tanh").fit(tabular.X, tabular.VALUES)
    member, Z = model.estimators_[0], model.encoder_.transform(tabular.X)
    assert not hasattr(model, "input_gradients")
    assert_derivatives(member.input_gradients(Z[:9]), member.predict, Z[:9])
