"""
Diabetes among the Pima: scaling, stopping, and an honest score
===============================================================

768 women, eight measurements each, and whether they developed diabetes within five years: the data that many courses
on neural networks begin with, which come with this package. A network of twelve hidden units is enough for them; more
training is not better. The same steps as a script, with the seconds of each, are in ``docs/examples/pima.py``.
"""

# %%
# The data
# --------
# Columns differ a thousandfold in scale, so they are scaled, by the training rows alone.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmlp import MLPBinaryClassifier, TrainingHistoryDisplay
from skmlp.datasets import load_pima

X, y = load_pima()
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, stratify=y, random_state=0)
scaler = StandardScaler().fit(X_train)
X_train, X_test = scaler.transform(X_train), scaler.transform(X_test)

# %%
# What too many epochs do
# -----------------------
# ``X_val`` is measured after each epoch and, without early stopping, does nothing else. The training loss falls to
# the end; that of new rows turns round.
settings = {"hidden_layer_sizes": (12,), "batch_size": 10, "learning_rate_init": 0.003, "random_state": 7}
long = MLPBinaryClassifier(max_iter=300, n_iter_no_change=np.inf, metrics=("accuracy",), **settings)
long.fit(X_train, y_train, X_val=X_test, y_val=y_test)
print(long.summary())

TrainingHistoryDisplay.from_estimator(long, mark_best=False)
plt.show()

# %%
# Stopping in time
# ----------------
# With ``early_stopping`` a tenth of the training rows is set aside, and the epoch is kept that is best there. What
# is watched is a choice: the loss is smoother than the accuracy of 54 rows.
stopped = MLPBinaryClassifier(early_stopping=True, monitor="val_loss", metrics=("accuracy",), **settings)
stopped.fit(X_train, y_train)
print(f"best of {stopped.n_iter_} epochs: {stopped.best_iteration_}")
for name, model in {"300 epochs": long, "stopped": stopped}.items():
    print(f"{name:10}", *(f"{what} {value:.3f}" for what, value in model.evaluate(X_test, y_test)._asdict().items()))

# %%
# How good is it?
# ---------------
# One split of so few rows says little. Fits take milliseconds, so ten times ten-fold cross-validation is no matter.
pipeline = make_pipeline(StandardScaler(), MLPBinaryClassifier(early_stopping=True, monitor="val_loss", **settings))
folds = RepeatedStratifiedKFold(n_splits=10, n_repeats=10, random_state=0)
scores = cross_val_score(pipeline, X, y, cv=folds, scoring="roc_auc")
print(f"area under the ROC curve: {scores.mean():.3f}, standard deviation over {len(scores)} fits {scores.std():.3f}")
