"""Where the time of a fit goes: each operation of a step, timed by itself on the data of a fit; one thread.

python benchmarks/steps.py [--workloads pima default ...] [--out steps.csv]

An operation is carried out over and over on one batch, so its operands are in the cache more often than in a fit: what
the operations leave of the time of a whole fit goes to memory, to the loop around them, and to Python between epochs.
"""

import argparse
import statistics
import time
import warnings

import numpy as np
from numba import njit
from report import describe_machine, show
from workloads import WORKLOADS

import skmlp
from skmlp.cpu import activation, dropout, loss, output, products, team, update
from skmlp.cpu import memory as places
from skmlp.cpu.backend import TrainingRun
from skmlp.cpu.compile import execute
from skmlp.cpu.denormals import swap_control

FAMILIES = {
    "activation": activation.activation_loops,
    "derivative": activation.derivative_loops,
    "link": activation.link_loops,
    "dropout": dropout.dropout_loops,
    "loss": loss.loss_loops,
    "output": output.output_loops,
    "product": products.product_loops,
    "open": team.open_loops,
    "combine": team.combine_loops,
    "update": update.update_loops,
    "count": update.count_loops,
}


@njit
def repeat(plan, number, memory, times):
    """Carry out one operation so many times."""
    before = swap_control(True, 0)
    for _ in range(times):
        execute(plan, number, memory)
    swap_control(False, before)


def names():
    """Names of the loops by their addresses."""
    return {
        loop.address: f"{kind}: {key[0]}" for kind, family in FAMILIES.items() for key, loop in family._loops.items()
    }


def runs_of(model, X, y):
    """The training run of a fit, and the seconds of its epochs."""
    runs, init = [], TrainingRun.__init__

    def noted(self, *arguments):
        init(self, *arguments)
        runs.append(self)

    TrainingRun.__init__ = noted
    try:
        started = time.perf_counter()
        model.fit(X, y)
        return runs[-1], time.perf_counter() - started
    finally:
        TrainingRun.__init__ = init


def seconds(plan, number, memory):
    """Of one operation: the median of some rounds of some milliseconds each."""
    repeat(plan, number, memory, 1)
    started = time.perf_counter()
    repeat(plan, number, memory, 10)
    times = max(1, int(0.02 / max((time.perf_counter() - started) / 10, 1e-8)))
    rounds = []
    for _ in range(7):
        started = time.perf_counter()
        repeat(plan, number, memory, times)
        rounds.append((time.perf_counter() - started) / times)
    return statistics.median(rounds)


def measured(name, workload):
    """Rows of the table: operation, layer, microseconds of a step, share of the fit, rate of arithmetic."""
    X, y = workload.data()
    model = skmlp.MLPClassifier(**workload.parameters(), dtype="float32", n_jobs=1)
    model.fit(X, y)
    run, whole = runs_of(model, X, y)
    memory = run._team(1).members[0]
    known, steps, rows = names(), -(-workload.rows // workload.batch) * workload.epochs, []
    memory[places.RATES] = np.zeros(steps)
    memory[places.BEGIN], memory[places.END], memory[places.BATCH], memory[places.FIRST] = 0, 1, 0, 0
    memory[places.N_ROWS] = min(run._shard_rows, workload.batch)
    shards = -(-workload.batch // run._shard_rows)
    for part, plan in zip(("open", "shard", "further", "round", "close", "end"), run._plans[1, False], strict=True):
        for number, operation in enumerate(plan):
            memory[places.BATCH_ROWS] = workload.batch
            memory[places.TURN] = 1 if shards > 1 else 0
            memory[places.GRADIENT] = memory.array(places.TOTAL)
            took = seconds(plan, number, memory.cells) * (shards if part in ("shard", "round") else 1)
            n_in, n_out = operation[[places.N_IN, places.N_OUT]]
            work = 2 * workload.batch * n_in * n_out / took / 1e9
            kind = known.get(operation[places.LOOP], "?")
            is_product = kind.startswith("product") and "gather" not in kind
            layer = f"{operation[places.LAYER] + 1}: {n_in} → {n_out}" if part == "shard" else ""
            share = took * steps / whole
            rows.append([name, kind, layer, f"{took * 1e6:.2f}", f"{share:.1%}", f"{work:.0f}" if is_product else ""])
    told = sum(float(row[3]) for row in rows)
    left = whole / steps * 1e6 - told
    rows.append([name, "what is left", "", f"{left:.2f}", f"{left * steps / whole / 1e6:.1%}", ""])
    rows.append([name, "a step of the fit", "", f"{whole / steps * 1e6:.2f}", "100.0%", ""])
    return rows


def main():
    """Measure the workloads and show the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    dense = [name for name, workload in WORKLOADS.items() if workload.solver == "adam"]
    arguments.add_argument("--workloads", nargs="+", default=dense, choices=dense)
    arguments.add_argument("--out", default="steps.csv")
    arguments = arguments.parse_args()
    warnings.simplefilter("ignore")
    print(describe_machine())
    rows = [row for name in arguments.workloads for row in measured(name, WORKLOADS[name])]
    show(["workload", "operation", "layer", "µs a step", "share of the fit", "GFLOP/s"], rows, arguments.out)


if __name__ == "__main__":
    main()
