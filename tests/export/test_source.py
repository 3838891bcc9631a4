"""Modules made of fitted estimators predict as these do."""

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    PolynomialFeatures,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

import skmlp
from skmlp import CustomActivation, MLPClassifier, MLPRegressor, TabularMLPRegressor, to_source
from tests.exports import (
    EXTREMES,
    NETWORK,
    SCORE,
    SEVERAL,
    TARGETS,
    THIRD,
    X,
    every_activation,
    every_dtype,
    every_link,
    every_normalization,
    every_target,
    fitted,
    linked,
    passing_on,
    predictions,
)

TOLERANCE = {"float32": 1e-6, "float64": 1e-12}


class Module:
    """The names of a module, as attributes."""

    def __init__(self, text):
        exec(compile(text, "exported", "exec"), vars(self))


def module_of(model):
    return Module(to_source(model))


@every_target
@every_dtype
def test_predicts_as_the_estimator(target, dtype):
    model = fitted(target, dtype=dtype)
    module, tol = module_of(model), TOLERANCE[dtype]
    for name in ("predict", "predict_proba", "decision_function"):
        assert hasattr(module, name) == hasattr(model, name)
        if hasattr(model, name):
            ours, expected = getattr(module, name)(X), getattr(model, name)(X)
            assert ours.dtype == expected.dtype and ours.shape == expected.shape
            if name == "predict" and hasattr(model, "classes_"):
                np.testing.assert_array_equal(ours, expected)
            else:
                np.testing.assert_allclose(ours, expected, rtol=tol, atol=tol)


@every_activation
@every_normalization
@every_dtype
def test_predicts_with_every_activation_and_normalisation(activation, normalization, dtype):
    model = fitted("numbers", activation=activation, normalization=normalization, dtype=dtype)
    tol = TOLERANCE[dtype]
    np.testing.assert_allclose(module_of(model).predict(X), model.predict(X), rtol=tol, atol=tol)


@every_activation
@every_dtype
def test_large_values_overflow_in_no_activation(activation, dtype):
    model = passing_on(activation, dtype)
    tol = TOLERANCE[dtype]
    np.testing.assert_allclose(module_of(model).predict(EXTREMES), model.predict(EXTREMES), rtol=tol, atol=tol)


@every_link
@every_dtype
def test_large_values_overflow_in_no_link(link, dtype):
    model = linked(link, dtype)
    Z = np.minimum(EXTREMES, 80.0) if link == "exp" else EXTREMES
    tol = TOLERANCE[dtype]
    np.testing.assert_allclose(predictions(module_of(model), Z), predictions(model, Z), rtol=tol, atol=tol)


ALONE = """
import importlib.abc, sys
sys.path.append(sys.argv[1])

class NumPyOnly(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] not in {*sys.stdlib_module_names, "numpy", "exported"}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, NumPyOnly())
try:
    import scipy
except ModuleNotFoundError:
    pass
else:
    raise AssertionError
import importlib.util
import numpy as np
X = np.load(sys.argv[2])
for path in sys.argv[3:]:
    spec = importlib.util.spec_from_file_location("exported", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    np.save(path + ".npy", getattr(module, "predict_proba", module.predict)(X))
assert not {"skmlp", "sklearn", "numba", "scipy"} & set(sys.modules)
"""


def test_needs_nothing_but_numpy(tmp_path):
    np.save(tmp_path / "X.npy", X)
    models = [fitted(target, activation="gelu", normalization="layer") for target in ("three classes, texts", "gamma")]
    paths = [tmp_path / f"model{number}.py" for number in range(len(models))]
    for path, model in zip(paths, models, strict=True):
        path.write_text(to_source(model), encoding="utf-8")
    folder = Path(np.__file__).parent.parent
    subprocess.run([sys.executable, "-I", "-S", "-c", ALONE, folder, tmp_path / "X.npy", *paths], check=True)
    for path, model in zip(paths, models, strict=True):
        np.testing.assert_allclose(np.load(f"{path}.npy"), predictions(model, X), rtol=1e-6, atol=1e-6)


SCALERS = [StandardScaler(), StandardScaler(with_mean=False), StandardScaler(with_std=False), RobustScaler()]
SCALERS += [RobustScaler(with_centering=False, with_scaling=False), MinMaxScaler((-1, 2)), MaxAbsScaler()]


