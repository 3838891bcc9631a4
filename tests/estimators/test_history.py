"""What training records: history_, evaluate, validation data, early stopping and the best epoch."""

import pickle

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    log_loss,
    mean_poisson_deviance,
    mean_squared_error,
    r2_score,
    roc_auc_score,
)

from skmlp import MLPBinaryClassifier, MLPClassifier, MLPMulticlass, MLPRegressor

QUIET = {"max_iter": 12, "n_iter_no_change": np.inf, "random_state": 0, "dtype": "float64"}
ESTIMATORS = [
    (MLPBinaryClassifier, "binary"),
    (MLPMulticlass, "multiclass"),
    (MLPClassifier, "binary"),
    (MLPClassifier, "multilabel"),
    (MLPRegressor, "regression"),
    (MLPRegressor, "regression2"),
    (MLPRegressor, "poisson"),
]
EVERY_ESTIMATOR = pytest.mark.parametrize("estimator, task", ESTIMATORS)


def make(estimator, task="", **parameters):
    if task == "poisson":
        parameters["loss"] = "poisson"
    return estimator(**QUIET | parameters)


def halves(data):
    """Training rows, then validation rows as keywords of fit."""
    return (data.X[:100], data.y[:100]), {"X_val": data.X[100:], "y_val": data.y[100:]}


def data_term(model, task, X, y, weights=None):
    """The loss by scikit-learn's metrics."""
    if task in ("binary", "multiclass"):
        return log_loss(y, model.predict_proba(X), sample_weight=weights)
    if task == "multilabel":
        proba = model.predict_proba(X)
        return sum(log_loss(y[:, k], proba[:, k], sample_weight=weights) for k in range(y.shape[1]))
    if task == "poisson":
        return mean_poisson_deviance(y, model.predict(X), sample_weight=weights) / 2
    squares = mean_squared_error(y, model.predict(X), sample_weight=weights, multioutput="raw_values")
    return squares.sum() / 2


def custom_gain(y_true, y_pred):
    return float(np.mean(y_true == y_pred)) - 1.0


class TestEvaluate:
    @EVERY_ESTIMATOR
    @pytest.mark.parametrize("weighted", [False, True])
    @pytest.mark.parametrize("solver", ["adam", "lbfgs"])
    @pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
    def test_loss_is_the_data_term_alone(self, tasks, estimator, task, weighted, solver):
        data = tasks[task]
        model = make(estimator, task, alpha=100.0, solver=solver).fit(data.X, data.y)
        weights = data.sample_weight if weighted else None
        expected = data_term(model, task, data.X, data.y, weights)
        np.testing.assert_allclose(model.evaluate(data.X, data.y, sample_weight=weights).loss, expected)

    def test_is_a_named_tuple_of_loss_and_metrics(self, tasks):
        data = tasks["binary"]
        model = make(MLPClassifier, metrics=("accuracy", "roc_auc", "f1", custom_gain)).fit(data.X, data.y)
        result = model.evaluate(data.X, data.y, sample_weight=data.sample_weight)
        assert isinstance(result, tuple)
        assert result._fields == ("loss", "accuracy", "roc_auc", "f1", "custom_gain")
        assert all(isinstance(value, float) for value in result)
        predicted, proba = model.predict(data.X), model.predict_proba(data.X)[:, 1]
        weights = {"sample_weight": data.sample_weight}
        assert result.accuracy == pytest.approx(accuracy_score(data.y, predicted, **weights))
        assert result.roc_auc == pytest.approx(roc_auc_score(data.y, proba, **weights))
        assert result.f1 == pytest.approx(f1_score(data.y, predicted, **weights))
        assert result.accuracy == model.score(data.X, data.y, **weights)

    def test_unpacks_as_in_the_first_example(self, tasks):
        data = tasks["binary"]
        model = make(MLPBinaryClassifier, metrics=("accuracy",)).fit(data.X, data.y)
        loss, accuracy = model.evaluate(data.X, data.y)
        assert loss > 0
        assert accuracy == accuracy_score(data.y, model.predict(data.X))

    def test_calls_metrics_with_labels(self, tasks):
        data = tasks["binary"]
        names = np.array(["no", "yes"])[data.y]
        model = make(MLPClassifier, metrics=(custom_gain,)).fit(data.X, names)
        assert model.evaluate(data.X, names).custom_gain == custom_gain(names, model.predict(data.X))

    def test_without_metrics_holds_the_loss(self, tasks):
        data = tasks["binary"]
        assert make(MLPClassifier).fit(data.X, data.y).evaluate(data.X, data.y)._fields == ("loss",)

    def test_takes_names_of_scorers(self, tasks):
        data = tasks["regression"]
        model = make(MLPRegressor, metrics=["r2", "neg_mean_squared_error"]).fit(data.X, data.y)
        result = model.evaluate(data.X, data.y)
        assert result.r2 == pytest.approx(r2_score(data.y, model.predict(data.X)))
        assert result.neg_mean_squared_error == pytest.approx(-mean_squared_error(data.y, model.predict(data.X)))

    def test_can_be_pickled(self, tasks):
        data = tasks["binary"]
        result = make(MLPClassifier, metrics=("accuracy",)).fit(data.X, data.y).evaluate(data.X, data.y)
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            twin = pickle.loads(pickle.dumps(result, protocol))
            assert twin == result
            assert twin.accuracy == result.accuracy
            assert twin._fields == result._fields


