"""ONNX Runtime predicts as the estimators of one network do."""

import numpy as np
import pytest

from skmlp import CustomActivation
from skmlp.onnx import to_onnx
from tests.exports import (
    EXTREMES,
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
from tests.onnx.runtime import run

TOLERANCE = {"float32": 1e-5, "float64": 1e-12}
LABELS = {"i": np.int64, "b": np.bool_, "f": np.float64, "U": np.object_}
every_precision_of_x = pytest.mark.parametrize("real", [np.float32, np.float64], ids=lambda real: real.__name__)


@every_target
@every_dtype
@every_precision_of_x
def test_predicts_as_the_estimator(target, dtype, real):
    model, rows = fitted(target, dtype=dtype), X.astype(real)
    *labels, last = run(model, rows)
    expected = predictions(model, rows)
    assert last.shape == expected.shape and last.dtype == expected.dtype == dtype
    np.testing.assert_allclose(last, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
    assert len(labels) == hasattr(model, "classes_")
    for each in labels:
        np.testing.assert_array_equal(each, model.predict(rows))
        assert each.dtype == LABELS[model.classes_.dtype.kind]


@every_activation
@every_normalization
@every_dtype
def test_predicts_with_every_activation_and_normalisation(activation, normalization, dtype):
    model = fitted("numbers", activation=activation, normalization=normalization, dtype=dtype)
    (ours,) = run(model, X)
    np.testing.assert_allclose(ours, model.predict(X), rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


@every_activation
@every_dtype
def test_large_values_overflow_in_no_activation(activation, dtype):
    model = passing_on(activation, dtype)
    (ours,) = run(model, EXTREMES)
    np.testing.assert_allclose(ours, model.predict(EXTREMES), rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


@every_link
@every_dtype
def test_large_values_overflow_in_no_link(link, dtype):
    model = linked(link, dtype)
    Z = np.minimum(EXTREMES, 80.0) if link == "exp" else EXTREMES
    ours = run(model, Z)[-1]
    np.testing.assert_allclose(ours, predictions(model, Z), rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


def bell(z):
    return 1.0 / (1.0 + z * z)


def bell_slope(z):
    return -2.0 * z / ((1.0 + z * z) * (1.0 + z * z))


def test_activations_of_the_users_own_are_an_error():
    model = fitted("three classes", activation=CustomActivation(bell, bell_slope))
    with pytest.raises(ValueError, match=r"activation: \['bell', 'bell'\] cannot be exported"):
        to_onnx(model, X)
