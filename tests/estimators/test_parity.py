"""In float64 with the same random_state, models follow scikit-learn's MLP step by step."""

import inspect
from itertools import product

import numpy as np
import pytest
from sklearn import neural_network
from sklearn.base import is_classifier

import skmlp

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ACTIVATIONS = ["identity", "logistic", "tanh", "relu"]
TASKS = ["binary", "multiclass", "multilabel", "regression", "regression2"]
MOMENTA = {
    "plain": {"momentum": 0.0},
    "momentum": {"momentum": 0.9, "nesterovs_momentum": False},
    "nesterov": {"momentum": 0.9, "nesterovs_momentum": True},
}
SCHEDULES = {
    "constant": {"learning_rate_init": 0.02},
    "invscaling": {"learning_rate_init": 0.05, "power_t": 0.3},
    "adaptive": {"learning_rate_init": 0.05, "tol": 0.02, "n_iter_no_change": 2},
}
OPTIMISERS = {
    f"{momentum}-{schedule}": {
        "solver": "sgd",
        "learning_rate": schedule,
        **MOMENTA[momentum],
        **SCHEDULES[schedule],
    }
    for momentum, schedule in product(MOMENTA, SCHEDULES)
} | {"adam": {"solver": "adam", "learning_rate_init": 0.01}}
VARIANTS = {
    "alpha": {"alpha": 2.0},
    "weights": {"weighted": True},
    "early_stopping": {"early_stopping": True, "validation_fraction": 0.25},
    "all": {"alpha": 0.5, "weighted": True, "early_stopping": True, "validation_fraction": 0.25},
}
BASE = {
    "hidden_layer_sizes": (9, 6),
    "activation": "tanh",
    "batch_size": 32,
    "max_iter": 20,
    "n_iter_no_change": 20,
    "random_state": 11,
}


def pair(task, **parameters):
    """scikit-learn's estimator and ours for a task, with the same parameters."""
    name = "MLPRegressor" if task.startswith(("regression", "poisson")) else "MLPClassifier"
    if task.startswith("poisson"):
        parameters["loss"] = "poisson"
    parameters = BASE | parameters
    return getattr(neural_network, name)(**parameters), getattr(skmlp, name)(dtype="float64", **parameters)


def fit_both(tasks, task, weighted=False, **parameters):
    data = tasks[task]
    weights = data.sample_weight if weighted else None
    return [est.fit(data.X, data.y, sample_weight=weights) for est in pair(task, **parameters)]


def close(actual, expected, rtol=1e-6):
    # The absolute term is far below every parameter that training has moved.
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=1e-12)


def assert_follows(ours, theirs, curve=True, rtol=1e-6):
    assert ours.n_iter_ == theirs.n_iter_
    for name in ("coefs_", "intercepts_"):
        assert len(getattr(ours, name)) == len(getattr(theirs, name))
        for a, b in zip(getattr(ours, name), getattr(theirs, name), strict=True):
            assert a.dtype == np.float64
            close(a, b, rtol)
    if curve:
        close(ours.loss_curve_, theirs.loss_curve_, rtol)
        close(ours.loss_, theirs.loss_, rtol)
    if theirs.validation_scores_ is None:
        assert ours.validation_scores_ is None
        assert ours.best_validation_score_ is None
        if curve:
            close(ours.best_loss_, theirs.best_loss_, rtol)
    else:
        assert isinstance(ours.validation_scores_, list)
        close(ours.validation_scores_, theirs.validation_scores_, rtol)
        close(ours.best_validation_score_, theirs.best_validation_score_, rtol)
        assert ours.best_loss_ is None
    assert ours.t_ == theirs.t_
    assert ours.n_layers_ == theirs.n_layers_
    assert ours.n_outputs_ == theirs.n_outputs_
    assert ours.out_activation_ == theirs.out_activation_


def excepted(task, optimiser=""):
    """With several outputs the loss differs, and the adaptive schedule acts on it: deviation 3."""
    return task == "regression2" and "adaptive" in optimiser


