"""What metrics cost: fits with them and without, in turn, on one thread; no validation data.

python benchmarks/metrics.py [--runs 7] [--out metrics.csv]

The share is the median over the pairs of the time with metrics over the time without, less 1.
"""

import argparse
import statistics
import time
import warnings

from report import describe_machine, show
from threadpoolctl import threadpool_limits
from workloads import WORKLOADS

import skmlp

METRICS = [("accuracy",), ("log_loss",), ("accuracy", "log_loss"), ("balanced_accuracy",), ("roc_auc",)]


def timed_fit(model, X, y):
    """Seconds of one fit."""
    started = time.perf_counter()
    model.fit(X, y)
    return time.perf_counter() - started


def share(workload, metrics, runs):
    """Time that metrics add to an epoch, as a share of it."""
    X, y = workload.data()
    plain = skmlp.MLPClassifier(**workload.parameters())
    measured = skmlp.MLPClassifier(**workload.parameters(), metrics=metrics)
    timed_fit(measured, X, y)  # compiles
    pairs = [(timed_fit(measured, X, y), timed_fit(plain, X, y)) for _ in range(runs)]
    return statistics.median(a / b for a, b in pairs) - 1.0


def main():
    """Run the workloads and show the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--runs", type=int, default=7)
    arguments.add_argument("--out", default="metrics.csv")
    arguments = arguments.parse_args()
    warnings.simplefilter("ignore")  # that exactly so many epochs have not converged is no news here
    print(describe_machine())
    names = ["pima", "default", "mid"]
    with threadpool_limits(limits=1):
        rows = [
            [", ".join(metrics), *(f"{share(WORKLOADS[name], metrics, arguments.runs):+.1%}" for name in names)]
            for metrics in METRICS
        ]
    show(["metrics", *names], rows, arguments.out)


if __name__ == "__main__":
    main()
