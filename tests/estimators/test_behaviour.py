"""What fitted estimators are: their networks, targets, predictions, data types and printed words."""

import warnings

import numpy as np
import pytest
from scipy.sparse import csr_matrix, issparse
from scipy.special import expit, softmax
from sklearn import neural_network
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning
from sklearn.utils import get_tags

import skmlp
from skmlp import MLPBinaryClassifier, MLPClassifier, MLPMulticlass, MLPRegressor

QUIET = {"max_iter": 5, "n_iter_no_change": np.inf, "random_state": 0}
CLASSIFIERS = [MLPBinaryClassifier, MLPMulticlass, MLPClassifier]
ESTIMATORS = [*CLASSIFIERS, MLPRegressor]
EVERY_CLASSIFIER = pytest.mark.parametrize("estimator", CLASSIFIERS)
EVERY_ESTIMATOR = pytest.mark.parametrize("estimator", ESTIMATORS)
FUNCTIONS = {
    "identity": lambda z: z,
    "logistic": expit,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
}


def naive_output(model, X, activations):
    """The network's raw output, worked out layer by layer."""
    hidden = X
    for weights, bias, name in zip(model.coefs_, model.intercepts_, [*activations, "identity"], strict=True):
        hidden = FUNCTIONS[name](hidden @ weights + bias)
    return hidden


class TestNetwork:
    @pytest.mark.parametrize(
        "sizes, expected",
        [
            ((), []),
            ([], []),
            (3, [3]),
            ((3,), [3]),
            ([4, 2], [4, 2]),
            (np.array([4, 2]), [4, 2]),
            (np.int64(3), [3]),
        ],
        ids=str,
    )
    @EVERY_ESTIMATOR
    def test_hidden_layer_sizes(self, tasks, estimator, sizes, expected):
        data = tasks["binary"]
        model = estimator(hidden_layer_sizes=sizes, dtype="float64", **QUIET).fit(data.X, data.y)
        assert [bias.size for bias in model.intercepts_] == [*expected, model.n_outputs_]
        assert [w.shape[0] for w in model.coefs_] == [8, *expected]
        assert model.n_layers_ == len(expected) + 2
        raw = naive_output(model, data.X, ["relu"] * len(expected))
        if estimator is MLPRegressor:
            np.testing.assert_allclose(model.predict(data.X), raw[:, 0])
        else:
            link = softmax(raw, axis=1)[:, 1] if estimator is MLPMulticlass else expit(raw[:, 0])
            np.testing.assert_allclose(model.predict_proba(data.X)[:, 1], link, rtol=1e-6)

    @pytest.mark.parametrize(
        "activation",
        ["tanh", ("tanh", "relu"), ["logistic", "identity"], np.array(["relu", "tanh"])],
        ids=str,
    )
    @pytest.mark.parametrize("solver", ["adam", "lbfgs"])
    @pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
    def test_one_activation_or_one_per_layer(self, tasks, activation, solver):
        data = tasks["regression2"]
        model = MLPRegressor(hidden_layer_sizes=(6, 5), activation=activation, solver=solver, dtype="float64", **QUIET)
        model.fit(data.X, data.y)
        names = [activation] * 2 if isinstance(activation, str) else list(activation)
        np.testing.assert_allclose(model.predict(data.X), naive_output(model, data.X, names), rtol=1e-6)

    def test_activation_per_layer_equals_the_same_for_all(self, tasks, assert_same_model):
        data = tasks["binary"]
        parameters = QUIET | {"hidden_layer_sizes": (6, 5)}
        models = [MLPClassifier(activation=a, **parameters) for a in ("tanh", ["tanh", "tanh"])]
        assert_same_model(*(model.fit(data.X, data.y) for model in models))

    @pytest.mark.parametrize(
        "estimator, task, link, n_outputs",
        [
            (MLPBinaryClassifier, "binary", "logistic", 1),
            (MLPMulticlass, "binary", "softmax", 2),
            (MLPMulticlass, "multiclass", "softmax", 4),
            (MLPClassifier, "binary", "logistic", 1),
            (MLPClassifier, "multiclass", "softmax", 4),
            (MLPClassifier, "multilabel", "logistic", 3),
            (MLPRegressor, "regression", "identity", 1),
            (MLPRegressor, "regression2", "identity", 2),
        ],
    )
    def test_output_layer(self, tasks, estimator, task, link, n_outputs):
        data = tasks[task]
        model = estimator(**QUIET).fit(data.X, data.y)
        assert model.out_activation_ == link
        assert model.n_outputs_ == n_outputs == model.coefs_[-1].shape[1]
        assert model.n_features_in_ == 8
        assert model.device_ == "cpu"

    def test_poisson_predicts_exponentials(self, tasks):
        data = tasks["poisson"]
        model = MLPRegressor(loss="poisson", dtype="float64", **QUIET).fit(data.X, data.y)
        assert model.out_activation_ == "exp"
        np.testing.assert_allclose(model.predict(data.X), np.exp(naive_output(model, data.X, ["relu"])[:, 0]))

    def test_summary_is_a_table_of_the_layers(self, tasks):
        data = tasks["binary"]
        model = MLPBinaryClassifier(hidden_layer_sizes=(12, 7), activation=("relu", "tanh"), **QUIET)
        lines = model.fit(data.X, data.y).summary().splitlines()
        counts = {"relu": 8 * 12 + 12, "tanh": 12 * 7 + 7, "logistic": 7 + 1}
        assert sum(counts.values()) == sum(p.size for p in model.coefs_ + model.intercepts_)
        for activation, count in counts.items():
            (line,) = (line for line in lines if activation in line)
            assert line.split()[-1] == str(count)
        assert lines[-1].split()[0].lower() == "total"
        assert lines[-1].split()[-1] == str(sum(counts.values()))


