"""What can be wrong with a case of random_cases: each fault must be refused."""

import numpy as np
from scipy import sparse


def negative(fraction):
    return -1.0


def not_a_number(fraction):
    return np.nan


def a_word(fraction):
    return "a"


def nothing(fraction):
    return None


NOT_NUMBERS = ["a", None, [], np.nan, np.inf]
WRONG = {
    "hidden_layer_sizes": [0, -3, 2.5, "a", None, (3, 0), (3, "a"), (True,), [[3, 3]], (np.nan,)],
    "activation": ["nonsense", 3, None, ["relu"] * 9, [None], ["nonsense"]],
    "dropout": [1.0, -0.1, np.nan, "a", None, [0.5] * 9, ["a"], [1.0], True],
    "normalization": ["group", True, 1],
    "weight_init": ["ones", None, 1],
    "parametrization": ["mup", None, 1],
    "loss": ["hinge", None, 1, ["log_loss"]],
    "alpha": [-1e-9, *NOT_NUMBERS],
    "l1_ratio": [-0.1, 1.1, *NOT_NUMBERS],
    "class_weight": ["balance", 3.0, {"nobody": 1.0}, {0: np.nan}, [{}]],
    "label_smoothing": [-0.1, 1.0, *NOT_NUMBERS],
    "focal_gamma": [-0.1, *NOT_NUMBERS],
    "quantile": [0.0, 1.0, np.nan, "a", [], [0.5, 0.5], [0.9, 0.1], [[0.5]], ["a"], [None], [np.nan]],
    "delta": [0.0, -1.0, *NOT_NUMBERS],
    "solver": ["newton", None, 1, "keep_gradient"],
    "learning_rate": ["step", None, 0.1, negative, not_a_number, a_word, nothing],
    "learning_rate_init": [0.0, -0.1, *NOT_NUMBERS],
    "power_t": [-0.5, *NOT_NUMBERS],
    "bias_rate": [-0.1, *NOT_NUMBERS],
    "feature_rate": [-0.1, "a", np.nan, np.inf],
    "max_time": [0.0, -1.0, "a", np.nan, np.inf],
    "weight_decay": [-0.1, "a", np.nan, np.inf],
    "momentum": [-0.1, 1.1, *NOT_NUMBERS],
    "nesterovs_momentum": ["a", None, 2],
    "beta_1": [1.0, -0.1, *NOT_NUMBERS],
    "beta_2": [1.0, -0.1, *NOT_NUMBERS],
    "epsilon": [0.0, -1e-8, *NOT_NUMBERS],
    "rho": [1.0, -0.1, *NOT_NUMBERS],
    "clip_norm": [0.0, -1.0, "a", np.nan, np.inf],
    "max_fun": [0, 1.5, *NOT_NUMBERS],
    "batch_size": [0, -1, 1.5, None, "many", np.nan],
    "max_iter": [0, -1, 1.5, *NOT_NUMBERS],
    "shuffle": ["a", None, 2],
    "tol": [-1e-9, *NOT_NUMBERS],
    "n_iter_no_change": [0, -1, 1.5, None, "a", np.nan, -np.inf],
    "early_stopping": ["a", None, 2],
    "validation_fraction": [1.0, -0.1, *NOT_NUMBERS],
    "monitor": ["nonsense", None, 1, ["loss"]],
    "restore_best": ["a", None, 2],
    "warm_start": ["a", None, 2],
    "random_state": ["a", -1, 0.5, 2**40, np.random.default_rng(0)],
    "metrics": ["r2", 3, [3], ["nonsense"], [None], ["accuracy"] * 2],
    "verbose": ["a", None, -1],
    "dtype": ["float16", None, np.float32],
    "device": ["tpu", "cuda:x", None],
    "n_jobs": [0, 2, -1, "a"],
}
# What a parameter is for may not be in use, or the value be overruled; then a fault goes unseen, as it may.
LAZY = {"class_weight", "quantile", "learning_rate"}


