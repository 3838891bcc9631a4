"""Bad input gets an error, before any training, that names what is wrong, given and allowed."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array, random_array
from sklearn import neural_network
from sklearn.exceptions import NotFittedError

import skmlp
from skmlp import MLPBinaryClassifier, MLPClassifier, MLPMulticlass, MLPRegressor, TabularMLPClassifier

RNG = np.random.default_rng(0)
X = RNG.standard_normal((30, 4))
LABELS = np.array(["no", "yes"])[(X[:, 0] > 0).astype(int)]
VALUES = X[:, 0] + X[:, 1] ** 2
NAMES = ["age", "height", "city", "income"]


def changed(array, index, value):
    array = array.copy()
    array[index] = value
    return array


def frame(**columns):
    return pd.DataFrame(X, columns=NAMES).assign(**columns)


def assert_names(error, *fragments):
    """The message holds each fragment, as whole words; of a tuple, one is enough."""
    for fragment in fragments:
        choices = fragment if isinstance(fragment, tuple) else (fragment,)
        pattern = "|".join(rf"(?<!\w){re.escape(choice)}" + r"(?!\w)" * choice[-1].isalnum() for choice in choices)
        assert re.search(pattern, str(error.value)), f"{fragment!r} is missing in: {error.value}"


def first_sentence(message):
    return message.split("\n")[0].split(". ")[0].rstrip(".")


def fit_error(name, X, y, sample_weight=None, **parameters):
    with pytest.raises((ValueError, TypeError)) as error:
        getattr(skmlp, name)(**parameters).fit(X, y, sample_weight=sample_weight)
    return error


BOTH = pytest.mark.parametrize("name, y", [("MLPClassifier", LABELS), ("MLPRegressor", VALUES)])


BAD_X = {
    "one dimension": (X[:, 0], ["Expected 2D array, got 1D array instead"]),
    "three dimensions": (X.reshape(30, 2, 2), ["dim 3"]),
    "a scalar": (3.0, ["Expected 2D array, got scalar array instead"]),
    "another length": (X[:29], ["inconsistent numbers of samples: [29, 30]"]),
    "no rows": (X[:0], ["0 sample(s)", "minimum of 1"]),
    "no columns": (X[:, :0], ["0 feature(s)", "minimum of 1"]),
    "complex": (X + 1j, ["Complex data not supported"]),
    "NaN": (changed(X, (17, 3), np.nan), ["Input X contains NaN", ("17", "3")]),
    "infinity": (changed(X, (17, 3), np.inf), ["Input X contains infinity", ("17", "3")]),
    "minus infinity": (changed(X, (17, 3), -np.inf), ["Input X contains infinity", ("17", "3")]),
    "NaN in float32": (
        changed(X, (17, 3), np.nan).astype(np.float32),
        ["Input X contains NaN", ("17", "3")],
    ),
    "sparse NaN": (csr_array(changed(X, (17, 3), np.nan)), ["Input X contains NaN", ("17", "3")]),
    "NaN in a frame": (frame(city=changed(X[:, 0], 17, np.nan)), ["Input X contains NaN", ("17", "city")]),
    "strings": (np.array([["a", "b", "c", "d"]] * 30), ["could not convert string to float: ", "'a'"]),
    "a word": ("a", ["could not convert string to float: 'a'", "X"]),
    "a column of strings": (frame(city="Oslo"), ["could not convert string to float: 'Oslo'", "city"]),
    "a column of dates": (frame(city=pd.Timestamp("2020-02-02")), ["city"]),
    "a column of objects": (frame(city=[{}] * 30), ["city"]),
}
IN_OUR_WORDS = ("a column of dates", "a column of objects")


class TestX:
    """Each case: X, what the message must hold; it begins with scikit-learn's sentence."""

    @BOTH
    @pytest.mark.parametrize("case", BAD_X)
    def test_in_fit(self, case, name, y):
        bad, fragments = BAD_X[case]
        error = fit_error(name, bad, y)
        assert_names(error, *fragments)
        if case not in IN_OUR_WORDS:
            with pytest.raises((ValueError, TypeError)) as theirs:
                getattr(neural_network, name)().fit(bad, y)
            assert str(error.value).startswith(first_sentence(str(theirs.value)))

    @pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_log_proba", "decision_function"])
    @pytest.mark.parametrize(
        "bad, fragments",
        [
            (X[:, :3], ["X has 3 features, but MLPClassifier is expecting 4 features as input"]),
            (X[0], ["Expected 2D array, got 1D array instead"]),
            (X[:0], ["0 sample(s)"]),
            (changed(X, (17, 3), np.nan), ["Input X contains NaN", ("17", "3")]),
            (changed(X, (17, 3), np.inf), ["Input X contains infinity", ("17", "3")]),
        ],
        ids=["columns", "one dimension", "no rows", "NaN", "infinity"],
    )
    def test_in_prediction(self, method, bad, fragments):
        model = MLPClassifier(max_iter=1, n_iter_no_change=np.inf).fit(X, LABELS)
        with pytest.raises(ValueError) as error:
            getattr(model, method)(bad)
        assert_names(error, *fragments)

    def test_of_other_feature_names(self):
        model = MLPClassifier(max_iter=1, n_iter_no_change=np.inf).fit(frame(), LABELS)
        with pytest.raises(ValueError, match="The feature names should match those that were passed during fit") as e:
            model.predict(frame().rename(columns={"city": "town"}))
        assert_names(e, "city", "town")

    @pytest.mark.parametrize(
        "estimator",
        [MLPBinaryClassifier, MLPMulticlass, MLPClassifier, MLPRegressor],
        ids=lambda e: e.__name__,
    )
    @pytest.mark.parametrize(
        "method", ["predict", "predict_proba", "predict_log_proba", "decision_function", "score", "evaluate"]
    )
    def test_before_fit(self, estimator, method):
        if hasattr(estimator(), method):
            target = [VALUES] if method in ("score", "evaluate") else []
            with pytest.raises(NotFittedError):
                getattr(estimator(), method)(X, *target)


