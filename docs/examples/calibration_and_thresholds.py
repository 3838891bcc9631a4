"""
Probabilities and decisions: calibration and thresholds
=======================================================

A classifier answers two questions: how likely, and what to do. Class weights mix the two up: they move decisions by
bending probabilities. A threshold moves decisions alone. Shown on the Pima data, where missing a case costs five
times as much as a needless examination.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np
from sklearn.calibration import CalibratedClassifierCV, CalibrationDisplay
from sklearn.metrics import brier_score_loss, confusion_matrix, make_scorer
from sklearn.model_selection import TunedThresholdClassifierCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmlp import MLPBinaryClassifier, TabularMLPClassifier
from skmlp.datasets import load_pima

X, y = load_pima()
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, stratify=y, random_state=0)


def make_model(**changed):
    """A network behind a scaler, trained for long enough to be too sure of itself."""
    settings = {"learning_rate_init": 0.01, "max_iter": 60, "n_iter_no_change": np.inf, "random_state": 0} | changed
    return make_pipeline(StandardScaler(), MLPBinaryClassifier((50,), **settings))


# %%
# How likely?
# -----------
# A curve on the diagonal keeps its promises. Three ways to get nearer: stop early, calibrate by cross-validation,
# or let an ensemble calibrate itself on the rows that its members held out.
models = {
    "60 epochs": make_model(),
    "60 epochs, balanced classes": make_model(class_weight="balanced"),
    "early stopping": make_model(early_stopping=True, monitor="val_loss"),
    "60 epochs, calibrated": CalibratedClassifierCV(make_model(), method="sigmoid", cv=5),
    "TabularMLPClassifier": TabularMLPClassifier(random_state=0),
}
figure, ax = plt.subplots(figsize=(7, 5), layout="constrained")
for name, model in models.items():
    model.fit(X_train, y_train)
    error = brier_score_loss(y_test, model.predict_proba(X_test)[:, 1])
    label = f"{name}: Brier score {error:.3f}"
    CalibrationDisplay.from_estimator(model, X_test, y_test, n_bins=6, strategy="quantile", name=label, ax=ax)
ax.set(xlabel="mean predicted probability", ylabel="share that fell ill")
plt.show()

# %%
# What to do?
# -----------
# The threshold that costs least, found by cross-validation. With true probabilities it would be 1 / (1 + 5).


def gain(y_true, y_pred):
    """Minus the cost: 5 for a case that is missed, 1 for a needless examination, by row."""
    (_, needless), (missed, _) = confusion_matrix(y_true, y_pred)
    return -(5.0 * missed + needless) / len(y_true)


scorer = make_scorer(gain)
tuned = TunedThresholdClassifierCV(models["early stopping"], scoring=scorer, cv=10).fit(X_train, y_train)
print(f"threshold {tuned.best_threshold_:.2f}")
for name, model in {**models, "early stopping, tuned threshold": tuned}.items():
    print(f"{name:32} cost {-scorer(model, X_test, y_test):.3f}")
