"""Where the time of a fit goes: each operation of its steps, timed inside of the fit; one thread.

python benchmarks/steps.py [--workloads pima default ...] [--runs 5] [--out steps.csv] [--page [FILE]]
                           [--picture [FILE]]

Four tables: each operation; the same in a few classes (``steps_classes.csv``); products by themselves and in the fit,
beside the rate of the processor (``steps_products.csv``); and whole fits (``steps_fits.csv``). A fit is run at least so
often, and for a second at least, with a stopwatch in it (stopwatch.py) and without, in turn; its parts are those of the
quickest run with the stopwatch, whose readings are taken off. ``--page`` puts the tables into
docs/where-the-time-goes.md (those that compare workloads only if all were measured), ``--picture`` draws the classes to
docs/images/steps.png. Two minutes.
"""

import re
import warnings
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import numpy as np
from bars import draw_bars
from measure import seconds
from processor import filled, processor_rate, quickest, tile_rate
from report import describe_machine, options, show
from stopwatch import BETWEEN, LOOP, OUTSIDE, WATCHING, Stopwatch
from workloads import WORKLOADS

import skmlp
from skmlp.cpu import activation, columns, loss, products, team, update
from skmlp.cpu.backend import shard_rows
from skmlp.cpu.shuffle import shuffle

DOCS = Path(__file__).resolve().parent.parent / "docs"
SHUFFLING = "shuffling"

CLASSES = {
    "gathering rows": ["gather", "sort"],
    "products forward": ["forward", "forward_one", "forward_sparse"],
    "gradients of weights": ["weights", "weights_one", "weights_sparse"],
    "gradients of inputs": ["inputs", "inputs_one", activation.derivative_of_one_loops],
    "activations": [activation.activation_loops, activation.in_place_loops, activation.derivative_loops],
    "loss": [loss.loss_loops],
    "optimiser": [update.update_loops, columns.settle_loops],
    "batches and shards": [team.open_loops, team.add_loops, team.combine_loops, update.count_loops, LOOP],
    "shuffling": [SHUFFLING],
    "Python between epochs": [BETWEEN],
    "start and end": [OUTSIDE],
}
"""What things belong to, by the name of a product, by the family of a loop, or by a name of the stopwatch."""
OPERATIONS = {
    activation.derivative_loops: "derivative of",
    activation.derivative_of_one_loops: "input and derivative of",
    team.open_loops: "begin a batch:",
    columns.settle_loops: "columns at rest:",
    team.add_loops: "gradients of further shards:",
    team.combine_loops: "losses of shards:",
    update.count_loops: "end a batch:",
}
BY_COLUMNS = {columns.forward_loops: "forward, by columns", columns.step_loops: "weights and step, by columns"}
PRODUCTS = list(CLASSES)[1:4]
KINDS = ("forward", "weights", "inputs")


def merged(parts):
    """Parts that are one here: products in the first shard of a batch and in others, sums of whatever length."""
    result = defaultdict(float)
    for thing, time in parts.items():
        if thing[0] is team.add_loops:
            thing = (*thing[:2], 0, 0)
        elif thing[1] == "weights_added":
            thing = (thing[0], "weights", *thing[2:])
        result[thing] += time
    return result


def class_of(thing):
    """The class of what a stopwatch tells."""
    if isinstance(thing, str):
        keys = {thing}
    elif thing[0] in BY_COLUMNS:
        keys = {BY_COLUMNS[thing[0]].partition(" ")[0].strip(",")}
    else:
        keys = {thing[0], thing[1] if thing[0] in (products.product_loops, columns.sort_loops) else ""}
    return next(name for name, members in CLASSES.items() if keys & {*members})


def operation_of(thing):
    """What it is called in the table."""
    if isinstance(thing, str):
        return thing
    family, name = thing[:2]
    return BY_COLUMNS.get(family) or " ".join([OPERATIONS.get(family, ""), name]).strip()


