"""The device that was asked for computes, or an error says what is missing; models go from machine to machine."""

import os
import pickle
import re
import subprocess
import sys
import threading
import warnings
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone

import skmlp
from skmlp import MLPClassifier, TabularMLPClassifier
from skmlp.devices import DeviceError, is_device, probe, resolve, worth_it
from skmlp.network.layout import Layout, Network
from tests.estimators import tabular
from tests.gpus import machine, modules
from tests.pages import ROOT

X = np.random.default_rng(0).standard_normal((200, 10)).astype(np.float32)
VALUES = X[:, 0] + X[:, 1] ** 2
CLASSES = (VALUES > VALUES.mean()).astype(int)
LARGE = {"hidden_layer_sizes": (1000,)}  # 11,000 weights, 2.2e6 multiplications a step
SHORT = {"max_iter": 2, "n_iter_no_change": np.inf, "random_state": 0}
NETWORKS = ["MLPBinaryClassifier", "MLPMulticlass", "MLPClassifier", "MLPRegressor"]
TABLES = [(tabular.classifier, tabular.LABELS), (tabular.regressor, tabular.VALUES)]


def regressor(**parameters):
    return skmlp.MLPRegressor(**SHORT | parameters)


def target(name):
    return VALUES if name == "MLPRegressor" else (VALUES > 0).astype(int)


def refusal(n_gpus=1, *, device="cuda", **there):
    with machine(n_gpus, **there), pytest.raises(DeviceError) as error:
        regressor(device=device).fit(X, VALUES)
    return str(error.value)


class TestByName:
    @pytest.mark.parametrize("name", NETWORKS)
    @pytest.mark.parametrize(("device", "number"), [("cuda", 0), ("cuda:0", 0), ("cuda:2", 2)])
    def test_a_gpu_trains_and_predicts(self, name, device, number):
        with machine(3) as used:
            model = getattr(skmlp, name)(device=device, **SHORT).fit(X, target(name))
            assert model.device_ == f"cuda:{number}" and model.device == device
            model.predict(X)
            assert used("fit") == used("predict") == [number]

    @pytest.mark.parametrize("name", [*NETWORKS, "TabularMLPClassifier", "TabularMLPRegressor"])
    def test_the_cpu_is_the_default(self, name):
        assert getattr(skmlp, name)().device == "cpu"

    def test_partial_fits_do_so_too(self):
        with machine(1) as used:
            model = regressor(device="cuda").partial_fit(X, VALUES).partial_fit(X, VALUES)
            assert model.device_ == "cuda:0" and used("fit") == [0]

    def test_a_gpu_measures(self):
        with machine(2) as used:
            model = regressor(device="cuda:1").fit(X, VALUES, X_val=X, y_val=VALUES)
            assert used("measure") == [1]
            used.clear()
            assert model.evaluate(X, VALUES).loss == model.history_["val_loss"][-1]
            assert used("measure") == [1]

    def test_a_warm_start_may_change_the_device(self):
        with machine(1) as used:
            model = regressor(warm_start=True).fit(X, VALUES)
            assert model.device_ == "cpu" and not used
            model.set_params(device="cuda").fit(X, VALUES)
            assert model.device_ == "cuda:0" and used("fit") == [0]

    def test_the_simulator_needs_nothing_else(self):
        with machine(1, package=False, driver=False, simulator=True) as used:
            assert regressor(device="cuda").fit(X, VALUES).device_ == "cuda:0"
            assert used("fit") == [0]

    def test_names(self):
        assert all(map(is_device, ("cpu", "auto", "cuda", "cuda:0", "cuda:10")))
        assert not any(map(is_device, ("", "gpu", "cuda:", "cuda:01", "cuda:-1", "cuda:1.0", "cuda:²", "cuda:1\n")))
        with pytest.raises(ValueError, match=r"'gpu'.*'cpu', 'cuda', 'cuda:N' and 'auto'"):
            resolve("gpu")


