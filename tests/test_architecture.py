"""Imports go down the picture of docs/architecture.md, whose table says what each folder may import."""

import ast
import graphlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import skmlp

PACKAGE = Path(skmlp.__file__).parent
PAGE = (Path(__file__).parent.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
TABLE = PAGE.split("\n## The folders\n")[1].split("\n## ")[0]
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TABLE.splitlines() if line.startswith("| `")]
INTERNAL = {row[0].strip("`"): set(re.findall(r"`(\w+)`", row[2])) for row in ROWS}
EXTERNAL = {row[0].strip("`"): set(re.findall(r"\w+", row[3])) for row in ROWS}
COMPILERS = {"numba", "llvmlite"}

SOURCES = sorted(PACKAGE.rglob("*.py"))


def part(path):
    """The folder, or the module beside the folders, that a source file belongs to."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports(path):
    """Full names of all that a file imports, wherever in the file; what a package itself holds, by its module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            for alias in node.names:
                module = f"{node.module}.{alias.name}"
                yield module if is_module(module) else node.module


def is_module(name):
    path = PACKAGE.parent / Path(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def module_name(path):
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def of_each(paths):
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.relative_to(PACKAGE).as_posix())


every_source = of_each(SOURCES)
sources_of_parts = of_each([path for path in SOURCES if part(path) != "__init__"])


def test_the_table_names_every_part_of_the_package():
    assert INTERNAL.keys() == {part(path) for path in SOURCES} - {"__init__"}
    assert all(allowed <= INTERNAL.keys() for allowed in INTERNAL.values())


@sources_of_parts
def test_imports_within_the_package_are_those_of_the_table(path):
    imported = {name.split(".")[1] for name in imports(path) if name.startswith("skmlp.")}
    assert imported - {part(path)} <= INTERNAL[part(path)]
    assert "skmlp" not in imports(path), "a part of the package is imported by its own name"


@sources_of_parts
def test_other_imports_are_those_of_the_table(path):
    imported = {name.split(".")[0] for name in imports(path)} - {"skmlp"}
    assert imported - sys.stdlib_module_names <= EXTERNAL[part(path)]


def test_the_package_itself_imports_what_is_public_alone():
    imported = set(imports(PACKAGE / "__init__.py"))
    parts = {name.split(".")[1] for name in imported if name.startswith("skmlp")}
    assert parts == {"displays", "estimators", "export", "preprocessing", "version", "warmup"}


def test_the_table_allows_no_more_than_the_rule():
    """What the table must not come to say, whoever edits it."""
    assert INTERNAL["formulas"] == INTERNAL["network"] == EXTERNAL["formulas"] == set()
    assert {name for name, allowed in EXTERNAL.items() if allowed & COMPILERS} <= {"cpu", "cuda"}
    for name in ("training", "displays", "network", "formulas"):
        assert not INTERNAL[name] & {"warmup", "estimators", "devices", "cpu", "cuda"}
    assert not INTERNAL["warmup"] & {"cpu", "cuda"}
    assert INTERNAL["devices"] <= {"cpu", "cuda"}


def test_the_parts_form_no_circle():
    tuple(graphlib.TopologicalSorter(INTERNAL).static_order())  # raises CycleError


def test_the_modules_form_no_circle():
    known = {module_name(path) for path in SOURCES}
    graph = {module_name(path): {name for name in imports(path) if name in known} for path in SOURCES}
    assert sum(map(len, graph.values())) > len(graph) / 2
    tuple(graphlib.TopologicalSorter(graph).static_order())


def test_numbas_cuda_is_imported_in_two_files_alone():
    """Nor is Numba itself in that folder, through which it could be had."""
    importing = {
        path.relative_to(PACKAGE).as_posix()
        for path in SOURCES
        for name in full_names(path)
        if re.match(r"numba[._]cuda", name) or (part(path) == "cuda" and name == "numba")
    }
    assert importing == {"cuda/driver.py", "cuda/simulation.py"}


def full_names(path):
    """Of all that a file imports, each with its module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            module = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            yield from (module + alias.name for alias in node.names)


def test_kernels_are_compiled_from_nothing_that_the_fingerprint_does_not_cover():
    from skmlp.cpu.cache import KERNEL_FOLDERS

    assert {"cpu", *INTERNAL["cpu"]} == set(KERNEL_FOLDERS)


@every_source
def test_every_module_says_what_it_is_for(path):
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def run(program):
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=PACKAGE.parent,
        env={name: value for name, value in os.environ.items() if name != "NUMBA_DISABLE_JIT"},
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout.splitlines()


def test_importing_the_package_loads_no_compiler_and_no_matplotlib():
    loaded = set(run("import sys, skmlp, skmlp.datasets; print(*sys.modules, sep='\\n')"))
    assert "skmlp.estimators.base" in loaded
    assert not loaded & {*COMPILERS, "skmlp.cpu", "matplotlib"}


def test_importing_and_making_a_back_end_compiles_nothing():
    program = """
import sys
from numba.core import event

class Count(event.Listener):
    def on_start(self, event):
        compiled.append(event)
    def on_end(self, event):
        pass

compiled = []
event.register("numba:compile", Count())
from skmlp.cpu.backend import CpuBackend
from skmlp.network.layout import Layout, Network
CpuBackend(Network(Layout((3, 4, 2)), ("relu",), "identity"), "squared_error", "float32")
print(len(compiled), "numba.cuda" in sys.modules)
from skmlp.cpu.compile import function
function(lambda x: x)(1.0)
print(len(compiled) > 0)
"""
    assert run(program) == ["0 False", "True"]
