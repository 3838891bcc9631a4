"""How the time of a fit grows with rows, features, width, depth, batch and classes, beside its arithmetic.

python benchmarks/scaling.py [--axes rows features ...] [--values N] [--runs 3] [--out scaling.csv]

One size grows over three decades (depth: two, from 1 to 100 layers), all others stay. Two tables: seconds of each fit
by its epochs, and the exponents of time and arithmetic, which are the slopes of straight lines through the logarithms,
of all values and of the upper decade alone. Time should grow no faster than the arithmetic, which is that of the matrix
products; small sizes are dominated by what a step costs at least. Small fits have more epochs, so that what a fit costs
once is shared among them. A width is that of two hidden layers, a depth that of layers of 64. One thread; medians. The
second table goes to a file of its own, ``scaling_exponents.csv``. ``--values`` takes only so many values of each axis,
the smallest. Two minutes.
"""

import warnings
from dataclasses import replace

import numpy as np
from measure import in_turn, medians
from report import describe_machine, options, show
from threadpoolctl import threadpool_limits
from workloads import Workload

import skmlp

ENOUGH = 4e9  # operations of a fit: some fifty milliseconds
MOST_EPOCHS = 100

AXES = {
    "rows": (Workload(0, 50, (100,), 2, 200, 1), [1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000]),
    "features": (Workload(10_000, 0, (100,), 2, 200, 1), [10, 30, 100, 300, 1_000, 3_000, 10_000]),
    "width": (Workload(2_000, 50, (), 2, 200, 1), [4, 8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096]),
    "depth": (Workload(10_000, 50, (), 2, 200, 1), [1, 3, 10, 30, 100]),
    "batch": (Workload(20_000, 50, (100,), 2, 0, 1), [10, 30, 100, 300, 1_000, 3_000, 10_000]),
    "classes": (Workload(10_000, 50, (100,), 0, 200, 1), [2, 6, 20, 60, 200, 600, 2_000]),
}
"""What stays, and the values of what grows."""


def sized(axis, value):
    """A workload of an axis, with epochs enough to be measured."""
    changes = {"width": {"hidden": (value, value)}, "depth": {"hidden": (64,) * value}}.get(axis, {axis: value})
    workload = replace(AXES[axis][0], **changes)
    return replace(workload, epochs=int(np.clip(ENOUGH / workload.operations(), 1, MOST_EPOCHS)))


def measured(workload, runs):
    """Seconds an epoch."""
    X, y = workload.data()
    y[: workload.classes] = np.arange(workload.classes)  # no class without a row
    model = skmlp.MLPClassifier(**workload.parameters(), n_jobs=1)
    model.fit(X, y)  # compiles
    return medians(in_turn([lambda: model.fit(X, y)], runs))[0] / workload.epochs


def slope(sizes, costs):
    """Exponent of the power of the sizes that the costs follow best: least squares of the logarithms."""
    if len(sizes) < 2:
        return float("nan")
    return round(np.polyfit(np.log(sizes), np.log(costs), 1)[0], 2) + 0.0  # no -0.00


def exponents(axis, sizes, times, operations):
    """A row of the second table."""
    upper = [place for place, size in enumerate(sizes) if size * 10 >= sizes[-1]]
    row = [axis, f"{sizes[0]:,} to {sizes[-1]:,}"]
    for places in (range(len(sizes)), upper):
        chosen = [sizes[place] for place in places]
        row += [f"{slope(chosen, [costs[place] for place in places]):.2f}" for costs in (times, operations)]
    return row


def main():
    """Measure the axes one by one and show both tables."""
    arguments = options(__doc__, runs=3)
    arguments.add_argument("--axes", nargs="+", default=list(AXES), choices=list(AXES))
    arguments.add_argument("--values", type=int, help="how many of each axis, from the smallest on")
    arguments = arguments.parse_args()
    warnings.simplefilter("ignore")  # that exactly so many epochs have not converged is no news here
    print(describe_machine())
    points, slopes = [], []
    for axis in arguments.axes:
        sizes = AXES[axis][1][: arguments.values]
        times, operations = [], []
        for size in sizes:
            workload = sized(axis, size)
            with threadpool_limits(limits=1):
                times.append(measured(workload, arguments.runs))
            operations.append(workload.operations() / workload.epochs)
            rate = operations[-1] / times[-1] / 1e9
            points.append([axis, f"{size:,}", str(workload), f"{times[-1]:.5f}", f"{rate:.1f}"])
            print(*points[-1], sep="  ", flush=True)
        slopes.append(exponents(axis, sizes, times, operations))
    header = ["axis", "value", "rows × features, hidden, batch, epochs", "s an epoch", "GFLOP/s"]
    show(header, points, arguments.out)
    header = ["axis", "values", "time", "arithmetic", "time, upper decade", "arithmetic, upper decade"]
    show(header, slopes, arguments.out, part="exponents")


if __name__ == "__main__":
    main()
