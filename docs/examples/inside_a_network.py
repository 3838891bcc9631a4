"""
Inside a network: weights, slopes, and what a feature does
==========================================================

A network of six hidden units is small enough to be looked at. What it has learned can be asked in three ways: by its
weights, by its derivatives at each row, and by predictions with one feature moved. The data are those of the Pima,
which come with this package.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np
from sklearn.inspection import PartialDependenceDisplay
from sklearn.preprocessing import StandardScaler

from skmlp import MLPBinaryClassifier, NetworkDisplay
from skmlp.datasets import load_pima

X, y = load_pima(as_frame=True)
scaler = StandardScaler().set_output(transform="pandas").fit(X)
X_scaled = scaler.transform(X)
model = MLPBinaryClassifier(
    (6,), activation="silu", alpha=1.0, learning_rate_init=0.02, max_iter=100, n_iter_no_change=np.inf, random_state=1
)
model.fit(X_scaled, y)

# %%
# Its weights
# -----------
# Blue is positive, orange negative, faint near 0.
NetworkDisplay.from_estimator(model)
plt.show()

# %%
# Its slopes
# ----------
# How fast the logit of diabetes grows along each feature, at each of the 768 rows, in standard deviations of the
# feature. A spread is what a linear model does not have: the same feature means more to some than to others.
slopes = model.input_gradients(X_scaled, raw=True)
order = np.argsort(np.abs(slopes).mean(axis=0))
figure, ax = plt.subplots(figsize=(8, 3.8), layout="constrained")
ax.boxplot(slopes[:, order], orientation="horizontal", tick_labels=X.columns[order], showfliers=False)
ax.axvline(0.0, color="grey", linewidth=0.8)
ax.set_xlabel("∂ logit / ∂ feature")
plt.show()

# %%
# What a feature does
# -------------------
# The mean probability with one feature set to each of many values, for three of them.
figure, ax = plt.subplots(figsize=(9, 3.2), layout="constrained")
PartialDependenceDisplay.from_estimator(model, X_scaled, ["Glucose", "BMI", "Age"], ax=ax)
plt.show()