class TestTargets:
    @EVERY_CLASSIFIER
    @pytest.mark.parametrize("label", ["a", 3, 2.0, True])
    @pytest.mark.parametrize("solver", ["adam", "lbfgs"])
    @pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
    def test_of_one_class_are_predicted_for_certain(self, tasks, estimator, label, solver):
        X = tasks["binary"].X
        y = np.full(len(X), label)
        model = estimator(solver=solver, **QUIET).fit(X, y)
        np.testing.assert_array_equal(model.classes_, [label])
        np.testing.assert_array_equal(model.predict(X), y)
        np.testing.assert_array_equal(model.predict_proba(X), np.ones((len(X), 1)))
        np.testing.assert_array_equal(model.predict_log_proba(X), np.zeros((len(X), 1)))
        assert model.score(X, y) == 1.0
        assert len(model.decision_function(X)) == len(X)

    @EVERY_CLASSIFIER
    def test_of_one_class_of_several_named_ones(self, tasks, estimator):
        X = tasks["binary"].X
        model = estimator(**QUIET).partial_fit(X, np.full(len(X), "a"), classes=["a", "b"])
        assert model.predict_proba(X).shape == (len(X), 2)
        np.testing.assert_array_equal(model.classes_, ["a", "b"])

    @EVERY_ESTIMATOR
    def test_tags_tell_which_are_possible(self, estimator):
        tags = get_tags(estimator())
        assert tags.input_tags.sparse
        if estimator is MLPRegressor:
            assert tags.estimator_type == "regressor"
        else:
            assert tags.estimator_type == "classifier"
            assert tags.classifier_tags.multi_class is (estimator is not MLPBinaryClassifier)
            assert tags.classifier_tags.multi_label is (estimator is MLPClassifier)

    @pytest.mark.parametrize(
        "labels",
        [["no", "yes"], [-1, 1], [1.0, 2.0], [False, True], np.array(["b", "a"], dtype=object)],
        ids=str,
    )
    @EVERY_CLASSIFIER
    def test_may_be_any_labels(self, tasks, estimator, labels):
        data = tasks["binary"]
        y = np.array(labels)[data.y]
        model = estimator(**QUIET | {"max_iter": 40}).fit(data.X, y)
        np.testing.assert_array_equal(model.classes_, np.unique(y))
        predicted = model.predict(data.X)
        theirs = neural_network.MLPClassifier(max_iter=1, solver="lbfgs")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            assert predicted.dtype == theirs.fit(data.X, y).predict(data.X).dtype
        proba = model.predict_proba(data.X)
        np.testing.assert_array_equal(predicted, model.classes_[proba.argmax(axis=1)])
        assert model.score(data.X, y) > 0.6
        assert model.fit(data.X, y.tolist()).score(data.X, y) > 0.6

    def test_may_be_sparse_indicators(self, tasks, assert_same_model):
        data = tasks["multilabel"]
        dense = MLPClassifier(**QUIET).fit(data.X, data.y)
        model = MLPClassifier(**QUIET).fit(data.X, csr_matrix(data.y))
        assert_same_model(dense, model)
        assert issparse(model.predict(data.X))
        np.testing.assert_array_equal(model.predict(data.X).toarray(), dense.predict(data.X))
        assert model.score(data.X, csr_matrix(data.y)) == dense.score(data.X, data.y)

    def test_as_a_column_are_flattened_with_a_warning(self, tasks, assert_same_model):
        data = tasks["binary"]
        model = MLPClassifier(**QUIET)
        with pytest.warns(DataConversionWarning, match=r"A column-vector y was passed"):
            model.fit(data.X, data.y[:, None])
        assert_same_model(model, MLPClassifier(**QUIET).fit(data.X, data.y))
        assert model.predict(data.X).shape == (150,)


