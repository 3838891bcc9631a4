"""What a notebook shows: scikit-learn's diagram as it is, then the network and its loss, small and safe."""

import pickle
import re
import sys
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
import sklearn
from numba import njit
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_html_repr

from skmlp import CustomActivation, MLPClassifier, MLPRegressor
from skmlp.displays.html import BOTTOM, LEFT, MOST_POINTS, RIGHT, TOP, fitted_html
from tests.displays.problem import CLASSES, SMALL, VALUES, X, classifier, ensemble, regressor


class Checker(HTMLParser):
    """Every tag that is opened is closed, in order."""

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        self.seen.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.seen.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def checked(html):
    checker = Checker()
    checker.feed(html)
    assert checker.open == []
    return checker.seen


def svg(html):
    """The picture, read as XML."""
    return ElementTree.fromstring(re.search(r"<svg.*</svg>", html)[0])


def curves(html):
    """Points of the curves, (points, 2)."""
    lines = [line.get("points").split() for line in svg(html).iter("polyline")]
    return [np.array([[float(number) for number in point.split(",")] for point in line]) for line in lines]


def without_ids(html):
    return re.sub(r"sk-(container|estimator)-id-\d+", "", html)


@pytest.mark.parametrize("model", [classifier, regressor, ensemble])
def test_a_notebook_gets_the_diagram_the_table_and_the_curve(model):
    model = model()
    shown = model._repr_mimebundle_()
    assert shown["text/plain"] == repr(model)
    assert without_ids(shown["text/html"]) == without_ids(model._repr_html_())
    diagram = without_ids(estimator_html_repr(model))
    assert without_ids(shown["text/html"]) == diagram + fitted_html(model)
    assert {"table", "svg", "polyline"} <= set(checked(fitted_html(model)))


def test_before_fit_there_is_the_diagram_alone():
    model = MLPClassifier()
    assert fitted_html(model) == ""
    assert without_ids(model._repr_html_()) == without_ids(estimator_html_repr(model))


def test_text_is_shown_where_scikit_learn_is_told_so():
    with sklearn.config_context(display="text"):
        assert set(classifier()._repr_mimebundle_()) == {"text/plain"}
        assert not hasattr(classifier(), "_repr_html_")


@pytest.mark.parametrize(
    "hold",
    [lambda model: make_pipeline(StandardScaler(), model), lambda model: GridSearchCV(model, {"alpha": [0.1]}, cv=2)],
)
def test_within_other_estimators_the_diagram_is_that_of_scikit_learn(hold):
    holder = hold(MLPRegressor(**SMALL)).fit(X, VALUES)
    html = holder._repr_html_()
    assert "MLPRegressor" in html and "skmlp-fit" not in html


def test_the_table_is_the_summary():
    model = classifier(hidden_layer_sizes=(6, 3), normalization="layer")
    cells = re.findall(r"<td>(.*?)</td>", fitted_html(model))
    rows = [cells[i : i + 4] for i in range(0, len(cells), 4)]
    for row, line in zip(rows, model.summary().splitlines()[1:], strict=True):
        assert [cell.replace("-&gt;", "->") for cell in row if cell] == re.split(r"\s{2,}", line)


def test_curves_are_those_of_the_history():
    model = classifier(early_stopping=True)
    html = fitted_html(model)
    losses = [model.history_["loss"], model.history_["val_loss"]]
    low, high = np.min(losses), np.max(losses)
    assert high < 50 * low
    for points, values in zip(curves(html), losses, strict=True):
        np.testing.assert_allclose(points[:, 0], np.linspace(LEFT, RIGHT, len(values)), atol=0.06)
        expected = BOTTOM - (BOTTOM - TOP) * (np.array(values) - low) / (high - low)
        np.testing.assert_allclose(points[:, 1], expected, atol=0.06)
    (dot,) = svg(html).iter("circle")
    best = curves(html)[1][model.best_iteration_ - 1]
    np.testing.assert_allclose([float(dot.get("cx")), float(dot.get("cy"))], best)
    assert f"Training: {model.n_iter_} epochs, the best {model.best_iteration_}" in html
    said = [text.text for text in svg(html).iter("text")]
    assert said == ["training", "validation", f"{high:.3g}", "loss", f"{low:.3g}", "1", str(model.n_iter_)]


def test_of_an_ensemble_the_mean_is_shown():
    html = fitted_html(ensemble())
    assert "One of 3 networks: " in html and "Training: 6 epochs, mean of 3 networks" in html
    assert len(curves(html)) == 2 and not list(svg(html).iter("circle"))


def test_losses_of_a_wide_range_are_on_a_logarithmic_scale():
    model = pickle.loads(pickle.dumps(regressor()))
    model.history_["loss"] = list(10.0 ** -np.arange(12.0))
    html = fitted_html(model)
    np.testing.assert_allclose(curves(html)[0][:, 1], np.linspace(TOP, BOTTOM, 12), atol=0.06)
    assert "loss (log)" in html
    model.history_["loss"][-1] = 0.0
    assert "loss (log)" not in fitted_html(model)


@pytest.mark.parametrize("losses", [[0.5], [0.5, 0.5], [np.nan, 0.5, np.inf, 0.25], [0.5, np.nan]])
def test_curves_of_every_kind(losses):
    model = pickle.loads(pickle.dumps(regressor()))
    model.history_, model.best_iteration_ = {"loss": losses}, int(np.nanargmin(losses)) + 1
    html = fitted_html(model)
    checked(html)
    assert len(curves(html)[0]) == np.isfinite(losses).sum() and len(list(svg(html).iter("circle"))) == 1


def test_without_a_finite_loss_there_is_no_picture():
    model = pickle.loads(pickle.dumps(regressor()))
    model.history_, model.best_iteration_ = {"loss": [np.nan]}, None
    assert "<svg" not in fitted_html(model) and "<table" in fitted_html(model)


def test_partial_fits_and_iterations_are_shown():
    assert "Training: 1 epoch, the best 1<" in fitted_html(MLPRegressor(**SMALL).partial_fit(X, VALUES))
    model = MLPRegressor(solver="lbfgs", **SMALL | {"max_iter": 2000}).fit(X, VALUES)
    assert f"Training: {model.n_iter_:,} iterations" in fitted_html(model)


def test_large_models_and_long_fits_stay_small():
    model = MLPClassifier(**SMALL | {"hidden_layer_sizes": (5,) * 200, "max_iter": 1}).fit(X, CLASSES)
    model.history_, model.best_iteration_ = {"loss": list(np.random.default_rng(0).random(100_000))}, 77_777
    html = fitted_html(model)
    assert len(html) < 8_000 and "… 189 more" in html and "hidden 200" in html
    assert len(curves(html)[0]) == MOST_POINTS and curves(html)[0][-1, 0] == RIGHT


def test_every_text_is_escaped():
    @njit
    def slope(z):
        return 1.0

    def evil(z):
        return z

    evil.__name__ = evil.__qualname__ = "<script>alert('&')</script>"
    model = MLPRegressor(activation=CustomActivation(njit(evil), slope), **SMALL).fit(X, VALUES)
    html = fitted_html(model)
    assert "<script>" not in html and "&lt;script&gt;alert(&#x27;&amp;&#x27;)&lt;/script&gt;" in html
    assert set(checked(html)) <= {*"div style details summary table tr th td svg path polyline circle text".split()}


def test_matplotlib_is_not_needed(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert "<svg" in classifier()._repr_html_()
