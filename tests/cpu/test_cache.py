"""Kernels on disk: never a stale one, never a wrong one, and no error where there is no disk.

Programs run in processes of their own, on a copy of the kernels' sources, with a cache of their own.
"""

import os
import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import skmlp
from skmlp.cpu import cache
from skmlp.cpu.activation import activation_loops, derivative_loops, derivative_of_one_loops, in_place_loops
from skmlp.cpu.columns import forward_loops, step_loops
from skmlp.cpu.compile import Family, function
from skmlp.cpu.epoch import run_shards
from skmlp.cpu.loss import loss_loops
from skmlp.cpu.normalization import NORMALIZATIONS, normalize_back_loops, normalize_loops
from skmlp.cpu.predict import predict_rows
from skmlp.cpu.products import PRODUCTS, product_loops
from skmlp.cpu.update import update_loops
from skmlp.formulas.activations import ACTIVATIONS
from skmlp.formulas.losses import LOSSES
from skmlp.formulas.optimisers import OPTIMISERS
from tests.cpu.problem import make_problem
from tests.ways import needs_jit

PACKAGE = Path(skmlp.__file__).parent

# A kernel as small as can be, that calls a formula and a function of another file.
PROBE = """
from skmlp.cpu.compile import formulas, kernel
from skmlp.cpu.loss import row_weight
from skmlp.formulas import activations

formulas(activations)


@kernel
def probe(weights, z):
    return row_weight(weights, 0) * activations.relu(z)
"""
RUN_PROBE = """
import numpy as np
from skmlp.cpu.probe import probe

print(probe(np.full(1, 2.0), -3.0), sum(probe.stats.cache_hits.values()), sum(probe.stats.cache_misses.values()))
"""
# What the estimators call: some epochs with each loss.
RUN_EPOCHS = """
import numpy as np
from skmlp.cpu.backend import CpuBackend
from skmlp.cpu.epoch import run_shards
from skmlp.formulas.losses import LOSSES
from skmlp.network.layout import Layout, Network
from skmlp.network.segments import segments

random = np.random.default_rng(0)
X, y, w = random.normal(size=(300, 3)), random.integers(0, 2, (300, 2)).astype(float), random.uniform(size=300)
for loss in LOSSES:
    y = np.maximum(y, 0.5) if LOSSES[loss].domain == "> 0" else y
    network = Network(Layout((3, 5, 4, 2)), ("relu", "tanh"), LOSSES[loss].link)
    run = CpuBackend(network, loss, "float64", levels=(0.2, 0.7)).start(
        random.normal(size=network.layout.size), X, y, w,
        batch_size=280, solver="adam", settings={"l1": 0.1, "l2": 0.1}, segments=segments(network.layout),
    )
    losses = [run.run_epoch(np.arange(300), np.full(2, 0.1)) for _ in range(3)]
    print(*[value.hex() for value in [*losses, *run.parameters.tolist()]])
print(sum(run_shards.stats.cache_hits.values()), sum(run_shards.stats.cache_misses.values()))
"""
# A kernel with a choice of loops, and a process full of other functions of the name and the arguments of those loops.
LOOPS = """
import numpy as np
from skmlp.cpu.compile import function, kernel


def make_loop(value):
    @function
    def run(x, out):
        for i in range(x.size):
            total = value
            for j in range(x.size):
                total += x[i] * x[j]
                for k in range(x.size):
                    total += x[j] + np.sqrt(x[k]) * x[i]
            for j in range(x.size):
                total += np.sqrt(abs(x[j])) / (1.0 + x[j] * x[i])
                for k in range(x.size):
                    total += x[j] / (x[k] + x[i])
            out[i] = total - np.floor(total) + value

    return run


one, two, three = make_loop(1.0), make_loop(2.0), make_loop(3.0)


@kernel
def fill(code, x, out):
    if code == 1:
        one(x, out)
    elif code == 2:
        two(x, out)
    else:
        three(x, out)
"""
RUN_LOOPS = """
import sys
import numpy as np
from skmlp.cpu.compile import function
from skmlp.cpu.loops import fill, make_loop


def call_others(x, out):
    a(x, out)
    b(x, out)
    c(x, out)
    d(x, out)
    e(x, out)


if sys.argv[1] == "after others":
    a, b, c, d, e = (make_loop(-1.0) for _ in range(5))
    function(call_others)(np.ones(2), np.empty(2))
for code in (1, 2, 3):
    out = np.empty(2)
    fill(code, np.ones(2), out)
    print(*out)
print(sum(fill.stats.cache_hits.values()), sum(fill.stats.cache_misses.values()))
"""


