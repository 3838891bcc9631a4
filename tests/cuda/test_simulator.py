"""The tests in ``simulated``, each file in a process of its own, in which CUDA is Numba's simulator."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "tests" / "cuda" / "simulated"
FILES = sorted(FOLDER.glob("test_*.py"))


def run_pytest(*arguments, **variables):
    """Run pytest in one process; returns what it printed."""
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_DISABLE_JIT"}
    options = ["-n", "0", "-q", "-p", "no:cacheprovider", "--color=no", *arguments]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        cwd=ROOT,
        env=environment | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
    )
    return done.stdout


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem.removeprefix("test_"))
def test_in_the_simulator(file):
    """All of them pass, and there are some."""
    output = run_pytest(str(file), NUMBA_ENABLE_CUDASIM="1")
    assert re.fullmatch(r"[1-9]\d* passed in .*", output.splitlines()[-1]), output


def test_elsewhere_none_of_them_is_collected():
    output = run_pytest("--collect-only", str(FOLDER), NUMBA_ENABLE_CUDASIM="0")
    assert re.fullmatch(r"no tests collected in .*", output.splitlines()[-1]), output


def test_the_files_are_those_of_the_folder():
    """And nothing else there looks like a test."""
    assert {file.stem for file in FILES} >= {"test_estimators", "test_formulas", "test_phases"}
    others = {file.stem for file in FOLDER.rglob("*.py")} - {file.stem for file in FILES}
    assert others == {"both", "conftest"}
