"""The report of gpu.py: sections of text and tables, shown as they come, written as Markdown and their numbers as JSON.

It says nothing of who ran it and where: texts of errors lose names of users, machines and folders.
"""

import getpass
import json
import platform
import re
from math import isfinite
from pathlib import Path

from report import markdown

FOLDERS = re.compile(r"(?:[A-Za-z]:|~|file://)?[\\/](?:[^\\/\s'\"<>|:]+[\\/])+([^\\/\s'\"<>|:,;]*)")


class Report:
    """What has been found out so far.

    Attributes
    ----------
    numbers : dict
        All that was measured, mostly lists of records: dicts of values by what they are.
    """

    def __init__(self, title):
        self.numbers, self._parts = {}, []
        self.text(f"# {title}")

    def text(self, text):
        """A heading or paragraph."""
        self._parts.append(text)
        print(text + "\n", flush=True)

    def table(self, records):
        """Records, if there are any."""
        if records:
            header, *rows = cells(records)
            self.text(markdown(header, rows))

    def write(self, path):
        """Write ``path`` with the endings .md and .json; returns both."""
        paths = Path(path).with_suffix(".md"), Path(path).with_suffix(".json")
        paths[0].write_text("\n\n".join(self._parts) + "\n", encoding="utf-8")
        paths[1].write_text(json.dumps(strict(self.numbers), indent=1) + "\n", encoding="utf-8")
        return paths


def strict(value):
    """The same for JSON, which knows neither NaN nor infinity: they are texts there."""
    if isinstance(value, dict):
        return {name: strict(each) for name, each in value.items()}
    if isinstance(value, list):
        return [strict(each) for each in value]
    return str(value) if isinstance(value, float) and not isfinite(value) else value


def cells(records):
    """Header and rows of a table of records, which may lack columns."""
    header = list(dict.fromkeys(key for record in records for key in record))
    return [header, *([shown(record.get(key)) for key in header] for record in records)]


def shown(value):
    """A value as text: numbers with three digits, and True, False and None in words."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if 1000.0 <= abs(value) < 1e7 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def spread(records, index, column, value):
    """Records with a column for each value of ``column``: what was one below the other comes side by side."""
    rows = {}
    for record in records:
        key = tuple(record[name] for name in index)
        row = rows.setdefault(key, dict(zip(index, key, strict=True)))
        row[record[column]] = record.get(value)
    return list(rows.values())


def anonymous(text):
    """Text without folders, and without names of this machine and its user."""
    text = FOLDERS.sub(lambda path: path[1] if "." in path[1] else "…", text)  # a file's own name may stay
    for name in (platform.node(), _user()):
        if len(name) > 2:
            text = re.sub(rf"\b{re.escape(name)}\b", "…", text)
    return text


def _user():
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""
