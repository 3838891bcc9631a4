"""Whether the GPU computes what the CPU does: an epoch of every formula and layer on both.

Most cases are a small network that differs from a plain one in one formula or layer, or in how its data come to the
GPU; ``--quick`` leaves those out. The others put several together, and are tried on a large network, too, with larger
tiles. Each is trained for an epoch, its last batch short, in both precisions, by one cooperative kernel and phase by
phase, twice each. Rows have weights, some of them 0.
"""

import traceback
from itertools import chain
from unittest.mock import patch

import numpy as np
from scipy.sparse import csr_array

from skmlp.cpu.backend import CpuBackend
from skmlp.cuda import backend as cuda_backend
from skmlp.cuda import driver, feed, tiles
from skmlp.cuda.backend import CudaBackend
from skmlp.cuda.launch import Launching
from skmlp.formulas.activations import ACTIVATIONS
from skmlp.formulas.losses import LOSSES
from skmlp.formulas.optimisers import OPTIMISERS
from skmlp.network.initialisers import initialise
from skmlp.network.layout import Layout, Network
from skmlp.network.segments import segments

SMALL, LARGE = ((7, 39, 45, 3), 75, 40), ((65, 530, 515, 3), 1300, 600)
"""Units, rows, and rows of a batch: odd numbers, fewer and more than a large tile has."""
IN_SIMULATOR = (5, 9, 4, 3), 13, 10
TOLERANCES = {"float32": 1e-4, "float64": 1e-10}
"""Of the largest difference, relative to the largest number of an array."""
KINKED, AT_KINKS = ("relu", "leaky_relu", "selu"), 1e-2
"""Where a slope jumps, rounding may put one of a million inputs on the other side; what that comes to in float32."""
GROUPS = {
    "activation": {name: {"activations": (name, name)} for name in ACTIVATIONS},
    "loss": {
        **{name: {"loss": name} for name in LOSSES},
        "binary_log_loss, smoothed": {"loss": "binary_log_loss", "of_loss": {"label_smoothing": 0.2}},
        "categorical_log_loss, smoothed": {"loss": "categorical_log_loss", "of_loss": {"label_smoothing": 0.3}},
        "huber, delta 0.3": {"loss": "huber", "of_loss": {"delta": 0.3}},
    },
    "solver": {
        **{name: {"solver": name} for name in OPTIMISERS},
        "sgd, no momentum": {"settings": {"momentum": 0.0}},
        "sgd, heavy ball": {"settings": {"nesterov": 0.0}},
    },
    "layers": {
        "plain": {},
        "batch normalisation": {"normalization": "batch"},
        "layer normalisation": {"normalization": "layer"},
        "dropout": {"dropout": (0.4, 0.1)},
        "penalty and decay": {"settings": {"l1": 0.01, "l2": 0.02, "weight_decay": 0.1}},
        "clipping": {"settings": {"clip_norm": 0.05}},
        "learned scales": {"scaled": True, "rates": {"feature_rate": 3.0}, "settings": {"clip_norm": 0.05}},
        "factors of learning rates": {"rates": {"parametrization": "ntk", "bias_rate": 0.1}},
        "dropout and batch normalisation": {"normalization": "batch", "dropout": (0.4, 0.1)},
        "dropout and layer normalisation": {"normalization": "layer", "dropout": (0.4, 0.1)},
    },
    "data": {
        "on the GPU": {},
        "in pieces": {"pieces": True},
        "sparse, in pieces": {"pieces": True, "sparse": True},
    },
}
"""What differs from a plain network, by kind and name."""
TOGETHER = " + "


def names(quick):
    """The cases, by name: what each consists of."""
    lists = [[f"{group} {name}" for name in members] for group, members in GROUPS.items()]
    together = [TOGETHER.join(each[i % len(each)] for each in lists) for i in range(max(map(len, lists)))]
    return together if quick else [*chain.from_iterable(lists), *together]


def settings_of(name):
    """Networks, precisions and tiles to try a case with."""
    if driver.SIMULATED:
        return [("tiny", IN_SIMULATOR, real, tiles.SIMULATION) for real in TOLERANCES]
    small = [("small", SMALL, real, tiles.FINE) for real in TOLERANCES]
    if TOGETHER not in name:
        return small
    large = [("float32", tiles.SMALL), ("float32", tiles.LARGE), ("float64", tiles.SMALL)]
    return [*small, *(("large", LARGE, real, tile) for real, tile in large)]


def case_of(name):
    """All that differs from a plain network in a case."""
    case = {}
    for part in name.split(TOGETHER):
        group, _, member = part.partition(" ")
        for key, value in GROUPS[group][member].items():
            case[key] = case[key] | value if key == "settings" and key in case else value
    return case


