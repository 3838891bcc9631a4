"""Fit times of skmlp and scikit-learn, side by side in one process, one thread each.

python benchmarks/fit.py [--runs 5] [--workloads pima default ...] [--out fit.csv]

Both train the same network on the same float32 data with the same initial weights and batches; the last losses are
shown, and must agree within what rounding explains. The two take turns; times are medians, the ratio is the median of
the ratios pair by pair. The compilation of the kernels is not in the times: see cold.py.
"""

import argparse
import statistics
import time
import warnings

import sklearn.neural_network
from report import describe_machine, show
from threadpoolctl import threadpool_limits
from workloads import WORKLOADS

import skmlp

REACH = {"pima": 60, "default": 5, "mid": 2, "wide": 2}


def timed_fit(model, X, y):
    """Seconds of one fit."""
    start = time.perf_counter()
    model.fit(X, y)
    return time.perf_counter() - start


def compare(workload, runs):
    """Times of both, run by run in turn, and their last losses."""
    X, y = workload.data()
    parameters = workload.parameters()
    ours = skmlp.MLPClassifier(**parameters)
    theirs = sklearn.neural_network.MLPClassifier(**parameters)
    skmlp.MLPClassifier(**{**parameters, "max_iter": 1}).fit(X[: workload.batch], y[: workload.batch])  # compile
    times = [(timed_fit(ours, X, y), timed_fit(theirs, X, y)) for _ in range(runs)]
    return times, ours.loss_, theirs.loss_


def main():
    """Run the workloads and show the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--runs", type=int, default=5)
    arguments.add_argument("--workloads", nargs="+", default=list(WORKLOADS), choices=list(WORKLOADS))
    arguments.add_argument("--out", default="fit.csv")
    arguments = arguments.parse_args()
    # That exactly so many epochs have not converged is no news here.
    warnings.simplefilter("ignore")
    print(describe_machine())
    rows = []
    with threadpool_limits(limits=1):
        for name in arguments.workloads:
            times, our_loss, their_loss = compare(WORKLOADS[name], arguments.runs)
            ours, theirs = (statistics.median(column) for column in zip(*times, strict=True))
            ratio = statistics.median(b / a for a, b in times)
            rows.append(
                [
                    name,
                    str(WORKLOADS[name]),
                    f"{ours:.4f}",
                    f"{theirs:.3f}",
                    f"{ratio:.1f}",
                    f"{REACH[name]}",
                    f"{our_loss:.5f}",
                    f"{their_loss:.5f}",
                ]
            )
    header = [
        "workload",
        "rows × features, hidden, batch, epochs",
        "skmlp, s",
        "scikit-learn, s",
        "times faster",
        "aim",
        "our loss",
        "their loss",
    ]
    show(header, rows, arguments.out)


if __name__ == "__main__":
    main()
