"""Each benchmark still runs: the smallest case of each script prints its tables and writes them as CSV.

What was measured is not looked at.
"""

import csv
import os
import subprocess
import sys

import pytest

from tests.pages import ROOT
from tests.ways import needs_jit

BENCHMARKS = ROOT / "benchmarks"

QUICK = {
    "metrics": ["--workloads", "pima"],
    "roofline": ["--workloads", "default", "--size", "64"],
    "scaling": ["--axes", "rows", "classes", "--values", "2"],
    "steps": ["--workloads", "pima"],
    "threads": ["--workloads", "pima"],
}
SLOW = {  # start processes of their own
    "cold": ["--variants", "classifier", "--peers", "scikit-learn"],
    "fit": ["--workloads", "pima", "--peers", "scikit-learn", "--threads", "1"],
    "memory": ["--rows", "20000"],
    "predict": ["--rows", "1", "1000"],
    "search": ["--searches", "pima, 10 folds", "--epochs", "1"],
}
ROUNDS_OF_ITS_OWN = {"steps"}  # as many as each operation takes
PARTS = {"predict": ["memory"], "scaling": ["exponents"]}  # tables besides the first

CASES = [
    *(pytest.param(*case, id=case[0]) for case in QUICK.items()),
    *(pytest.param(*case, id=case[0], marks=pytest.mark.slow) for case in SLOW.items()),
]


@needs_jit
@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_smallest_case(name, arguments, tmp_path):
    out = tmp_path / f"{name}.csv"
    runs = [] if name in ROUNDS_OF_ITS_OWN else ["--runs", "1"]
    command = [sys.executable, BENCHMARKS / f"{name}.py", *runs, "--out", out, *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
    done = subprocess.run(
        command, env=environment, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0 and "failed" not in done.stdout, done.stdout + done.stderr
    paths = [out, *(out.with_stem(f"{name}_{part}") for part in PARTS.get(name, []))]
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    printed = [cells(line) for line in done.stdout.splitlines()]
    for path in paths:
        header, *rows = csv.reader(path.read_text(encoding="utf-8").splitlines())
        assert rows and all(len(row) == len(header) for row in rows)
        assert all(row in printed for row in [header, *rows])


def cells(line):
    """Of a printed row."""
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_every_script_is_tried():
    scripts = {path.stem for path in BENCHMARKS.glob("*.py") if "__main__" in path.read_text(encoding="utf-8")}
    assert scripts == QUICK.keys() | SLOW.keys()
