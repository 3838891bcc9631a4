"""Predictions of one model by skmlp, by ONNX Runtime and by a module of NumPy alone: sizes, and times.

python benchmarks/deploy.py [--rows 1 10000] [--runs 30] [--out deploy.csv]

Sizes are those of the pickle, of the ONNX model and of the module's text. Times are medians of predict_proba on float32
rows, where the three take turns: each run is up to 100 calls. One thread. Half a minute in all.
"""

import pickle
import warnings

import numpy as np
from measure import in_turn, medians
from onnxruntime import InferenceSession, SessionOptions
from report import describe_machine, options, show
from threadpoolctl import threadpool_limits
from workloads import Workload

from skmlp import MLPClassifier, to_source
from skmlp.onnx import to_onnx

NETWORKS = {  # features, hidden layers, classes, activation
    "small": (8, (12,), 2, "relu"),
    "default": (50, (100,), 2, "relu"),
    "wide": (100, (256, 256), 10, "relu"),
    "gelu": (50, (100,), 2, "gelu"),
}
CALLS = 100  # of one row; of more rows fewer


def fitted(features, hidden, classes, activation):
    """A model and what takes its place: functions of rows, and sizes in bytes."""
    workload = Workload(2_000, features, hidden, classes, 100, 2, activation=activation)
    X, y = workload.data()
    model = MLPClassifier(n_jobs=1, **workload.parameters()).fit(X, y)
    onnx, source = to_onnx(model, X[:1]).SerializeToString(), to_source(model)
    settings, module = SessionOptions(), {}
    settings.intra_op_num_threads = 1
    session = InferenceSession(onnx, settings, providers=["CPUExecutionProvider"])
    exec(source, module)
    ways = [
        model.predict_proba,
        lambda rows: session.run(["probabilities"], {"X": rows})[0],
        module["predict_proba"],
    ]
    return ways, [len(pickle.dumps(model)), len(onnx), len(source.encode())]


def timed(ways, rows, features, runs):
    """Median seconds of each way."""
    X = np.random.default_rng(1).standard_normal((rows, features), dtype=np.float32)
    expected, *others = (way(X) for way in ways)
    for other in others:
        np.testing.assert_allclose(other, expected, atol=1e-5)
    calls = [lambda way=way: way(X) for way in ways]
    return medians(in_turn(calls, runs * max(1, CALLS // rows)))


def main():
    """Measure all networks and show the table."""
    arguments = options(__doc__, runs=30)
    arguments.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=list(NETWORKS))
    arguments.add_argument("--rows", nargs="+", type=int, default=[1, 10_000])
    arguments = arguments.parse_args()
    warnings.simplefilter("ignore")
    print(describe_machine())
    table = []
    for name in arguments.networks:
        features, hidden, classes, activation = NETWORKS[name]
        ways, sizes = fitted(features, hidden, classes, activation)
        network = f"{name}: {features} × {' × '.join(map(str, hidden))} × {classes}, {activation}"
        with threadpool_limits(limits=1):
            times = [timed(ways, rows, features, arguments.runs) for rows in arguments.rows]
        for way, size, *seconds in zip(["skmlp", "ONNX Runtime", "NumPy"], sizes, *times, strict=True):
            table.append([network, way, f"{size / 1e3:,.1f}", *(f"{one * 1e6:,.0f}" for one in seconds)])
    header = [f"{rows:,} row{'s' * (rows > 1)}, µs" for rows in arguments.rows]
    show(["network", "by", "size, kB", *header], table, arguments.out)


if __name__ == "__main__":
    main()
