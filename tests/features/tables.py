"""Demonstrations: raw tables."""

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score

from skmlp import TabularEncoder, TabularMLPClassifier, TabularMLPRegressor
from tests.features.table import CLASSES, VALUES, X, shows

SMALL = {"hidden_layer_sizes": (16,), "max_iter": 100, "n_estimators": 3, "random_state": 0}


def table():
    """The numbers of the other demonstrations, one of them as a category, with holes."""
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])])
    frame["x1"] = pd.cut(frame["x1"], 3, labels=["low", "middle", "high"])
    frame["text"] = np.where(X[:, 0] > 0, "yes", "no")
    frame.loc[::7, "x0"] = np.nan
    frame.loc[::11, "text"] = None
    return frame


@shows("Categories, strings and missing values as they are")
def raw():
    model = TabularMLPClassifier(**SMALL).fit(table(), CLASSES)
    new = table().assign(text="unknown", x2=np.nan)
    assert model.score(table(), CLASSES) > 0.8
    assert np.isfinite(model.predict_proba(new)).all()


@shows("Numbers turned into bins and scaled, defaults tuned on real data")
def bins():
    names = TabularEncoder(n_bins=4).fit(table()).get_feature_names_out()
    assert sum(name.startswith("x0") for name in names) == 1 + 1 + 4  # scaled, missing, bins
    assert TabularMLPRegressor().fit(table(), VALUES).score(table(), VALUES) > 0.8


@shows("Ensembles over folds, with predictions of held-out rows")
def folds():
    model = TabularMLPClassifier(cv=3, **SMALL).fit(table(), CLASSES)
    assert len(model.estimators_) == 3
    of_held_out = model.classes_[model.oof_prediction_.argmax(axis=1)]
    assert model.oof_score_ == accuracy_score(CLASSES, of_held_out)


@shows("Calibrated probabilities")
def calibrated():
    """Of labels that are right in 80 % of rows, a network that knows them by heart is too sure."""
    wrong = np.random.default_rng(0).random(len(CLASSES)) < 0.2
    y = np.where(wrong, 1 - CLASSES, CLASSES)
    settings = SMALL | {"cv": 3, "label_smoothing": 0.0, "dropout": 0.0, "monitor": "loss"}
    losses = [
        -np.log(model.oof_prediction_[np.arange(len(y)), y]).mean()
        for model in (TabularMLPClassifier(calibrate=c, **settings).fit(table(), y) for c in (True, False))
    ]
    assert losses[0] < losses[1]


@shows("A standard deviation with each prediction")
def deviation():
    noise = np.random.default_rng(0).normal(0.0, 0.5, len(VALUES))
    model = TabularMLPRegressor(**SMALL).fit(table(), VALUES + noise)
    predicted, std = model.predict(table(), return_std=True)
    assert 0.9 < np.mean(np.abs(predicted - VALUES - noise) < 1.96 * std) <= 1.0
