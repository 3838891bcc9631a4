"""Pages keep their promises: the code of each runs from top to bottom, and its links lead somewhere."""

import re
from importlib.util import find_spec
from runpy import run_path

import pytest

from tests import pages

OPTIONAL = ("shap", "keras", "skorch", "torch")  # what a block may need that the tests do not install
KERAS_BACKENDS = ("tensorflow", "jax", "torch")

PAGES = sorted(path.relative_to(pages.ROOT).as_posix() for path in (pages.ROOT / "docs").rglob("*.md"))
PAGES = [page for page in PAGES if not page.startswith("docs/_build/")]
WITH_CODE = [page for page in PAGES if pages.blocks(pages.read(page))]
every_page = pytest.mark.parametrize("page", PAGES)


def test_the_readme_names_the_how_to_pages():
    howto = [page for page in PAGES if page.startswith("docs/howto/")]
    assert len(howto) > 1 and all(f"]({page})" in pages.read("README.md") for page in howto)


def test_the_guide_has_code():
    guide = [page for page in PAGES if re.match("docs/(guide|coming-from)/", page) and not page.endswith("/index.md")]
    assert len(guide) > 10 and set(guide) <= set(WITH_CODE)


@pytest.mark.parametrize("page", WITH_CODE)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras
def test_code_runs(page, tmp_path, monkeypatch):
    text = pages.read(page)
    if "sklearn.callback" in text:
        pytest.importorskip("sklearn.callback")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_BACKEND", next(filter(find_spec, KERAS_BACKENDS), ""))
    missing = [name for name in OPTIONAL if not find_spec(name)]
    namespace = {"__name__": "__main__"}
    for number, block in enumerate(pages.blocks(text), start=1):
        if not any(re.search(rf"\b{name}(?![a-z])", block) for name in missing):
            pages.run(block, f"{page}, Python block {number}", namespace)
    shown = re.findall(r"\]\(\.\./images/([\w-]+\.png)\)", pages.read(page))
    assert {path.name for path in tmp_path.glob("*.png")} == set(shown), "its code draws its pictures"


@every_page
def test_links_lead_somewhere(page):
    assert not pages.missing_links(page)


def test_pictures_are_those_that_the_script_draws(tmp_path, monkeypatch, capsys):
    script = run_path(str(pages.ROOT / "docs" / "images" / "draw.py"))
    with_pictures = [page for page in PAGES if "](../images/" in pages.read(page)]
    assert {f"docs/howto/{page}" for page in script["PAGES"]} == set(with_pictures)
    code = "from matplotlib.figure import Figure\nFigure().savefig('empty.png')"
    page = f"```python\n{code}\n```\n![](../images/empty.png)\n"
    (tmp_path / "howto").mkdir()
    (tmp_path / "howto" / "page.md").write_text(page, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(script["draw"].__globals__, "IMAGES", tmp_path / "images")
    script["draw"]("page.md")
    assert capsys.readouterr().out == "empty.png\n" and (tmp_path / "empty.png").stat().st_size > 0