def cases(*axes):
    return [case for case in product(*axes) if not excepted(case[1], case[0])]


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("optimiser, task", cases(OPTIMISERS, TASKS))
def test_twenty_epochs(tasks, optimiser, task, activation, shuffle):
    theirs, ours = fit_both(tasks, task, activation=activation, shuffle=shuffle, **OPTIMISERS[optimiser])
    assert_follows(ours, theirs, curve=task != "regression2")


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("optimiser, task", cases(OPTIMISERS, TASKS))
def test_twenty_epochs_with(tasks, optimiser, task, variant, shuffle):
    parameters = OPTIMISERS[optimiser] | VARIANTS[variant]
    theirs, ours = fit_both(tasks, task, shuffle=shuffle, **parameters)
    assert_follows(ours, theirs, curve=task != "regression2")


@pytest.mark.parametrize("task", ["poisson", "poisson2"])
@pytest.mark.parametrize("variant", [{}, *VARIANTS.values()], ids=["plain", *VARIANTS])
@pytest.mark.parametrize("optimiser", ["nesterov-constant", "adam"])
def test_poisson(tasks, optimiser, variant, task):
    theirs, ours = fit_both(tasks, task, **OPTIMISERS[optimiser] | variant)
    assert_follows(ours, theirs)


def test_loss_of_several_outputs_is_summed_where_scikit_learn_averages(tasks):
    theirs, ours = fit_both(tasks, "regression2", alpha=0.0)
    close(ours.loss_curve_, 2 * np.array(theirs.loss_curve_))


@pytest.mark.parametrize("optimiser", ["plain-adaptive", "nesterov-adaptive"])
def test_adaptive_rate_has_fallen_in_these_comparisons(tasks, optimiser):
    _, ours = fit_both(tasks, "binary", **OPTIMISERS[optimiser])
    assert min(ours.history_["learning_rate"]) < max(ours.history_["learning_rate"]) == 0.05


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel", "regression", "poisson"])
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_stops_at_the_same_epoch(tasks, task, early_stopping, solver):
    theirs, ours = fit_both(
        tasks,
        task,
        solver=solver,
        early_stopping=early_stopping,
        learning_rate_init=0.01,
        max_iter=300,
        tol=5e-3,
        n_iter_no_change=4,
    )
    assert theirs.n_iter_ < 300
    assert_follows(ours, theirs, rtol=1e-5)


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel", "regression", "poisson", "poisson2"])
@pytest.mark.parametrize("weighted", [False, True])
def test_lbfgs_takes_the_same_steps(tasks, task, weighted):
    theirs, ours = fit_both(tasks, task, weighted, solver="lbfgs", max_iter=8, alpha=0.1)
    assert ours.n_iter_ == theirs.n_iter_ == 8
    close(ours.loss_, theirs.loss_)
    for a, b in zip(ours.coefs_ + ours.intercepts_, [*theirs.coefs_, *theirs.intercepts_], strict=True):
        close(a, b, rtol=1e-5)


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel", "regression", "poisson"])
def test_lbfgs_reaches_the_same_minimum(tasks, task):
    """Without a hidden activation and with a strong penalty there is one minimum to reach."""
    theirs, ours = fit_both(
        tasks,
        task,
        solver="lbfgs",
        hidden_layer_sizes=3,
        activation="identity",
        alpha=20.0,
        max_iter=2000,
        tol=1e-7,
    )
    close(ours.loss_, theirs.loss_, rtol=1e-7)
    predict = "predict_proba" if is_classifier(theirs) else "predict"
    X = tasks[task].X
    np.testing.assert_allclose(getattr(ours, predict)(X), getattr(theirs, predict)(X), rtol=1e-3)


