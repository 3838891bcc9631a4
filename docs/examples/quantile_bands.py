"""
Bands that hold nine of ten: several quantiles at once
======================================================

A mean says nothing about spread. ``loss="quantile"`` with several levels gives one output a level, and they never
cross. The data are generated: a wave whose noise grows to the right, so that the true quantiles are known.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import norm

from skmlp import MLPRegressor

rng = np.random.default_rng(0)
x = np.sort(rng.uniform(0.0, 10.0, 3_000))
spread = 0.1 + 0.08 * x
y = np.sin(x) + rng.normal(0.0, spread)

levels = [0.05, 0.5, 0.95]
model = MLPRegressor(
    loss="quantile",
    quantile=levels,
    hidden_layer_sizes=(64, 64),
    activation="silu",
    learning_rate="cosine",
    learning_rate_init=0.01,
    max_iter=200,
    n_iter_no_change=np.inf,
    random_state=0,
)
X = (x[:, None] - 5.0) / 3.0  # of the order of 1
low, middle, high = model.fit(X, y).predict(X).T

# %%
# The band follows the noise, which one number for all rows could not.
figure, ax = plt.subplots(figsize=(9, 4), layout="constrained")
ax.plot(x, y, ".", markersize=2, color="0.6")
ax.fill_between(x, low, high, alpha=0.3, label="predicted, 5 to 95 %")
ax.plot(x, middle, label="predicted median")
for level in (0.05, 0.95):
    label = "true 5 and 95 %" if level < 0.5 else None
    ax.plot(x, np.sin(x) + norm.ppf(level) * spread, "k--", linewidth=1, label=label)
ax.set(xlabel="x", ylabel="y")
ax.legend(loc="upper left")
plt.show()

# %%
# On rows that it has not seen, how many are below each level? ``score`` is the D² pinball score, averaged over
# levels.
x_new = rng.uniform(0.0, 10.0, 20_000)
y_new = np.sin(x_new) + rng.normal(0.0, 0.1 + 0.08 * x_new)
X_new = (x_new[:, None] - 5.0) / 3.0
predicted = model.predict(X_new)
for level, share in zip(levels, (y_new[:, None] < predicted).mean(axis=0), strict=True):
    print(f"below the level {level:.2f}: {share:.3f}")
print(f"D² {model.score(X_new, y_new):.3f}; crossings: {(np.diff(predicted, axis=1) < 0).sum()}")
