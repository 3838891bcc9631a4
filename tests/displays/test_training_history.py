"""The display of trainings shows what was recorded, where it should."""

import sys

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from skmlp import MLPClassifier, MLPRegressor, TrainingHistoryDisplay
from tests.displays.problem import CLASSES, SMALL, VALUES, X, classifier, ensemble, regressor

draw = TrainingHistoryDisplay.from_estimator
EVALUATED = {"metrics": ("accuracy", "roc_auc"), "early_stopping": True}


def labels(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def line(display, label, axes=None):
    """The values of the line with a label."""
    (found,) = [line for line in (axes or display.ax_).get_lines() if line.get_label() == label]
    return found


def test_loss_in_training_and_validation_with_the_best_epoch():
    model = classifier(early_stopping=True)
    display = draw(model, metrics="loss")
    assert display.figure_ is display.ax_.figure and display.ax_.get_xlabel() == "epoch"
    assert display.ax_.get_ylabel() == "loss" and labels(display.ax_) == ["training", "validation", "best epoch"]
    training, validation = display.lines_
    np.testing.assert_array_equal(training.get_xdata(), np.arange(1, model.n_iter_ + 1))
    np.testing.assert_array_equal(training.get_ydata(), model.history_["loss"])
    np.testing.assert_array_equal(validation.get_ydata(), model.history_["val_loss"])
    assert training.get_color() == validation.get_color() and training.get_linestyle() != validation.get_linestyle()
    best = model.best_iteration_
    assert [*display.best_[0].get_xdata(), *display.best_[0].get_ydata()] == [
        best,
        model.history_["val_loss"][best - 1],
    ]


def test_without_validation_data_the_best_epoch_is_on_the_training_curve():
    display, model = draw(regressor()), regressor()
    assert labels(display.ax_) == ["training", "best epoch"] and len(display.axes_) == 1
    assert display.best_[0].get_ydata() == [min(model.history_["loss"])]


def test_each_metric_has_axes_of_its_own():
    model = classifier(**EVALUATED)
    display = draw(model)
    assert [axes.get_ylabel() for axes in display.axes_] == ["loss", "accuracy", "roc auc"]
    assert len({id(axes) for axes in display.axes_}) == 3 and display.ax_ is display.axes_[0]
    values = line(display, "validation", display.axes_[2]).get_ydata()
    np.testing.assert_array_equal(values, model.history_["val_roc_auc"])
    assert len({drawn.get_color() for drawn in display.lines_}) == 1


@pytest.mark.parametrize("metrics", ["accuracy", ["accuracy", "learning_rate"], ("seconds",), ("score", "loss")])
def test_metrics_may_be_chosen(metrics):
    display = draw(classifier(**EVALUATED), metrics=metrics)
    expected = [metrics] if isinstance(metrics, str) else list(metrics)
    assert list(display.metrics) == expected and len(display.axes_) == len(expected)
    assert [axes.get_ylabel() for axes in display.axes_] == [name.replace("_", " ") for name in expected]


def test_scores_of_early_stopping_are_drawn():
    model = regressor(early_stopping=True)
    display = draw(model)
    assert display.metrics == ("loss", "score")
    np.testing.assert_array_equal(line(display, "validation", display.axes_[1]).get_ydata(), model.validation_scores_)


@pytest.mark.parametrize("metrics, named", [("f1", r"\['f1'\]"), (["loss", "val_loss2"], "val_loss2"), ([], r"\[\]")])
def test_metrics_that_were_not_measured_are_refused(metrics, named):
    with pytest.raises(ValueError, match=rf"metrics=.*{named}.*allowed are any of.*'accuracy'.*'seconds'"):
        draw(classifier(**EVALUATED), metrics=metrics)


def test_several_models_by_name_on_one_axis():
    models = {"slow": classifier(), "stopped": classifier(**EVALUATED)}
    display = draw(models, metrics="loss")
    assert labels(display.ax_) == [
        "slow, training",
        "stopped, training",
        "stopped, validation",
        "best epoch",
    ]
    slow, *stopped = (drawn.get_color() for drawn in display.lines_)
    assert slow not in stopped and len(set(stopped)) == 1 and len(display.best_) == 2


def test_a_list_is_named_by_classes_and_places():
    display = draw([classifier(), regressor()])
    assert labels(display.ax_) == ["MLPClassifier 1, training", "MLPRegressor 2, training", "best epoch"]


def test_metrics_that_only_some_have_are_drawn_for_those():
    display = draw({"plain": classifier(), "measured": classifier(**EVALUATED)})
    assert labels(display.axes_[1]) == ["measured, training", "measured, validation", "best epoch"]


def test_drawing_again_adds_to_the_axes():
    first = draw(classifier(), name="one")
    second = draw(classifier(**EVALUATED), name="two", ax=first.ax_)
    assert second.ax_ is first.ax_ and len(second.axes_) == 1
    assert labels(first.ax_) == ["one, training", "two, training", "two, validation", "best epoch"]
    assert first.lines_[0].get_color() != second.lines_[0].get_color()


def test_axes_for_each_metric_may_be_given_again():
    first = draw(classifier(**EVALUATED))
    second = draw(classifier(**EVALUATED), name="again", ax=first.axes_)
    assert list(second.axes_) == list(first.axes_) and len(first.axes_[1].get_lines()) == 6
    with pytest.raises(ValueError, match="ax holds 3 Axes, but there are 1 metrics"):
        draw(classifier(), ax=first.axes_)


def test_metrics_may_share_axes(pyplot):
    ax = pyplot.subplots()[1]
    display = draw(classifier(**EVALUATED), metrics=("loss", "accuracy"), ax=ax)
    assert set(display.axes_) == {ax} and ax.get_ylabel() == "loss, accuracy"
    names = ["loss, training", "loss, validation", "accuracy, training", "accuracy, validation", "best epoch"]
    assert labels(ax) == names
    assert len({drawn.get_color() for drawn in display.lines_}) == 2


def test_the_loss_may_be_on_a_logarithmic_scale():
    assert draw(classifier()).ax_.get_yscale() == "linear"
    display = draw(classifier(**EVALUATED), log_scale=True)
    assert [axes.get_yscale() for axes in display.axes_] == ["log", "linear", "linear"]


def test_keyword_arguments_reach_the_artists():
    """By any of the names that matplotlib has for them."""
    display = draw(
        classifier(**EVALUATED),
        metrics="loss",
        line_kw={"lw": 3.0, "c": "red"},
        validation_line_kw={"ls": ":", "color": "blue", "label": "held out"},
        best_kw={"marker": "*", "ms": 12.0},
    )
    training, validation = display.lines_
    assert training.get_linewidth() == validation.get_linewidth() == 3.0
    assert (training.get_color(), validation.get_color(), validation.get_linestyle()) == ("red", "blue", ":")
    assert display.best_[0].get_marker() == "*" and display.best_[0].get_markersize() == 12.0
    assert draw(classifier(), mark_best=False).best_ == []


def test_plot_draws_anew():
    display = draw(classifier())
    before = display.ax_
    assert display.plot(log_scale=True) is display and display.ax_ is not before
    assert display.ax_.get_yscale() == "log"


def test_a_single_epoch_can_be_seen():
    model = MLPRegressor(**SMALL).partial_fit(X, VALUES)
    (drawn,) = draw(model).lines_
    assert drawn.get_marker() == "." and list(drawn.get_xdata()) == [1]


def test_iterations_of_lbfgs():
    model = MLPRegressor(solver="lbfgs", **SMALL | {"max_iter": 2000}).fit(X, VALUES)
    display = draw(model)
    assert display.ax_.get_xlabel() == "iteration" and display.best_[0].get_xdata() == [model.best_iteration_]
    assert draw([model, regressor()]).ax_.get_xlabel() == "epoch or iteration"


def test_members_of_an_ensemble_and_their_mean():
    model = ensemble()
    display = draw(model, metrics="loss", name="ensemble")
    assert labels(display.ax_) == ["ensemble, training", "ensemble, validation", "best epoch"]
    assert len(display.lines_) == 2 * (3 + 1) and len(display.best_) == 3
    mean = np.mean([member.history_["loss"] for member in model.estimators_], axis=0)
    np.testing.assert_allclose(line(display, "ensemble, training").get_ydata(), mean)
    *members, mean = display.lines_[:4]
    assert all(member.get_alpha() < 1 and member.get_label().startswith("_") for member in members)
    assert mean.get_alpha() is None


def test_members_that_ended_sooner_cut_the_mean_short():
    lengths, members = (3, 5), []
    for epochs in lengths:
        members.append(MLPRegressor(**SMALL | {"max_iter": epochs}).fit(X, VALUES))
    model = ensemble()
    shorter = type(model)(**model.get_params())
    vars(shorter).update(vars(model) | {"estimators_": members})
    display = draw(shorter)
    assert [len(drawn.get_xdata()) for drawn in display.lines_] == [3, 5, 3]


def test_scores_that_begin_late_end_with_the_history():
    """Validation data were there before early stopping was asked for."""
    model = MLPClassifier(warm_start=True, **SMALL | {"max_iter": 3})
    model.fit(X, CLASSES, X_val=X, y_val=CLASSES)
    model.set_params(early_stopping=True).fit(X, CLASSES, X_val=X, y_val=CLASSES)
    display = draw(model, metrics="score")
    assert len(model.history_["loss"]) == 6
    np.testing.assert_array_equal(display.lines_[0].get_xdata(), [4, 5, 6])


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(NotFittedError):
        draw(MLPRegressor())
    with pytest.raises(ValueError, match="name='one' with 2 estimators"):
        draw([regressor(), regressor()], name="one")
    with pytest.raises(ValueError, match="0 estimators"):
        draw({})


def test_matplotlib_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"TrainingHistoryDisplay.from_estimator requires matplotlib.*skmlp\[plot\]"):
        draw(regressor())
