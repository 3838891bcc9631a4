"""Prediction by the network of the pima workload, and of a million rows: skmlp and scikit-learn in turn.

python benchmarks/predict.py [--out predict.csv]

One row: median and 99th percentile of 3,000 calls of predict_proba; else medians of seven. One thread.
"""

import argparse
import time
import warnings

import numpy as np
import sklearn.neural_network
from report import describe_machine, show
from threadpoolctl import threadpool_limits
from workloads import Workload

import skmlp

CASES = {1: (8, (12,), 3_000), 1_000: (8, (12,), 300), 1_000_000: (50, (100,), 7)}  # rows: features, hidden, calls


def timed(model, X):
    """Seconds of one call."""
    started = time.perf_counter()
    model.predict_proba(X)
    return time.perf_counter() - started


def measured(rows, features, hidden, calls):
    """A row of the table."""
    workload = Workload(1_000, features, hidden, 2, 100, 2)
    ours = skmlp.MLPClassifier(**workload.parameters(), n_jobs=1).fit(*workload.data())
    theirs = sklearn.neural_network.MLPClassifier(**workload.parameters()).fit(*workload.data())
    X = np.random.default_rng(1).standard_normal((rows, features), dtype=np.float32)
    pairs = np.array([[timed(ours, X), timed(theirs, X)] for _ in range(calls)])
    median, slow = np.median(pairs, axis=0) * 1e6, np.quantile(pairs, 0.99, axis=0) * 1e6
    ratio = np.median(pairs[:, 1] / pairs[:, 0])
    return [f"{rows:,} × {features}", *(f"{value:,.0f}" for value in (*median, *slow)), f"{ratio:.1f}"]


def main():
    """Run the cases and show the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--out", default="predict.csv")
    arguments = arguments.parse_args()
    warnings.simplefilter("ignore")
    print(describe_machine())
    with threadpool_limits(limits=1):
        rows = [measured(number, *case) for number, case in CASES.items()]
    header = ["rows × features", "skmlp, µs", "scikit-learn, µs", "skmlp 99 %, µs", "scikit-learn 99 %, µs"]
    show([*header, "times faster"], rows, arguments.out)


if __name__ == "__main__":
    main()