BAD_Y = {
    "absent": ("MLPClassifier", None, ["requires y to be passed, but the target y is None"]),
    "NaN classes": (
        "MLPClassifier",
        changed(1.0 * (VALUES > 0), 7, np.nan),
        ["Input y contains NaN", "7"],
    ),
    "three dimensions": ("MLPRegressor", np.ones((30, 2, 2)), ["3"]),
    "NaN": ("MLPRegressor", changed(VALUES, 7, np.nan), ["Input y contains NaN", "7"]),
    "infinity": ("MLPRegressor", changed(VALUES, 7, np.inf), ["Input y contains infinity", "7"]),
    "several classes each": ("MLPClassifier", RNG.integers(0, 3, (30, 2)), []),
    "no columns": ("MLPRegressor", np.ones((30, 0)), ["0"]),
}
UNFIT_Y = {
    "continuous classes": ("MLPClassifier", VALUES, ["Unknown label type: ", "continuous"]),
    "strings": ("MLPRegressor", LABELS, ["y", "string"]),
    "dicts": ("MLPRegressor", np.full(30, {}), ["y"]),
    "dicts as labels": ("MLPClassifier", np.full(30, {}), ["y"]),
    "three classes for two": (
        "MLPBinaryClassifier",
        np.arange(30) % 3,
        [
            "Only binary classification is supported. The type of the target is multiclass",
            ("MLPClassifier", "MLPMulticlass"),
        ],
    ),
    "labels for two classes": ("MLPBinaryClassifier", np.eye(3)[np.arange(30) % 3], ["multilabel"]),
    "labels for many classes": ("MLPMulticlass", np.eye(3)[np.arange(30) % 3], [("multilabel", "Multilabel")]),
}


