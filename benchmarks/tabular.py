"""What each part of the recipe for raw tables is worth: the defaults against changes of one part at a time.

python benchmarks/tabular.py [--data FOLDER] [--sets NAME ...] [--variants NAME ...] [--splits 2] [--rows 4000]
                             [--results results.csv] [--out tabular.csv]

Each set is cut into 80 % for training and 20 % that are looked at by nothing here; of the first, at most ``--rows``
rows, a quarter is held out, at random for each split, to score on. FOLDER holds a module ``datasets`` with ``list()``,
the names, and ``load(name)``: (frame, y, 'binary' | 'multiclass' | 'regression', names of the categorical columns);
without one the sets that scikit-learn and this package ship are taken. What the file ``--results`` holds is not
measured again.

For each variant the table gives, over the sets: the mean logarithm of its proper score (log-loss, root mean squared
error) over that of the defaults, in percent; the share of sets where it is better, by proper and by main score (AUC,
accuracy, R²); and the processor time of its fits over that of the defaults.
"""

import csv
import importlib
import itertools
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from report import describe_machine, options, show
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.metrics import accuracy_score, log_loss, r2_score, roc_auc_score, root_mean_squared_error
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits

import skmlp
from skmlp.datasets import load_pima

DEFAULTS = "defaults"
BOTH, CLASSES, NUMBERS = "both", "classifier", "regressor"
# What a variant changes: of both estimators, or of one of them.
VARIANTS = {
    DEFAULTS: {},
    "no bins": {BOTH: {"n_bins": None}},
    "half of the bins": {CLASSES: {"n_bins": 8}, NUMBERS: {"n_bins": 24}},
    "twice the bins": {CLASSES: {"n_bins": 32}, NUMBERS: {"n_bins": 96}},
    "standard scaling": {BOTH: {"numeric_scaling": "standard"}},
    "quantile scaling": {BOTH: {"numeric_scaling": "quantile"}},
    "no learned scales": {BOTH: {"feature_rate": None}},
    "biases at the full rate": {BOTH: {"bias_rate": 1.0}},
    "standard parametrisation": {
        BOTH: {"parametrization": "standard", "weight_init": "auto", "bias_rate": 1.0, "learning_rate_init": 0.003}
    },
    "cosine": {BOTH: {"learning_rate": "cosine"}},
    "beta_2 0.999": {BOTH: {"beta_2": 0.999}},
    "mish for classes, relu for numbers": {CLASSES: {"activation": "mish"}, NUMBERS: {"activation": "relu"}},
    "selu": {BOTH: {"activation": "selu"}},
    "no dropout": {BOTH: {"dropout": 0.0}},
    "dropout 0.4": {BOTH: {"dropout": 0.4}},
    "no label smoothing": {CLASSES: {"label_smoothing": 0.0}},
    "weight decay 0.02": {BOTH: {"weight_decay": 0.02}},
    "half of the epochs": {BOTH: {"max_iter": 64}},
    "twice the epochs": {BOTH: {"max_iter": 256}},
    "two layers of 256": {BOTH: {"hidden_layer_sizes": (256, 256)}},
    "three layers of 128": {BOTH: {"hidden_layer_sizes": (128, 128, 128)}},
    "accuracy picks the epoch": {CLASSES: {"monitor": "auto"}},
    "not calibrated": {CLASSES: {"calibrate": False}},
    "one member": {BOTH: {"n_estimators": 1}},
}
FIELDS = ["set", "split", "variant", "main", "proper", "seconds"]
SHIPPED = {
    "pima": (load_pima, "binary"),
    "breast cancer": (load_breast_cancer, "binary"),
    "wine": (load_wine, "multiclass"),
    "digits": (load_digits, "multiclass"),
    "diabetes": (load_diabetes, "regression"),
}


def load_shipped(name):
    """A data set that comes with a package."""
    load, task = SHIPPED[name]
    if name == "pima":
        X, y = load(as_frame=True)
    else:
        X, y = load(return_X_y=True, as_frame=True)
    return X, np.asarray(y), task, []


def find_sets(folder):
    """Names of the data sets, and the function that loads one."""
    if folder is None:
        return list(SHIPPED), load_shipped
    sys.path.insert(0, str(folder))
    module = importlib.import_module("datasets")
    return list(module.list()), module.load


