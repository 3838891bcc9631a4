"""Networks are found in what holds them, and what their fits recorded."""

import numpy as np
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import BaggingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmlp import MLPClassifier, MLPRegressor
from skmlp.displays.fitted import networks_of, run_of
from tests.displays.problem import CLASSES, SMALL, VALUES, X, classifier, ensemble, regressor

HOLDERS = {
    "pipeline": lambda model: make_pipeline(StandardScaler(), model),
    "search": lambda model: GridSearchCV(model, {"alpha": [0.1]}, cv=2),
    "target": lambda model: TransformedTargetRegressor(model, transformer=StandardScaler()),
    "all": lambda model: GridSearchCV(
        make_pipeline(StandardScaler(), TransformedTargetRegressor(model)),
        {"transformedtargetregressor__check_inverse": [True]},
        cv=2,
    ),
}


@pytest.mark.parametrize("hold", HOLDERS.values(), ids=HOLDERS)
def test_networks_are_found_in_what_is_wrapped_around_them(hold):
    (network,) = networks_of(hold(MLPRegressor(**SMALL)).fit(X, VALUES))
    assert isinstance(network, MLPRegressor) and len(network.history_["loss"]) == 12


def test_all_members_of_ensembles_are_found():
    assert networks_of(ensemble()) == ensemble().estimators_
    assert len(networks_of(BaggingRegressor(MLPRegressor(**SMALL), 3).fit(X, VALUES))) == 3


def test_what_holds_none_is_refused():
    with pytest.raises(TypeError, match="LinearRegression holds no network"):
        networks_of(LinearRegression().fit(X, VALUES))
    with pytest.raises(NotFittedError):
        networks_of(MLPRegressor())
    with pytest.raises(NotFittedError):
        networks_of(make_pipeline(StandardScaler(), MLPRegressor()))


def test_a_run_has_curves_of_loss_metrics_and_score():
    model = MLPClassifier(metrics=("roc_auc",), early_stopping=True, **SMALL).fit(X, CLASSES)
    run = run_of(model)
    assert run.metrics == ["loss", "roc_auc", "score"] and run.unit == "epoch" and run.n_epochs == model.n_iter_
    assert run.curves("loss") == {"training": model.history_["loss"], "validation": model.history_["val_loss"]}
    assert run.curves("score") == {"validation": model.validation_scores_}
    assert run.curves("learning_rate") == {"training": model.history_["learning_rate"]}
    assert run.curves("unknown") == {}


def test_the_score_is_not_named_where_it_is_a_metric():
    """Accuracy is that of early stopping, too."""
    model = classifier(metrics=("accuracy",), early_stopping=True)
    assert run_of(model).metrics == ["loss", "accuracy"]
    assert run_of(model).curves("score") == {"validation": model.history_["val_accuracy"]}


def test_iterations_of_lbfgs_are_no_epochs():
    run = run_of(MLPRegressor(solver="lbfgs", **SMALL | {"max_iter": 2000}).fit(X, VALUES))
    assert run.unit == "iteration" and run.metrics == ["loss"] and run.n_epochs > 5


def test_scores_of_epochs_that_the_history_has_no_more_are_left_out():
    """A fit that goes on with other metrics begins a new history, not new scores."""
    model = MLPClassifier(early_stopping=True, warm_start=True, **SMALL | {"max_iter": 4}).fit(X, CLASSES)
    model.set_params(metrics=("roc_auc",)).fit(X, CLASSES)
    run = run_of(model)
    assert run.n_epochs == 4 and len(model.validation_scores_) == 8
    assert run.curves("score")["validation"] == model.validation_scores_[-4:]


def test_partial_fits_are_epochs():
    model = MLPRegressor(**SMALL)
    for _ in range(3):
        model.partial_fit(X, VALUES)
    assert run_of(model).n_epochs == 3


def test_a_record_is_that_of_the_fit():
    model = regressor()
    assert run_of(model).history is model.history_ and run_of(model).best == model.best_iteration_
    assert run_of(model).scores is None and np.argmin(model.loss_curve_) + 1 == model.best_iteration_
