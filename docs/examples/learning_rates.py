"""
Learning rates over time
========================

Each schedule as it runs, and where it leads, on scikit-learn's digits. All solvers but lbfgs take all of them. A
callable is a schedule, too: from the share of the training done to a factor of ``learning_rate_init``.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skmlp import MLPClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16.0, y, test_size=0.5, stratify=y, random_state=0)


def warmup_then_root(done):
    """A tenth of the training up to the full rate, then down by the square root of the time."""
    return min(done / 0.1, (0.1 / max(done, 1e-9)) ** 0.5)


# %%
# The rate in blue, the loss of rows that were not trained on in orange:
schedules = ["constant", "exponential", "cosine", "one_cycle", "coslog4", warmup_then_root]
figure, axes = plt.subplots(2, 3, figsize=(10, 5.5), sharex=True, layout="constrained")
for ax, schedule in zip(axes.flat, schedules, strict=True):
    model = MLPClassifier(
        (64,), learning_rate=schedule, learning_rate_init=0.01, max_iter=60, n_iter_no_change=np.inf, random_state=0
    )
    model.fit(X_train, y_train, X_val=X_test, y_val=y_test)
    name = schedule if isinstance(schedule, str) else schedule.__name__
    ax.plot(model.history_["learning_rate"], color="tab:blue")
    ax.set(title=f"{name}: val_loss {model.history_['val_loss'][-1]:.3f}", ylim=(0.0, 0.0105))
    losses = ax.twinx()
    losses.semilogy(model.history_["val_loss"], color="tab:orange")
    losses.set_ylim(0.05, 3.0)
    print(f"{name:18} accuracy {model.score(X_test, y_test):.3f}")
axes[0, 0].set_ylabel("learning rate", color="tab:blue")
axes[1, 0].set_ylabel("learning rate", color="tab:blue")
figure.supylabel("val_loss", x=1.0, color="tab:orange")
for ax in axes[1]:
    ax.set_xlabel("epoch")
plt.show()
