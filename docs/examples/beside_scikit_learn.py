"""
Beside scikit-learn: the same numbers, sooner
=============================================

The same program with one import changed. In float64 the two follow each other epoch by epoch, since starting values,
shuffles, validation split and arithmetic are the same; in float32, the default here, they part by rounding. The data
are scikit-learn's breast cancer data.
"""

# %%
import warnings
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
import sklearn.neural_network
from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler

import skmlp

X, y = load_breast_cancer(return_X_y=True)
X = StandardScaler().fit_transform(X)
settings = {"hidden_layer_sizes": (50, 20), "batch_size": 32, "max_iter": 100, "early_stopping": True, "tol": 1e-5}
settings |= {"n_iter_no_change": 100, "random_state": 0}

models = {
    "scikit-learn": sklearn.neural_network.MLPClassifier(**settings),
    "skmlp, float64": skmlp.MLPClassifier(dtype="float64", **settings),
    "skmlp, float32": skmlp.MLPClassifier(**settings),
}
skmlp.warmup(models["skmlp, float64"], models["skmlp, float32"])  # compiles once, so that it is in none of the times

# %%
seconds = {}
for name, model in models.items():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # all 100 epochs are meant
        start = perf_counter()
        model.fit(X, y)
    seconds[name] = perf_counter() - start
    print(f"{name:15} {seconds[name]:.3f} s, {seconds['scikit-learn'] / seconds[name]:.1f} times as fast")

# %%
# How far losses and weights are apart:
theirs = models["scikit-learn"]
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
for name, style in zip(models, ["-", "--", ":"], strict=True):
    left.semilogy(models[name].loss_curve_, style, linewidth=2, label=name)
left.set(xlabel="epoch", ylabel="loss", title="Loss of each epoch")
left.legend()
for name in ("skmlp, float64", "skmlp, float32"):
    model = models[name]
    right.semilogy(np.abs(np.subtract(model.loss_curve_, theirs.loss_curve_)) + 1e-18, label=name)
    apart = max(np.abs(a - b).max() for a, b in zip(model.coefs_, theirs.coefs_, strict=True))
    print(f"{name}: weights at most {apart:.1e} from scikit-learn's")
right.set(xlabel="epoch", title="Difference to scikit-learn's loss")
right.legend()
plt.show()

# %%
# What is not the same on purpose is listed in :doc:`/deviations`.
