"""The benchmark for GPUs says what is missing where there is none, and checks and reports in the simulator."""

import getpass
import json
import os
import platform
import runpy
import subprocess
import sys

import pytest

from tests.pages import ROOT
from tests.ways import needs_jit

BENCHMARKS = ROOT / "benchmarks"
SIMULATOR = {"NUMBA_ENABLE_CUDASIM": "1"}


@pytest.fixture
def report(monkeypatch):
    """What gpu_report.py defines."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    yield runpy.run_path(str(BENCHMARKS / "gpu_report.py"))
    sys.modules.pop("report")


def run(code_or_script, *arguments, folder, **environment):
    """A finished process: of a script with arguments, or of code that finds the benchmarks."""
    start = [code_or_script] if str(code_or_script).endswith(".py") else ["-c", code_or_script]
    usual = {name: value for name, value in os.environ.items() if name != "NUMBA_ENABLE_CUDASIM"}
    paths = os.pathsep.join([str(ROOT), str(BENCHMARKS)])
    return subprocess.run(
        [sys.executable, *start, *arguments],
        env=usual | {"PYTHONPATH": paths, "PYTHONUTF8": "1"} | environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
    )


def report_of(done, folder):
    """The page and the numbers that a run has written."""
    assert done.returncode in (0, 1), done.stdout + done.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["found.json", "found.md"]
    page = (folder / "found.md").read_text(encoding="utf-8")
    return page, json.loads((folder / "found.json").read_text(encoding="utf-8"))


def test_without_a_gpu_one_line_says_what_is_missing(tmp_path):
    done = run(BENCHMARKS / "gpu.py", folder=tmp_path, CUDA_VISIBLE_DEVICES="")
    assert done.returncode == 2
    assert done.stdout.startswith("device='cuda' is not to be had: ") and done.stdout.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_parts_that_are_not_known_are_refused(tmp_path):
    done = run(BENCHMARKS / "gpu.py", "--only", "check,speed", folder=tmp_path)
    assert done.returncode == 2 and "'check,speed': allowed are check, fit, predict, device" in done.stderr


@needs_jit
def test_a_check_in_the_simulator_passes_and_is_reported(tmp_path):
    options = ["--quick", "--only", "check", "--cases", "loss gamma", "--output", "found.json"]
    done = run(BENCHMARKS / "gpu.py", *options, folder=tmp_path, **SIMULATOR)
    page, numbers = report_of(done, tmp_path)
    assert done.returncode == 0
    assert {(each["dtype"], each["launched"]) for each in numbers["check"]} == {
        *[("float32", "cooperative"), ("float32", "phase by phase")],
        *[("float64", "cooperative"), ("float64", "phase by phase")],
    }
    assert all(each["passed"] and each["same bits twice"] for each in numbers["check"])
    assert "4 of 4 passed" in page and "simulator" in page and "loss gamma" in page
    for secret in (str(tmp_path), str(ROOT)):
        assert secret not in page and secret not in json.dumps(numbers)


@needs_jit
def test_a_wrong_gpu_does_not_pass_and_one_that_fails_is_told(tmp_path):
    code = """
import json, sys
import gpu_check

class Wrong(gpu_check.CudaBackend):
    fails = False

    def predict_and_loss(self, *data):
        if self.fails:
            raise RuntimeError("no such kernel")
        predictions, loss = super().predict_and_loss(*data)
        predictions[-1, -1] += 0.01
        return predictions, loss

sys.setswitchinterval(1e-4)
gpu_check.CudaBackend, gpu_check.TOLERANCES = Wrong, {"float32": 1e-4}
gpu_check.ways = lambda: {"cooperative": True}
found = [gpu_check.measure("solver sgd")]
Wrong.fails = True
print(json.dumps([*found, gpu_check.measure("solver sgd")]))
"""
    done = run(code, folder=tmp_path, **SIMULATOR)
    assert done.returncode == 0, done.stderr
    ([wrong], no_failures), ([failed], failures) = json.loads(done.stdout)
    assert not wrong["passed"] and wrong["of"] == "predictions" and wrong["largest difference"] > 1e-4
    assert not no_failures and not failed["passed"]
    assert "no such kernel" in failures["solver sgd, tiny, 8, float32, cooperative"]


@needs_jit
def test_data_come_to_the_gpu_in_pieces_too(tmp_path):
    """13 rows, in batches of 5: those of training, after a first load of one row, and those of predictions."""
    code = """
import json, sys
import gpu_check
from scipy.sparse import issparse
from skmlp.cuda import backend, feed

def spy(owner, name, note):
    inner = getattr(owner, name)
    def call(self, *data):
        note(self, *data)
        return inner(self, *data)
    setattr(owner, name, call)

