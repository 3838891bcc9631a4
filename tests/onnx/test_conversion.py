"""The model that to_onnx makes, whatever it predicts."""

import subprocess
import sys

import numpy as np
import onnx
import pandas as pd
import pytest
from scipy import sparse
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skmlp
from skmlp import MLPClassifier, MLPRegressor
from skmlp.onnx import to_onnx
from tests.exports import NETWORK, SCORE, THIRD, X, fitted
from tests.onnx.runtime import run


def test_the_model_has_names_types_and_any_number_of_rows():
    proto = to_onnx(fitted("three classes"), X[:2].astype(np.float32))
    assert {one.domain: one.version for one in proto.opset_import} == {"": 18, "ai.onnx.ml": 3}
    assert "MLPClassifier" in proto.doc_string and skmlp.__version__ in proto.doc_string
    described = {}
    for value in (*proto.graph.input, *proto.graph.output):
        shape = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        described[value.name] = (value.type.tensor_type.elem_type, shape)
    assert described == {
        "X": (onnx.TensorProto.FLOAT, [0, 5]),
        "label": (onnx.TensorProto.INT64, [0]),
        "probabilities": (onnx.TensorProto.FLOAT, [0, 3]),
    }


def test_outputs_of_regressors_are_predictions():
    for target, shape in (("number", [0]), ("quantiles", [0, 3])):
        (output,) = to_onnx(fitted(target), X).graph.output
        assert output.name == "prediction"
        assert [dim.dim_value for dim in output.type.tensor_type.shape.dim] == shape


def test_inputs_keep_the_names_of_columns():
    names = ["size (m²)", "size__m__", "label", "prediction", "X"]
    frame = pd.DataFrame(X, columns=names)
    model = MLPRegressor(**NETWORK).fit(frame, SCORE)
    assert [one.name for one in to_onnx(model, frame).graph.input] == names
    np.testing.assert_allclose(run(model, frame)[0], model.predict(frame), rtol=1e-5, atol=1e-5)
    classes = MLPClassifier(**NETWORK).fit(frame, THIRD)
    np.testing.assert_allclose(run(classes, frame)[1], classes.predict_proba(frame), atol=1e-5)


def test_names_of_columns_are_in_the_way_of_no_other_name():
    names = ["variable", "merged_columns", "gemm", "constant", "probabilities"]
    frame = pd.DataFrame(X, columns=names)
    model = make_pipeline(StandardScaler(), MLPClassifier(**NETWORK)).fit(frame, THIRD)
    proto = to_onnx(model, frame)
    assert [one.name for one in proto.graph.input] == names
    assert [one.name for one in proto.graph.output] == ["label", "probabilities_"]
    np.testing.assert_allclose(run(model, frame)[1], model.predict_proba(frame), atol=1e-5)


def test_integers_are_an_input_of_int64():
    whole = np.arange(400).reshape(80, 5) % 7
    model = MLPClassifier(**NETWORK).fit(whole, THIRD)
    np.testing.assert_allclose(run(model, whole)[1], model.predict_proba(whole), atol=1e-5)


def test_networks_that_were_trained_on_sparse_rows_take_dense_ones():
    thin = np.where(np.abs(X) < 0.7, 0.0, X)
    model = MLPRegressor(**NETWORK).fit(sparse.csr_array(thin), SCORE)
    np.testing.assert_allclose(run(model, thin)[0], model.predict(thin), rtol=1e-5, atol=1e-5)
    assert to_onnx(model, sparse.csr_array(thin)) == to_onnx(model, thin)


def test_the_estimator_stays_as_it_is():
    model = fitted("three classes, texts", normalization="batch")
    before = model.predict_proba(X), set(vars(model))
    to_onnx(model, X)
    np.testing.assert_array_equal(model.predict_proba(X), before[0])
    assert set(vars(model)) == before[1]


def test_rows_that_do_not_fit_are_an_error():
    model = MLPClassifier(**NETWORK).fit(pd.DataFrame(X, columns=list("abcde")), THIRD)
    with pytest.raises(ValueError, match="5 features"):
        to_onnx(fitted("number"), X[:, :4])
    with pytest.raises(ValueError, match="feature names"):
        to_onnx(model, pd.DataFrame(X, columns=list("abcdf")))
    with pytest.raises(NotFittedError):
        to_onnx(MLPRegressor(), X)


WITHOUT = """
import sys
import skmlp
assert not {"onnx", "skl2onnx", "skmlp.onnx"} & set(sys.modules)
sys.modules[sys.argv[1]] = None
try:
    import skmlp.onnx
except ImportError as error:
    print(error)
"""


@pytest.mark.parametrize("package", ["onnx", "skl2onnx"])
def test_a_missing_package_is_named_with_the_command_that_brings_it(package):
    command = [sys.executable, "-c", WITHOUT, package]
    done = subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    assert package in done.stdout and "pip install 'skmlp[onnx]'" in done.stdout
