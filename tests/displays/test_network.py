"""The drawing of a network shows its layers, and no more of them than can be read."""

import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmlp import MLPClassifier, MLPRegressor, NetworkDisplay, TabularMLPClassifier, TrainingHistoryDisplay
from skmlp.displays.network import shown_units
from tests.displays.problem import CLASSES, SMALL, VALUES, X, classifier, ensemble, regressor

draw = NetworkDisplay.from_estimator
LABELS = np.array(["small", "medium", "a very long name of a class"])[np.digitize(VALUES, [-0.5, 0.5])]


def texts(display):
    return [text.get_text() for text in display.ax_.texts]


def make(sizes, **parameters):
    return MLPClassifier(**SMALL | {"hidden_layer_sizes": sizes, "max_iter": 2} | parameters).fit(X, CLASSES)


def test_every_layer_is_described():
    display = draw(make((6, 3), normalization="batch", dropout=(0.25, 0.0), activation=("tanh", "relu")))
    assert [text for text in texts(display) if "\n" in text] == [
        "input\n4 features",
        "hidden 1\n6 units\nbatch norm\ntanh\ndropout 0.25\n54 parameters",
        "hidden 2\n3 units\nbatch norm\nrelu\n33 parameters",
        "output\n1 unit\nlogistic\n4 parameters",
    ]
    assert display.ax_.get_title() == "MLPClassifier: 91 parameters"


@pytest.mark.parametrize("parametrization", [{}, {"normalization": "layer"}, {"feature_rate": 2.0}])
def test_parameters_are_those_of_the_summary(parametrization):
    model = make((6, 3), **parametrization)
    total = int(model.summary().split()[-1])
    display = draw(model)
    counts = [int(text.split("\n")[-1].split()[0]) for text in texts(display) if "parameter" in text]
    assert sum(counts) == total and display.ax_.get_title().endswith(f": {total} parameters")


def test_every_unit_and_weight_of_a_small_network_is_drawn():
    model = classifier()
    display = draw(model)
    assert [len(units.get_offsets()) for units in display.units_] == [4, 6, 1]
    for edges, weights in zip(display.edges_, model.coefs_, strict=True):
        drawn = np.asarray(edges.get_array())
        np.testing.assert_allclose(np.sort(drawn), np.sort(weights.ravel()))
        assert (np.diff(np.abs(drawn)) >= 0).all(), "the strongest lie on top"
    largest = max(np.abs(weights).max() for weights in model.coefs_)
    assert display.edges_[0].norm.vmax == -display.edges_[0].norm.vmin == pytest.approx(largest)


def test_an_edge_goes_from_unit_to_unit_with_its_weight():
    model = regressor(hidden_layer_sizes=())
    display = draw(model)
    for segment, weight in zip(display.edges_[0].get_segments(), display.edges_[0].get_array(), strict=True):
        starts, (end,) = (units.get_offsets() for units in display.units_)
        (unit,) = np.flatnonzero((starts == segment[0]).all(axis=1))
        np.testing.assert_array_equal(segment[1], end)
        assert model.coefs_[0][unit, 0] == pytest.approx(weight)


def test_of_large_layers_the_first_and_the_last_units_are_shown():
    model = make((40, 512))
    display = draw(model, max_units=7)
    assert [len(units.get_offsets()) for units in display.units_] == [4, 7, 7, 1]
    assert [len(edges.get_segments()) for edges in display.edges_] == [28, 49, 7]
    assert texts(display).count("⋮") == 2
    shown = [0, 1, 2, 3, 509, 510, 511]
    np.testing.assert_allclose(np.sort(display.edges_[2].get_array()), np.sort(model.coefs_[2][shown, 0]))


@pytest.mark.parametrize("units, most, expected", [(3, 3, [0, 1, 2]), (9, 3, [0, 1, -1, 8]), (9, 2, [0, -1, 8])])
def test_units_that_are_shown(units, most, expected):
    assert shown_units(units, most).tolist() == expected


def test_units_have_the_names_of_features_and_classes():
    names = ["width", "height", "depth", "the name of the last feature"]
    model = MLPClassifier(**SMALL).fit(pd.DataFrame(X, columns=names), LABELS)
    found = texts(draw(model))
    assert {"width", "height", "depth", "the name of the…", "small", "medium", "a very long nam…"} <= set(found)
    assert "1" in texts(draw(classifier())), "the class that the output is the probability of"


