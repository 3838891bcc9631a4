"""Fits and predictions on the GPU, beside those of skmlp on the CPU and of other libraries on the GPU.

The workloads are those of workloads.py, and networks of two layers of a width from 32 to 2,048 in batches of 200 and of
4,096 rows. Each one that takes part has a process of its own for each of them.
"""

import os
import statistics
import warnings

from gpu_peers import CONTESTANTS, OURS
from measure import seconds
from peers import loss_of
from workloads import WORKLOADS, Workload

from skmlp.cuda.driver import SIMULATED

BATCHES = 200, 4096
EPOCHS = {32: 8, 64: 8, 128: 8, 256: 8, 512: 4, 1024: 2, 2048: 1}
LEAST_WIDTH = 256  # that other libraries are measured at; below it is about where a GPU begins to pay
ROWS, FEATURES = 32_768, 128
QUICK = ["default", "mid", "width 256, batch 200", "width 1024, batch 200", "width 1024, batch 4096"]
ONE_ROW = 200  # calls that predict one row


def workloads(quick):
    """Workloads by name."""
    if SIMULATED:
        return {"tiny": Workload(15, 3, (4,), 2, 10, 1)}
    known = {name: each for name, each in WORKLOADS.items() if each.density == 1.0 and each.solver == "adam"}
    for width, epochs in EPOCHS.items():
        for batch in BATCHES:
            known[f"width {width}, batch {batch}"] = Workload(ROWS, FEATURES, (width, width), 2, batch, epochs)
    return {name: known[name] for name in QUICK} if quick else known


def pairs(names, present):
    """Pairs of a workload and one that takes part, by name."""
    return [(name, contestant) for name in names for contestant in present if contestant in OURS or _wide(name)]


def _wide(name):
    kind, _, rest = name.partition(" ")
    return kind != "width" or int(rest.partition(",")[0]) >= LEAST_WIDTH


def measure(name, contestant, *, quick, runs, parts):
    """Records of fits and of predictions of one contestant, by part: what ``parts`` asks for."""
    warnings.simplefilter("ignore")
    workload = workloads(quick)[name]
    X, y = workload.data()
    one = CONTESTANTS[contestant](workload, X, y, os.cpu_count())
    first = seconds(one.run)
    record = {"workload": name, "size": str(workload), "contestant": contestant}
    found = {"fit": [], "predict": []}
    if "fit" in parts:
        results = []
        times = [seconds(lambda: results.append(one.run())) for _ in range(runs)]
        fit, steps = statistics.median(times), workload.epochs * -(-workload.rows // workload.batch)
        weights = sum(each.size for each in results[-1][0])
        rates = {
            "first fit, s": first,
            "fit, s": fit,
            "a step, µs": 1e6 * fit / steps,
            "TFLOP/s": workload.operations() / fit / 1e12,
            "weights × rows": weights * min(workload.batch, workload.rows),
            "loss": loss_of(workload, X, y, *results[-1]),
        }
        found["fit"].append(record | rates)
    if "predict" in parts and contestant != "skmlp, GPU, phase by phase":  # which predicts as the other does
        for rows, calls in {1: 5 if SIMULATED else ONE_ROW, len(X): runs}.items():
            some = X[:rows]
            one.predict(some)
            call = statistics.median(seconds(lambda some=some: one.predict(some)) for _ in range(calls))
            found["predict"].append(record | {"rows": rows, "a call, µs": 1e6 * call, "rows a second": rows / call})
    return found
