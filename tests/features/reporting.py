"""Demonstrations: what is reported."""

import io
from contextlib import redirect_stdout

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.metrics import accuracy_score, mean_absolute_error

from skmlp import MLPBinaryClassifier, MLPClassifier, MLPRegressor, NetworkDisplay, TrainingHistoryDisplay
from tests.features.table import CLASSES, FAST, VALUES, X, shows

VALIDATION = {"X_val": X[100:], "y_val": CLASSES[100:]}
NO_CALLBACKS = "this scikit-learn has no callbacks"


class Terminal(io.StringIO):
    """Text that is shown on a terminal."""

    def isatty(self):
        return True


@shows("Metrics in each epoch, kept in a history")
def metrics():
    model = MLPClassifier(metrics=("accuracy",), **FAST).fit(X[:100], CLASSES[:100], **VALIDATION)
    assert len(model.history_["accuracy"]) == len(model.history_["val_accuracy"]) == 60
    assert model.history_["val_accuracy"][-1] == model.score(X[100:], CLASSES[100:])


@shows("scikit-learn's scorers as metrics")
def scorers():
    model = MLPClassifier(metrics=("roc_auc", "neg_log_loss"), **FAST).fit(X, CLASSES)
    assert model.history_["roc_auc"][-1] > model.history_["roc_auc"][0]
    assert model.history_["neg_log_loss"][-1] > model.history_["neg_log_loss"][0]


@shows("Metrics of your own")
def own_metrics():
    def largest_error(y_true, y_pred):
        return -np.abs(y_true - y_pred).max()

    model = MLPRegressor(metrics=(largest_error, mean_absolute_error), **FAST).fit(X, VALUES)
    assert model.history_["largest_error"][-1] > model.history_["largest_error"][0]
    assert model.evaluate(X, VALUES).mean_absolute_error == mean_absolute_error(VALUES, model.predict(X))


@shows("Validation loss in each epoch")
def validation_loss():
    model = MLPClassifier(**FAST).fit(X[:100], CLASSES[:100], **VALIDATION)
    assert model.history_["val_loss"][-1] == pytest.approx(model.evaluate(X[100:], CLASSES[100:]).loss)
    assert model.history_["val_loss"][-1] < model.history_["val_loss"][0]


@shows("Loss and metrics on given data")
def evaluate():
    model = MLPClassifier(metrics=("accuracy",), **FAST).fit(X, CLASSES)
    loss, accuracy = model.evaluate(X, CLASSES)
    assert loss == pytest.approx(-np.log(model.predict_proba(X)[np.arange(200), CLASSES]).mean())
    assert accuracy == accuracy_score(CLASSES, model.predict(X))


@shows("Table of the layers")
def summary():
    table = MLPBinaryClassifier((8, 3), max_iter=1, n_iter_no_change=np.inf).fit(X, CLASSES).summary()
    assert "8 -> 3" in table and "logistic" in table
    assert table.split()[-1] == str(5 * 8 + 9 * 3 + 4)


@shows("Picture of training, several models in one")
def picture_of_training():
    models = {rate: MLPRegressor(**FAST | {"learning_rate_init": rate}).fit(X, VALUES) for rate in (0.01, 0.001)}
    display = TrainingHistoryDisplay.from_estimator(models, log_scale=True)
    plt.close(display.figure_)
    for line, model in zip(display.lines_, models.values(), strict=True):
        np.testing.assert_array_equal(line.get_ydata(), model.loss_curve_)


@shows("Picture of the network")
def picture_of_network():
    display = NetworkDisplay.from_estimator(MLPRegressor(**FAST).fit(X, VALUES))
    plt.close(display.figure_)
    assert [len(units.get_offsets()) for units in display.units_] == [4, 8, 1]
    assert [len(edges.get_segments()) for edges in display.edges_] == [32, 8]


@shows("Network and loss in a notebook")
def notebook():
    model = MLPRegressor(**FAST)
    before, after = model._repr_html_(), model.fit(X, VALUES)._repr_html_()
    assert "<td>4 -&gt; 8</td>" in after and "<polyline" in after and "<polyline" not in before


@shows("Progress bar")
def progress_bar():
    with redirect_stdout(Terminal()) as shown:
        MLPRegressor(verbose=1, **FAST).fit(X, VALUES)
    assert "60/60" in shown.getvalue() and "\n" not in shown.getvalue().strip()


@shows("A line for each epoch")
def lines():
    with redirect_stdout(Terminal()) as shown:
        model = MLPRegressor(verbose=2, **FAST).fit(X, VALUES)
    assert shown.getvalue().splitlines() == [
        f"Iteration {number}, loss = {loss:.8f}" for number, loss in enumerate(model.loss_curve_, start=1)
    ]


@shows("Callbacks of scikit-learn")
def callbacks():
    callback = pytest.importorskip("sklearn.callback", reason=NO_CALLBACKS)
    monitor = callback.ScoringMonitor(scoring="r2")
    model = MLPRegressor(**FAST).set_callbacks(monitor).fit(X, VALUES)
    scores = [row["r2"] for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(scores) == 60 and scores[-1] == pytest.approx(model.score(X, VALUES))


@shows("Callbacks that stop training")
def stopping():
    pytest.importorskip("sklearn.callback", reason=NO_CALLBACKS)

    class Enough:
        def setup(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            pass

        def on_fit_task_end(self, estimator, context, *, fitted_estimator):
            return context.task_name == "epoch" and fitted_estimator.loss_ < 0.3

        def teardown(self, estimator, context):
            pass

    model = MLPRegressor(**FAST).set_callbacks(Enough()).fit(X, VALUES)
    assert model.loss_curve_[-2] >= 0.3 > model.loss_curve_[-1] and model.n_iter_ < 60
