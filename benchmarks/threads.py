"""What the number of threads does to a fit: n_jobs=1, n_jobs=2 and n_jobs=None, which is for skmlp to decide, in turn.

python benchmarks/threads.py [--workloads pima default ...] [--runs 7] [--out threads.csv]

Medians, and medians of the ratios run by run. None should never be slower than one thread by more than 5 %, and where
it takes several it should gain what n_jobs=2 gains. It needs two free cores. A minute.
"""

import warnings

from measure import in_turn, medians, ratio
from report import describe_machine, options, show
from workloads import WORKLOADS

import skmlp

N_JOBS = [1, 2, None]


def measured(name, runs):
    """A row of the table."""
    workload = WORKLOADS[name]
    X, y = workload.data()
    models = [skmlp.MLPClassifier(**workload.parameters(), n_jobs=n_jobs) for n_jobs in N_JOBS]
    calls = [lambda model=model: model.fit(X, y) for model in models]
    in_turn(calls, 1)  # compiles
    times = in_turn(calls, runs)
    ratios = [f"{ratio(times, 0, to=1):.2f}", f"{ratio(times, 0, to=2):.2f}", f"{ratio(times, 2, to=0) - 1.0:+.1%}"]
    return [name, str(workload), *(f"{seconds:.4f}" for seconds in medians(times)), *ratios]


def main():
    """Run the workloads and show the table."""
    dense = [name for name, workload in WORKLOADS.items() if workload.density == 1.0]
    arguments = options(__doc__, runs=7)
    arguments.add_argument("--workloads", nargs="+", default=dense, choices=list(WORKLOADS))
    arguments = arguments.parse_args()
    warnings.simplefilter("ignore")  # that exactly so many epochs have not converged is no news here
    print(describe_machine())
    rows = []
    for name in arguments.workloads:
        rows.append(measured(name, arguments.runs))
        print(*rows[-1], sep="  ", flush=True)
    header = ["workload", "rows × features, hidden, batch, epochs", *(f"n_jobs={n_jobs}, s" for n_jobs in N_JOBS)]
    show([*header, "1 to 2", "1 to None", "None over 1"], rows, arguments.out)


if __name__ == "__main__":
    main()
