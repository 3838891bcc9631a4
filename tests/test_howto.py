"""How-to pages keep their promises: the code of each runs from top to bottom, and its links lead somewhere."""

import re
from importlib.util import find_spec
from runpy import run_path

import pytest

from tests import pages

OPTIONAL = ("shap",)  # what a block may import that the tests do not install

PAGES = sorted(path.relative_to(pages.ROOT).as_posix() for path in (pages.ROOT / "docs" / "howto").glob("*.md"))
PAGES += ["docs/first-call.md", "docs/where-the-time-goes.md", "docs/gpu.md"]
every_page = pytest.mark.parametrize("page", PAGES)


def test_there_are_pages_and_the_readme_names_them():
    readme = pages.read("README.md")
    assert len(PAGES) > 1 and all(f"]({page})" in readme for page in PAGES)


@every_page
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_code_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks, namespace = pages.blocks(pages.read(page)), {"__name__": "__main__"}
    assert blocks
    blocks = [block for block in blocks if all(f"import {name}" not in block or find_spec(name) for name in OPTIONAL)]
    for number, block in enumerate(blocks, start=1):
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
