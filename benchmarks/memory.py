"""Memory that a fit needs besides its data: skmlp and scikit-learn.

python benchmarks/memory.py [--rows 2000000] [--features 50] [--runs 1] [--out memory.csv]

Bytes resident at the peak of one epoch over those before the fit, with float32 rows in one block of memory that need no
copy. Each figure is from a process of its own, in which a few rows were fitted before, so that modules and compiled
kernels are not in it; with several runs it is the largest. The aim is less than a tenth of X and 64 MB. Half a minute.
"""

import argparse
import json
import warnings

import numpy as np
from joblib import cpu_count
from measure import elsewhere, peak_memory
from peers import classifier
from report import describe_machine, options, show
from threadpoolctl import threadpool_limits
from workloads import Workload

LIBRARIES = ["skmlp", "scikit-learn"]


def needed(library, rows, features, threads):
    """Bytes that a fit needs, measured in this process."""
    workload = Workload(rows, features, (64,), 2, 4096, 1)
    X = np.random.default_rng(0).standard_normal((rows, features), dtype=np.float32)
    y = (X[:, 0] > 0).astype(np.int64)
    model = classifier(library, threads, **workload.parameters())
    with threadpool_limits(limits=threads):
        model.fit(X[:10_000], y[:10_000])  # compiles
        return peak_memory(lambda: model.fit(X, y))[0]


def measured(library, rows, features, threads, runs):
    """A row of the table."""
    need = max(elsewhere(__file__, "--needed", library, rows, features, threads) for _ in range(runs))
    size = rows * features * 4
    row = [f"{rows:,} × {features}", library, str(threads), f"{size / 1e6:.0f}", f"{need / 1e6:.1f}"]
    return [*row, f"{need / size:.1%}", f"{(0.1 * size + 64e6) / 1e6:.0f}"]


def main():
    """Fit in processes of their own and show the table."""
    arguments = options(__doc__, runs=1)
    arguments.add_argument("--rows", type=int, default=2_000_000)
    arguments.add_argument("--features", type=int, default=50)
    arguments.add_argument("--needed", nargs=4, help=argparse.SUPPRESS)
    arguments = arguments.parse_args()
    warnings.simplefilter("ignore")
    if arguments.needed:
        library, *numbers = arguments.needed
        print(json.dumps(needed(library, *(int(number) for number in numbers))))
        return
    print(describe_machine())
    rows = [
        measured(library, arguments.rows, arguments.features, threads, arguments.runs)
        for threads in dict.fromkeys([1, cpu_count()])
        for library in LIBRARIES
    ]
    show(["rows × features", "library", "threads", "X, MB", "need, MB", "of X", "aim, MB"], rows, arguments.out)


if __name__ == "__main__":
    main()