class TestY:
    @pytest.mark.parametrize("case", BAD_Y)
    def test_where_scikit_learn_raises(self, case):
        name, y, fragments = BAD_Y[case]
        error = fit_error(name, X, y)
        assert_names(error, *fragments)
        with pytest.raises((ValueError, TypeError)) as theirs:
            getattr(neural_network, name)().fit(X, y)
        assert str(error.value).startswith(first_sentence(str(theirs.value)))

    @pytest.mark.parametrize("case", UNFIT_Y)
    def test_of_a_kind_that_does_not_fit(self, case):
        name, y, fragments = UNFIT_Y[case]
        assert_names(fit_error(name, X, y), *fragments)

    @pytest.mark.parametrize("columns", [1, 2])
    def test_negative_counts(self, columns):
        y = changed(np.ones((30, columns)), (7, columns - 1), -2.5)
        error = fit_error("MLPRegressor", X, y if columns > 1 else y.ravel(), loss="poisson")
        assert_names(error, "poisson", "y", "7", "-2.5")

    def test_unknown_labels_in_evaluate(self):
        model = MLPClassifier(max_iter=1, n_iter_no_change=np.inf).fit(X, LABELS)
        with pytest.raises(ValueError) as error:
            model.evaluate(X, changed(LABELS.astype(object), 7, "maybe"))
        assert_names(error, "maybe", "no", "yes")


BAD_WEIGHTS = {
    "NaN": (changed(np.ones(30), 7, np.nan), ["Input sample_weight contains NaN", "7"]),
    "infinity": (changed(np.ones(30), 7, np.inf), ["Input sample_weight contains infinity", "7"]),
    "another length": (np.ones(29), ["sample_weight.shape == (29,), expected (30,)"]),
    "two dimensions": (np.ones((30, 2)), ["Sample weights must be 1D array or scalar"]),
    "strings": (np.array(["a"] * 30), ["could not convert string to float: ", "sample_weight"]),
}


class TestSampleWeight:
    @BOTH
    @pytest.mark.parametrize("case", BAD_WEIGHTS)
    def test_in_fit(self, case, name, y):
        bad, fragments = BAD_WEIGHTS[case]
        error = fit_error(name, X, y, bad)
        assert_names(error, *fragments)
        with pytest.raises((ValueError, TypeError)) as theirs:
            getattr(neural_network, name)().fit(X, y, sample_weight=bad)
        assert str(error.value).startswith(first_sentence(str(theirs.value)))

    @pytest.mark.parametrize("case", ["NaN", "another length"])
    @pytest.mark.parametrize("method", ["partial_fit", "evaluate", "score"])
    def test_elsewhere(self, case, method):
        model = MLPRegressor(max_iter=1, n_iter_no_change=np.inf).fit(X, VALUES)
        with pytest.raises(ValueError):
            getattr(model, method)(X, VALUES, sample_weight=BAD_WEIGHTS[case][0])


GOOD = {"X_val": X[:10], "y_val": VALUES[:10]}
BAD_VALIDATION = {
    "X_val alone": ({"X_val": X[:10]}, ["X_val", "y_val"]),
    "y_val alone": ({"y_val": VALUES[:10]}, ["X_val", "y_val"]),
    "sample_weight_val alone": ({"sample_weight_val": np.ones(10)}, ["sample_weight_val", "X_val"]),
    "other columns": (GOOD | {"X_val": X[:10, :3]}, ["X_val", "3", "4"]),
    "other lengths": (GOOD | {"y_val": VALUES[:9]}, ["X_val", "y_val", "10", "9"]),
    "no rows": ({"X_val": X[:0], "y_val": VALUES[:0]}, ["X_val", "0 sample(s)"]),
    "one dimension": (GOOD | {"X_val": X[:10, 0]}, ["X_val", "1D"]),
    "NaN": (GOOD | {"X_val": changed(X[:10], (7, 3), np.nan)}, ["X_val contains NaN", ("7", "3")]),
    "infinity": (
        GOOD | {"X_val": changed(X[:10], (7, 3), np.inf)},
        ["X_val contains infinity", ("7", "3")],
    ),
    "NaN target": (GOOD | {"y_val": changed(VALUES[:10], 7, np.nan)}, ["y_val contains NaN", "7"]),
    "more outputs": (GOOD | {"y_val": X[:10, :2]}, ["y_val", "2", "1"]),
    "negative weights": (
        GOOD | {"sample_weight_val": changed(np.ones(10), 7, -2.5)},
        ["sample_weight_val", "7", "-2.5"],
    ),
    "weights of another length": (
        GOOD | {"sample_weight_val": np.ones(9)},
        ["sample_weight_val", "9", "10"],
    ),
    "no weight at all": (GOOD | {"sample_weight_val": np.zeros(10)}, ["sample_weight_val", "zero"]),
}