def parameter_faults(case):
    """Pairs of a description and a function that spoils a parameter."""
    known = case.make().get_params()

    def setter(name, value):
        return lambda case: case.parameters.update({name: value})

    return [
        (f"{name}={value!r}", setter(name, value)) for name in sorted(WRONG.keys() & known) for value in WRONG[name]
    ]


def data_faults(case):
    """Pairs of a description and a function that spoils the data of the first call."""
    faults = {
        "NaN in X": lambda a: put(a, "X", np.nan),
        "infinity in X": lambda a: put(a, "X", np.inf),
        "X of one dimension": lambda a: a.update(X=dense(a["X"])[:, 0]),
        "X of three dimensions": lambda a: a.update(X=dense(a["X"])[:, :, None]),
        "X without rows": lambda a: a.update(X=dense(a["X"])[:0], y=a["y"][:0]),
        "X without columns": lambda a: a.update(X=dense(a["X"])[:, :0]),
        "X of strings": lambda a: a.update(X=np.full(dense(a["X"]).shape, "a")),
        "X of objects": lambda a: a.update(X=np.full(dense(a["X"]).shape, {})),
        "X complex": lambda a: a.update(X=dense(a["X"]) + 1j),
        "X as a string": lambda a: a.update(X="a"),
        "no X": lambda a: a.update(X=None),
        "a row more in X": lambda a: a.update(X=np.vstack([dense(a["X"]), dense(a["X"])[:1]])),
        "no y": lambda a: a.update(y=None),
        "y of three dimensions": lambda a: a.update(y=np.ones((dense(a["X"]).shape[0], 2, 2))),
        "y of NaN": lambda a: a.update(y=np.full(dense(a["X"]).shape[0], np.nan)),
        "y of dicts": lambda a: a.update(y=np.full(dense(a["X"]).shape[0], {})),
        "negative weight": lambda a: a.update(sample_weight=-np.ones(dense(a["X"]).shape[0])),
        "weight NaN": lambda a: a.update(sample_weight=np.full(dense(a["X"]).shape[0], np.nan)),
        "no weight": lambda a: a.update(sample_weight=np.zeros(dense(a["X"]).shape[0])),
        "a weight more": lambda a: a.update(sample_weight=np.ones(dense(a["X"]).shape[0] + 1)),
        "weights of strings": lambda a: a.update(sample_weight=["a"] * dense(a["X"]).shape[0]),
        "weights of two dimensions": lambda a: a.update(sample_weight=np.ones((dense(a["X"]).shape[0], 2))),
    }
    if case.calls[0].method == "fit":
        faults |= {
            "X_val alone": lambda a: a.update(X_val=a["X"], y_val=None),
            "y_val alone": lambda a: a.update(X_val=None, y_val=a["y"]),
            "a column more in X_val": lambda a: a.update(X_val=np.hstack([dense(a["X"]), dense(a["X"])]), y_val=a["y"]),
            "NaN in X_val": lambda a: (a.update(X_val=a["X"], y_val=a["y"]), put(a, "X_val", np.nan)),
            "X_val without rows": lambda a: a.update(X_val=dense(a["X"])[:0], y_val=a["y"][:0]),
            "y_val as a string": lambda a: a.update(X_val=a["X"], y_val="a"),
            "no weight for X_val": lambda a: a.update(
                X_val=a["X"], y_val=a["y"], sample_weight_val=np.zeros(dense(a["X"]).shape[0])
            ),
        }
    elif "classes" in case.calls[0].arguments:
        faults |= {
            "no classes": lambda a: a.update(classes=None),
            "other classes": lambda a: a.update(classes=["x", "z"]),
        }

    def spoiler(change):
        return lambda case: change(case.calls[0].arguments)

    return [(name, spoiler(change)) for name, change in faults.items()]


def dense(X):
    return X.toarray() if sparse.issparse(X) else np.array(X)


def put(arguments, name, value):
    """A value in the last row of an array."""
    X = dense(arguments[name]).astype(float)
    X[-1, 0] = value
    arguments[name] = X