class Fit:
    """Times of a workload's fit: ``whole`` without a stopwatch, and ``parts`` of one with it.

    Operations of layers of the same sizes are one part.
    """

    def __init__(self, name, runs):
        self.name, self.workload = name, WORKLOADS[name]
        X, y = self.workload.data()
        if self.workload.solver == "lbfgs":
            X = X.astype(np.float64)
        model = skmlp.MLPClassifier(**self.workload.parameters(), n_jobs=1)
        stopwatch = Stopwatch()
        model.fit(X, y)  # compiles
        stopwatch.seconds(lambda: model.fit(X, y))
        times, watched = [], []
        while len(times) < runs or sum(times) < 1.0:
            times.append(seconds(lambda: model.fit(X, y)))
            watched.append(stopwatch.seconds(lambda: model.fit(X, y)))
        self.whole, (self.watched, parts, counts) = min(times), min(watched, key=lambda run: run[0])
        self.watching = parts.pop(WATCHING)
        self.steps = next(count for thing, count in counts.items() if thing[0] is team.open_loops)
        self.passes = self.steps / -(-self.workload.rows // self.workload.batch)
        if self.workload.solver != "lbfgs":
            parts[SHUFFLING] = self.shuffling()
            parts[BETWEEN] -= parts[SHUFFLING]
        self.parts = merged(parts)
        self.sum = sum(parts.values())

    def shuffling(self):
        """Seconds."""
        rows, random_state = np.arange(self.workload.rows), np.random.RandomState(0)
        return self.passes * quickest(lambda times: [shuffle(rows, random_state) for _ in range(times)])

    def operations(self, thing):
        """Multiplications and additions of a part in the whole fit; of the products of dense data alone."""
        if isinstance(thing, str) or class_of(thing) not in PRODUCTS or self.workload.density < 1.0:
            return 0
        layers = [*pairwise(self.workload.units())]
        alike = (layers[1:] if class_of(thing) == "gradients of inputs" else layers).count(thing[2:])
        return 2 * self.workload.rows * self.passes * alike * thing[2] * thing[3]

    def row(self, seconds, operations):
        """Cells of a table: µs a step, share, rate."""
        rate = f"{operations / seconds / 1e9:.0f}" if operations and seconds else ""
        return [f"{seconds / self.steps * 1e6:,.2f}", f"{seconds / self.sum:.1%}", rate]

    def details(self):
        """Rows of the first table."""
        rows = []
        for thing, time in sorted(self.parts.items(), key=lambda part: [*CLASSES].index(class_of(part[0]))):
            layer = "" if isinstance(thing, str) or not thing[2] else f"{thing[2]:,} → {thing[3]}"
            rows.append([class_of(thing), operation_of(thing), layer, *self.row(time, self.operations(thing))])
        return rows

    def classes(self):
        """Seconds and operations of each class."""
        totals = defaultdict(lambda: [0.0, 0])
        for thing, time in self.parts.items():
            totals[class_of(thing)][0] += time
            totals[class_of(thing)][1] += self.operations(thing)
        return {name: totals[name] for name in CLASSES if totals[name][0] > 0.0}

    def shares(self):
        """Of each class, in percent."""
        return {name: 100.0 * time / self.sum for name, (time, _) in self.classes().items()}

    def table(self):
        """Rows of the second table; the last one is the whole."""
        rows = [[name, *self.row(*values)] for name, values in self.classes().items()]
        return [*rows, ["all", *self.row(self.sum, sum(map(self.operations, self.parts)))]]

    def products(self, rate):
        """Rows of the third table, of the layer with most weights: products by themselves, and in the fit."""
        if self.workload.density < 1.0 or self.workload.solver == "lbfgs":
            return []
        rows, result = min(shard_rows(self.workload.batch), self.workload.rows), []
        n_in, n_out = max(pairwise(self.workload.units()), key=lambda sizes: sizes[0] * sizes[1])
        sizes = {"forward": (rows, n_in, n_out), "weights": (n_in, rows, n_out), "inputs": (rows, n_out, n_in)}
        for thing in ((products.product_loops, kind, n_in, n_out) for kind in KINDS):
            if self.parts.get(thing):
                size = sizes[thing[1]]
                alone, inside = tile_rate(thing[1], *size), self.operations(thing) / self.parts[thing]
                row = [thing[1], " × ".join(map(str, size)), f"{filled(size[0], size[2]):.0%}"]
                row += [f"{alone / 1e9:.0f}", f"{inside / 1e9:.0f}"]
                result.append([self.name, *row, *(f"{value / rate:.0%}" for value in (alone, inside))])
        return result

    def summary(self, rate):
        """A row of the fourth table."""
        work = sum(map(self.operations, self.parts))
        row = [self.name, f"{self.whole * 1e3:.2f}", f"{self.sum * 1e3:.2f}", f"{self.watching * 1e3:.2f}"]
        row += [f"{self.steps:,}", f"{work / 1e9:.3g}", f"{work / rate * 1e3:.2f}"]
        return [*row, f"{work / rate / self.sum:.0%}"] if work else [*row[:-2], "", "", ""]


def refresh(path, part, header, rows):
    """Put a table between the marks of a part of a page."""
    lines = ["| " + " | ".join(row) + " |" for row in [header, ["---"] * len(header), *rows]]
    begin, end = f"<!-- steps {part}: begin -->\n", f"\n<!-- steps {part}: end -->"
    page = Path(path).read_text(encoding="utf-8")
    if begin not in page:
        raise ValueError(f"{path} has no place for {part}")
    text = begin + "\n" + "\n".join(lines) + "\n" + end
    page = re.sub(re.escape(begin) + ".*?" + re.escape(end), lambda found: text, page, flags=re.DOTALL)
    Path(path).write_text(page, encoding="utf-8")


def main():
    """Measure the workloads and show the tables."""
    arguments = options(__doc__, runs=5)
    arguments.add_argument("--workloads", nargs="+", default=list(WORKLOADS), choices=list(WORKLOADS))
    arguments.add_argument("--page", nargs="?", const=DOCS / "where-the-time-goes.md")
    arguments.add_argument("--picture", nargs="?", const=DOCS / "images" / "steps.png")
    arguments = arguments.parse_args()
    warnings.simplefilter("ignore")  # that exactly so many epochs have not converged is no news here
    rate = processor_rate()
    print(f"{describe_machine()}; {rate / 1e9:.0f} GFLOP/s")
    fits = [Fit(name, arguments.runs) for name in arguments.workloads]
    figures = ["µs a step", "share of the fit", "GFLOP/s"]
    rows = [[fit.name, *row] for fit in fits for row in fit.details()]
    show(["workload", "class", "operation", "layers", *figures], rows, arguments.out)
    rows = [[fit.name, *row] for fit in fits for row in fit.table()]
    show(["workload", "class", *figures], rows, arguments.out, part="classes")
    header = ["product", "rows × depth × columns", "lanes filled", "alone, GFLOP/s", "in the fit, GFLOP/s"]
    tables = {"products": (["workload", *header, "alone, of the processor's rate", "in the fit"], [])}
    tables["products"][1].extend(row for fit in fits for row in fit.products(rate))
    header = ["fit, ms", "its parts, ms", "readings, ms", "steps", "GFLOP", "at the processor's rate, ms", "of the fit"]
    tables["fits"] = ["workload", *header], [fit.summary(rate) for fit in fits]
    for part, (header, rows) in tables.items():
        show(header, rows, arguments.out, part=part)
    if arguments.page:
        tables["machine"] = ["processor", "multiply-adds, GFLOP/s"], [[describe_machine(), f"{rate / 1e9:.0f}"]]
        of_all = tables if len(fits) == len(WORKLOADS) else {}
        for part, (header, rows) in {**of_all, **{fit.name: (["", *figures], fit.table()) for fit in fits}}.items():
            refresh(arguments.page, part, header, rows)
    if arguments.picture:
        bars = {f"{fit.name}, {fit.sum * 1e3:,.0f} ms": fit.shares() for fit in fits}
        draw_bars(bars, list(CLASSES), "% of the time of a fit", arguments.picture)


if __name__ == "__main__":
    main()