def test_of_an_ensemble_one_member_is_drawn_with_the_names_of_its_inputs():
    display = draw(ensemble())
    assert display.ax_.get_title().startswith("TabularMLPRegressor, 1 of 3 networks: ")
    np.testing.assert_array_equal(display.weights[0], ensemble().estimators_[0].coefs_[0])
    assert str(ensemble().encoder_.get_feature_names_out()[0]) in texts(display)


def test_of_an_ensemble_in_a_pipeline_too():
    pipeline = make_pipeline(StandardScaler(), TabularMLPClassifier(n_estimators=2, cv=2, max_iter=2)).fit(X, LABELS)
    display = draw(pipeline)
    assert display.ax_.get_title().startswith("TabularMLPClassifier, 1 of 2 networks: ")
    assert {"small", str(pipeline[-1].encoder_.get_feature_names_out()[0])} <= set(texts(display))


def test_classes_are_those_of_the_ensemble_not_their_numbers():
    networks = [(name, MLPClassifier(**SMALL)) for name in "ab"]
    display = draw(VotingClassifier(networks).fit(X, np.where(CLASSES == 1, "yes", "no")))
    assert display.ax_.get_title().startswith("VotingClassifier, 1 of 2 networks: ")
    assert "yes" in texts(display)


def test_the_network_at_the_end_of_a_pipeline():
    pipeline = make_pipeline(StandardScaler(), MLPRegressor(**SMALL)).fit(X, VALUES)
    assert draw(pipeline).ax_.get_title() == "MLPRegressor: 37 parameters"


def test_keyword_arguments_reach_the_artists(pyplot):
    ax = pyplot.subplots()[1]
    display = draw(
        classifier(),
        ax=ax,
        cmap="coolwarm",
        colorbar=False,
        edge_kw={"lw": 3.0},
        unit_kw={"sizes": [12.0], "facecolor": "red"},
        text_kw={"size": 5.0},
    )
    assert display.ax_ is ax and display.figure_ is ax.figure and display.colorbar_ is None
    assert display.edges_[0].get_cmap().name == "coolwarm" and display.edges_[0].get_linewidth() == [3.0]
    assert display.units_[0].get_sizes() == [12.0] and tuple(display.units_[0].get_facecolor()[0]) == (1, 0, 0, 1)
    assert {text.get_fontsize() for text in ax.texts} == {5.0}
    assert draw(classifier()).colorbar_ is not None


@pytest.mark.parametrize("sizes", [(12,), (512, 512), (5,) * 6])
@pytest.mark.parametrize("given", [False, True], ids=["own figure", "small axes"])
def test_texts_do_not_overlap(sizes, given, pyplot):
    display = draw(make(sizes), ax=pyplot.subplots(figsize=(5, 4))[1] if given else None)
    display.figure_.canvas.draw()
    boxes = [text.get_window_extent() for text in display.ax_.texts if text.get_text() != "⋮"]
    boxes.append(display.ax_.title.get_window_extent())
    assert not any(a.overlaps(b) for place, a in enumerate(boxes) for b in boxes[:place])
    assert all(display.figure_.bbox.containsx(x) for box in boxes for x in (box.x0, box.x1))


def test_a_network_whose_weights_are_all_0():
    model = MLPRegressor(**SMALL).fit(X, VALUES)
    for weights in model.coefs_:
        weights[...] = 0.0
    draw(model).figure_.canvas.draw()


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(NotFittedError):
        draw(MLPRegressor())
    with pytest.raises(ValueError, match="max_units=1; allowed are 2 and more"):
        draw(regressor(), max_units=1)


def test_matplotlib_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"NetworkDisplay.from_estimator requires matplotlib.*skmlp\[plot\]"):
        draw(regressor())


def test_a_dollar_in_a_name_is_no_formula(pyplot):
    model = MLPClassifier(**SMALL).fit(pd.DataFrame(X, columns=["$x_{\\frac$", "b", "c", "d"]), LABELS)
    display = draw(model)
    display.figure_.canvas.draw()
    assert "$x_{\\frac$" in texts(display)
    TrainingHistoryDisplay.from_estimator({"$\\alpha^$": model}).figure_.canvas.draw()
