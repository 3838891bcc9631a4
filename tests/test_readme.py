"""The README keeps its promises: its commands are tested, its code runs, its links lead somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)


def test_opens_with_the_two_commands():
    install_and_run = "python -m pip install . && python docs/examples/pima.py"
    install_and_test = "python -m pip install '.[test]' && python -m pytest"
    assert README.startswith(f"# skmlp\n\n1. `{install_and_run}`\n2. `{install_and_test}`\n")
    assert install_and_test in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_has_code():
    assert len(BLOCKS) == README.count("```python") > 0


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_code_runs(number, tmp_path, monkeypatch):
    if "sklearn.callback" in BLOCKS[number]:
        pytest.importorskip("sklearn.callback")
    monkeypatch.chdir(tmp_path)
    code = compile(BLOCKS[number], f"README.md, Python block {number + 1}", "exec")
    exec(code, {"__name__": "__main__"})


def test_links_lead_somewhere():
    links = re.findall(r"\]\(([^)#]+)", README)
    missing = [link for link in links if "://" not in link and not (ROOT / link).exists()]
    assert links and not missing
