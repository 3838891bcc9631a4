"""Running of ONNX models."""

import numpy as np
import onnx
from onnx import TensorProto
from onnx.helper import tensor_dtype_to_np_dtype
from onnxruntime import InferenceSession

from skmlp.onnx import to_onnx


def run(model, X):
    """Outputs of the ONNX model of an estimator, on all rows of which a few are the sample, and on the first alone."""
    proto = to_onnx(model, X[:10])
    onnx.checker.check_model(proto, full_check=True)
    session = InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    outputs, first = session.run(None, fed(proto, X)), session.run(None, fed(proto, X[:1]))
    for whole, one in zip(outputs, first, strict=True):
        assert one.shape == (1, *whole.shape[1:])
    return outputs


def fed(proto, X):
    """Rows of a frame, or of an array, as inputs of an ONNX model."""
    if isinstance(X, np.ndarray):
        return {"X": X}
    return {put.name: column(put.type.tensor_type.elem_type, X[put.name]) for put in proto.graph.input}


def column(kind, values):
    """A column of a frame; missing texts are empty."""
    if kind == TensorProto.STRING:
        values = ["" if value is None or value != value else value for value in values]
        return np.array(values, dtype=object).reshape(-1, 1)
    return np.array(list(values), dtype=tensor_dtype_to_np_dtype(kind)).reshape(-1, 1)