class TestValidationData:
    @pytest.mark.parametrize("case", BAD_VALIDATION)
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_that_does_not_fit(self, case, early_stopping):
        bad, fragments = BAD_VALIDATION[case]
        with pytest.raises((ValueError, TypeError)) as error:
            MLPRegressor(early_stopping=early_stopping).fit(X, VALUES, **bad)
        assert_names(error, *fragments)

    def test_labels_that_training_does_not_know(self):
        with pytest.raises(ValueError) as error:
            MLPClassifier().fit(X, LABELS, X_val=X[:2], y_val=["yes", "maybe"])
        assert_names(error, "y_val", "maybe", "no", "yes")

    def test_other_feature_names(self):
        X_val = frame().rename(columns={"city": "town"})
        with pytest.raises(ValueError, match="The feature names should match those that were passed during fit") as e:
            MLPClassifier().fit(frame(), LABELS, X_val=X_val, y_val=LABELS)
        assert_names(e, "X_val", "city", "town")

    def test_split_that_is_too_small(self):
        with pytest.raises(ValueError, match=r"^The validation set is too small") as error:
            MLPRegressor(early_stopping=True).fit(X[:4], VALUES[:4])
        assert_names(error, "validation_fraction")

    def test_split_of_nothing(self):
        assert_names(
            fit_error("MLPRegressor", X, VALUES, early_stopping=True, validation_fraction=0.0),
            "validation_fraction",
        )


class TestPartialFit:
    def test_without_classes(self):
        with pytest.raises(ValueError, match=r"^classes must be passed on the first call to partial_fit"):
            MLPClassifier().partial_fit(X, LABELS)

    def test_of_unknown_labels_at_first(self):
        with pytest.raises(ValueError) as error:
            MLPClassifier().partial_fit(X, LABELS, classes=["no", "perhaps"])
        assert_names(error, "yes", "no", "perhaps")

    def test_of_unknown_labels_later(self):
        model = MLPClassifier().partial_fit(X, LABELS, classes=["no", "yes"])
        with pytest.raises(ValueError, match=r"^`y` has classes not in `self.classes_`") as error:
            model.partial_fit(X[:2], ["no", "maybe"])
        assert_names(error, "maybe", "no", "yes")

    def test_of_other_classes(self):
        model = MLPClassifier().partial_fit(X, LABELS, classes=["no", "yes"])
        with pytest.raises(ValueError, match=r"^`classes=.*is not the same as on last call to partial_fit"):
            model.partial_fit(X, LABELS, classes=["no", "yes", "maybe"])

    @pytest.mark.parametrize("classes", [[0, 1], [1, 2, 3], ["a", "b", "c"]])
    def test_of_other_classes_than_the_columns_of_label_indicators(self, classes):
        with pytest.raises(ValueError, match=r"classes=.*columns of y"):
            MLPClassifier().partial_fit(X, np.eye(3, dtype=int)[np.arange(30) % 3], classes=classes)

    def test_of_three_classes_for_two(self):
        with pytest.raises(ValueError, match="Only binary classification is supported"):
            MLPBinaryClassifier().partial_fit(X, LABELS, classes=["no", "yes", "maybe"])

    @pytest.mark.parametrize("name, y", [("MLPClassifier", LABELS), ("MLPRegressor", VALUES)])
    def test_of_other_columns(self, name, y):
        model = getattr(skmlp, name)()
        model.partial_fit(X, y, **{"classes": ["no", "yes"]} if y is LABELS else {})
        with pytest.raises(ValueError, match=rf"^X has 3 features, but {name} is expecting 4 features as input"):
            model.partial_fit(X[:, :3], y)

    def test_of_more_outputs(self):
        model = MLPRegressor().partial_fit(X, VALUES)
        with pytest.raises(ValueError) as error:
            model.partial_fit(X, X[:, :2])
        assert_names(error, "1", "2")

    def test_with_early_stopping(self):
        with pytest.raises(ValueError, match=r"^partial_fit does not support early_stopping=True"):
            MLPRegressor(early_stopping=True).partial_fit(X, VALUES)


