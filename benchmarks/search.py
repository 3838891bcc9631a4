"""Cross-validation and grid search on one core and on two, by threads and by processes: skmlp and scikit-learn.

python benchmarks/search.py [--searches "pima, 10 folds" ...] [--libraries skmlp scikit-learn] [--epochs N] [--jobs 2]
                            [--runs 3] [--out search.csv]

Every setting and both libraries take turns. Each fit has one thread, BLAS included, so that n_jobs is the number of
cores at work. Times are medians, ratios are medians of the ratios run by run: "times faster" than scikit-learn in the
same setting, "speed-up" over the same library with n_jobs=1. An uncounted search of two epochs comes first in each
setting, and before it the workers of loky fit until each has loaded all it needs; they are kept for the counted runs.
There is no refit of the best candidate, which would be one fit alone. Some twenty minutes, nearly all of them
scikit-learn's; a minute with ``--libraries skmlp``.
"""

import os
import time
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

from joblib import parallel_config
from measure import in_turn, medians, ratio
from peers import classifier
from report import describe_machine, options, show
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.parallel import Parallel, delayed
from threadpoolctl import threadpool_limits
from workloads import WORKLOADS

from skmlp.datasets import load_pima

LIBRARIES = ["skmlp", "scikit-learn"]


@dataclass(frozen=True)
class Search:
    """Data and network by the name of a workload, folds, and the values to try; without values, cross-validation."""

    workload: str
    folds: int
    grid: dict[str, list]
    data: Callable | None = None

    def run(self, model, X, y, n_jobs):
        """Search."""
        if not self.grid:
            return cross_val_score(model, X, y, cv=self.folds, n_jobs=n_jobs)
        grid = {f"mlpclassifier__{name}": values for name, values in self.grid.items()}
        return GridSearchCV(model, grid, cv=self.folds, n_jobs=n_jobs, refit=False).fit(X, y)


SEARCHES = {
    "pima, 10 folds": Search("pima", 10, {}, load_pima),
    "pima, 24 candidates, 5 folds": Search(
        "pima",
        5,
        {
            "activation": ["relu", "tanh"],
            "hidden_layer_sizes": [(12,), (24,)],
            "alpha": [0.0, 1e-2, 1.0],
            "learning_rate_init": [1e-3, 1e-2],
        },
        load_pima,
    ),
    "default, 8 candidates, 3 folds": Search(
        "default", 3, {"alpha": [0.0, 1e-4, 1e-2, 1.0], "learning_rate_init": [1e-3, 1e-2]}
    ),
    "mid, 4 candidates, 2 folds": Search("mid", 2, {"alpha": [0.0, 1e-2], "learning_rate_init": [1e-3, 1e-4]}),
}


@dataclass(frozen=True)
class Setting:
    """How many jobs, and by what back end of joblib; one job needs none."""

    n_jobs: int
    back_end: str = ""

    def entered(self):
        """Context of the back end. Idle workers of loky wait as long as the other settings may take."""
        if not self.back_end:
            return nullcontext()
        return parallel_config(self.back_end, **({"idle_worker_timeout": 3600} if self.back_end == "loky" else {}))

    def warm_up(self, search, model, X, y):
        """A search before the counted ones. With loky its two workers have fitted once before."""
        with self.entered():
            workers = set()
            while self.back_end == "loky" and len(workers) < self.n_jobs:
                tasks = (delayed(fitted_in)(clone(model), X, y) for _ in range(self.n_jobs))
                workers.update(Parallel(self.n_jobs)(tasks))
            search.run(model, X, y, self.n_jobs)

    def timed(self, search, model, X, y):
        """A search as a call without arguments."""

        def run():
            with self.entered():
                search.run(model, X, y, self.n_jobs)

        return run


def fitted_in(model, X, y):
    """The process in which a model is fitted; it takes a while, so that another one gets the next."""
    model.fit(X, y)
    time.sleep(0.2)
    return os.getpid()


def measured(name, libraries, epochs, jobs, runs):
    """Rows of the table: one a setting."""
    search = SEARCHES[name]
    workload = WORKLOADS[search.workload]
    X, y = (search.data or workload.data)()
    settings, calls = [Setting(1), Setting(jobs, "threading"), Setting(jobs, "loky")], []
    for setting in settings:
        for library in libraries:
            parameters = workload.parameters()
            setting.warm_up(search, model(library, **parameters | {"max_iter": 2}), X, y)
            parameters["max_iter"] = epochs or workload.epochs
            calls.append(setting.timed(search, model(library, **parameters), X, y))
    times = in_turn(calls, runs)
    taken, rows = medians(times), []
    for place, setting in enumerate(settings):
        columns = [place * len(libraries) + library for library in range(len(libraries))]
        row = [name, str(setting.n_jobs), setting.back_end, *(f"{taken[column]:.3f}" for column in columns)]
        row += [f"{ratio(times, columns[1], to=columns[0]):.1f}"] if len(libraries) > 1 else []
        rows.append(row + [f"{ratio(times, library, to=column):.2f}" for library, column in enumerate(columns)])
    return rows


def model(library, **parameters):
    """A classifier behind a scaler."""
    return make_pipeline(StandardScaler(), classifier(library, **parameters))


def main():
    """Run the searches and show the table."""
    arguments = options(__doc__, runs=3)
    arguments.add_argument("--searches", nargs="+", default=list(SEARCHES), choices=list(SEARCHES))
    arguments.add_argument("--libraries", nargs="+", default=LIBRARIES, choices=LIBRARIES)
    arguments.add_argument("--epochs", type=int, help="of each fit, instead of the workload's")
    arguments.add_argument("--jobs", type=int, default=2)
    arguments = arguments.parse_args()
    warnings.simplefilter("ignore")  # that exactly so many epochs have not converged is no news here
    print(describe_machine())
    libraries, rows = [name for name in LIBRARIES if name in arguments.libraries], []
    with threadpool_limits(limits=1):
        for name in arguments.searches:
            rows += measured(name, libraries, arguments.epochs, arguments.jobs, arguments.runs)
    header = ["search", "n_jobs", "back end", *(f"{library}, s" for library in libraries)]
    header += ["times faster"] if len(libraries) > 1 else []
    show([*header, *(f"{library}, speed-up" for library in libraries)], rows, arguments.out)


if __name__ == "__main__":
    main()