sys.setswitchinterval(1e-4)
loads, blocks = [], []
spy(feed.Streamed, "load", lambda self, rows, stream: loads.append((len(rows), issparse(self._source[0]))))
spy(backend.Predictor, "run", lambda self, X, *others: blocks.append(len(X)))
gpu_check.TOLERANCES = {"float32": 1e-4}
gpu_check.ways = lambda: {"cooperative": True}
for name in ("in pieces", "sparse, in pieces"):
    (record,), failures = gpu_check.measure(f"data {name}")
    print(json.dumps([record["passed"], failures, loads, blocks]))
    del loads[:], blocks[:]
"""
    done = run(code, folder=tmp_path, **SIMULATOR)
    assert done.returncode == 0, done.stderr
    for sparse, line in zip((False, True), done.stdout.splitlines(), strict=True):
        rows = [1, 5, 5, 3]
        assert json.loads(line) == [True, {}, 2 * [[n, sparse] for n in rows], 2 * rows[1:]]


def test_every_formula_is_checked(tmp_path):
    code = """
import gpu_check
from skmlp.formulas import activations, losses, optimisers
tables = activations.ACTIVATIONS, losses.LOSSES, optimisers.OPTIMISERS
for quick in (False, True):
    parts = {part for name in gpu_check.names(quick) for part in name.split(" + ")}
    for kind, table in zip(("activation", "loss", "solver"), tables):
        assert {f"{kind} {name}" for name in table} <= parts
    for kind in ("layers", "data"):
        assert {f"{kind} {name}" for name in gpu_check.GROUPS[kind]} <= parts
"""
    done = run(code, folder=tmp_path)
    assert done.returncode == 0, done.stderr


def test_advice_takes_the_size_that_loses_least(tmp_path):
    code = """
from math import inf
from gpu_advice import threshold
assert threshold([(10, 1.0, 3.0), (100, 1.0, 2.0), (1000, 4.0, 1.0)]) == (1000, 100)
assert threshold([(10, 1.0, 3.0), (100, 2.0, 1.0), (300, 1.0, 1.1), (1000, 4.0, 1.0)]) == (100, 10)
assert threshold([(10, 1.0, 3.0)]) == (inf, 10)
assert threshold([(10, 3.0, 1.0)]) == (10, 0)
"""
    done = run(code, folder=tmp_path)
    assert done.returncode == 0, done.stderr


def test_a_report_loses_folders_and_names(report, monkeypatch):
    monkeypatch.setattr(platform, "node", lambda: "our-server")
    monkeypatch.setattr(getpass, "getuser", lambda: "somebody")
    anonymous = report["anonymous"]
    assert anonymous('File "/home/somebody/skmlp/cuda/tiles.py", line 3') == 'File "tiles.py", line 3'
    assert anonymous(r"C:\Users\somebody\a.py and /opt/secret/place, 3 GB/s") == "a.py and …, 3 GB/s"
    assert anonymous("on our-server by somebody, not somebodyelse") == "on … by …, not somebodyelse"


def test_a_report_spreads_records_into_columns(report):
    records = [{"case": "a", "way": "one", "s": 1.5}, {"case": "a", "way": "two", "s": 12345.6}]
    rows = report["spread"](records, ["case"], "way", "s")
    assert rows == [{"case": "a", "one": 1.5, "two": 12345.6}]
    assert report["cells"](rows) == [["case", "one", "two"], ["a", "1.5", "12,346"]]


def test_all_numbers_go_into_json(report, tmp_path, capsys):
    page = report["Report"]("title")
    page.numbers["check"] = [{"inf": float("inf"), "nan": float("nan"), "number": 0.5, "passed": False, "none": None}]
    page.table(page.numbers["check"])
    paths = page.write(tmp_path / "found")
    numbers = json.loads(paths[1].read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert numbers["check"] == [{"inf": "inf", "nan": "nan", "number": 0.5, "passed": False, "none": None}]
    assert paths[0].read_text(encoding="utf-8") == capsys.readouterr().out.strip() + "\n"


@needs_jit
@pytest.mark.slow
def test_all_parts_run_in_the_simulator(tmp_path):
    options = ["--quick", "--runs", "1", "--cases", "tiny", "loss huber, delta 0.3", "--output", "found.md"]
    done = run(BENCHMARKS / "gpu.py", *options, folder=tmp_path, **SIMULATOR)
    page, numbers = report_of(done, tmp_path)
    assert done.returncode == 0, page
    assert {"device", "check", "fit", "predict", "launches", "waits", "copies", "phases", "steps", "tiles"} == {
        *numbers
    }
    assert all(numbers.values())
    ours = {each["contestant"]: each["loss"] for each in numbers["fit"]}
    assert {"skmlp, CPU", "skmlp, GPU", "skmlp, GPU, phase by phase"} <= ours.keys()
    assert list(ours.values()) == pytest.approx([ours["skmlp, CPU"]] * len(ours), rel=1e-4)
    assert "weights × rows" in page and "Failures" not in page
