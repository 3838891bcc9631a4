"""Each benchmark still runs: the smallest case of each script prints its tables and writes them as CSV.

What was measured is not looked at.
"""

import csv
import os
import runpy
import subprocess
import sys

import pytest

from tests.pages import ROOT, read
from tests.ways import needs_jit

BENCHMARKS = ROOT / "benchmarks"

QUICK = {
    "bands": ["--sets", "diabetes", "--rows", "100"],
    "deploy": ["--networks", "small", "--rows", "1", "100"],
    "metrics": ["--workloads", "pima"],
    "roofline": ["--workloads", "default", "--size", "64"],
    "scaling": ["--axes", "rows", "classes", "--values", "2"],
    "steps": ["--workloads", "pima"],
    "tables": ["--sets", "wine", "--seeds", "1"],
    "tabular": ["--sets", "wine", "--variants", "defaults", "one member", "--splits", "1", "--members", "2"],
    "threads": ["--workloads", "pima"],
}
SLOW = {  # start processes of their own
    "devices": [],
    "cold": ["--variants", "classifier", "--peers", "scikit-learn"],
    "fit": ["--workloads", "pima", "--peers", "scikit-learn", "--threads", "1"],
    "memory": ["--rows", "20000"],
    "predict": ["--rows", "1", "1000"],
    "search": ["--searches", "pima, 10 folds", "--epochs", "1"],
}
PARTS = {  # tables besides the first
    "predict": ["memory"],
    "scaling": ["exponents"],
    "steps": ["classes", "products", "fits"],
}

CASES = [
    *(pytest.param(*case, id=case[0]) for case in QUICK.items()),
    *(pytest.param(*case, id=case[0], marks=pytest.mark.slow) for case in SLOW.items()),
]


@needs_jit
@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_smallest_case(name, arguments, tmp_path):
    out = tmp_path / f"{name}.csv"
    lines = printed_by(name, out, *arguments)
    paths = [out, *(out.with_stem(f"{name}_{part}") for part in PARTS.get(name, []))]
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    printed = [cells(line) for line in lines]
    for path in paths:
        header, *rows = csv.reader(path.read_text(encoding="utf-8").splitlines())
        assert rows and all(len(row) == len(header) for row in rows)
        assert all(row in printed for row in [header, *rows])


def printed_by(name, out, *arguments):
    """Lines that a script prints."""
    command = [sys.executable, BENCHMARKS / f"{name}.py", "--runs", "1", "--out", out, *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
    done = subprocess.run(
        command, env=environment, cwd=out.parent, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0 and "failed" not in done.stdout, done.stdout + done.stderr
    return done.stdout.splitlines()


def cells(line):
    """Of a printed row."""
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_every_script_is_tried():
    scripts = {path.stem for path in BENCHMARKS.glob("*.py") if "__main__" in path.read_text(encoding="utf-8")}
    assert scripts == QUICK.keys() | SLOW.keys() | {"gpu"}  # which has tests of its own


def test_the_page_on_time_has_a_place_for_each_workload():
    page = read("docs/where-the-time-goes.md")
    for name in runpy.run_path(str(BENCHMARKS / "workloads.py"))["WORKLOADS"]:
        assert page.count(f"<!-- steps {name}: begin -->\n") == page.count(f"<!-- steps {name}: end -->") == 1


@needs_jit
@pytest.mark.slow
def test_steps_puts_its_tables_into_the_page_and_draws_the_picture(tmp_path):
    page, picture = tmp_path / "page.md", tmp_path / "images" / "steps.png"
    before, after = "before\n<!-- steps pima: begin -->\n", "\n<!-- steps pima: end -->\nafter"
    page.write_text(f"{before}an old table{after}", encoding="utf-8")
    arguments = ["--workloads", "pima", "--page", page, "--picture", picture]
    printed_by("steps", tmp_path / "steps.csv", *arguments)
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"{before}\n|  | µs a step | share of the fit |") and text.endswith(f"|\n{after}")
    assert "| all |" in text and "an old table" not in text
    assert picture.read_bytes().startswith(b"\x89PNG")