class TestPredictions:
    @pytest.mark.parametrize(
        "estimator, task",
        [(MLPBinaryClassifier, "binary"), (MLPMulticlass, "binary"), (MLPClassifier, "binary")],
    )
    def test_decision_of_two_classes_has_one_dimension(self, tasks, estimator, task):
        data = tasks[task]
        model = estimator(dtype="float64", **QUIET).fit(data.X, data.y)
        decision = model.decision_function(data.X)
        assert decision.shape == (150,)
        np.testing.assert_allclose(expit(decision), model.predict_proba(data.X)[:, 1])
        raw = naive_output(model, data.X, ["relu"])
        np.testing.assert_allclose(decision, raw[:, -1] - (raw[:, 0] if estimator is MLPMulticlass else 0))

    @pytest.mark.parametrize("estimator", [MLPMulticlass, MLPClassifier])
    def test_decision_of_many_classes_are_logits(self, tasks, estimator):
        data = tasks["multiclass"]
        model = estimator(dtype="float64", **QUIET).fit(data.X, data.y)
        decision = model.decision_function(data.X)
        np.testing.assert_allclose(decision, naive_output(model, data.X, ["relu"]))
        np.testing.assert_allclose(softmax(decision, axis=1), model.predict_proba(data.X))
        np.testing.assert_array_equal(model.classes_[decision.argmax(axis=1)], model.predict(data.X))

    def test_of_labels(self, tasks):
        data = tasks["multilabel"]
        model = MLPClassifier(dtype="float64", **QUIET).fit(data.X, data.y)
        decision = model.decision_function(data.X)
        assert decision.shape == data.y.shape
        np.testing.assert_allclose(expit(decision), model.predict_proba(data.X))
        np.testing.assert_array_equal(decision > 0, model.predict(data.X) == 1)

    @EVERY_CLASSIFIER
    @pytest.mark.parametrize("activation", FUNCTIONS)
    def test_far_away_are_certain_but_finite(self, tasks, estimator, activation):
        data = tasks["binary"]
        model = estimator(activation=activation, **QUIET).fit(data.X, data.y)
        far = data.X * 1e30
        assert np.isfinite(model.decision_function(far)).all()
        proba = model.predict_proba(far)
        assert ((proba >= 0) & (proba <= 1)).all()
        np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-6)
        np.testing.assert_array_equal(model.classes_[proba.argmax(axis=1)], model.predict(far))
        assert not np.isnan(model.predict_log_proba(far)).any()

    @EVERY_ESTIMATOR
    def test_of_a_row_do_not_depend_on_the_others(self, tasks, estimator):
        data = tasks["binary"]
        model = estimator(hidden_layer_sizes=(130, 70), **QUIET).fit(data.X, data.y)
        method = "predict" if estimator is MLPRegressor else "predict_proba"
        together = getattr(model, method)(data.X)
        alone = np.concatenate([getattr(model, method)(data.X[i : i + 1]) for i in range(20)])
        np.testing.assert_allclose(alone, together[:20], rtol=1e-4, atol=1e-6)