class Problem:
    """Data, a network and how it is trained, on either back end.

    ``pieces``: the data do not stay on the GPU but come batch by batch, of half as many rows, so that there are enough
    of them for its buffers to be used again; rows are predicted so, too.
    """

    def __init__(
        self,
        size,
        real,
        *,
        activations=("tanh", "gelu"),
        loss="squared_error",
        of_loss=None,
        solver="sgd",
        settings=None,
        normalization=None,
        dropout=(),
        scaled=False,
        rates=None,
        pieces=False,
        sparse=False,
    ):
        units, rows, batch = size
        self._pieces, self._batch = pieces, batch // 2 if pieces else batch
        random = np.random.default_rng(0)
        layout = Layout(units, normalization, scaled)
        self._network = Network(layout, activations, LOSSES[loss].link, dropout)
        self._real, self._loss, self._solver, self._of_loss = np.dtype(real), loss, solver, dict(of_loss or {})
        if loss == "quantile":
            self._of_loss["levels"] = (0.2, 0.5, 0.9)
        self._X = random.standard_normal((rows, units[0])).astype(real)
        if sparse:
            self._X = csr_array(np.where(np.abs(self._X) < 0.5, 0, self._X))
        self._targets = targets(loss, random, rows, units[-1]).astype(real)
        self._weights = random.uniform(0.5, 2.0, rows).astype(real)
        self._weights[::7] = 0.0
        self._order = random.permutation(rows)
        self._parameters = initialise("auto", self._network, activations[-1], np.random.RandomState(0), real)
        # Steps that do not depend on the size of a gradient would follow the sign of its rounding error: what is added
        # to it keeps them smooth, and where nothing is the steps are small.
        self._settings = {"epsilon": 1e-3, **(settings or {})}
        self._rate = 1e-5 if solver == "lion" else 1e-3
        self._segments = segments(layout, proportional=solver == "sgd", **(rates or {}))

    def on_gpu(self, **launching):
        """The results of the GPU, of kernels that are launched so."""
        if not self._pieces:
            return self.results(CudaBackend, launching=Launching(**launching))
        with patch.object(feed, "STAGING", 0), patch.object(cuda_backend, "BLOCK_ROWS", self._batch):
            return self.results(CudaBackend, launching=Launching(**launching, room=0))

    def results(self, backend, **more):
        """What an epoch comes to, and predictions after it, as arrays by name."""
        made = backend(self._network, self._loss, self._real, **self._of_loss, **more)
        data = self._X, self._targets, self._weights
        run = made.start(
            self._parameters.copy(),
            *data,
            batch_size=self._batch,
            solver=self._solver,
            settings=self._settings,
            segments=self._segments,
            seed=7,
        )
        during = np.zeros((len(self._order), self._network.layout.units[-1]), dtype=self._real)
        rates = np.full(-(-len(self._order) // self._batch), self._rate)
        loss = run.run_epoch(self._order, rates, during)
        predictions, after = made.predict_and_loss(run.parameters, *data)
        parts = {"loss": loss, "parameters": run.parameters, "state": run.state[0], "during": during}
        return {**parts, "predictions": predictions, "loss after": after}


def targets(loss, random, rows, outputs):
    """Made-up targets that a loss takes."""
    entry = LOSSES[loss]
    if loss == "quantile":
        return random.standard_normal((rows, 1))
    if entry.link == "softmax":
        return random.integers(0, outputs, (rows, 1))
    if entry.link == "logistic":
        return random.integers(0, 2, (rows, outputs))
    return random.gamma(2.0, 0.7, (rows, outputs)) if entry.link == "exp" else random.standard_normal((rows, outputs))


def differences(ours, theirs):
    """The largest difference of each array, relative to its largest number."""
    found = {}
    for name, value in theirs.items():
        value, other = np.asarray(value, dtype=np.float64), np.asarray(ours[name], dtype=np.float64)
        distance = np.abs(other - value).max()
        found[name] = float(distance / max(np.abs(value).max(), 1e-300)) if distance > 0.0 else 0.0
        if not np.isfinite(other).all():
            found[name] = float("inf")
    return found


def ways():
    """Whether kernels cooperate, by name."""
    return {"cooperative": True, "phase by phase": False} if driver.can_cooperate() else {"phase by phase": False}


def measure(name):
    """Records of a case: how far the GPU is from the CPU, and whether two runs give the same bits; and what failed."""
    records, failures, case = [], {}, case_of(name)
    kinked = not {*case.get("activations", ())}.isdisjoint(KINKED)
    for network, size, real, tile in settings_of(name):
        problem = Problem(size, real, **case)
        expected = problem.results(CpuBackend)
        allowed = AT_KINKS if kinked and real == "float32" else TOLERANCES[real]
        for way, cooperative in ways().items():
            record = {"case": name, "network": network, "tile": tile.side, "dtype": real, "launched": way}
            try:
                verdict = compared(problem, expected, allowed, tile=tile, cooperative=cooperative)
            except Exception:  # whatever CUDA may raise is for the report
                failures[", ".join(map(str, record.values()))] = traceback.format_exc()
                verdict = {"passed": False}
            records.append(record | verdict)
    return records, failures


def compared(problem, expected, allowed, **launching):
    """The rest of a record: the largest difference, and the verdict."""
    first, second = (problem.on_gpu(**launching) for _ in range(2))
    found = differences(first, expected)
    worst = max(found, key=found.get)
    same = all(np.array_equal(first[name], second[name], equal_nan=True) for name in first)
    verdict = {"largest difference": found[worst], "of": worst, "allowed": allowed, "same bits twice": same}
    return verdict | {"passed": bool(found[worst] <= allowed and same)}
