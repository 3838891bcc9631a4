"""What looking for a GPU costs those who have none: the probe, and where a model says to compute.

python benchmarks/devices.py [--runs 5] [--out devices.csv]

The probe looks whether numba-cuda is installed and the driver can be loaded, once a process: the figure is the median
over so many new processes. The others are of later calls, medians of a thousand. Some ten seconds.
"""

import argparse
import json
import statistics

from measure import elsewhere, in_turn, medians, seconds
from report import describe_machine, options, show

CALLS = 1000


def first_and_later():
    """Seconds of the probe, of choosing a device for a fit, and of finding the one of a fitted model, by name."""
    from skmlp import MLPRegressor
    from skmlp.devices import resolve
    from skmlp.devices.probe import missing
    from skmlp.estimators.placement import device_of_predictions

    probe = seconds(missing)
    here, trained_elsewhere = MLPRegressor(), MLPRegressor(device="auto")
    trained_elsewhere.device_ = "cuda:0"
    calls = {
        "probe": missing,
        "choice, 'auto'": lambda: resolve("auto"),
        "place of a model, 'cpu'": lambda: device_of_predictions(here),
        "place of a model, trained on a GPU by 'auto'": lambda: device_of_predictions(trained_elsewhere),
    }
    resolve("auto")  # where there is a GPU the first call starts CUDA
    return [probe, dict(zip(calls, medians(in_turn(calls.values(), CALLS)), strict=True))]


def main():
    parser = options(__doc__, runs=5)
    parser.add_argument("--fresh", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.fresh:
        print(json.dumps(first_and_later()))
        return
    print(describe_machine())
    runs = [elsewhere(__file__, "--fresh") for _ in range(arguments.runs)]
    rows = [["probe", "first of a process", micro(first for first, _ in runs)]]
    rows += [[name, "later", micro(later[name] for _, later in runs)] for name in runs[0][1]]
    show(["what", "which call", "µs"], rows, arguments.out)


def micro(times):
    """Median of seconds, in microseconds."""
    return f"{1e6 * statistics.median(times):.3g}"


if __name__ == "__main__":
    main()