class TestRefusal:
    def test_is_a_runtime_error_and_a_value_error_that_goes_between_processes(self):
        error = DeviceError("no")
        assert isinstance(error, RuntimeError) and isinstance(error, ValueError)
        assert type(pickle.loads(pickle.dumps(error))) is DeviceError

    def test_without_the_package(self):
        message = refusal(package=False)
        assert message.startswith("device='cuda' is not to be had: numba-cuda is not installed")
        assert "pip install 'skmlp[cuda13]'" in message and "'skmlp[cuda12]'" in message
        assert "driver (" not in message

    def test_without_a_driver(self):
        message = refusal(device="cuda:1", driver=False)
        assert "device='cuda:1'" in message and "there is no NVIDIA driver (" in message
        assert "nvidia-smi" in message and "nvidia.com/drivers" in message and "pip" not in message

    def test_names_all_that_is_missing(self):
        message = refusal(package=False, driver=False)
        assert "numba-cuda is not installed" in message and "no NVIDIA driver" in message

    @pytest.mark.parametrize("version", ["2.5.0", "2.5.0rc1", "2.10.1", "3.0.0.dev0+git1"])
    def test_with_a_numpy_too_new(self, version):
        with patch.object(probe, "np", SimpleNamespace(__version__=version)):
            message = refusal()
        assert f"NumPy {version}" in message and "pip install 'numpy<2.5'" in message

    @pytest.mark.parametrize("version", ["1.26.4", "2.4.6", "2.0.0rc1"])
    def test_with_no_numpy_that_is_old_enough(self, version):
        with patch.object(probe, "np", SimpleNamespace(__version__=version)), machine(1):
            assert resolve("cuda") == "cuda:0"

    def test_on_a_mac(self):
        with patch.object(probe, "sys", SimpleNamespace(platform="darwin", modules=sys.modules)):
            message = refusal()
        assert "macOS" in message and "device='cpu'" in message and "pip" not in message

    def test_without_a_device(self, monkeypatch):
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        message = refusal(0)
        assert "CUDA finds no device;" in message and "nvidia-smi" in message and "CUDA_VISIBLE" not in message
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
        assert "CUDA_VISIBLE_DEVICES=''" in refusal(0)

    def test_where_cuda_does_not_start(self):
        with machine(failure=OSError("driver too\n old")), pytest.raises(DeviceError) as error:
            resolve("cuda")
        assert "CUDA cannot be started (OSError: driver too old)" in str(error.value)
        assert isinstance(error.value.__cause__, OSError)

    def test_where_the_back_end_cannot_be_imported(self):
        with machine(1), modules({"skmlp.cuda.backend": None}):
            with pytest.raises(DeviceError, match="ModuleNotFoundError"):
                resolve("cuda")

    @pytest.mark.parametrize(("count", "there"), [(1, "is 1 device, 'cuda:0'"), (2, "'cuda:0' to 'cuda:1'")])
    def test_of_a_number_that_is_not_there(self, count, there):
        message = refusal(count, device="cuda:3")
        assert "device='cuda:3'" in message and there in message and "nvidia-smi" in message

    def test_leaves_the_model_as_it_was(self):
        model = regressor().fit(X, VALUES)
        before = model.predict(X)
        with machine(driver=False), pytest.raises(DeviceError):
            model.set_params(device="cuda").fit(X, VALUES)
        np.testing.assert_array_equal(model.set_params(device="cpu").predict(X), before)
        assert model.device_ == "cpu"

    def test_comes_in_every_fit(self):
        with machine(driver=False):
            for _ in range(2):
                with pytest.raises(DeviceError):
                    regressor(device="cuda").fit(X, VALUES)