def halves(y, task, size, seed):
    """A random part of the rows, and the rest; by class where there are classes."""
    stratify = None if task == "regression" else y
    return train_test_split(np.arange(len(y)), test_size=size, random_state=seed, stratify=stratify)


def measure(variant, X, y, task, seed, members, rows):
    """Main score, proper score (lower is better) and seconds of one fit."""
    rows = halves(y, task, 0.2, 0)[0][:rows]
    X, y = X.iloc[rows].reset_index(drop=True), y[rows]
    train, test = halves(y, task, 0.25, 100 + seed)
    kind = NUMBERS if task == "regression" else CLASSES
    changes = VARIANTS[variant].get(BOTH, {}) | VARIANTS[variant].get(kind, {})
    estimator = skmlp.TabularMLPRegressor if task == "regression" else skmlp.TabularMLPClassifier
    model = estimator(**{"n_estimators": members} | changes, random_state=seed, n_jobs=1)
    started = time.process_time()
    model.fit(X.iloc[train], y[train])
    seconds = time.process_time() - started
    predict = model.predict if task == "regression" else model.predict_proba
    return *scores(y[test], predict(X.iloc[test]), task), seconds


def scores(y, predictions, task):
    """Main score and proper score of predictions."""
    if task == "regression":
        return r2_score(y, predictions), root_mean_squared_error(y, predictions)
    p = np.clip(predictions, 1e-7, 1.0)
    p /= p.sum(axis=1, keepdims=True)
    main = roc_auc_score(y, p[:, 1]) if task == "binary" else accuracy_score(y, p.argmax(axis=1))
    return main, log_loss(y, p, labels=np.arange(p.shape[1]))


def known(path, fields):
    """Results that a file holds, by their first three fields; a file that is not there yet is begun."""
    if path is None:
        return {}
    if not path.exists():
        with open(path, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerow(fields)
    with open(path, newline="", encoding="utf-8") as file:
        return {tuple(row[:3]): row for row in list(csv.reader(file))[1:]}


def keep(path, results, row):
    """Note a result, and append it to the file if there is one."""
    results[tuple(row[:3])] = row
    if path is not None:
        with open(path, "a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerow(row)


def compare(results, variant):
    """A row of the table: a variant against the defaults, over the sets and splits that both have."""
    pairs = {}
    for (name, split, other), row in results.items():
        base = results.get((name, split, DEFAULTS))
        if other == variant and base:
            pairs.setdefault(name, []).append([[float(value) for value in each[3:]] for each in (row, base)])
    means = np.array([np.mean(cells, axis=0) for cells in pairs.values()])
    (main, proper, seconds), (main_base, proper_base, seconds_base) = means.transpose(1, 2, 0)
    change = 100.0 * np.mean(np.log(proper / proper_base))
    if variant == DEFAULTS:
        return [variant, str(len(means)), "", "", "", "1"]
    won = [f"{share.mean():.0%}" for share in (proper < proper_base, main > main_base)]
    return [variant, str(len(means)), f"{change:+.1f} %", *won, f"{seconds.sum() / seconds_base.sum():.2f}"]


def main():
    """Measure what is not known yet, and show the table."""
    arguments = options(__doc__, runs=1)
    arguments.add_argument("--data", type=Path)
    arguments.add_argument("--sets", nargs="+")
    arguments.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=list(VARIANTS))
    arguments.add_argument("--splits", type=int, default=2)
    arguments.add_argument("--members", type=int, default=5)
    arguments.add_argument("--rows", type=int, default=4000)
    arguments.add_argument("--results", type=Path)
    arguments = arguments.parse_args()
    print(describe_machine())
    warnings.simplefilter("ignore")
    names, load = find_sets(arguments.data)
    results = known(arguments.results, FIELDS)
    cells = itertools.product(range(arguments.splits), arguments.variants, arguments.sets or names)
    with threadpool_limits(limits=1):
        for split, variant, name in cells:
            if (name, str(split), variant) not in results:
                X, y, task, _ = load(name)
                values = measure(variant, X, y, task, split, arguments.members, arguments.rows)
                keep(arguments.results, results, [name, str(split), variant, *(f"{value:.6g}" for value in values)])
    header = ["variant", "sets", "proper score", "better, proper", "better, main", "time"]
    show(header, [compare(results, variant) for variant in arguments.variants], arguments.out)


if __name__ == "__main__":
    main()
