"""sample_weight and class_weight: a row of weight two is a row that occurs twice."""

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_sample_weight

from skmlp import MLPBinaryClassifier, MLPClassifier, MLPMulticlass, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

TASKS = ["binary", "multiclass", "multilabel", "regression", "regression2", "poisson"]


def make(task, **parameters):
    defaults = {"hidden_layer_sizes": (7,), "activation": "tanh", "random_state": 0, "dtype": "float64"}
    if task.startswith(("regression", "poisson")):
        loss = "poisson" if task == "poisson" else "squared_error"
        return MLPRegressor(loss=loss, **defaults | {"max_iter": 15} | parameters)
    return MLPClassifier(**defaults | {"max_iter": 15} | parameters)


def assert_close(first, second, rtol=1e-6):
    for a, b in zip(first.coefs_ + first.intercepts_, second.coefs_ + second.intercepts_, strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-9)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("solver", ["lbfgs", "sgd", "adam", "rmsprop"])
def test_integer_weights_are_repetitions_and_zero_is_absence(tasks, task, solver):
    data = tasks[task]
    X, y = data.X[:80], data.y[:80]
    counts = np.random.default_rng(0).integers(0, 3, 80)
    parameters = {"solver": solver, "alpha": 0.3, "batch_size": int(min(80, counts.sum()))}
    if solver != "lbfgs":
        parameters["batch_size"] = 80
    weighted = make(task, **parameters).fit(X, y, sample_weight=counts)
    repeats = np.repeat(np.arange(80), counts)
    parameters["batch_size"] = len(repeats)
    repeated = make(task, **parameters).fit(X[repeats], y[repeats])
    assert_close(weighted, repeated)
    np.testing.assert_allclose(weighted.loss_, repeated.loss_, rtol=1e-6)


@pytest.mark.parametrize("estimator", [MLPBinaryClassifier, MLPMulticlass, MLPClassifier, MLPRegressor])
def test_doubled_row_in_float32(tasks, estimator):
    """As far as float32 can tell, since scikit-learn's check of this asks for more digits than it has."""
    data = tasks["binary"]
    X, y = data.X[:60], data.y[:60]
    weights = np.ones(60)
    weights[:20] = 2
    rows = np.concatenate([np.arange(60), np.arange(20)])
    parameters = {"random_state": 0, "max_iter": 10}
    weighted = estimator(**parameters).fit(X, y, sample_weight=weights)
    repeated = estimator(**parameters).fit(X[rows], y[rows])
    for a, b in zip(weighted.coefs_, repeated.coefs_, strict=True):
        assert a.dtype == np.float32
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
def test_unit_weights_change_nothing(tasks, task, solver):
    data = tasks[task]
    parameters = {"solver": solver, "max_iter": 5}
    assert_close(
        make(task, **parameters).fit(data.X, data.y),
        make(task, **parameters).fit(data.X, data.y, sample_weight=np.ones(len(data.X))),
        rtol=1e-9,
    )


def test_only_the_ratio_of_weights_to_alpha_matters(tasks):
    data = tasks["binary"]
    first = make("binary", alpha=1.0).fit(data.X, data.y, sample_weight=data.sample_weight)
    second = make("binary", alpha=4.0).fit(data.X, data.y, sample_weight=4 * data.sample_weight)
    assert_close(first, second)


def test_a_number_as_weight_stands_for_every_row(tasks):
    data = tasks["binary"]
    first = make("binary").fit(data.X, data.y, sample_weight=3.0)
    second = make("binary").fit(data.X, data.y, sample_weight=np.full(len(data.X), 3.0))
    assert_close(first, second, rtol=1e-12)