class TestAuto:
    def test_takes_a_gpu_for_large_steps(self):
        with machine(2) as used:
            model = regressor(device="auto", **LARGE).fit(X, VALUES)
            model.predict(X)
            assert model.device_ == "cuda:0" and model.device == "auto"
            assert used("fit") == used("predict") == [0]

    @pytest.mark.filterwarnings("ignore:lbfgs failed to converge")
    @pytest.mark.parametrize(
        "parameters",
        [{}, {"dtype": "float64"}, {"solver": "lbfgs", "dtype": "float32"}, {"batch_size": 181}],
        ids=["small", "double precision", "lbfgs", "small batch"],
    )
    def test_takes_the_cpu_where_a_gpu_is_not_worth_it(self, parameters):
        with machine(1) as used:
            model = regressor(device="auto", **(LARGE | parameters if parameters else {})).fit(X, VALUES)
            model.predict(X)
            assert model.device_ == "cpu" and not used

    def test_takes_the_cpu_for_sparse_rows(self):
        with machine(1):
            assert regressor(device="auto", **LARGE).fit(csr_array(X), VALUES).device_ == "cpu"

    @pytest.mark.parametrize(
        "there",
        [
            *({"package": False}, {"driver": False}, {"simulator": True}, {"n_gpus": 0}),
            {"failure": OSError("driver too old")},
        ],
        ids=str,
    )
    def test_takes_the_cpu_in_silence_where_there_is_no_gpu(self, there):
        with machine(**{"n_gpus": 1} | there) as used:
            model = regressor(device="auto", **LARGE).fit(X, VALUES)
            model.predict(X)
            assert model.device_ == "cpu" and not used

    def test_takes_the_cpu_where_the_back_end_cannot_be_imported(self):
        with machine(1), modules({"skmlp.cuda.backend": None}):
            assert regressor(device="auto", **LARGE).fit(X, VALUES).device_ == "cpu"

    def test_is_silent_where_starting_cuda_is_not(self):
        def warn():
            warnings.warn("an old driver", stacklevel=1)
            return 1

        with machine(), patch.object(sys.modules["skmlp.cuda.driver"], "device_count", warn):
            assert resolve("auto") == "cuda:0"
        with machine(), patch.object(sys.modules["skmlp.cuda.driver"], "device_count", warn):
            with pytest.raises(DeviceError, match="an old driver"):  # warnings are errors here
                resolve("cuda")

    def test_is_the_cpu_to_the_bit_where_there_is_no_gpu(self):
        with machine(driver=False):
            model = regressor(device="auto", **LARGE).fit(X, VALUES)
        expected = regressor(device="cpu", **LARGE).fit(X, VALUES)
        np.testing.assert_array_equal(model.coefs_[0], expected.coefs_[0])

    def test_counts_weights_times_rows(self):
        network = Network(Layout((100, 99, 1)), ("relu",), "identity")  # 9,999 weights
        assert not worth_it(network, 200) and worth_it(network, 201)


