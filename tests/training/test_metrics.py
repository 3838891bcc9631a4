"""Metrics equal scikit-learn's, whatever way they are asked for."""

from functools import partial

import numpy as np
import pytest
from scipy import sparse
from sklearn import metrics as reference

from skmlp.estimators.targets import ClassEncoding, ValueEncoding
from skmlp.training.metrics import accuracy, r2, resolve

ROWS = 40
weights = pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])


def row_weights(weighted):
    return np.random.default_rng(1).uniform(0.1, 3.0, ROWS) if weighted else None


def classes(kind, dtype="float64"):
    """An encoding, predicted probabilities and targets, about half of them right."""
    random = np.random.default_rng(2)
    if kind == "binary":
        encoding = ClassEncoding(np.array(["no", "yes"]), kind)
        targets = random.integers(0, 2, (ROWS, 1))
        p = random.uniform(size=(ROWS, 1))
    elif kind == "multiclass":
        encoding = ClassEncoding(np.array([3, 5, 9]), kind)
        targets = random.integers(0, 3, (ROWS, 1))
        p = random.dirichlet(np.ones(3), ROWS)
    else:
        encoding = ClassEncoding(np.arange(2), "multilabel")
        targets = random.integers(0, 2, (ROWS, 2))
        p = np.abs(targets - random.uniform(size=(ROWS, 2)) ** 3)
    return encoding, p.astype(dtype), targets.astype(dtype)


def values(outputs, dtype="float64"):
    random = np.random.default_rng(3)
    y = random.normal(size=(ROWS, outputs)).astype(dtype)
    return ValueEncoding("squared_error", outputs), (y + random.normal(size=y.shape)).astype(dtype), y


KINDS = ["binary", "multiclass", "multilabel"]
CASES = {kind: classes(kind) for kind in KINDS} | {"one output": values(1), "two outputs": values(2)}
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def value_of(metric, case, weighted=False):
    """A metric's value, by :func:`resolve`."""
    encoding, predictions, targets = case
    (function,) = resolve([metric], encoding).values()
    return function(predictions, targets, row_weights(weighted))


def decoded(case):
    encoding, predictions, targets = case
    return encoding.labels(targets), encoding.decode(predictions)


# ---------------------------------------------------------------------------------------------------------------------
# accuracy and r2
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@weights
def test_accuracy_is_that_of_scikit_learn(kind, dtype, weighted):
    case = classes(kind, dtype)
    result = accuracy(*case, row_weights(weighted))
    expected = reference.accuracy_score(*decoded(case), sample_weight=row_weights(weighted))
    assert type(result) is float and 0.1 < result < 0.9
    np.testing.assert_allclose(result, expected, rtol=1e-14)


