"""
A raw table: holes, categories, and how sure a prediction is
============================================================

``TabularMLPRegressor`` takes a frame as it is and needs no settings. Shown on scikit-learn's diabetes data in their
raw units, with some values taken out and one column turned into a category.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

from skmlp import TabularMLPRegressor

X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
X["sex"] = X["sex"].map({1.0: "one", 2.0: "other"})
rng = np.random.default_rng(0)
for name in ("bmi", "bp", "s5"):
    X.loc[rng.random(len(X)) < 0.1, name] = np.nan
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=0)
print(X_train.head(4))

# %%
# The score of held-out rows is known before any test: each member of the ensemble leaves a fold out. Those rows
# also pick the member's best epoch, so where they are as few as here, some forty a fold, their score is too good.
model = TabularMLPRegressor(random_state=0).fit(X_train, y_train)
print(f"R² of held-out rows {model.oof_score_:.3f}, of the test rows {model.score(X_test, y_test):.3f}")
print(f"best epochs of the members: {[member.best_iteration_ for member in model.estimators_]}")

# %%
# Each prediction has a standard deviation: what members disagree by, and what they miss on held-out rows.
predicted, std = model.predict(X_test, return_std=True)
order = np.argsort(predicted)
places = np.arange(len(order))
figure, ax = plt.subplots(figsize=(9, 4), layout="constrained")
ax.fill_between(places, (predicted - 1.96 * std)[order], (predicted + 1.96 * std)[order], alpha=0.2, label="± 1.96 std")
ax.plot(places, predicted[order], label="predicted")
ax.plot(places, y_test.to_numpy()[order], ".", color="0.4", label="observed")
ax.set(xlabel="patients of the test rows, by prediction", ylabel="progression after a year")
ax.legend()
plt.show()
print(f"within 1.96 standard deviations: {np.mean(np.abs(y_test - predicted) < 1.96 * std):.1%}")