class TestDtype:
    CASES = (
        ("auto", np.float64, "adam", np.float32),
        ("auto", np.float32, "sgd", np.float32),
        ("auto", np.float32, "lbfgs", np.float64),
        ("float32", np.float64, "lbfgs", np.float32),
        ("float32", np.float64, "adam", np.float32),
        ("float64", np.float32, "adam", np.float64),
        ("input", np.float32, "adam", np.float32),
        ("input", np.float64, "adam", np.float64),
        ("input", np.float32, "lbfgs", np.float32),
        ("input", np.int64, "adam", np.float64),
    )

    @pytest.mark.parametrize("dtype, given, solver, expected", CASES)
    @EVERY_ESTIMATOR
    @pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
    def test_of_parameters(self, tasks, estimator, dtype, given, solver, expected):
        data = tasks["binary"]
        X = (10 * data.X).astype(given)
        model = estimator(dtype=dtype, solver=solver, **QUIET).fit(X, data.y)
        assert {part.dtype for part in model.coefs_ + model.intercepts_} == {np.dtype(expected)}
        output = model.predict(X) if estimator is MLPRegressor else model.predict_proba(X)
        assert output.dtype == expected

    def test_is_kept_by_partial_fit(self, tasks):
        data = tasks["regression"]
        model = MLPRegressor(dtype="input").partial_fit(data.X.astype(np.float32), data.y)
        model.partial_fit(data.X.astype(np.float32), data.y)
        assert model.coefs_[0].dtype == np.float32


