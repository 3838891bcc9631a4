"""What the first call costs: import, cold compile, first fit from the cache, steady fit.

python benchmarks/cold.py [--runs 3] [--out cold.csv]

Each row is measured in fresh processes, the cold compile with an empty cache folder of its own.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile

from report import describe_machine, show

FIT = """
import time
import numba, sklearn.neural_network
import numpy as np
started = time.perf_counter()
import skmlp
imported = time.perf_counter()
rng = np.random.default_rng(0)
X = rng.standard_normal((768, 8)); y = (X[:, 0] > 0).astype(int)
model = skmlp.MLPClassifier((12,), max_iter=10, n_iter_no_change=np.inf, random_state=0)
begun = time.perf_counter()
model.fit(X, y)
fitted = time.perf_counter()
model.predict(X)
predicted = time.perf_counter()
model.fit(X, y)
print(imported - started, fitted - begun, predicted - fitted, time.perf_counter() - predicted)
"""


def measure(cache):
    """Seconds of import (over scikit-learn and numba), first fit, first prediction and second fit in a new process."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
    done = subprocess.run([sys.executable, "-c", FIT], env=environment, check=True, capture_output=True, text=True)
    return [float(value) for value in done.stdout.split()]


def main():
    """Run the processes and show the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--out", default="cold.csv")
    arguments = arguments.parse_args()
    print(describe_machine())
    cold, warm = [], []
    for _ in range(arguments.runs):
        with tempfile.TemporaryDirectory() as cache:
            cold.append(measure(cache))
            warm.append(measure(cache))
    rows = []
    names = ["import, beyond scikit-learn's and numba's", "first fit", "first prediction", "second fit"]
    for name, empty, filled in zip(names, zip(*cold, strict=True), zip(*warm, strict=True), strict=True):
        rows.append([name, f"{statistics.median(empty):.3f}", f"{statistics.median(filled):.3f}"])
    show(["step", "empty cache, s", "from the cache, s"], rows, arguments.out)


if __name__ == "__main__":
    main()