@pytest.mark.parametrize("scaler", SCALERS, ids=repr)
@every_dtype
def test_scalers_of_a_pipeline_are_part_of_it(scaler, dtype):
    raw = X * [1.0, 1e3, 1e-3, 5.0, 1.0] + [0.0, 1e4, 0.0, -7.0, 1.0]
    model = make_pipeline("passthrough", scaler, MLPRegressor(**NETWORK, dtype=dtype)).fit(raw, SCORE)
    tol = 1e-5 if dtype == "float32" else 1e-9  # inputs of hundreds round to more
    np.testing.assert_allclose(module_of(model).predict(raw), model.predict(raw), rtol=tol, atol=tol)


def test_scalers_follow_each_other():
    raw = pd.DataFrame(30.0 * X + 4.0, columns=list("abcde"))
    model = make_pipeline(MinMaxScaler(), StandardScaler(), MLPClassifier(**NETWORK, dtype="float64")).fit(raw, THIRD)
    module = module_of(model)
    np.testing.assert_allclose(module.predict_proba(raw), model.predict_proba(raw), rtol=1e-9)
    assert module.FEATURES == list("abcde")


@pytest.mark.parametrize("step", [PolynomialFeatures(), MinMaxScaler(clip=True)], ids=repr)
def test_other_steps_are_an_error(step):
    model = make_pipeline(step, MLPRegressor(**NETWORK)).fit(X, SCORE)
    with pytest.raises(ValueError, match=f"is {type(step).__name__}: known are StandardScaler, .* .clip=False"):
        to_source(model)


def scaled_targets(transformer, steps=(), y=SCORE):
    network = MLPRegressor(**NETWORK, dtype="float64")
    regressor = make_pipeline(*steps, network) if steps else network
    return TransformedTargetRegressor(regressor, transformer=transformer).fit(X, y)


@pytest.mark.parametrize("transformer", [StandardScaler(), RobustScaler(), MinMaxScaler((-1, 3)), MaxAbsScaler()])
@pytest.mark.parametrize("y", [1e3 * SCORE + 1e5, np.c_[SCORE, 10.0 * X], SCORE[:, np.newaxis]])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")  # a single column
def test_targets_are_scaled_back(transformer, y):
    model = scaled_targets(transformer, [MinMaxScaler()], y)
    predictions = module_of(model).predict(X)
    assert predictions.shape == model.predict(X).shape
    np.testing.assert_allclose(predictions, model.predict(X), rtol=1e-9)


def test_targets_are_scaled_back_after_features_were_scaled():
    frame = pd.DataFrame(30.0 * X + 4.0, columns=list("abcde"))
    inner = TransformedTargetRegressor(MLPRegressor(**NETWORK, dtype="float64"), transformer=StandardScaler())
    model = make_pipeline(StandardScaler(), inner).fit(frame, SCORE)
    module = module_of(model)
    np.testing.assert_allclose(module.predict(frame), model.predict(frame), rtol=1e-9)
    assert module.FEATURES == list("abcde")


def test_other_transformers_of_targets_are_an_error():
    with pytest.raises(ValueError, match="the transformer of the target is QuantileTransformer: known are"):
        to_source(scaled_targets(QuantileTransformer(n_quantiles=9)))


def labelled(classes):
    y = np.array(classes)[(SCORE > 0).astype(int)]
    return MLPClassifier(**NETWORK).fit(X, y)


@pytest.mark.parametrize("kind", ["M8[D]", "M8[us]", "M8[ns]", "m8[s]", "m8[ns]"])
def test_labels_that_are_times(kind):
    model = labelled(np.array([3, 10**6], dtype="i8").astype(kind))
    labels = module_of(model).predict(X)
    assert labels.dtype == model.classes_.dtype
    np.testing.assert_array_equal(labels, model.predict(X))


def test_labels_that_a_module_cannot_write_are_an_error():
    model = labelled(["a", "b"])
    model.classes_ = model._encoding.classes = np.array([Decimal(1), Decimal(2)], dtype=object)
    with pytest.raises(ValueError, match=r"class Decimal.*cannot be written"):
        to_source(model)


