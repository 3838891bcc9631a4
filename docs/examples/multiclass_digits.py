"""
Ten classes: handwritten digits
===============================

Softmax over ten classes, with what keeps a network from learning its rows by heart: dropout, and a learning rate that
goes to 0. The data are scikit-learn's digits, 1,797 images of 8 × 8 pixels.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import train_test_split

from skmlp import MLPMulticlass

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16.0, y, test_size=0.4, stratify=y, random_state=0)

# %%
# Two hidden layers, each with an activation and a rate of dropout of its own. One-cycle schedules know when
# training ends, so nothing may end it early: ``n_iter_no_change=np.inf`` means all ``max_iter`` epochs.
model = MLPMulticlass(
    hidden_layer_sizes=(128, 64),
    activation=("silu", "tanh"),
    dropout=(0.3, 0.1),
    learning_rate="one_cycle",
    learning_rate_init=0.01,
    max_iter=60,
    n_iter_no_change=np.inf,
    metrics=("accuracy",),
    random_state=0,
)
model.fit(X_train, y_train)
print(model.summary())
print(model.evaluate(X_test, y_test))

# %%
# Which digits are taken for which?
figure, ax = plt.subplots(figsize=(5, 4.5), layout="constrained")
ConfusionMatrixDisplay.from_estimator(model, X_test, y_test, ax=ax, colorbar=False, cmap="Blues")
plt.show()

# %%
# And of which rows is it least sure? The highest probability of each row says.
probabilities = model.predict_proba(X_test)
doubtful = np.argsort(probabilities.max(axis=1))[:12]
figure, axes = plt.subplots(2, 6, figsize=(9, 3.6), layout="constrained")
for ax, row in zip(axes.flat, doubtful, strict=True):
    ax.imshow(X_test[row].reshape(8, 8), cmap="gray_r")
    first, second = model.classes_[np.argsort(probabilities[row])[:-3:-1]]
    ax.set_title(f"{y_test[row]}: {first} or {second}?", fontsize=10)
    ax.axis("off")
plt.show()
