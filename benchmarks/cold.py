"""What the first call costs: import, first fit with an empty cache, first fit from the cache, steady fit.

python benchmarks/cold.py [--variants classifier regressor ...] [--peers scikit-learn PyTorch JAX] [--runs 3]
                          [--out cold.csv]

Every figure is the median over so many pairs of new processes. Each pair has a cache folder of its own, which the first
of the two fills and the second reads. The import is that of all that a fit needs, Numba and scikit-learn among it;
skmlp's own share of it stands apart. The peers train the same network on the same data, and keep nothing for the next
process. A fit is ten epochs of a hundred hidden units on 768 rows; the steady one is the median of five that follow.
Some five minutes.
"""

import argparse
import importlib
import importlib.util
import json
import statistics
import tempfile
import warnings
from dataclasses import replace

from measure import elsewhere, in_turn, medians, seconds
from report import describe_machine, options, show

VARIANTS = {
    "classifier": ("MLPClassifier", {}, {}),
    "three classes": ("MLPClassifier", {"classes": 3}, {}),
    "regressor": ("MLPRegressor", {}, {}),
    "batch normalisation": ("MLPClassifier", {}, {"normalization": "batch"}),
    "sparse X": ("MLPClassifier", {"density": 0.5}, {}),
    "lbfgs": ("MLPClassifier", {"solver": "lbfgs"}, {}),
}
"""Estimator, what is different in the workload, and what in the parameters."""

PEERS = {"scikit-learn": "sklearn.neural_network", "PyTorch": "torch", "JAX": "jax"}
STEADY = 5  # fits


def first_calls(name):
    """Seconds of the imports, the first fit, the first prediction where there is one, and a later fit.

    This is for a new process. Whatever takes long is imported in here, to be timed.
    """
    modules = [PEERS[name]] if name in PEERS else ["numba", "sklearn.neural_network", "skmlp"]
    imports = [seconds(lambda module=module: importlib.import_module(module)) for module in modules]
    from workloads import Workload

    estimator, changes, parameters = VARIANTS.get(name, VARIANTS["classifier"])
    workload = replace(Workload(768, 8, (100,), 2, 200, 10), **changes)
    X, y = workload.data()
    if name in ("PyTorch", "JAX"):
        import peers

        fit, predict = peers.PEERS[name][1](workload, X, y, 1).run, None
    else:
        model = getattr(importlib.import_module(modules[-1]), estimator)(**workload.parameters() | parameters)
        fit, predict = (lambda: model.fit(X, y)), (lambda: model.predict(X))
    return {
        "import": sum(imports),
        "own": imports[-1] if name not in PEERS else None,
        "fit": seconds(fit),
        "prediction": seconds(predict) if predict else None,
        "steady": medians(in_turn([fit], STEADY))[0],
    }


def measured(name, runs):
    """A row of the table."""
    cold, warm = [], []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as cache:
            # Python may keep what it compiles, too, so that an import is what it is to users.
            environment = {"NUMBA_CACHE_DIR": cache, "PYTHONDONTWRITEBYTECODE": ""}
            cold.append(elsewhere(__file__, "--fresh", name, **environment))
            if name not in PEERS:
                warm.append(elsewhere(__file__, "--fresh", name, **environment))
    row = ["skmlp, " + name if name not in PEERS else name]
    row += [middle(cold, "import"), middle(cold, "own")]
    row += [middle(times, what) for what in ("fit", "prediction") for times in (cold, warm)]
    return [*row, f"{statistics.median(1e3 * times['steady'] for times in cold + warm):.2f}"]


def middle(times, what):
    """Median of a figure over processes, if there is one."""
    values = [each[what] for each in times if each[what] is not None]
    return f"{statistics.median(values):.3f}" if values else ""


def main():
    """Run the processes and show the table."""
    installed = [name for name, module in PEERS.items() if importlib.util.find_spec(module.partition(".")[0])]
    arguments = options(__doc__, runs=3)
    arguments.add_argument("--variants", nargs="*", default=list(VARIANTS), choices=list(VARIANTS))
    arguments.add_argument("--peers", nargs="*", default=installed, choices=list(PEERS))
    arguments.add_argument("--fresh", help=argparse.SUPPRESS)
    arguments = arguments.parse_args()
    if arguments.fresh:
        warnings.simplefilter("ignore")
        print(json.dumps(first_calls(arguments.fresh)))
        return
    print(describe_machine())
    rows = []
    for name in arguments.variants + arguments.peers:
        rows.append(measured(name, arguments.runs))
        print(*rows[-1], sep="  ", flush=True)
    header = ["", "import, s", "of it skmlp's", "first fit, empty cache, s", "first fit from the cache, s"]
    header += ["first prediction, empty cache, s", "first prediction from the cache, s", "steady fit, ms"]
    show(header, rows, arguments.out)


if __name__ == "__main__":
    main()