def test_weights_are_exactly_those_of_the_model():
    for dtype in ("float32", "float64"):
        model = fitted("three classes", dtype=dtype)
        module = module_of(model)
        for number, (weights, biases) in enumerate(zip(model.coefs_, model.intercepts_, strict=True), start=1):
            np.testing.assert_array_equal(getattr(module, f"WEIGHTS_{number}"), weights, strict=True)
            np.testing.assert_array_equal(getattr(module, f"BIASES_{number}"), biases, strict=True)


def test_the_docstring_says_what_the_model_is():
    frame = pd.DataFrame(X, columns=["a", 'b"""\\', "c d", "ü", "{e}"])
    model = MLPClassifier(**NETWORK).fit(frame, np.array(["low", 'mean"""', "{high}"])[THIRD])
    module = module_of(model)
    about = module.__doc__
    assert about.startswith("MLPClassifier:") and model.summary() in about
    assert f"skmlp {skmlp.__version__}, with NumPy {np.__version__}" in about
    for name in (*frame.columns, *model.classes_.tolist()):
        assert repr(name) in about
    np.testing.assert_array_equal(module.predict(frame), model.predict(frame))


def test_the_source_of_one_model_is_always_the_same_and_its_lines_are_short():
    model = fitted("labels", normalization="batch", hidden_layer_sizes=(50,))
    assert to_source(model) == to_source(model)
    assert max(map(len, to_source(model).splitlines())) <= 120


def test_frames_are_held_against_the_names_of_the_features():
    frame = pd.DataFrame(X, columns=list("abcde"))
    model = MLPRegressor(**NETWORK).fit(frame, SCORE)
    module = module_of(model)
    for same in (frame, pl.DataFrame(X, schema=list("abcde")), X, X.tolist()):
        np.testing.assert_allclose(module.predict(same), model.predict(frame), rtol=1e-6, atol=1e-6)
    with pytest.raises(ValueError, match=r"columns \['b', 'a', .* expected are \['a', 'b'"):
        module.predict(frame[list("bacde")])


@pytest.mark.parametrize(
    "rows, said",
    [
        (X[:, :4], r"shape \(80, 4\), expected is \(n_samples, 5\)"),
        (X[0], r"shape \(5,\)"),
        (sparse.csr_array(X), r"shape \(\)"),
        (np.where(X > 1.0, np.nan, X), "NaN"),
        (np.where(X > 1.0, 1e300, X), "too large for float32"),
    ],
    ids=["columns", "one row", "sparse", "NaN", "large"],
)
@pytest.mark.parametrize("scaled", [False, True])
def test_unusable_rows_are_an_error(rows, said, scaled):
    model = MLPRegressor(**NETWORK)
    model = (make_pipeline(StandardScaler(), model) if scaled else model).fit(X, SCORE)
    with pytest.raises(ValueError, match=said):
        module_of(model).predict(rows)


def test_sparse_labels_are_dense_in_a_module():
    model = MLPClassifier(**NETWORK).fit(X, sparse.csr_matrix(SEVERAL))
    np.testing.assert_array_equal(module_of(model).predict(X), model.predict(X).toarray())


def cubed(z):
    return z * z * z


def cubed_slope(z):
    return 3.0 * z * z


def test_what_cannot_be_exported_is_an_error():
    own = CustomActivation(cubed, cubed_slope)
    with pytest.raises(ValueError, match=r"activation: \['cubed'\] cannot be exported"):
        to_source(fitted("number", activation=("relu", own)))
    with pytest.raises(NotFittedError):
        to_source(MLPRegressor())
    with pytest.raises(TypeError, match=r"to_source takes a fitted MLPClassifier.*LogisticRegression"):
        to_source(make_pipeline(StandardScaler(), LogisticRegression()).fit(X, THIRD))
    with pytest.raises(TypeError, match="got 'passthrough'"):
        to_source(Pipeline([("scale", StandardScaler()), ("last", "passthrough")]).fit(X))
    tabular = TabularMLPRegressor(n_estimators=1, cv=2, max_iter=1).fit(X, SCORE)
    with pytest.raises(TypeError, match="got TabularMLPRegressor"):
        to_source(tabular)


def test_every_link_is_among_the_targets():
    links = {fitted(target).out_activation_ for target in TARGETS}
    assert links == {"identity", "logistic", "softmax", "exp", "increasing"}
