"""Prediction of one row, a thousand and a million, and the memory that it needs: skmlp and scikit-learn.

python benchmarks/predict.py [--rows 1 1000 1000000] [--runs 10] [--out predict.csv]

Times of predict_proba on float32 rows: median and 99th percentile, and the median of the ratios call by call. Each run
is 300 calls for one row, 30 for a thousand, one for a million, where the two libraries take turns; one row also alone,
which is over and over by the one library, then by the other. One thread; a million rows also with one for each core.

Memory: bytes resident at the peak of one call over those before it, less the result, for float32 and float64 rows, in a
process of its own for each figure, in which a few rows were predicted before. It is measured for the last number of
``--rows`` and goes to a file of its own, ``predict_memory.csv``. A minute in all.
"""

import argparse
import json
import warnings
from functools import partial

import numpy as np
from joblib import cpu_count
from measure import elsewhere, in_turn, medians, peak_memory, ratio
from peers import classifier
from report import describe_machine, options, show
from threadpoolctl import threadpool_limits
from workloads import Workload

CASES = {1: (8, (12,), 300), 1_000: (8, (12,), 30), 1_000_000: (50, (100,), 1)}  # rows: features, hidden, calls a run
LIBRARIES = ["skmlp", "scikit-learn"]


def fitted(library, rows, threads=1, dtype="float32"):
    """A model for a case."""
    features, hidden, _ = CASES[rows]
    workload = Workload(1_000, features, hidden, 2, 100, 2)
    X, y = workload.data()
    return classifier(library, threads, **workload.parameters()).fit(X.astype(dtype), y)


def made_up(rows, dtype="float32"):
    """Rows of a case."""
    return np.random.default_rng(1).standard_normal((rows, CASES[rows][0]), dtype=dtype)


def timed(rows, threads, runs):
    """Rows of the first table."""
    X, calls = made_up(rows), CASES[rows][2] * runs
    both = [partial(fitted(library, rows, threads).predict_proba, X) for library in LIBRARIES]
    for each in both:
        each()  # compiles
    ways = {"in turn": in_turn(both, calls)}
    if rows == 1:
        alone = [in_turn([each], calls) for each in both]
        ways["alone"] = [ours + theirs for ours, theirs in zip(*alone, strict=True)]
    return [[f"{rows:,} × {X.shape[1]}", str(threads), way, *figures(times)] for way, times in ways.items()]


def figures(times):
    """Medians, 99th percentiles and ratio."""
    slow = np.quantile(times, 0.99, axis=0)
    return [*(f"{seconds * 1e6:,.0f}" for seconds in (*medians(times), *slow)), f"{ratio(times, 1, to=0):.1f}"]


def needed(library, rows, dtype, threads):
    """Bytes that a call needs besides its result, measured in this process."""
    model, X = fitted(library, rows, threads, dtype), made_up(rows, dtype)
    model.predict_proba(X[:100])  # compiles
    peak, result = peak_memory(lambda: model.predict_proba(X))
    return peak - result.nbytes


def memory(rows, dtype, threads):
    """A row of the second table."""
    needs = [elsewhere(__file__, "--needed", library, rows, dtype, threads) for library in LIBRARIES]
    size = rows * CASES[rows][0] * np.dtype(dtype).itemsize
    return [f"{rows:,} × {CASES[rows][0]}", dtype, str(threads), *(f"{value / 1e6:.1f}" for value in (size, *needs))]


def main():
    """Run the cases and show the tables."""
    arguments = options(__doc__, runs=10)
    arguments.add_argument("--rows", nargs="+", type=int, default=list(CASES), choices=list(CASES))
    arguments.add_argument("--needed", nargs=4, help=argparse.SUPPRESS)
    arguments = arguments.parse_args()
    warnings.simplefilter("ignore")
    if arguments.needed:
        library, rows, dtype, threads = arguments.needed
        with threadpool_limits(limits=int(threads)):
            print(json.dumps(needed(library, int(rows), dtype, int(threads))))
        return
    print(describe_machine())
    counts = list(dict.fromkeys([1, cpu_count()]))
    times = []
    for rows in arguments.rows:
        for threads in counts if rows == max(CASES) else [1]:
            with threadpool_limits(limits=threads):
                times += timed(rows, threads, arguments.runs)
    header = ["rows × features", "threads", "calls", "skmlp, µs", "scikit-learn, µs", "skmlp 99 %, µs"]
    show([*header, "scikit-learn 99 %, µs", "times faster"], times, arguments.out)
    rows = arguments.rows[-1]
    needs = [memory(rows, dtype, threads) for dtype in ("float32", "float64") for threads in counts]
    header = ["rows × features", "dtype", "threads", "X, MB", "skmlp, MB", "scikit-learn, MB"]
    show(header, needs, arguments.out, part="memory")


if __name__ == "__main__":
    main()
