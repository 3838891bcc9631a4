"""How-to pages keep their promises: the code of each runs from top to bottom, and its links lead somewhere."""

import pytest

from tests import pages

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
    for number, block in enumerate(blocks, start=1):
        pages.run(block, f"{page}, Python block {number}", namespace)


@every_page
def test_links_lead_somewhere(page):
    assert not pages.missing_links(page)
