"""Raw tables: the defaults of the estimators against those of other libraries, same splits, one core.

python benchmarks/tables.py [--data FOLDER] [--sets NAME ...] [--peers NAME ...] [--seeds 3] [--rows 4000]
                            [--results results.csv] [--out tables.csv]

80 % of each set are for training, at most ``--rows`` rows of them, the rest for the scores. FOLDER is as for
``tabular.py``, and so is ``--results``. The table gives the mean rank by main score (AUC, accuracy,
R²) and by proper score (log-loss, root mean squared error), the share of sets where ours is better by each, the share
of sets of classes where its expected calibration error (15 bins of the highest probability) is lower, and the median
ratios of the processor times of fits and predictions, theirs over ours.
"""

import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from report import describe_machine, options, show
from scipy.stats import rankdata
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from tabular import find_sets, halves, keep, known, scores
from threadpoolctl import threadpool_limits

import skmlp

OURS = "skmlp"
FIELDS = ["set", "seed", "model", "main", "proper", "ece", "fit", "predict"]


def plain(X, categorical):
    """Columns as they are."""
    return X


def as_categories(X, categorical):
    """Categorical columns as such: boosted trees take them, and missing values."""
    return X.astype({name: "category" for name in categorical})


def as_strings(X, categorical):
    """Categories as strings, missing ones included."""
    return X.assign(**{name: X[name].fillna("missing").astype(str) for name in categorical})


def complete(X, categorical):
    """Nothing missing: medians, and flags for where they are."""
    X = as_categories(as_strings(X, categorical), categorical)
    numbers = X.columns.difference(categorical)
    holes = X[numbers].isna()
    X[numbers] = X[numbers].fillna(X[numbers].median())
    return pd.concat([X, holes.loc[:, holes.any()].astype(float).add_suffix("_missing")], axis=1)


def ours(kind, categorical, seed):
    """The estimators of this package."""
    return (skmlp.TabularMLPRegressor if kind == "regressor" else skmlp.TabularMLPClassifier)(
        random_state=seed, n_jobs=1
    )


def histogram(kind, categorical, seed):
    """scikit-learn's histogram gradient boosting."""
    estimator = HistGradientBoostingRegressor if kind == "regressor" else HistGradientBoostingClassifier
    return estimator(random_state=seed)


def lightgbm(kind, categorical, seed):
    """LightGBM."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    return (LGBMRegressor if kind == "regressor" else LGBMClassifier)(random_state=seed, n_jobs=1, verbose=-1)


def xgboost(kind, categorical, seed):
    """XGBoost."""
    from xgboost import XGBClassifier, XGBRegressor

    return (XGBRegressor if kind == "regressor" else XGBClassifier)(
        random_state=seed, n_jobs=1, enable_categorical=True
    )


def catboost(kind, categorical, seed):
    """CatBoost."""
    from catboost import CatBoostClassifier, CatBoostRegressor

    estimator = CatBoostRegressor if kind == "regressor" else CatBoostClassifier
    return estimator(
        random_seed=seed, thread_count=1, verbose=False, allow_writing_files=False, cat_features=list(categorical)
    )


def realmlp(kind, categorical, seed, name="RealMLP_TD"):
    """RealMLP of pytabkit, one network."""
    import pytabkit

    estimator = getattr(pytabkit, f"{name}_{kind.capitalize()}")
    return estimator(device="cpu", random_state=seed, n_cv=1, n_threads=1, verbosity=0)


def realmlp_s(kind, categorical, seed):
    """Its simpler kind."""
    return realmlp(kind, categorical, seed, "RealMLP_TD_S")


MODELS = {
    OURS: (plain, ours),
    "HistGradientBoosting": (as_categories, histogram),
    "LightGBM": (as_categories, lightgbm),
    "XGBoost": (as_categories, xgboost),
    "CatBoost": (as_strings, catboost),
    "RealMLP-TD": (complete, realmlp),
    "RealMLP-TD-S": (complete, realmlp_s),
}


def calibration_error(y, p, bins=15):
    """Expected calibration error (Guo et al., ICML 2017)."""
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(np.sum(right[place == k] - confidence[place == k])) for k in range(bins)]
    return sum(gaps) / len(y)


def measure(model, X, y, task, categorical, seed, rows):
    """Scores, calibration error, and seconds of the fit and of the prediction."""
    train, test = halves(y, task, 0.2, seed)
    train = train[:rows]
    prepare, make = MODELS[model]
    X = prepare(X, categorical)
    estimator = make("regressor" if task == "regression" else "classifier", categorical, seed)
    arguments = {"cat_col_names": list(categorical)} if "realmlp" in type(estimator).__name__.lower() else {}
    began = time.process_time()
    estimator.fit(X.iloc[train], y[train], **arguments)
    fitted = time.process_time()
    predict = estimator.predict if task == "regression" else estimator.predict_proba
    predictions = np.asarray(predict(X.iloc[test]), dtype=float)
    done = time.process_time()
    error = float("nan") if task == "regression" else calibration_error(y[test], predictions)
    return *scores(y[test], predictions, task), error, fitted - began, done - fitted


def table(results, models):
    """A row for each model, over the sets and seeds that all have."""
    frame = pd.DataFrame(results.values(), columns=FIELDS)
    frame[FIELDS[3:]] = frame[FIELDS[3:]].astype(float)
    frame = frame[frame["model"].isin(models)]
    cells = frame.groupby(["set", "seed"])["model"].transform("nunique") == len(models)
    means = frame[cells].groupby(["set", "model"])[FIELDS[3:]].mean()
    main, proper, ece, fit, predict = (means[name].unstack()[models] for name in FIELDS[3:])
    ranks = rankdata(-main, axis=1).mean(axis=0), rankdata(proper, axis=1).mean(axis=0)
    of_classes = ece.dropna()
    for place, model in enumerate(models):
        won = [(main[OURS] > main[model]), (proper[OURS] < proper[model]), (of_classes[OURS] < of_classes[model])]
        times = [(seconds[model] / seconds[OURS]).median() for seconds in (fit, predict)]
        shares = ["" if model == OURS else f"{each.mean():.0%}" for each in won]
        yield [model, *(f"{rank[place]:.2f}" for rank in ranks), *shares, *(f"{ratio:.2g}" for ratio in times)]


def main():
    """Measure what is not known yet, and show the table."""
    arguments = options(__doc__, runs=1)
    arguments.add_argument("--data", type=Path)
    arguments.add_argument("--sets", nargs="+")
    arguments.add_argument("--peers", nargs="+", default=["HistGradientBoosting"], choices=list(MODELS)[1:])
    arguments.add_argument("--seeds", type=int, default=3)
    arguments.add_argument("--rows", type=int, default=4000)
    arguments.add_argument("--results", type=Path)
    arguments = arguments.parse_args()
    print(describe_machine())
    warnings.simplefilter("ignore")
    names, load = find_sets(arguments.data)
    results, models = known(arguments.results, FIELDS), [OURS, *arguments.peers]
    with threadpool_limits(limits=1):
        for model in models:
            for seed in range(arguments.seeds):
                for name in arguments.sets or names:
                    if (name, str(seed), model) not in results:
                        values = measure(model, *load(name), seed, arguments.rows)
                        keep(arguments.results, results, [name, str(seed), model, *(f"{v:.6g}" for v in values)])
    header = ["model", "rank, main", "rank, proper", "ours better, main", "proper", "calibration", "fit", "predict"]
    show(header, list(table(results, models)), arguments.out)


if __name__ == "__main__":
    main()