class TestClassWeight:
    CASES = (
        ("binary", "balanced"),
        ("binary", {0: 0.5, 1: 3.0}),
        ("binary", {1: 5.0}),
        ("multiclass", "balanced"),
        ("multiclass", {0: 2.0, 3: 0.25}),
    )

    @pytest.mark.parametrize("task, class_weight", CASES)
    @pytest.mark.parametrize("solver", ["lbfgs", "adam"])
    def test_equals_the_sample_weights_it_stands_for(self, tasks, task, class_weight, solver):
        data = tasks[task]
        X, y = data.X[20:], data.y[20:]
        weights = compute_sample_weight(class_weight, y)
        assert not (weights == 1).all()
        parameters = {"solver": solver, "alpha": 0.3}
        by_class = make(task, class_weight=class_weight, **parameters).fit(X, y)
        by_row = make(task, **parameters).fit(X, y, sample_weight=weights)
        assert_close(by_class, by_row)
        np.testing.assert_allclose(by_class.loss_, by_row.loss_)

    @pytest.mark.parametrize("estimator, task", [(MLPBinaryClassifier, "binary"), (MLPMulticlass, "multiclass")])
    def test_of_the_special_classifiers(self, tasks, estimator, task):
        data = tasks[task]
        weights = compute_sample_weight("balanced", data.y)
        parameters = {"dtype": "float64", "random_state": 0, "max_iter": 5}
        assert_close(
            estimator(class_weight="balanced", **parameters).fit(data.X, data.y),
            estimator(**parameters).fit(data.X, data.y, sample_weight=weights),
        )

    def test_multiplies_sample_weight(self, tasks):
        data = tasks["binary"]
        class_weight = {0: 0.5, 1: 3.0}
        weights = data.sample_weight * compute_sample_weight(class_weight, data.y)
        assert_close(
            make("binary", class_weight=class_weight).fit(data.X, data.y, sample_weight=data.sample_weight),
            make("binary").fit(data.X, data.y, sample_weight=weights),
        )

    def test_works_with_string_labels(self, tasks):
        data = tasks["binary"]
        names = np.array(["no", "yes"])[data.y]
        assert_close(
            make("binary", class_weight={"no": 0.5, "yes": 3.0}).fit(data.X, names),
            make("binary", class_weight={0: 0.5, 1: 3.0}).fit(data.X, data.y),
        )

    def test_acts_under_partial_fit(self, tasks):
        data = tasks["binary"]
        class_weight = {0: 0.5, 1: 3.0}
        by_class, by_row = make("binary", class_weight=class_weight), make("binary")
        for _ in range(3):
            by_class.partial_fit(data.X, data.y, classes=[0, 1])
            by_row.partial_fit(
                data.X, data.y, sample_weight=compute_sample_weight(class_weight, data.y), classes=[0, 1]
            )
        assert_close(by_class, by_row)

    def test_is_not_part_of_the_validation_loss(self, tasks):
        data = tasks["binary"]
        model = make("binary", class_weight={0: 0.1, 1: 9.0})
        model.fit(data.X, data.y, X_val=data.X[:50], y_val=data.y[:50])
        proba = model.predict_proba(data.X[:50])[np.arange(50), data.y[:50]]
        np.testing.assert_allclose(model.history_["val_loss"][-1], -np.log(proba).mean())


class TestBatchesWithoutWeight:
    @pytest.mark.parametrize("task", TASKS)
    @pytest.mark.parametrize("solver", ["sgd", "adam", "rmsprop"])
    def test_are_skipped(self, tasks, task, solver):
        """The other batches act as if this one were absent."""
        data = tasks[task]
        X, y, weights = data.X[:60], data.y[:60], data.sample_weight[:60].copy()
        weights[20:40] = 0
        kept = weights > 0
        parameters = {"solver": solver, "shuffle": False, "batch_size": 20, "alpha": 0.5}
        skipping = make(task, **parameters).fit(X, y, sample_weight=weights)
        absent = make(task, **parameters).fit(X[kept], y[kept], sample_weight=weights[kept])
        assert_close(skipping, absent, rtol=1e-9)
        assert np.isfinite(skipping.loss_curve_).all()

    def test_are_skipped_when_class_weight_makes_them(self, tasks):
        data = tasks["binary"]
        order = np.argsort(data.y[:80], kind="stable")
        X, y = data.X[order], data.y[order]
        size = int((y == 0).sum())
        parameters = {"shuffle": False, "batch_size": size}
        weights = compute_sample_weight({0: 0.0}, y)
        first = make("binary", class_weight={0: 0.0}, **parameters).fit(X, y)
        second = make("binary", **parameters).fit(X, y, sample_weight=weights)
        assert_close(first, second, rtol=1e-9)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
@pytest.mark.parametrize(
    "value, message",
    [(0.0, "^Sample weights must contain at least one non-zero number"), (-1.0, "(?i)negative")],
)
def test_weights_that_cannot_be(tasks, task, solver, value, message):
    data = tasks[task]
    weights = np.full(len(data.X), value) if value == 0 else np.where(np.arange(len(data.X)) == 7, value, 1.0)
    with pytest.raises(ValueError, match=message):
        make(task, solver=solver).fit(data.X, data.y, sample_weight=weights)


def test_negative_weight_names_the_row(tasks):
    data = tasks["binary"]
    weights = np.ones(len(data.X))
    weights[7] = -2.5
    with pytest.raises(ValueError, match=r"(?s)(?=.*\b7\b)(?=.*-2\.5)"):
        make("binary").fit(data.X, data.y, sample_weight=weights)


@pytest.mark.parametrize("estimator", ["binary", "regression"])
def test_score_and_evaluate_take_weights(tasks, estimator):
    data = tasks[estimator]
    model = make(estimator).fit(data.X, data.y)
    counts = np.random.default_rng(2).integers(0, 3, len(data.X))
    rows = np.repeat(np.arange(len(data.X)), counts)
    assert model.score(data.X, data.y, sample_weight=counts) == pytest.approx(model.score(data.X[rows], data.y[rows]))
    weighted = model.evaluate(data.X, data.y, sample_weight=counts)
    np.testing.assert_allclose(weighted, model.evaluate(data.X[rows], data.y[rows]))