class TestElsewhere:
    """A model that a GPU trained, on a machine without one."""

    @pytest.fixture
    def trained(self):
        with machine(1):
            return pickle.dumps(regressor(device="cuda").fit(X, VALUES))

    def test_predicts_on_the_cpu_and_says_so_once(self, trained):
        with machine(package=False):
            model = pickle.loads(trained)
            with pytest.warns(UserWarning, match=re.escape("device='cuda' is not to be had: numba-cuda")) as caught:
                predictions = model.predict(X)
            assert len(caught) == 1 and caught[0].filename == __file__
            assert re.search(r"predicts on the CPU.*set_params\(device='cpu'\)", str(caught[0].message))
            model.predict(X)
            model.evaluate(X, VALUES)
        np.testing.assert_array_equal(predictions, regressor().fit(X, VALUES).predict(X))

    def test_each_model_says_so(self, trained):
        with machine(driver=False):
            for model in (pickle.loads(trained), pickle.loads(trained)):
                with pytest.warns(UserWarning, match="predicts on the CPU"):
                    model.evaluate(X, VALUES)

    @pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function", "score", "evaluate"])
    @pytest.mark.parametrize("tabular", [False, True])
    def test_says_so_where_it_was_called(self, method, tabular):
        model = TabularMLPClassifier(n_estimators=2, cv=2, max_iter=2) if tabular else MLPClassifier(**SHORT)
        model.fit(X, CLASSES).set_params(device="cuda")
        given = (X, CLASSES) if method in ("score", "evaluate") else (X,)
        with machine(driver=False), pytest.warns(UserWarning, match="predicts on the CPU") as caught:
            getattr(model, method)(*given)
        assert [each.filename for each in caught] == [__file__]

    def test_says_so_of_a_gpu_that_is_not_among_others(self):
        with machine(2):
            trained = pickle.dumps(regressor(device="cuda:1").fit(X, VALUES))
        with machine(1) as used, pytest.warns(UserWarning, match="there is 1 device"):
            pickle.loads(trained).predict(X)
        assert not used

    def test_is_silent_if_it_is_told(self, trained):
        with machine(driver=False):
            pickle.loads(trained).set_params(device="cpu").predict(X)

    def test_is_silent_if_it_was_trained_by_auto(self):
        with machine(1):
            model = regressor(device="auto", **LARGE).fit(X, VALUES)
        with machine(driver=False) as used:
            other = pickle.loads(pickle.dumps(model))
            assert other.device_ == "cuda:0"
            other.predict(X)
        with machine(1, simulator=True):
            other.predict(X)
        assert not used
        with machine(1) as used:
            other.predict(X)
        assert used("predict") == [0]

    def test_does_not_train(self, trained):
        with machine(driver=False), pytest.raises(DeviceError):
            pickle.loads(trained).fit(X, VALUES)

    def test_holds_nothing_of_the_gpu(self, trained):
        assert b"cuda.backend" not in trained and b"CudaBackend" not in trained

    def test_is_silent_on_the_gpu_if_it_is_told_to_go_to_the_cpu(self):
        with machine(1) as used:
            model = regressor(device="cuda").fit(X, VALUES)
            expected = model.predict(X)
            used.clear()
            np.testing.assert_array_equal(model.set_params(device="cpu").predict(X), expected)
            assert not used and model.device_ == "cuda:0"

    def test_trained_by_the_cpu_may_be_sent_to_a_gpu(self):
        with machine(1) as used:
            regressor().fit(X, VALUES).set_params(device="cuda").predict(X)
        assert used("predict") == [0] and not used("fit")

    def test_clones_keep_the_parameter_alone(self, trained):
        model = clone(pickle.loads(trained))
        assert model.device == "cuda" and not hasattr(model, "device_")


class TestTables:
    @pytest.mark.parametrize(("make", "y"), TABLES)
    def test_a_gpu_trains_the_members_one_after_the_other(self, make, y):
        with machine(2) as used:
            model = make(device="cuda:1", n_jobs=2).fit(tabular.X, y)
            model.predict(tabular.X)
            assert model.device_ == "cuda:1" and used("fit") == used("predict") == [1]
            assert {thread for *_, thread in used} == {threading.get_ident()}
            assert {member.device for member in model.estimators_} == {"cuda:1"}

    @pytest.mark.parametrize(("make", "y"), TABLES)
    def test_auto_is_decided_once(self, make, y):
        with machine(1) as used:
            for sizes, device in (((8,), "cpu"), ((2000, 50), "cuda:0")):
                model = make(device="auto", hidden_layer_sizes=sizes, max_iter=1).fit(tabular.X, y)
                assert model.device_ == device and bool(used) == (device != "cpu")
                assert {member.device_ for member in model.estimators_} == {device}
                assert {member.device for member in model.estimators_} == {"auto"}

    @pytest.mark.parametrize(("make", "y"), TABLES)
    def test_elsewhere_the_whole_says_so_once(self, make, y):
        with machine(1):
            trained = pickle.dumps(make(device="cuda").fit(tabular.X, y))
        expected = make(device="cpu").fit(tabular.X, y).predict(tabular.X)
        with machine(driver=False):
            model = pickle.loads(trained)
            with pytest.warns(UserWarning, match="predicts on the CPU") as caught:
                predictions = model.predict(tabular.X)
            assert len(caught) == 1
            model.evaluate(tabular.X, y)
            pickle.loads(trained).set_params(device="cpu").predict(tabular.X)
        np.testing.assert_array_equal(predictions, expected)

    @pytest.mark.parametrize(("make", "y"), TABLES)
    def test_without_a_gpu_nothing_is_trained(self, make, y):
        with machine(driver=False), pytest.raises(DeviceError, match="no NVIDIA driver"):
            make(device="cuda", n_jobs=2).fit(tabular.X, y)


