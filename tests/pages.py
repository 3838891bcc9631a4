"""Pages of the documentation, whose code and links the tests try."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def read(path):
    """Text of a page, by its path from the root."""
    return (ROOT / path).read_text(encoding="utf-8")


def blocks(text):
    """The Python blocks of a page."""
    found = re.findall(r"^```python\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    assert len(found) == text.count("```python")
    return found


def run(block, name, namespace):
    """Run a block of the page ``name`` as a program, or as the next part of one."""
    exec(compile(block, name, "exec"), namespace)


def missing_links(path):
    """Links of a page to files that are not there; those to the outside are not looked at."""
    links = re.findall(r"\]\(([^)#]+)", read(path))
    return [link for link in links if "://" not in link and not ((ROOT / path).parent / link).exists()]
