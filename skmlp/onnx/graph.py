"""Nodes of an ONNX graph, written as calls."""

from functools import partial

import numpy as np
from onnx import numpy_helper
from onnx.helper import np_dtype_to_tensor_dtype


class Graph:
    """The graph that skl2onnx is building: ``graph.Add(x, 1.0)`` adds a node and returns the name of its result.

    Arguments are such names, or numbers and arrays, which become constants: floats of the dtype of the graph, and
    integers of int64.

    Parameters
    ----------
    scope, container : skl2onnx.common._topology.Scope, skl2onnx.common._container.ModelComponentContainer
        What skl2onnx hands to converters.
    dtype : dtype
        In which is computed.
    """

    def __init__(self, scope, container, dtype):
        self.scope, self.container, self.dtype = scope, container, np.dtype(dtype)

    def at(self, dtype):
        """The same graph, computing in another dtype."""
        return Graph(self.scope, self.container, dtype)

    def __getattr__(self, operator):
        if not operator[0].isupper():
            raise AttributeError(operator)
        return partial(self.node, operator)

    def node(self, operator, *inputs, domain="", **attributes):
        """Add a node of one result, whose name is returned."""
        result = self.scope.get_unique_variable_name(operator.lower())
        inputs = [one if isinstance(one, str) else self.constant(one) for one in inputs]
        name = self.scope.get_unique_operator_name(operator)
        self.container.add_node(operator, inputs, result, name=name, op_domain=domain, **attributes)
        return result

    def constant(self, values):
        """Add an array, whose name is returned."""
        values = np.asarray(values)
        if values.dtype.kind in "OU":
            values = values.astype(object)
        elif values.dtype.kind != "b":
            values = values.astype(self.dtype if values.dtype.kind == "f" else np.int64)
        name = self.scope.get_unique_variable_name("constant")
        tensor = numpy_helper.from_array(values, name)
        content = tensor if tensor.HasField("raw_data") else tensor.string_data
        self.container.add_initializer(name, tensor.data_type, values.shape, content)
        return name

    def cast(self, x, dtype=None):
        """Values in another dtype, that of the graph if none is given."""
        return self.Cast(x, to=np_dtype_to_tensor_dtype(np.dtype(dtype or self.dtype)))