@pytest.mark.parametrize("outputs", [1, 2, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@weights
def test_r2_is_that_of_scikit_learn(outputs, dtype, weighted):
    case = values(outputs, dtype)
    result = r2(*case, row_weights(weighted))
    expected = reference.r2_score(case[2].astype(float), case[1].astype(float), sample_weight=row_weights(weighted))
    assert type(result) is float
    np.testing.assert_allclose(result, expected, rtol=1e-12)


@pytest.mark.parametrize("met", [(True, True), (True, False), (False, False)], ids=str)
@weights
def test_r2_of_constant_targets_is_that_of_scikit_learn(met, weighted):
    """1 for an output that is met exactly, else 0."""
    encoding, predictions, targets = values(3)
    targets[:, :2] = 2.0
    predictions[:, :2] = np.where(met, 2.0, 2.5)
    result = r2(encoding, predictions, targets, row_weights(weighted))
    np.testing.assert_allclose(result, reference.r2_score(targets, predictions, sample_weight=row_weights(weighted)))


def test_r2_of_one_row_met_exactly():
    assert r2(ValueEncoding("squared_error", 1), np.ones((1, 1)), np.ones((1, 1)), None) == 1.0


# ---------------------------------------------------------------------------------------------------------------------
# By name, by scorer name, by function
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_own_metrics_by_name(kind):
    assert value_of("accuracy", CASES[kind], True) == accuracy(*CASES[kind], row_weights(True))
    assert value_of("r2", CASES["two outputs"], True) == r2(*CASES["two outputs"], row_weights(True))


SCORERS = [
    ("balanced_accuracy", "binary", reference.balanced_accuracy_score),
    ("f1_macro", "multiclass", partial(reference.f1_score, average="macro")),
    ("f1_micro", "multilabel", partial(reference.f1_score, average="micro")),
    ("neg_mean_absolute_error", "one output", lambda *a, **k: -reference.mean_absolute_error(*a, **k)),
    ("neg_mean_squared_error", "two outputs", lambda *a, **k: -reference.mean_squared_error(*a, **k)),
]


@pytest.mark.parametrize("name, kind, function", SCORERS, ids=[name for name, *_ in SCORERS])
@weights
def test_scorers_of_scikit_learn_by_name(name, kind, function, weighted):
    expected = function(*decoded(CASES[kind]), sample_weight=row_weights(weighted))
    np.testing.assert_allclose(value_of(name, CASES[kind], weighted), expected, rtol=1e-12)


@pytest.mark.parametrize("name", ["roc_auc", "average_precision", "neg_log_loss", "neg_brier_score"])
@weights
def test_scorers_of_probabilities(name, weighted):
    _, predictions, targets = CASES["binary"]
    function = {
        "roc_auc": reference.roc_auc_score,
        "average_precision": reference.average_precision_score,
        "neg_log_loss": lambda *a, **k: -reference.log_loss(*a, **k),
        "neg_brier_score": lambda *a, **k: -reference.brier_score_loss(*a, **k),
    }[name]
    expected = function(targets[:, 0], predictions[:, 0], sample_weight=row_weights(weighted))
    case = (ClassEncoding(np.array([0, 1]), "binary"), predictions, targets)
    np.testing.assert_allclose(value_of(name, case, weighted), expected, rtol=1e-12)


def test_scorers_of_the_probabilities_of_several_classes():
    encoding, predictions, targets = CASES["multiclass"]
    expected = -reference.log_loss(encoding.labels(targets), predictions, labels=encoding.classes)
    np.testing.assert_allclose(value_of("neg_log_loss", CASES["multiclass"]), expected, rtol=1e-12)


@every_case
def test_functions_get_labels_and_predictions_as_a_user_knows_them(case):
    def record(y_true, y_pred):
        seen.append((y_true, y_pred))
        return 0.5

    seen = []
    assert value_of(record, case, weighted=True) == 0.5
    for given, expected in zip(seen[0], decoded(case), strict=True):
        np.testing.assert_array_equal(given, expected)


@weights
def test_functions_that_know_weights_get_them(weighted):
    def record(y_true, y_pred, sample_weight=None):
        seen.append(sample_weight)
        return np.float32(0.5)

    seen = []
    result = value_of(record, CASES["binary"], weighted)
    assert type(result) is float and result == 0.5
    np.testing.assert_array_equal(seen[0], row_weights(weighted))


def test_sparse_labels_of_multilabel_predictions():
    encoding, predictions, targets = CASES["multilabel"]
    encoding = ClassEncoding(encoding.classes, "multilabel", sparse_labels=True)
    assert sparse.issparse(encoding.decode(predictions))
    assert 0.0 < value_of("f1_micro", (encoding, predictions, targets)) < 1.0


class Callable:
    def __call__(self, y_true, y_pred):
        return 1.0


def test_names():
    def own(y_true, y_pred):
        return 1.0

    given = ["accuracy", "f1_macro", own, lambda y_true, y_pred: 1.0, Callable(), reference.matthews_corrcoef]
    assert list(resolve(given, CASES["binary"][0])) == [
        "accuracy",
        "f1_macro",
        "own",
        "metric_4",
        "Callable",
        "matthews_corrcoef",
    ]


def test_no_metrics():
    assert resolve([], CASES["binary"][0]) == {}


@pytest.mark.parametrize("metrics", [["accuracy", "accuracy"], ["f1_macro", "accuracy", "f1_macro"]], ids=str)
def test_a_name_stands_once(metrics):
    with pytest.raises(ValueError, match="stands twice"):
        resolve(metrics, CASES["binary"][0])


@pytest.mark.parametrize("name", ["loss", "seconds", "learning_rate", "val_accuracy", "accuracy", "class", "__"])
def test_a_callable_whose_name_cannot_be_a_key_goes_by_its_place(name):
    def metric(y_true, y_pred):
        return 1.0

    metric.__name__ = name
    assert list(resolve(["accuracy", metric], CASES["binary"][0])) == ["accuracy", "metric_2"]


@pytest.mark.parametrize("value", [None, "much", 1j, np.ones(2)])
def test_a_callable_must_return_a_number(value):
    def metric(y_true, y_pred):
        return value

    with pytest.raises(TypeError, match=r"metrics: <function .*metric.*> returned .*, which is no number"):
        value_of(metric, CASES["binary"])


def test_underscores_around_a_name_are_left_out():
    """The fields of a named tuple cannot begin with one."""

    def _own_(y_true, y_pred):
        return 1.0

    assert list(resolve([_own_], CASES["binary"][0])) == ["own"]


def test_scorers_without_weights_are_computed_without():
    encoding, predictions, targets = CASES["one output"][:3]
    metric = resolve(["neg_max_error"], encoding)["neg_max_error"]
    assert metric(predictions, targets, np.ones(len(targets))) == metric(predictions, targets, None)


@pytest.mark.parametrize("kind, allowed", [("binary", "'accuracy'"), ("one output", "'r2'")])
def test_an_unknown_name_gives_an_error_that_lists_what_is_allowed(kind, allowed):
    with pytest.raises(ValueError, match="unknown name 'acuracy'") as error:
        resolve(["acuracy"], CASES[kind][0])
    assert allowed in str(error.value) and "roc_auc" in str(error.value)


@pytest.mark.parametrize("metric", [1, None, ["accuracy"]], ids=str)
def test_what_is_neither_a_name_nor_a_function_gives_an_error(metric):
    with pytest.raises(ValueError, match="neither a name nor a callable"):
        resolve([metric], CASES["binary"][0])


def test_a_row_without_weight_does_not_count_however_large_its_loss():
    encoding = ValueEncoding("squared_error", 1)
    (poisson,) = resolve(["poisson"], encoding).values()
    p, y = np.array([[0.0], [1.0]]), np.array([[2.0], [1.0]])
    assert poisson(p, y, np.array([0.0, 1.0])) == 0.0
    assert poisson(p, y, None) == -np.inf


@pytest.mark.parametrize("name", ["poisson", "gamma"])
def test_predictions_that_a_loss_cannot_take_give_nan_without_a_warning(name):
    (loss,) = resolve([name], ValueEncoding("squared_error", 1)).values()
    p, y = np.array([[0.0], [-1.0], [np.inf]]), np.ones((3, 1))
    assert np.isnan(loss(p, y, None)) and np.isnan(loss(p, y, np.ones(3)))
