"""What metrics cost: fits with them and without, in turn, on one thread; no validation data.

python benchmarks/metrics.py [--workloads pima default mid] [--runs 7] [--out metrics.csv]

The share is the median over the pairs of the time with metrics over the time without, less 1.
"""

import warnings

from measure import in_turn, ratio
from report import describe_machine, options, show
from threadpoolctl import threadpool_limits
from workloads import WORKLOADS

import skmlp

METRICS = [("accuracy",), ("log_loss",), ("accuracy", "log_loss"), ("balanced_accuracy",), ("roc_auc",)]


def share(workload, metrics, runs):
    """Time that metrics add to an epoch, as a share of it."""
    X, y = workload.data()
    plain = skmlp.MLPClassifier(**workload.parameters())
    measured = skmlp.MLPClassifier(**workload.parameters(), metrics=metrics)
    measured.fit(X, y)  # compiles
    return ratio(in_turn([lambda: measured.fit(X, y), lambda: plain.fit(X, y)], runs), 0, to=1) - 1.0


def main():
    """Run the workloads and show the table."""
    arguments = options(__doc__, runs=7)
    arguments.add_argument("--workloads", nargs="+", default=["pima", "default", "mid"], choices=list(WORKLOADS))
    arguments = arguments.parse_args()
    warnings.simplefilter("ignore")  # that exactly so many epochs have not converged is no news here
    print(describe_machine())
    with threadpool_limits(limits=1):
        rows = []
        for metrics in METRICS:
            shares = [share(WORKLOADS[name], metrics, arguments.runs) for name in arguments.workloads]
            rows.append([", ".join(metrics), *(f"{value:+.1%}" for value in shares)])
    show(["metrics", *arguments.workloads], rows, arguments.out)


if __name__ == "__main__":
    main()
