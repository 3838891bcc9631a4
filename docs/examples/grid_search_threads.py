"""
Grid search in threads
======================

A search is many small fits. Kernels release Python's lock, so fits run side by side in threads of one process: no
workers to start, nothing to copy, and the compiled kernels are shared. The data are scikit-learn's digits.
"""

# %%
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from joblib import parallel_config
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skmlp import MLPMulticlass, warmup

X, y = load_digits(return_X_y=True)
network = MLPMulticlass(max_iter=30, n_iter_no_change=np.inf, random_state=0)
grid = {
    "mlpmulticlass__hidden_layer_sizes": [(32,), (128,), (128, 128)],
    "mlpmulticlass__learning_rate_init": [0.001, 0.003, 0.01],
    "mlpmulticlass__dropout": [0.0, 0.3],
}
search = GridSearchCV(make_pipeline(MinMaxScaler(), network), grid, cv=3)

# %%
# Kernels are compiled once, and kept on disk. Doing that first keeps it out of the times.
warmup(search)

for n_jobs in (1, 2):
    start = perf_counter()
    with parallel_config("threading", n_jobs=n_jobs):
        search.fit(X, y)
    seconds = perf_counter() - start
    print(f"{len(search.cv_results_['params']) * 3} fits, {n_jobs} at a time: {seconds:.1f} s")

best = {name.rpartition("__")[2]: value for name, value in search.best_params_.items()}
print(f"accuracy {search.best_score_:.3f} with {best}")

# %%
# The number of threads changes no bit of a result: with the same ``random_state`` the search finds the same.
results = search.cv_results_
figure, axes = plt.subplots(1, 2, figsize=(9, 3.5), sharey=True, layout="constrained")
for ax, dropout in zip(axes, (0.0, 0.3), strict=True):
    for layers in grid["mlpmulticlass__hidden_layer_sizes"]:
        chosen = [
            results["mean_test_score"][i]
            for i, params in enumerate(results["params"])
            if params["mlpmulticlass__dropout"] == dropout and params["mlpmulticlass__hidden_layer_sizes"] == layers
        ]
        ax.semilogx(grid["mlpmulticlass__learning_rate_init"], chosen, "o-", label=str(layers))
    ax.set(title=f"dropout {dropout}", xlabel="learning_rate_init")
axes[0].set_ylabel("accuracy, 3 folds")
axes[0].legend(title="hidden layers")
plt.show()