class TestWarmStart:
    def test_with_other_classes(self):
        model = MLPClassifier(warm_start=True, max_iter=1, n_iter_no_change=np.inf).fit(X, LABELS)
        start = r"^warm_start can only be used where `y` has the same classes as in the previous call to fit"
        with pytest.raises(ValueError, match=start) as error:
            model.fit(X, changed(LABELS.astype(object), 7, "maybe"))
        assert_names(error, "maybe", "no", "yes")

    def test_with_other_columns(self):
        model = MLPRegressor(warm_start=True, max_iter=1, n_iter_no_change=np.inf).fit(X, VALUES)
        with pytest.raises(ValueError, match=r"^X has 3 features, but MLPRegressor is expecting 4 features as input"):
            model.fit(X[:, :3], VALUES)

    def test_with_more_outputs(self):
        model = MLPRegressor(warm_start=True, max_iter=1, n_iter_no_change=np.inf).fit(X, VALUES)
        with pytest.raises(ValueError) as error:
            model.fit(X, X[:, :2])
        assert_names(error, "1", "2")


@pytest.mark.parametrize(
    "class_weight, fragments",
    [
        ({"maybe": 2.0}, ["maybe", "no", "yes"]),
        ({"no": -1.0}, ["no", "-1"]),
        ({"no": np.nan}, ["no", "nan"]),
        ({"no": "much"}, ["much"]),
        ("balance", ["'balance'", "balanced"]),
        ([1.0, 2.0], ["[1.0, 2.0]", "balanced"]),
    ],
    ids=str,
)
def test_class_weight(class_weight, fragments):
    error = fit_error("MLPClassifier", X, LABELS, class_weight=class_weight)
    assert_names(error, "class_weight", *fragments)


def test_one_member_of_a_class_cannot_be_split():
    y = changed(LABELS, slice(None), "no")
    with pytest.raises(ValueError, match=r"^The least populated classes? in y ha"):
        MLPClassifier(early_stopping=True).fit(X, changed(y, 0, "yes"))


INDICATORS = np.eye(3, dtype=int)[np.arange(30) % 3]
SHAPES = [
    ("MLPRegressor", VALUES, X[:, :2]),
    ("MLPRegressor", X[:, :2], VALUES),
    ("MLPRegressor", X[:, :2], X[:, :3]),
    ("MLPClassifier", LABELS, INDICATORS),
    ("MLPClassifier", INDICATORS, INDICATORS[:, 0]),
    ("MLPClassifier", INDICATORS, INDICATORS[:, :2]),
    ("MLPClassifier", INDICATORS[:, :2], INDICATORS),
]


@pytest.mark.parametrize("name, y, other", SHAPES)
@pytest.mark.parametrize("how", ["evaluate", "X_val", "partial_fit", "warm start"])
def test_targets_of_another_shape_than_the_model_has(name, y, other, how):
    """Else kernels would read what is no target at all."""
    model = getattr(skmlp, name)(max_iter=1, n_iter_no_change=np.inf, warm_start=how == "warm start")
    calls = {
        "evaluate": lambda: model.evaluate(X, other),
        "X_val": lambda: model.fit(X, y, X_val=X, y_val=other),
        "partial_fit": lambda: model.partial_fit(X, other),
        "warm start": lambda: model.fit(X, other),
    }
    model.fit(X, y)
    with pytest.raises(ValueError):
        calls[how]()