class TestHistory:
    @EVERY_ESTIMATOR
    @pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
    @pytest.mark.parametrize("metrics", [(), ("r2",)])
    @pytest.mark.parametrize("validated", [False, True])
    @pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
    def test_has_these_keys_and_an_entry_an_epoch(self, tasks, estimator, task, solver, metrics, validated):
        train, validation = halves(tasks[task])
        model = make(estimator, task, solver=solver, metrics=metrics)
        model.fit(*train, **validation if validated else {})
        expected = {"loss", "learning_rate", "seconds", *metrics}
        if validated:
            expected |= {"val_loss", *(f"val_{name}" for name in metrics)}
        assert set(model.history_) == expected
        if solver != "lbfgs":
            assert model.history_["loss"] == model.loss_curve_
        for name, values in model.history_.items():
            assert isinstance(values, list)
            assert len(values) == model.n_iter_
            # A line search has no learning rate to tell.
            assert np.isfinite(values).all() or (solver, name) == ("lbfgs", "learning_rate")
        assert min(model.history_["seconds"]) >= 0

    @EVERY_ESTIMATOR
    @pytest.mark.parametrize("weighted", [False, True])
    def test_validation_entries_end_with_the_final_model(self, tasks, estimator, task, weighted):
        train, validation = halves(tasks[task])
        if weighted:
            validation["sample_weight_val"] = tasks[task].sample_weight[100:]
        model = make(estimator, task, alpha=5.0, metrics=("r2",)).fit(*train, **validation)
        result = model.evaluate(*validation.values())
        assert model.history_["val_loss"][-1] == pytest.approx(result.loss)
        assert model.history_["val_r2"][-1] == pytest.approx(result.r2)

    @EVERY_ESTIMATOR
    @pytest.mark.parametrize("weighted", [False, True])
    def test_metrics_are_those_of_the_training_rows(self, tasks, estimator, task, weighted):
        """Steps so small that the model of the epoch is the model of its end."""
        data = tasks[task]
        weights = data.sample_weight if weighted else None
        model = make(estimator, task, metrics=("r2",), batch_size=40, learning_rate_init=1e-13)
        model.fit(data.X, data.y, sample_weight=weights)
        expected = model.evaluate(data.X, data.y, sample_weight=weights).r2
        np.testing.assert_allclose(model.history_["r2"], expected, rtol=1e-6)

    @EVERY_ESTIMATOR
    @pytest.mark.parametrize("solver", ["adam", "lbfgs"])
    @pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
    def test_validation_data_without_early_stopping_only_records(
        self, tasks, assert_same_model, estimator, task, solver
    ):
        train, validation = halves(tasks[task])
        plain, watched = (make(estimator, task, solver=solver) for _ in range(2))
        assert_same_model(plain.fit(*train), watched.fit(*train, **validation))
        assert watched.t_ == plain.t_
        assert getattr(watched, "validation_scores_", None) is None

    def test_goes_on_under_warm_start_and_partial_fit(self, tasks):
        data = tasks["binary"]
        model = make(MLPClassifier, warm_start=True).fit(data.X, data.y).fit(data.X, data.y)
        assert len(model.history_["loss"]) == 24
        assert model.n_iter_ == 12
        model.partial_fit(data.X, data.y)
        assert {len(values) for values in model.history_.values()} == {25}
        assert model.history_["loss"] == model.loss_curve_
        model.set_params(warm_start=False).fit(data.X, data.y)
        assert {len(values) for values in model.history_.values()} == {12}

    def test_begins_anew_when_its_keys_change(self, tasks):
        train, validation = halves(tasks["binary"])
        model = make(MLPClassifier, warm_start=True).fit(*train).fit(*train, **validation)
        assert {len(values) for values in model.history_.values()} == {12}
        assert "val_loss" in model.history_
        assert len(model.loss_curve_) == 24

    def test_of_lbfgs_descends(self, tasks):
        data = tasks["binary"]
        model = make(MLPClassifier, solver="lbfgs")
        with pytest.warns(ConvergenceWarning):
            model.fit(data.X, data.y)
        assert len(model.history_["loss"]) == model.n_iter_ == 12
        assert (np.diff(model.history_["loss"]) <= 0).all()
        assert model.history_["loss"][-1] == pytest.approx(model.loss_)


