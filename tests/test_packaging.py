"""What the installed distribution holds and promises.

The other tests import the sources of the checkout; these ask the installation.
"""

import os
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

import skmlp
from skmlp.devices import probe
from skmlp.estimators.parameters import PARAMETERS

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def installed_files():
    """Path in the distribution to path on disk, of an ordinary (not editable) installation."""
    files = {str(file): Path(file.locate()) for file in metadata.files("skmlp")}
    if "skmlp/__init__.py" not in files:
        pytest.skip("skmlp is installed in editable mode")
    return files


def test_version_is_stated_once():
    assert skmlp.__version__ == metadata.version("skmlp") == PROJECT["version"]
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(rf"^version: {re.escape(PROJECT['version'])}$", citation, flags=re.MULTILINE)
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{PROJECT['version']}]" in changelog


def test_hard_dependencies():
    names = {re.match(r"[\w-]+", requirement)[0] for requirement in PROJECT["dependencies"]}
    assert names == {"numpy", "numba", "scikit-learn"}


@pytest.mark.parametrize("toolkit", ["12", "13"])
def test_extras_for_gpus(toolkit):
    """The NumPy that they allow is the one that is not refused, and they are called as messages and pages call them."""
    extra = PROJECT["optional-dependencies"][f"cuda{toolkit}"]
    newest = ".".join(map(str, probe.TOO_NEW))
    assert extra == [f"numba-cuda[cu{toolkit}]>=0.30,<0.31", f"numpy<{newest}"]
    page = (ROOT / "docs" / "gpu.md").read_text(encoding="utf-8")
    for text in (probe.INSTALL, page):
        assert f"pip install 'skmlp[cuda{toolkit}]'" in text
    assert all(name in PARAMETERS["device"].doc for name in (f"``cuda{toolkit}``", "extra"))


def test_no_other_extra_brings_cuda():
    others = {name for name, extra in PROJECT["optional-dependencies"].items() if "cuda" in str(extra)}
    assert others == {"cuda12", "cuda13"}


def test_only_the_package_is_installed(installed_files):
    tops = {Path(name).parts[0] for name in installed_files if not name.startswith("..")}
    assert tops == {"skmlp", f"skmlp-{PROJECT['version']}.dist-info"}


def test_every_file_of_the_package_is_installed(installed_files):
    here = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "skmlp").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    there = {name for name in installed_files if name.startswith("skmlp/") and "__pycache__" not in name}
    assert {"skmlp/py.typed", "skmlp/datasets/data/pima.csv"} <= there
    assert there == here, "install the package again: files were added or removed"


def test_data_are_found_in_the_installation(installed_files, tmp_path):
    program = """
import skmlp.datasets
X, y = skmlp.datasets.load_pima()
print(skmlp.__file__)
print(X.shape, y.sum())
"""
    # Without PYTHONPATH and away from the checkout, `import skmlp` finds the installation.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    origin, content = done.stdout.splitlines()
    assert content == "(768, 8) 268"
    assert Path(origin).resolve() == installed_files["skmlp/__init__.py"].resolve()
