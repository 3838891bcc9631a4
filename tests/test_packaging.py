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
from zipfile import ZipFile

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


def files_of_the_package():
    files = (path for path in (ROOT / "skmlp").rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(ROOT).as_posix() for path in files}


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
    here = files_of_the_package()
    there = {name for name in installed_files if name.startswith("skmlp/") and "__pycache__" not in name}
    assert {"skmlp/py.typed", "skmlp/datasets/data/pima.csv"} <= there
    assert there == here, "install the package again: files were added or removed"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel of this checkout."""
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    (path,) = folder.iterdir()
    return path


def test_a_wheel_holds_the_package_and_its_data_and_is_small(wheel):
    assert wheel.name == f"skmlp-{PROJECT['version']}-py3-none-any.whl"
    with ZipFile(wheel) as archive:
        files = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert {name for name in files if not re.fullmatch(r"skmlp/([a-z_]+/)*[a-z_0-9]+\.py", name)} == {
        "skmlp/py.typed",
        "skmlp/datasets/data/pima.csv",
    }
    assert files == files_of_the_package()
    assert wheel.stat().st_size < 300_000


def test_the_lowest_versions_are_those_that_are_asked_for():
    asked = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]]
    bounds = dict(re.fullmatch(r"([\w-]+)>=([\d.]+)", requirement).groups() for requirement in asked)
    pins = dict(re.findall(r"^([\w-]+)==([\d.]+)$", (ROOT / ".ci" / "lowest.txt").read_text(), flags=re.MULTILINE))
    assert pins.keys() > {"numpy", "numba", "scikit-learn"}
    assert {name for name, pin in pins.items() if not f"{pin}.".startswith(f"{bounds.get(name, pin)}.")} == set()
    assert f".ci/versions python{PROJECT['requires-python'].removeprefix('>=')} " in (ROOT / ".ci" / "run").read_text()


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
