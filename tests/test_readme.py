"""The README keeps its promises: its commands are tested, its code runs, its links lead somewhere."""

import pytest

from tests import pages

README = pages.read("README.md")
BLOCKS = pages.blocks(README)


def test_opens_with_the_two_commands():
    install_and_run = "python -m pip install . && python docs/examples/pima.py"
    install_and_test = "python -m pip install '.[test]' && python -m pytest"
    assert README.startswith(f"# skmlp\n\n1. `{install_and_run}`\n2. `{install_and_test}`\n")
    assert install_and_test in pages.read(".ci/run")


def test_has_code():
    assert len(BLOCKS) == README.count("```python") > 0


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_code_runs(number, tmp_path, monkeypatch):
    if "sklearn.callback" in BLOCKS[number]:
        pytest.importorskip("sklearn.callback")
    monkeypatch.chdir(tmp_path)
    pages.run(BLOCKS[number], f"README.md, Python block {number + 1}", {"__name__": "__main__"})


def test_links_lead_somewhere():
    assert "](docs/" in README and not pages.missing_links("README.md")