@pytest.mark.parametrize("task", [*TASKS, "poisson", "poisson2"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_predictions(tasks, task, activation):
    theirs, ours = fit_both(tasks, task, activation=activation)
    data = tasks[task]
    if is_classifier(theirs):
        np.testing.assert_array_equal(ours.classes_, theirs.classes_)
        assert ours.classes_.dtype == theirs.classes_.dtype
        np.testing.assert_array_equal(ours.predict(data.X), theirs.predict(data.X))
        assert ours.predict(data.X).dtype == theirs.predict(data.X).dtype
        close(ours.predict_proba(data.X), theirs.predict_proba(data.X))
        close(ours.predict_log_proba(data.X), theirs.predict_log_proba(data.X))
    else:
        assert ours.predict(data.X).shape == theirs.predict(data.X).shape
        close(ours.predict(data.X), theirs.predict(data.X))
    for weights in (None, data.sample_weight):
        close(
            ours.score(data.X, data.y, sample_weight=weights),
            theirs.score(data.X, data.y, sample_weight=weights),
        )


@pytest.mark.parametrize("task, name", [("binary", "MLPBinaryClassifier"), ("multiclass", "MLPMulticlass")])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_special_classifiers_follow_too(tasks, task, name, solver):
    theirs, _ = pair(task, solver=solver)
    data = tasks[task]
    ours = getattr(skmlp, name)(dtype="float64", solver=solver, **BASE)
    assert_follows(ours.fit(data.X, data.y), theirs.fit(data.X, data.y))


@pytest.mark.parametrize("task", ["binary", "multilabel", "regression"])
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("optimiser", ["nesterov-constant", "plain-invscaling", "nesterov-adaptive", "adam"])
@pytest.mark.parametrize("seed", ["integer", "generator"])
def test_warm_starts(tasks, task, early_stopping, optimiser, seed):
    """Curves, t_ and bests go on; n_iter_ and the optimiser begin anew."""
    data = tasks[task]
    parameters = OPTIMISERS[optimiser] | {
        "warm_start": True,
        "early_stopping": early_stopping,
        "learning_rate_init": 0.005,
        "max_iter": 6,
    }
    both = pair(task, **parameters)
    for estimator in both:
        if seed == "generator":
            estimator.set_params(random_state=np.random.RandomState(3))
        for max_iter in (6, 4, 9):
            estimator.set_params(max_iter=max_iter).fit(data.X, data.y)
            if early_stopping and estimator is both[0]:
                # Else its next fit would train the best weights, which are kept, themselves.
                estimator._best_coefs = [part.copy() for part in estimator._best_coefs]
                estimator._best_intercepts = [part.copy() for part in estimator._best_intercepts]
    theirs, ours = both
    assert_follows(ours, theirs)
    assert len(ours.loss_curve_) > ours.n_iter_ == 9


def test_warm_start_keeps_the_no_improvement_count(tasks):
    data = tasks["binary"]
    both = pair("binary", warm_start=True, tol=1e9, n_iter_no_change=7, max_iter=5)
    lengths = []
    for estimator in both:
        for _ in range(3):
            estimator.fit(data.X, data.y)
            lengths.append((estimator.n_iter_, len(estimator.loss_curve_)))
    assert lengths[:3] == lengths[3:]
    assert lengths[1][0] < 5
    assert_follows(both[1], both[0])


def test_warm_starts_may_change_the_solver(tasks):
    data = tasks["binary"]
    both = pair("binary", warm_start=True, max_iter=4, alpha=0.1)
    for estimator in both:
        for solver in ("adam", "lbfgs", "sgd", "adam"):
            estimator.set_params(solver=solver).fit(data.X, data.y)
    theirs, ours = both
    for a, b in zip(ours.coefs_, theirs.coefs_, strict=True):
        close(a, b)
    assert ours.t_ == theirs.t_
    close(ours.loss_, theirs.loss_)


def test_lbfgs_warm_start_goes_on_from_the_parameters(tasks):
    data = tasks["binary"]
    both = pair("binary", solver="lbfgs", warm_start=True, max_iter=4, alpha=0.1)
    for estimator in both:
        estimator.fit(data.X, data.y).fit(data.X, data.y)
    theirs, ours = both
    close(ours.loss_, theirs.loss_)
    assert ours.n_iter_ == theirs.n_iter_ == 4


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "optimiser, task",
    cases(["momentum-invscaling", "nesterov-constant", "nesterov-adaptive", "adam"], [*TASKS, "poisson"]),
)
def test_partial_fit(tasks, optimiser, task, weighted):
    """One pass a call; the optimiser's state is kept from call to call."""
    data = tasks[task]
    both = pair(task, **OPTIMISERS[optimiser])
    for estimator in both:
        for call in range(12):
            rows = np.arange(call % 3, len(data.X), 2)
            first = {"classes": np.arange(3 if data.y.ndim > 1 else data.y.max() + 1)} if call == 0 else {}
            estimator.partial_fit(
                data.X[rows],
                data.y[rows],
                sample_weight=data.sample_weight[rows] if weighted else None,
                **first if is_classifier(estimator) else {},
            )
            assert estimator.n_iter_ == 1
            assert len(estimator.loss_curve_) == call + 1
    theirs, ours = both
    assert_follows(ours, theirs, curve=task != "regression2")


@pytest.mark.parametrize("optimiser", ["nesterov-constant", "adam"])
def test_partial_fit_after_fit_begins_with_a_fresh_optimiser(tasks, optimiser):
    """Deviation 4: scikit-learn keeps the one that fit has used, here it is taken away by hand."""
    data = tasks["binary"]
    theirs, ours = fit_both(tasks, "binary", **OPTIMISERS[optimiser])
    del theirs._optimizer
    for estimator in (theirs, ours):
        for _ in range(3):
            estimator.partial_fit(data.X, data.y)
    assert_follows(ours, theirs)


@pytest.mark.parametrize("warm_start", [False, True])
def test_fit_after_partial_fit(tasks, warm_start):
    data = tasks["binary"]
    both = pair("binary", warm_start=warm_start, max_iter=5)
    for estimator in both:
        estimator.partial_fit(data.X, data.y, classes=[0, 1]).fit(data.X, data.y)
    assert_follows(both[1], both[0])
    assert len(both[1].loss_curve_) == 5 + warm_start


@pytest.mark.parametrize("batch_size", ["auto", 1, 50, 1000])
@pytest.mark.filterwarnings("ignore:Got `batch_size` less than 1 or larger than sample size:UserWarning")
def test_batch_sizes(tasks, batch_size):
    theirs, ours = fit_both(tasks, "binary", batch_size=batch_size, max_iter=5)
    assert_follows(ours, theirs)


def test_sparse_input(tasks):
    from scipy.sparse import csr_array

    data = tasks["multiclass"]
    X = csr_array(np.where(np.abs(data.X) > 1, data.X, 0.0))
    theirs, ours = (est.fit(X, data.y) for est in pair("multiclass"))
    assert_follows(ours, theirs)
    close(ours.predict_proba(X), theirs.predict_proba(X))


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_signature_takes_what_scikit_learn_takes(name):
    theirs = inspect.signature(getattr(neural_network, name)).parameters
    ours = inspect.signature(getattr(skmlp, name)).parameters
    for parameter in theirs.values():
        assert ours[parameter.name].default == parameter.default
        assert ours[parameter.name].kind == parameter.kind
    positional = [name for name, item in theirs.items() if item.kind is item.POSITIONAL_OR_KEYWORD]
    assert [name for name, item in ours.items() if item.kind is item.POSITIONAL_OR_KEYWORD] == positional


def test_verbose_prints_what_scikit_learn_prints(tasks, capsys):
    data = tasks["binary"]
    printed = []
    for parameters in ({"early_stopping": True}, {"tol": 0.1, "n_iter_no_change": 3, "max_iter": 100}):
        for estimator in pair("binary", verbose=True, **parameters):
            estimator.fit(data.X, data.y)
            printed.append(capsys.readouterr().out.splitlines())
    for theirs, ours in (printed[:2], printed[2:]):
        assert len(theirs) > 5
        assert set(theirs) <= set(ours)