@pytest.mark.parametrize("column", [-1, 20, 10**8])
def test_sparse_rows_with_columns_that_are_not_there(column):
    X = random_array((50, 20), density=0.2, format="csr", rng=0)
    model = MLPRegressor(hidden_layer_sizes=(3,), max_iter=1, n_iter_no_change=np.inf).fit(X, np.arange(50.0) / 50)
    X.indices[7] = column
    for call in (lambda: model.fit(X, np.arange(50.0)), lambda: model.predict(X)):
        with pytest.raises(ValueError, match="X is no valid sparse matrix: indices must be"):
            call()


@pytest.mark.parametrize("part, value", [("indptr", 10**6), ("indptr", -5), ("indptr", 4), ("indices", 10**6)])
@pytest.mark.parametrize("kind", ["csr", "csc"])
def test_sparse_rows_that_are_no_matrix(kind, part, value):
    X = random_array((50, 20), density=0.2, format=kind, rng=0)
    model = MLPRegressor(hidden_layer_sizes=(3,), max_iter=1, n_iter_no_change=np.inf).fit(X, np.arange(50.0) / 50)
    getattr(X, part)[7] = value
    for call in (lambda: model.fit(X, np.arange(50.0)), lambda: model.predict(X)):
        with pytest.raises(ValueError, match="X is no valid sparse matrix"):
            call()


def test_a_network_never_reads_rows_of_another_width():
    """While another thread fits it, a model may have numbers of features and parameters that do not go together."""
    model = MLPRegressor(hidden_layer_sizes=(3,), max_iter=1, n_iter_no_change=np.inf).fit(np.eye(20), np.arange(20.0))
    other = MLPRegressor(hidden_layer_sizes=(2,), max_iter=1, n_iter_no_change=np.inf).fit(np.eye(4), np.arange(4.0))
    model.n_features_in_ = 4
    for method in (model.predict, model.input_gradients):
        for rows in (np.eye(4), csr_array(np.eye(4))):
            with pytest.raises(ValueError, match=r"X has 4 features.*fitted again"):
                method(rows)
    other._parameters = model._parameters
    with pytest.raises(ValueError, match=r"there are 67 parameters, but a network of .4, 2, 1. units"):
        other.predict(np.eye(4))


def test_a_model_that_is_fitted_again_predicts_as_before_until_then():
    seen = []

    def look(y_true, y_pred):
        seen.append((model.classes_.tolist(), model.predict(X[:1]).shape, model.n_features_in_))
        return 0.0

    settings = {"n_estimators": 1, "cv": 2, "max_iter": 1, "metrics": (look,)}
    model = TabularMLPClassifier(**settings | {"metrics": ()}).fit(X, LABELS)
    model.set_params(metrics=(look,)).fit(X[:, :1], LABELS == LABELS[0])
    assert seen and seen[0] == (sorted(set(LABELS)), (1,), X.shape[1]) and model.n_features_in_ == 1


@pytest.mark.parametrize("name", ["MLPClassifier", "TabularMLPClassifier"])
@pytest.mark.parametrize("container", [np.asarray, pd.Series])
def test_labels_that_are_missing(name, container):
    error = fit_error(name, X, container(changed(LABELS.astype(object), [3, 7], np.nan)))
    assert_names(error, "y has no label in row(s) [3, 7]")


def test_values_beyond_the_range_of_a_prediction_warn_of_nothing():
    """Warnings are errors here; what is wrong with X is said by an error of its own."""
    X = np.random.default_rng(0).normal(size=(50, 3))
    model = MLPRegressor(hidden_layer_sizes=(4,), max_iter=1, n_iter_no_change=np.inf).fit(X, X[:, 0])
    X[3, 1] = 1e39
    with pytest.raises(ValueError, match=r"too large for dtype.*column\(s\) \[1\]"):
        model.predict(X)
