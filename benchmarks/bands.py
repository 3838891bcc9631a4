"""How many new rows lie within predicted bands: quantiles of 5 and 95 %, and 1.96 standard deviations.

python benchmarks/bands.py [--data FOLDER] [--sets NAME ...] [--seeds 1] [--rows 4000] [--out bands.csv]

Of sets of numbers; FOLDER, splits and rows are as for ``tables.py``. Aimed at: 90 %, 90 % and 95 %.
"""

from pathlib import Path

import numpy as np
from report import describe_machine, options, show
from tabular import find_sets, halves

import skmlp

BAND = {"loss": "quantile", "quantile": [0.05, 0.95]}


def coverage(X, y, seed, rows):
    """Shares of the test rows within the calibrated band, the band as it is, and 1.96 standard deviations."""
    train, test = halves(y, "regression", 0.2, seed)
    train = train[:rows]
    model = skmlp.TabularMLPRegressor(random_state=seed, **BAND).fit(X.iloc[train], y[train])
    low, high = model.predict(X.iloc[test]).T
    model.quantile_offsets_ = np.zeros(2)  # what it would be without
    plain_low, plain_high = model.predict(X.iloc[test]).T
    model = skmlp.TabularMLPRegressor(random_state=seed).fit(X.iloc[train], y[train])
    mean, std = model.predict(X.iloc[test], return_std=True)
    inside = [(low <= y[test]) & (y[test] <= high), (plain_low <= y[test]) & (y[test] <= plain_high)]
    return [share.mean() for share in (*inside, np.abs(y[test] - mean) < 1.96 * std)]


def main():
    """Measure and show the table."""
    arguments = options(__doc__, runs=1)
    arguments.add_argument("--data", type=Path)
    arguments.add_argument("--sets", nargs="+")
    arguments.add_argument("--seeds", type=int, default=1)
    arguments.add_argument("--rows", type=int, default=4000)
    arguments = arguments.parse_args()
    print(describe_machine())
    names, load = find_sets(arguments.data)
    rows = []
    for name in arguments.sets or names:
        X, y, task, _ = load(name)
        if task == "regression":
            shares = [coverage(X, y, seed, arguments.rows) for seed in range(arguments.seeds)]
            rows.append([name, *(f"{share:.1%}" for share in np.mean(shares, axis=0))])
    show(["set", "band of 90 %", "not calibrated", "1.96 std"], rows, arguments.out)


if __name__ == "__main__":
    main()
