"""Fitted models, and pipelines that hold some, as ONNX models.

Needs the packages onnx and skl2onnx, which the extra ``onnx`` brings. Importing this lets skl2onnx convert the
estimators of skmlp, wherever in a pipeline they are.
"""

try:
    from skmlp.onnx.conversion import to_onnx
    from skmlp.onnx.registry import register
except ModuleNotFoundError as error:
    if str(error.name).split(".")[0] not in ("onnx", "skl2onnx"):
        raise
    raise ImportError(f"skmlp.onnx needs the package {error.name}: pip install 'skmlp[onnx]'") from error

register()

__all__ = ["to_onnx"]