class TestLoop:
    @EVERY_ESTIMATOR
    @pytest.mark.parametrize("early_stopping", [False, True])
    @pytest.mark.parametrize("solver", ["sgd", "adam", "rmsprop"])
    def test_no_end_of_patience_means_max_iter_epochs_without_a_warning(self, tasks, estimator, solver, early_stopping):
        data = tasks["binary"]
        model = estimator(solver=solver, early_stopping=early_stopping, tol=1e9, **QUIET | {"max_iter": 33})
        assert model.fit(data.X, data.y).n_iter_ == 33

    @pytest.mark.parametrize("learning_rate", ["constant", "invscaling", "adaptive"])
    @pytest.mark.parametrize("solver", ["sgd", "adam", "rmsprop"])
    def test_every_schedule_works_with_every_solver(self, tasks, solver, learning_rate):
        data = tasks["binary"]
        model = MLPClassifier(
            solver=solver,
            learning_rate=learning_rate,
            learning_rate_init=0.01,
            tol=1e9,
            n_iter_no_change=3,
            max_iter=12,
            random_state=0,
        )
        if learning_rate == "constant":
            assert model.fit(data.X, data.y).n_iter_ == 5
            expected = np.full(5, 0.01)
        else:
            with pytest.warns(ConvergenceWarning, match=r"^Stochastic Optimizer: Maximum iterations \(12\) reached"):
                if learning_rate == "invscaling":
                    model.set_params(n_iter_no_change=12)
                model.fit(data.X, data.y)
            epochs = np.arange(12)
            expected = {
                "invscaling": 0.01 / (np.where(epochs > 0, 150 * epochs + 1, 1)) ** 0.5,
                # The first epoch is an improvement, then every fourth without one divides the rate.
                "adaptive": 0.01 / 5.0 ** np.maximum((epochs - 1) // 4, 0),
            }[learning_rate]
        np.testing.assert_allclose(model.history_["learning_rate"], expected)

    def test_adaptive_ends_when_the_rate_is_tiny(self, tasks):
        data = tasks["binary"]
        model = MLPClassifier(solver="sgd", learning_rate="adaptive", tol=1e9, n_iter_no_change=1, max_iter=500)
        model.fit(data.X, data.y)
        assert model.n_iter_ < 500
        assert model.history_["learning_rate"][-1] <= 1e-6

    @pytest.mark.parametrize("n_iter_no_change", [1, 2, 5, 20])
    def test_ends_after_so_many_epochs_without_a_gain(self, tasks, n_iter_no_change):
        data = tasks["binary"]
        model = MLPClassifier(tol=1e9, n_iter_no_change=n_iter_no_change).fit(data.X, data.y)
        assert model.n_iter_ == n_iter_no_change + 2

    @EVERY_ESTIMATOR
    def test_partial_fit_is_not_there_with_lbfgs(self, estimator):
        assert hasattr(estimator(), "partial_fit")
        assert not hasattr(estimator(solver="lbfgs"), "partial_fit")
        with pytest.raises(AttributeError, match="partial_fit"):
            _ = estimator(solver="lbfgs").partial_fit

    @EVERY_ESTIMATOR
    @pytest.mark.parametrize("verbose", [True, 1, 10])
    def test_verbose_prints_each_epoch_and_silence_nothing(self, tasks, capsys, estimator, verbose):
        data = tasks["binary"]
        estimator(**QUIET).fit(data.X, data.y)
        assert capsys.readouterr().out == ""
        model = estimator(verbose=verbose, **QUIET).fit(data.X, data.y)
        out = capsys.readouterr().out
        for epoch, loss in enumerate(model.loss_curve_, 1):
            assert f"Iteration {epoch}, loss = {loss:.8f}" in out

    def test_batches_larger_than_the_data_are_clipped_with_a_warning(self, tasks, assert_same_model):
        data = tasks["binary"]
        model = MLPClassifier(batch_size=1000, **QUIET)
        with pytest.warns(UserWarning, match=r"^Got `batch_size` less than 1 or larger than sample size"):
            model.fit(data.X, data.y)
        assert_same_model(model, MLPClassifier(batch_size=150, **QUIET).fit(data.X, data.y))


class TestPenalty:
    @pytest.mark.parametrize("l1_ratio", [0.0, 0.3, 1.0])
    @pytest.mark.parametrize("weighted", [False, True])
    def test_is_what_the_training_loss_holds_beside_the_data_term(self, tasks, l1_ratio, weighted):
        """One step so small that the loss before it is the loss after it."""
        data = tasks["binary"]
        weights = data.sample_weight if weighted else None
        model = MLPClassifier(
            alpha=7.0, l1_ratio=l1_ratio, solver="sgd", learning_rate_init=1e-14, dtype="float64", **QUIET
        )
        model.fit(data.X, data.y, sample_weight=weights)
        squares = sum((w**2).sum() for w in model.coefs_)
        sizes = sum(np.abs(w).sum() for w in model.coefs_)
        total = data.sample_weight.sum() if weighted else 150
        penalty = 7.0 * (l1_ratio * sizes + (1 - l1_ratio) * squares / 2) / total
        loss = model.evaluate(data.X, data.y, sample_weight=weights).loss
        np.testing.assert_allclose(model.loss_ - loss, penalty)

    def test_of_absolute_values_presses_weights_to_zero(self, tasks):
        data = tasks["binary"]
        parameters = QUIET | {"alpha": 1.0, "max_iter": 300, "learning_rate_init": 0.01, "dtype": "float64"}
        small = [
            np.mean(np.abs(MLPClassifier(l1_ratio=ratio, **parameters).fit(data.X, data.y).coefs_[0]) < 5e-3)
            for ratio in (0.0, 1.0)
        ]
        assert small[1] > 0.9 > 0.4 > small[0]


@pytest.mark.parametrize("solver", ["sgd", "adam", "rmsprop", "lbfgs"])
@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel", "regression", "regression2", "poisson"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_every_solver_learns_every_task(tasks, task, solver):
    data = tasks[task]
    name = "MLPRegressor" if task.startswith(("regression", "poisson")) else "MLPClassifier"
    parameters = QUIET | {"max_iter": 150, "learning_rate_init": 0.05 if solver == "sgd" else 0.005}
    if task == "poisson":
        parameters["loss"] = "poisson"
    estimator = getattr(skmlp, name)(solver=solver, hidden_layer_sizes=(20,), **parameters)
    untrained = getattr(skmlp, name)(hidden_layer_sizes=(20,), **parameters | {"max_iter": 1})
    before = untrained.fit(data.X, data.y).evaluate(data.X, data.y).loss
    assert estimator.fit(data.X, data.y).evaluate(data.X, data.y).loss < 0.7 * before