class TestProbe:
    @pytest.mark.parametrize(("platform", "library"), [("linux", "libcuda.so.1"), ("win32", "nvcuda.dll")])
    def test_asks_the_system_for_the_driver(self, platform, library):
        with patch.object(probe, "sys", SimpleNamespace(platform=platform)), patch("ctypes.CDLL") as load:
            assert probe.has_driver()
            load.assert_called_once_with(library)
            load.side_effect = OSError
            assert not probe.has_driver()

    def test_looks_once(self):
        with machine(driver=False):
            probe.missing()
            probe.missing()
            assert probe.has_driver.call_count == 1

    @pytest.mark.parametrize(
        ("modules", "simulated"),
        [
            ({}, True),
            ({"numba.core.config": SimpleNamespace(ENABLE_CUDASIM=0)}, False),
            ({"numba.core.config": SimpleNamespace(ENABLE_CUDASIM=0), "numba.cuda": 1}, False),
            ({"numba.core.config": SimpleNamespace(ENABLE_CUDASIM=1), "numba.cuda": 1}, False),
            ({"numba.cuda": 1, "numba.cuda.simulator_init": 1}, True),
        ],
        ids=["before Numba", "Numba without", "CUDA without", "CUDA before", "CUDA with"],
    )
    def test_the_simulator_is_what_numba_found_when_it_was_imported(self, modules, simulated, monkeypatch):
        monkeypatch.setenv("NUMBA_ENABLE_CUDASIM", "1")
        with patch.object(probe, "sys", SimpleNamespace(modules=modules)):
            assert probe.simulated() == simulated

    @pytest.mark.parametrize("value", ["0", "", "yes"])
    def test_no_simulator_unless_it_is_asked_for(self, value, monkeypatch):
        monkeypatch.setenv("NUMBA_ENABLE_CUDASIM", value)
        with patch.object(probe, "sys", SimpleNamespace(modules={})):
            assert not probe.simulated()


OF_CUDA = "[name for name in sys.modules if name.startswith(('numba.cuda', 'numba_cuda', 'skmlp.cuda', 'cuda'))]"


def run(program, **environment):
    """Lines that a program prints in a new process."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"import sys\n{program}"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")} | environment,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout.splitlines()


def test_probing_imports_no_compiler():
    program = f"""
from skmlp.devices import probe
probe.missing(), probe.simulated()
print({OF_CUDA}, [name for name in sys.modules if name.startswith(("numba", "llvmlite"))])
"""
    assert run(program) == ["[] []"]


@pytest.mark.parametrize("device", ["cpu", "auto"])
def test_the_cpu_imports_nothing_of_cuda(device):
    program = f"""
import numpy as np
from skmlp import MLPRegressor
X = np.eye(9)
MLPRegressor(device={device!r}, max_iter=1, n_iter_no_change=np.inf).fit(X, X).predict(X)
print({OF_CUDA})
"""
    assert run(program) == ["[]"]


def test_auto_is_never_the_simulator():
    program = f"""
import numpy as np
from skmlp import MLPRegressor
X = np.ones((200, 100))
model = MLPRegressor(hidden_layer_sizes=(200,), device="auto", max_iter=1, n_iter_no_change=np.inf).fit(X, X[:, 0])
print(model.device_, {OF_CUDA})
"""
    assert run(program, NUMBA_ENABLE_CUDASIM="1") == ["cpu []"]
