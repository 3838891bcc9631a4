"""Those that train and predict in turn: skmlp on the CPU and on the GPU, PyTorch and JAX on the GPU.

Each is one of the classes of peers.py that also predicts. All start from arrays of the host, come back with such, and
compute in float32: JAX, which would take shorter numbers for products on a GPU, is told so. In Numba's simulator the
other libraries are on the CPU.
"""

from importlib.util import find_spec
from unittest import mock

import numpy as np
import peers

from skmlp.cuda.driver import SIMULATED


class OnCpu(peers.Skmlp):
    """skmlp on all cores of the CPU."""

    device = "cpu"

    def __init__(self, workload, X, y, threads):
        super().__init__(workload, X, y, threads)
        self._model.set_params(device=self.device)

    def predict(self, X):
        """Probabilities."""
        return self._model.predict_proba(X)


class OnGpu(OnCpu):
    """skmlp on the GPU, an epoch in one cooperative kernel where the GPU can do that."""

    device = "cuda"


class PhaseByPhase(OnGpu):
    """skmlp on the GPU, one kernel after the other."""

    def run(self):
        """Train."""
        from skmlp.cuda.backend import CudaBackend
        from skmlp.cuda.launch import Launching

        def backend(device, *arguments, **more):
            return CudaBackend(*arguments, launching=Launching(cooperative=False), **more)

        with mock.patch("skmlp.estimators.fitting.make_backend", backend):
            return super().run()


class TorchGpu(peers.Torch):
    """PyTorch, eager, on the GPU."""

    device = "cpu" if SIMULATED else "cuda"

    def probabilities(self, X):
        """Of rows on the device, by the network of the last run."""
        with self._torch.no_grad():
            z = self.trained(X)
            return self._torch.sigmoid(z) if z.shape[1] == 1 else self._torch.softmax(z, dim=1)

    def predict(self, X):
        """Probabilities."""
        return self.probabilities(self._torch.from_numpy(X).to(self.device)).cpu().numpy()


class Graphed:
    """A function of a tensor as a CUDA graph: recorded once, and replayed on other tensors of that shape.

    On the CPU, which has no graphs, it is called.
    """

    def __init__(self, torch, function, argument):
        self._function, self._argument, self._graph = function, argument.clone(), None
        if not argument.is_cuda:
            return
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):  # what is allocated but once must not be recorded
            for _ in range(3):
                function(self._argument)
        torch.cuda.current_stream().wait_stream(stream)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._result = function(self._argument)

    def __call__(self, argument):
        self._argument.copy_(argument)
        if self._graph is None:
            return self._function(self._argument)
        self._graph.replay()
        return self._result


class TorchGraphs(TorchGpu):
    """PyTorch with CUDA graphs: steps and predictions, one graph for each number of rows."""

    def __init__(self, workload, X, y, threads):
        super().__init__(workload, X, y, threads)
        self._steps, self._predictions = {}, {}

    def run(self):
        """Train."""
        if not self._steps:
            self._record()
        for there, values in zip(self._data, (self._X, self._y), strict=True):
            there.copy_(values)
        self._begin_anew()
        for order in self._orders:
            for rows in self._torch.split(order.to(self.device), self._workload.batch):
                self._steps[len(rows)](rows)
        return peers.parameters_of(self.trained)

    def predict(self, X):
        """Probabilities."""
        X = self._torch.from_numpy(X)
        if len(X) not in self._predictions:
            self._predictions[len(X)] = Graphed(self._torch, self.probabilities, X.to(self.device))
        return self._predictions[len(X)](X).cpu().numpy()

    def _record(self):
        torch, workload = self._torch, self._workload
        self.trained = self.network().to(self.device)
        parameters = [*self.trained.parameters()]
        self._optimiser = torch.optim.Adam(parameters, lr=1e-3, capturable=self.device == "cuda")
        self._start = [values.detach().clone() for values in parameters]
        self._data = self._X.to(self.device, copy=True), self._y.to(self.device, copy=True)
        for size in {min(workload.batch, workload.rows), workload.rows % workload.batch} - {0}:
            self._steps[size] = Graphed(torch, self._step, torch.arange(size, device=self.device))

    def _step(self, rows):
        X, y = self._data
        self._optimiser.zero_grad()
        self._loss(self.trained(X[rows]), y[rows]).backward()
        self._optimiser.step()

    def _begin_anew(self):
        """Start values, and an optimiser that remembers nothing; in place, for the graphs know where they are."""
        with self._torch.no_grad():
            for values, start in zip(self.trained.parameters(), self._start, strict=True):
                values.copy_(start)
            for state in self._optimiser.state.values():
                for values in state.values():
                    values.zero_()


class JaxGpu(peers.Jax):
    """JAX on the GPU."""

    def __init__(self, workload, X, y, threads):
        import jax

        jax.config.update("jax_default_matmul_precision", "highest")
        super().__init__(workload, X, y, threads)
        self._host, self._predict = (X, y), jax.jit(self._probabilities)

    def run(self):
        """Train."""
        self._X, self._y = map(self._jax.numpy.asarray, self._host)
        self._result, self._trained = super().run(), None
        return self._result

    def predict(self, X):
        """Probabilities."""
        if self._trained is None:
            self._trained = [tuple(map(self._jax.numpy.asarray, pair)) for pair in zip(*self._result, strict=True)]
        return np.asarray(self._predict(self._trained, X))

    def _probabilities(self, parameters, X):
        nn, x = self._jax.nn, X
        *hidden, (weights, bias) = parameters
        for w, b in hidden:
            x = self.activation(x @ w + b)
        z = x @ weights + bias
        return nn.sigmoid(z) if z.shape[1] == 1 else nn.softmax(z)


CONTESTANTS = {
    "skmlp, CPU": OnCpu,
    "skmlp, GPU": OnGpu,
    "skmlp, GPU, phase by phase": PhaseByPhase,
    "PyTorch": TorchGpu,
    "PyTorch, CUDA graphs": TorchGraphs,
    "JAX": JaxGpu,
}
OURS = [name for name in CONTESTANTS if name.startswith("skmlp")]


def present():
    """Who takes part, and of each other why not; JAX and PyTorch are imported for that."""
    lacks = {"PyTorch": _torch_lacks(), "JAX": _jax_lacks()}
    lacks["PyTorch, CUDA graphs"] = lacks["PyTorch"]
    return {name: lacks.get(name, "") for name in CONTESTANTS}


def _torch_lacks():
    if find_spec("torch") is None:
        return "PyTorch is not installed"
    import torch

    return "" if SIMULATED or torch.cuda.is_available() else f"PyTorch {torch.__version__} finds no GPU"


def _jax_lacks():
    if find_spec("jax") is None:
        return "JAX is not installed"
    import jax

    return "" if SIMULATED or jax.default_backend() == "gpu" else f"JAX {jax.__version__} finds no GPU"