class Copy:
    """A copy of the kernels' sources, and what it takes to run a program on it."""

    def __init__(self, folder):
        self.root, self.package, self.cache = folder, folder / "skmlp", folder / "cache"
        for name in ("cpu", "formulas", "network"):
            shutil.copytree(PACKAGE / name, self.package / name, ignore=shutil.ignore_patterns("__pycache__"))
        (self.package / "__init__.py").touch()  # without the estimators
        (self.package / "cpu" / "probe.py").write_text(PROBE, encoding="utf-8")
        (self.package / "cpu" / "loops.py").write_text(LOOPS, encoding="utf-8")

    def start(self, program, *arguments, **environment):
        """The running process."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
        defaults = {
            "PYTHONPATH": str(self.root),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",  # names of compiled functions depend on the order of a set of options
            "NUMBA_CACHE_DIR": str(self.cache),
        }
        return subprocess.Popen(
            [sys.executable, "-W", "error", "-c", program, *map(str, arguments)],
            cwd=self.root,
            env={**inherited, **defaults, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, program, *arguments, **environment):
        """Lines that the program printed."""
        return finish(self.start(program, *arguments, **environment))

    def edit(self, path, before, after):
        file = self.package / path
        text = file.read_text(encoding="utf-8")
        assert text.count(before) == 1
        file.write_text(text.replace(before, after), encoding="utf-8")

    def files(self):
        """The cached kernels, each with its content."""
        return {path.name: path.read_bytes() for path in self.cache.rglob("*.nbc")}


def finish(process):
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return output.splitlines()


@pytest.fixture
def copy(tmp_path):
    return Copy(tmp_path)


# ---------------------------------------------------------------------------------------------------------------------
# Whole processes
# ---------------------------------------------------------------------------------------------------------------------


@needs_jit
def test_unchanged_sources_load_and_compute_the_same_bits(copy):
    """Changed ones compile anew, and compute what they say now."""
    *first, hits_and_misses = copy.run(RUN_EPOCHS)
    assert hits_and_misses == "0 1"
    files = copy.files()
    assert files

    *second, hits_and_misses = copy.run(RUN_EPOCHS)
    assert hits_and_misses == "1 0"
    assert second == first
    assert copy.files() == files

    copy.edit("formulas/activations.py", "return 0.0 if z < 0.0 else z", "return 0.25 * z if z < 0.0 else z")
    *third, hits_and_misses = copy.run(RUN_EPOCHS)
    assert hits_and_misses == "0 1"
    assert third != first
    assert copy.files().keys().isdisjoint(files)


EDITS = {
    "a formula": ("formulas/activations.py", "return 0.0 if z < 0.0 else z", "return 0.5 * z if z < 0.0 else z"),
    "a function of another file": ("cpu/loss.py", "return weights[row] if", "return 10.0 if"),
    "the kernel itself": ("cpu/probe.py", "activations.relu(z)", "activations.identity(z)"),
}


@needs_jit
def test_a_stale_kernel_is_never_served(copy):
    """Whichever file is edited; and what is outdated is removed."""
    assert copy.run(RUN_PROBE) == ["0.0 0 1"]
    assert copy.run(RUN_PROBE) == ["0.0 1 0"]
    results = []
    for edit in EDITS.values():
        copy.edit(*edit)
        results += copy.run(RUN_PROBE)
        assert len(copy.files()) == 1
    assert results == ["-3.0 0 1", "-15.0 0 1", "-30.0 0 1"]


@needs_jit
def test_where_nothing_can_be_written_kernels_run_uncached(copy):
    """Neither in the folder asked for, nor beside the source, nor in the home of the user."""
    (copy.root / "file").touch()
    (copy.package / "cpu" / "__pycache__").touch()
    nowhere = str(copy.root / "file" / "folder")
    environment = dict.fromkeys(["NUMBA_CACHE_DIR", "HOME", "XDG_CACHE_HOME", "IPYTHONDIR"], nowhere)
    program = RUN_PROBE + "print(probe.stats.cache_path)"
    assert copy.run(program, **environment) == ["0.0 0 1", "None"]
    assert not copy.files() and not list(copy.root.rglob("*.nbc"))


@needs_jit
def test_a_folder_that_vanishes_is_no_error(copy):
    program = RUN_PROBE.replace("\nprint", "\nimport shutil; shutil.rmtree(probe.stats.cache_path)\nprint")
    assert copy.run(program) == ["0.0 0 1"]


@needs_jit
def test_a_damaged_file_is_ignored_and_replaced(copy):
    copy.run(RUN_PROBE)
    (path,) = copy.cache.rglob("*.nbc")
    whole = path.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", b"\x80" + whole, pickle.dumps(1)):
        path.write_bytes(damaged)
        assert copy.run(RUN_PROBE) == ["0.0 0 1"]
    assert copy.run(RUN_PROBE) == ["0.0 1 0"]


@needs_jit
def test_processes_that_compile_at_once(copy):
    processes = [copy.start(RUN_PROBE) for _ in range(2)]
    assert [finish(process)[0].split()[0] for process in processes] == ["0.0"] * 2
    assert len(copy.files()) == 1
    assert not [path for path in copy.cache.rglob("skmlp-*") if path.suffix != ".nbc"], "no scratch file is left"
    assert copy.run(RUN_PROBE) == ["0.0 1 0"]


@needs_jit
def test_a_loaded_kernel_calls_its_own_functions(copy):
    """Whatever else the process has compiled before."""
    *right, hits_and_misses = copy.run(RUN_LOOPS, "alone")
    assert len(set(right)) == 3 and hits_and_misses == "0 1"
    assert copy.run(RUN_LOOPS, "after others") == [*right, "1 0"]


def replaceable(code):
    """Names of our functions in LLVM code for which the linker may take others of the same name."""
    names = re.findall(r'define (?:linkonce_odr|weak_odr|weak|linkonce) [^@]*@"?([\w.]+)', code)
    return [name for name in names if "skmlp" in name]


IN_PLACE = [name for name in ACTIVATIONS if ACTIVATIONS[name].in_place]
RESTING = [name for name in OPTIMISERS if OPTIMISERS[name].rest]
FAMILIES = {
    "activations": (activation_loops, ACTIVATIONS),
    "activations in place": (in_place_loops, ACTIVATIONS),
    "derivatives before one output": (derivative_of_one_loops, IN_PLACE),
    "derivatives": (derivative_loops, ACTIVATIONS),
    "losses": (loss_loops, LOSSES),
    "normalisations": (normalize_loops, NORMALIZATIONS),
    "normalisations, back": (normalize_back_loops, NORMALIZATIONS),
    "optimisers": (update_loops, OPTIMISERS),
    "products": (product_loops, PRODUCTS),
    "sparse layers by columns": (forward_loops, RESTING),
    "sparse layers by columns, back": (step_loops, RESTING),
}


@needs_jit
def test_a_kernel_holds_no_function_that_another_could_take_the_place_of():
    """Functions that stay calls are found by name when a kernel is loaded, and names are not unique across processes.

    A cached kernel could so call a function that the loading process had compiled for another one.
    """
    problem = make_problem()
    fresh = {kernel.__name__: function(kernel.py_func) for kernel in (predict_rows, run_shards)}
    with pytest.MonkeyPatch.context() as patch:
        for name, kernel in fresh.items():
            patch.setattr(f"skmlp.cpu.backend.{name}", kernel)
        problem.backend().predict_and_loss(problem.vector, *problem.data())
        problem.loss_and_gradient()
    for kernel in fresh.values():
        (signature,) = kernel.signatures
        assert not replaceable(kernel.inspect_llvm(signature))


@needs_jit
@pytest.mark.parametrize("family, table", FAMILIES.values(), ids=FAMILIES)
def test_nor_does_the_loop_of_a_formula(family, table, monkeypatch):
    monkeypatch.setattr(cache, "attach", lambda compiled, function: None)  # only what was compiled here can be seen
    fresh = Family(family._build)
    for name in table:
        fresh.address(name, "float64")
    assert len(fresh._loops) == len(table)
    for compiled in fresh._loops.values():
        assert not replaceable(compiled.inspect_llvm())


# ---------------------------------------------------------------------------------------------------------------------
# Parts
# ---------------------------------------------------------------------------------------------------------------------


def kernel_sources():
    return [path for folder in ("cpu", "formulas") for path in (PACKAGE / folder).rglob("*.py")]


@pytest.mark.parametrize("source", kernel_sources(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_fingerprint_covers_every_source_of_the_kernels(source, copy, monkeypatch):
    monkeypatch.setattr(cache, "__file__", str(copy.package / "cpu" / "cache.py"))
    before = cache.fingerprint.__wrapped__()
    assert cache.fingerprint.__wrapped__() == before
    with (copy.package / source.relative_to(PACKAGE)).open("a", encoding="utf-8") as file:
        file.write("#\n")
    assert cache.fingerprint.__wrapped__() != before


def test_fingerprint_notices_new_and_renamed_files(copy, monkeypatch):
    monkeypatch.setattr(cache, "__file__", str(copy.package / "cpu" / "cache.py"))
    fingerprints = [cache.fingerprint.__wrapped__()]
    new = copy.package / "formulas" / "new.py"
    new.touch()
    fingerprints.append(cache.fingerprint.__wrapped__())
    new.rename(new.with_name("renamed.py"))
    fingerprints.append(cache.fingerprint.__wrapped__())
    assert len(set(fingerprints)) == 3


def test_fingerprint_notices_another_compiler(monkeypatch):
    before = cache.fingerprint.__wrapped__()
    monkeypatch.setattr(cache.numba, "__version__", "0.0")
    assert cache.fingerprint.__wrapped__() != before


def some_function():
    pass


def other_function():
    pass


@pytest.fixture
def files(tmp_path):
    return cache.KernelFiles(tmp_path, some_function)


def test_what_is_saved_is_loaded(files):
    assert files.load(("key", 1)) is None
    files.save(("key", 1), [1.0, b"code"])
    files.save(("key", 2), "other")
    assert files.load(("key", 1)) == [1.0, b"code"]
    assert files.load(("key", 2)) == "other"
    assert files.load(("key", 3)) is None


def test_functions_do_not_share_files(files, tmp_path):
    files.save("key", 1)
    other = cache.KernelFiles(tmp_path, other_function)
    assert other.load("key") is None
    other.save("key", 2)
    assert files.load("key") == 1


def test_files_of_other_sources_are_removed(files, tmp_path, monkeypatch):
    files.save("key", 1)
    other = cache.KernelFiles(tmp_path, other_function)
    other.save("key", 2)
    monkeypatch.setattr(cache, "fingerprint", lambda: "0" * 16)
    newer = cache.KernelFiles(tmp_path, some_function)
    assert newer.load("key") is None
    newer.save("key", 3)
    assert newer.load("key") == 3
    assert files.load("key") is None
    assert other.load("key") == 2


def test_flush_removes_the_files_of_one_function(files, tmp_path):
    other = cache.KernelFiles(tmp_path, other_function)
    for holder in (files, other):
        holder.save("key", 1)
    files.flush()
    assert files.load("key") is None and other.load("key") == 1


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path):
    (tmp_path / "file").touch()
    files = cache.KernelFiles(tmp_path / "file" / "folder", some_function)
    files.save("key", 1)
    assert files.load("key") is None


def test_a_hash_that_two_keys_share_does_not_mix_them(files, monkeypatch):
    files.save("key", 1)
    path = files._path("key")
    monkeypatch.setattr(files, "_path", lambda key: path)
    assert files.load("other key") is None
    assert files.load("key") == 1
