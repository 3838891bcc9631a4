"""The site: all that is public is in it, its figures are those that were measured, and it builds without a warning."""

import ast
import importlib.util
import os
import re
import subprocess
import sys
import tomllib

import pytest

import skmlp
from tests import pages

DOCS = pages.ROOT / "docs"
EXAMPLES = sorted(path for path in (DOCS / "examples").glob("*.py") if path.name != "pima.py")
COMMAND = "python -m sphinx -W --keep-going -b html docs docs/_build/html"


def rows(page):
    """The rows of all tables of a page, as lists of cells."""
    lines = [line for line in pages.read(page).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_the_reference_lists_all_that_is_public():
    listed = re.findall(r"^   (\w+)$", pages.read("docs/api/index.md"), flags=re.MULTILINE)
    elsewhere = {"DeviceError", "load_pima", "to_onnx"}
    assert set(listed) == set(skmlp.__all__) - {"__version__"} | elsewhere and len(listed) == len(set(listed))


def test_figures_of_the_front_page_are_those_of_the_benchmarks():
    measured, workload = {}, ""
    for row in rows("docs/benchmarks.md"):
        if len(row) == 8 and row[2] != "peer":
            workload = row[1] or workload
            measured.setdefault((workload, row[2]), row)  # the first table is that of one thread
    header, _, *front = (row for row in rows("docs/index.md") if len(row) > 4)
    assert header[:2] == ["workload", "skmlp, s"] and len(front) == 3
    for workload, seconds, *ratios in front:
        assert measured[workload, "scikit-learn"][3] == seconds
        assert [measured[workload, peer][5] for peer in header[2:]] == ratios


def test_the_command_is_the_same_everywhere():
    assert all(COMMAND in pages.read(page) for page in ("README.md", "docs/contributing.md", "docs/conf.py"))
    assert "python -m sphinx -W --keep-going" in pages.read(".ci/run")


def test_the_extra_brings_the_extensions():
    extra = tomllib.loads(pages.read("pyproject.toml"))["project"]["optional-dependencies"]["docs"]
    names = {re.match(r"[\w-]+", requirement)[0].replace("-", "_") for requirement in extra}
    extensions = re.search(r"^extensions = (\[.*?\])", pages.read("docs/conf.py"), flags=re.DOTALL | re.MULTILINE)[1]
    assert {name.split(".")[0] for name in ast.literal_eval(extensions)} <= names
    assert {"pydata_sphinx_theme", "matplotlib"} <= names


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_has_a_title_says_where_its_data_are_from_and_shows_something(path):
    text = path.read_text(encoding="utf-8")
    title, line, _, *about = ast.get_docstring(ast.parse(text)).splitlines()
    assert line == "=" * len(title)
    sources = ("scikit-learn's", "Pima", "this package", "installed", "are generated")
    assert any(source in " ".join(about) for source in sources)
    assert "plt.show()" in text


def test_pages_link_examples_that_are_there():
    assert len(EXAMPLES) >= 10
    guide = "".join(path.read_text(encoding="utf-8") for path in DOCS.rglob("*.md"))
    linked = set(re.findall(r"examples/(\w+)\.py\)", guide))
    assert len(linked) >= 5 and linked <= {path.stem for path in EXAMPLES}


@pytest.mark.slow
def test_builds_without_a_warning(tmp_path):
    """As it is built, in a copy of the pages; nothing that an example prints is a warning."""
    for needed in ("myst_parser", "numpydoc", "onnx", "pydata_sphinx_theme", "sphinx_design", "sphinx_gallery"):
        if importlib.util.find_spec(needed) is None:
            pytest.skip(f"{needed} is not installed")
    for path in tracked("docs") + ["CHANGELOG.md"]:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes((pages.ROOT / path).read_bytes())
    arguments = ["-W", "--keep-going", "-q", "-b", "html", "docs", "docs/_build/html"]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *arguments],
        cwd=tmp_path,
        env={**environment(), "PYTHONPATH": str(pages.ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    html = tmp_path / "docs" / "_build" / "html"
    for path in EXAMPLES:
        page = (html / "gallery" / f"{path.stem}.html").read_text(encoding="utf-8")
        assert f"sphx_glr_{path.stem}_001" in page and not re.search(r"\.py:\d+: \w*Warning", page)


def tracked(folder):
    """Files that the site is made of, not what making it leaves behind."""
    made = ("docs/_build/", "docs/gallery/", "docs/api/generated/", "docs/sg_execution_times.rst")
    paths = (path.relative_to(pages.ROOT).as_posix() for path in (pages.ROOT / folder).rglob("*") if path.is_file())
    return [path for path in paths if not path.startswith(made) and "__pycache__" not in path]


def environment():
    """That of the tests, without what would turn the kernels off."""
    return {name: value for name, value in os.environ.items() if name != "NUMBA_DISABLE_JIT"}
