"""How close training comes to what the machine can do: rates of fits beside those of NumPy's matrix products.

python benchmarks/roofline.py [--workloads default mid ...] [--size 2048] [--runs 5] [--out roofline.csv]

Three rates in float32, measured in turn on one thread: that of the fit, whose operations are those of its matrix
products, while its time holds all else as well; that of the same products alone, by NumPy (for each layer the product
forward, the gradient of its weights and, but for the first, that of its input, at the shapes of the whole batch, step
after step in the order of a fit); and that of one large square product. Medians, and medians of the ratios run by run.
A share above 100 % says that skmlp's own products are faster than NumPy's at these shapes. Half a minute.
"""

import warnings
from dataclasses import replace
from itertools import pairwise

import numpy as np
from measure import in_turn, medians, ratio
from report import describe_machine, options, show
from threadpoolctl import threadpool_limits
from workloads import WORKLOADS

import skmlp


def step_products(workload):
    """The products of a step as arguments of np.dot: forward, then back from the last layer."""
    rng = np.random.default_rng(0)
    units = workload.units()
    values = [rng.standard_normal((workload.batch, n), dtype=np.float32) for n in units]
    deltas = [rng.standard_normal((workload.batch, n), dtype=np.float32) for n in units]
    weights = [rng.standard_normal(shape, dtype=np.float32) for shape in pairwise(units)]
    gradients = [np.empty_like(each) for each in weights]
    products = [(values[layer], weights[layer], values[layer + 1]) for layer in range(len(weights))]
    for layer in reversed(range(len(weights))):
        products.append((values[layer].T, deltas[layer + 1], gradients[layer]))
        if layer > 0:
            products.append((deltas[layer + 1], weights[layer].T, deltas[layer]))
    return products


def multiply(products, steps):
    """Each product, so many times."""
    for _ in range(steps):
        for a, b, out in products:
            np.dot(a, b, out=out)


def measured(name, size, runs):
    """A row of the table."""
    workload = WORKLOADS[name]
    X, y = workload.data()
    model = skmlp.MLPClassifier(**workload.parameters(), n_jobs=1)
    steps = workload.epochs * (workload.rows // workload.batch)  # whole batches: nearly as many operations as a fit
    products = step_products(workload)
    square = np.random.default_rng(0).standard_normal((size, size), dtype=np.float32)
    large = [(square, square.copy(), np.empty_like(square))]
    calls = [lambda: model.fit(X, y), lambda: multiply(products, steps), lambda: multiply(large, 1)]
    model.fit(X, y)  # compiles
    multiply(large, 1)
    times = in_turn(calls, runs)
    work = [workload.operations(), replace(workload, rows=steps * workload.batch, epochs=1).operations(), 2 * size**3]
    rates = [[n / seconds for n, seconds in zip(work, run, strict=True)] for run in times]
    shares = [ratio(rates, 0, to=1), ratio(rates, 0, to=2), ratio(rates, 1, to=2)]
    rates = [f"{rate / 1e9:.0f}" for rate in medians(rates)]
    return [name, str(workload), f"{medians(times)[0]:.3f}", *rates, *(f"{share:.0%}" for share in shares)]


def main():
    """Measure the workloads and show the table."""
    arguments = options(__doc__, runs=5)
    known = [name for name, workload in WORKLOADS.items() if workload.operations()]
    usual = ["default", "mid", "wide", "deep", "large"]
    arguments.add_argument("--workloads", nargs="+", default=usual, choices=known)
    arguments.add_argument("--size", type=int, default=2048, help="rows and columns of the large product")
    arguments = arguments.parse_args()
    warnings.simplefilter("ignore")  # that exactly so many epochs have not converged is no news here
    print(describe_machine())
    with threadpool_limits(limits=1):
        rows = [measured(name, arguments.size, arguments.runs) for name in arguments.workloads]
    header = ["workload", "rows × features, hidden, batch, epochs", "fit, s", "fit, GFLOP/s", "its products by NumPy"]
    header += [f"product of {arguments.size:,}", "fit to its products", "fit to the large product"]
    show([*header, "its products to the large one"], rows, arguments.out)


if __name__ == "__main__":
    main()
