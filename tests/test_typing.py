"""All that is public has types, and mypy makes the right thing of them."""

import importlib
import inspect
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests import pages, public

ROOT = Path(__file__).resolve().parent.parent
needs_mypy = pytest.mark.skipif(find_spec("mypy") is None, reason="mypy is not installed")


def annotated(function):
    signature = inspect.signature(function)
    given = [each.annotation for each in signature.parameters.values() if each.name not in ("self", "cls")]
    return inspect.Signature.empty not in (*given, signature.return_annotation)


@pytest.mark.parametrize("name", ["skmlp", "skmlp.datasets", "skmlp.onnx", "skmlp.typing"])
def test_every_public_function_is_annotated(name):
    if name == "skmlp.onnx":
        pytest.importorskip("skl2onnx")
    functions = dict(public.functions(importlib.import_module(name)))
    assert [name for name, function in functions.items() if not annotated(function)] == []
    if name == "skmlp":
        expected = ["MLPClassifier.__init__", "MLPRegressor.partial_fit", "MLPMulticlass.coefs_", "load"]
        assert functions.keys() > {f"skmlp.{each}" for each in expected}


def mypy(*arguments):
    """What mypy prints, and its exit status."""
    command = [sys.executable, "-m", "mypy", "--no-error-summary", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    return done.stdout, done.returncode


@needs_mypy
def test_mypy_finds_the_mistakes_of_the_programs_and_no_other():
    """Those of tests/typing, whose comments say which mistakes there are, and which type is what."""
    assert mypy() == ("", 0)


@needs_mypy
def test_mypy_accepts_the_program_of_the_page(tmp_path):
    (code,) = pages.blocks(pages.read("docs/howto/types.md"))
    program = tmp_path / "program.py"
    program.write_text(code)
    assert mypy(program) == ("", 0)
    program.write_text(code.replace("hidden_layer_sizes=(16,)", "(16,)"))
    printed, status = mypy(program)
    assert "[arg-type]" in printed and status == 1