class TestEarlyStopping:
    parameters = (("early_stopping", True), ("max_iter", 40), ("learning_rate_init", 0.05))

    def make(self, estimator, task, **parameters):
        return make(estimator, task, **dict(self.parameters) | parameters)

    @EVERY_ESTIMATOR
    def test_with_validation_data_watches_them_and_trains_on_all_rows(self, tasks, estimator, task):
        train, validation = halves(tasks[task])
        model = self.make(estimator, task).fit(*train, **validation)
        assert model.t_ == 40 * 100
        assert len(model.validation_scores_) == 40
        assert model.best_validation_score_ == max(model.validation_scores_)
        assert model.score(*validation.values()) == pytest.approx(model.best_validation_score_)

    @EVERY_ESTIMATOR
    def test_with_a_fraction_holds_rows_back(self, tasks, estimator, task):
        data = tasks[task]
        model = self.make(estimator, task, validation_fraction=0.2).fit(data.X, data.y)
        assert model.t_ == 40 * 120
        assert set(model.history_) == {"loss", "learning_rate", "seconds", "val_loss"}
        assert model.best_validation_score_ == max(model.validation_scores_)

    @EVERY_ESTIMATOR
    def test_best_iteration_counts_from_one(self, tasks, estimator, task):
        train, validation = halves(tasks[task])
        model = self.make(estimator, task).fit(*train, **validation)
        assert model.best_iteration_ == np.argmax(model.validation_scores_) + 1

    @EVERY_ESTIMATOR
    @pytest.mark.parametrize("restore_best", [False, True])
    def test_restores_the_best_epoch_or_keeps_the_last(self, tasks, estimator, task, restore_best):
        train, validation = halves(tasks[task])
        model = self.make(estimator, task, restore_best=restore_best).fit(*train, **validation)
        epoch = model.best_iteration_ if restore_best else 40
        short = make(estimator, task, learning_rate_init=0.05, max_iter=epoch).fit(*train)
        for a, b in zip(model.coefs_ + model.intercepts_, short.coefs_ + short.intercepts_, strict=True):
            np.testing.assert_array_equal(a, b)
        assert model.best_iteration_ < 40 or task == "regression"

    @EVERY_ESTIMATOR
    def test_ends_after_so_many_epochs_without_a_gain(self, tasks, estimator, task):
        train, validation = halves(tasks[task])
        model = self.make(estimator, task, n_iter_no_change=4, tol=1e9).fit(*train, **validation)
        assert model.n_iter_ == 6

    def test_warns_when_epochs_run_out(self, tasks):
        train, validation = halves(tasks["binary"])
        model = self.make(MLPClassifier, "", max_iter=3, n_iter_no_change=10)
        with pytest.warns(ConvergenceWarning, match=r"^Stochastic Optimizer: Maximum iterations \(3\) reached"):
            model.fit(*train, **validation)

    def test_weighs_the_validation_score(self, tasks):
        data = tasks["binary"]
        train, validation = halves(data)
        weights = np.where(np.arange(50) < 5, 100.0, 0.01)
        model = self.make(MLPClassifier, "").fit(*train, **validation, sample_weight_val=weights)
        score = model.score(*validation.values(), sample_weight=weights)
        assert score == pytest.approx(model.best_validation_score_)
        assert model.score(*validation.values()) != pytest.approx(model.best_validation_score_)

    def test_warm_start_keeps_the_best_with_its_weights(self, tasks):
        """A second fit that only makes it worse changes nothing of the model."""
        train, validation = halves(tasks["regression"])
        model = self.make(MLPRegressor, "", warm_start=True, solver="sgd", learning_rate_init=0.01)
        model.fit(*train, **validation)
        best, weights = model.best_validation_score_, [w.copy() for w in model.coefs_]
        iteration = model.best_iteration_
        model.set_params(max_iter=3, learning_rate_init=0.5).fit(*train, **validation)
        assert max(model.validation_scores_[-3:]) < best == model.best_validation_score_
        assert model.best_iteration_ == iteration
        for a, b in zip(model.coefs_, weights, strict=True):
            np.testing.assert_array_equal(a, b)

    def test_counts_the_best_iteration_over_warm_starts(self, tasks):
        train, validation = halves(tasks["regression"])
        model = self.make(MLPRegressor, "", warm_start=True, learning_rate_init=0.001, max_iter=5)
        model.fit(*train, **validation).fit(*train, **validation)
        assert len(model.validation_scores_) == 10
        assert model.best_iteration_ == np.argmax(model.validation_scores_) + 1 > 5

    def test_takes_sparse_and_framed_validation_data(self, tasks, assert_same_model):
        import pandas as pd
        from scipy.sparse import csr_array

        (X, y), validation = halves(tasks["binary"])
        plain = self.make(MLPClassifier, "").fit(X, y, **validation)
        names = list("abcdefgh")
        framed = self.make(MLPClassifier, "").fit(
            pd.DataFrame(X, columns=names),
            y,
            X_val=pd.DataFrame(validation["X_val"], columns=names),
            y_val=y[:50],
        )
        assert len(framed.validation_scores_) == 40
        sparse = self.make(MLPClassifier, "").fit(X, y, X_val=csr_array(validation["X_val"]), y_val=validation["y_val"])
        assert_same_model(plain, sparse)
        assert sparse.validation_scores_ == plain.validation_scores_
