"""A drawing of a network."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from skmlp.displays.fitted import holder_of, networks_of
from skmlp.displays.plotting import merged, require_matplotlib
from skmlp.network.summary import summary_rows
from skmlp.typing import Estimator, Style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import LineCollection, PathCollection
    from matplotlib.colorbar import Colorbar
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure, SubFigure

COLUMN, ROW = 2.2, 1.0  # distances of layers and of units, in units of the axes
NEGATIVE, POSITIVE = (0.84, 0.37, 0.05), (0.12, 0.47, 0.71)  # readable on white and on black
LONGEST = 16  # characters of a name
FONT_SIZE, CHARACTER = 9.0, 0.6  # in points; width of a character over that


class Layer(NamedTuple):
    """What is written of a layer: ``lines`` below it and, where they are known, ``names`` beside its units."""

    units: int
    lines: tuple[str, ...]
    names: tuple[Any, ...] = ()


class NetworkDisplay:
    """A drawing of a network: its layers, units, and weights.

    Use :meth:`from_estimator` to make one. All parameters are stored as attributes.

    Parameters
    ----------
    layers : list of Layer
        The input and each layer: number of units, lines of text, names of the units.
    weights : sequence of ndarray of shape (n_in, n_out)
        Weights between neighbouring layers.
    title : str, default=None
        Title of the drawing.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the drawing.
    figure_ : matplotlib Figure
        The figure that holds it.
    edges_ : list of matplotlib LineCollection
        The weights between the units that are shown, one collection a layer.
    units_ : list of matplotlib PathCollection
        The units that are shown, one collection a layer.
    colorbar_ : matplotlib Colorbar or None
        What the colors of weights mean.

    See Also
    --------
    TrainingHistoryDisplay : How it was trained.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_iris
    >>> from skmlp import MLPClassifier, NetworkDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier((8, 5), max_iter=20, n_iter_no_change=float("inf"), random_state=0).fit(X, y)
    >>> display = NetworkDisplay.from_estimator(model)
    >>> display.ax_.get_title()
    'MLPClassifier: 103 parameters'
    >>> plt.close(display.figure_)
    """

    ax_: Axes
    figure_: Figure | SubFigure
    edges_: list[LineCollection]
    units_: list[PathCollection]
    colorbar_: Colorbar | None

    def __init__(self, *, layers: Sequence[Layer], weights: Sequence[NDArray[Any]], title: str | None = None) -> None:
        self.layers = layers
        self.weights = weights
        self.title = title

    @classmethod
    def from_estimator(
        cls,
        estimator: Estimator,
        *,
        ax: Axes | None = None,
        max_units: int = 12,
        cmap: str | Colormap | None = None,
        colorbar: bool = True,
        edge_kw: Style | None = None,
        unit_kw: Style | None = None,
        text_kw: Style | None = None,
    ) -> Self:
        """Draw the network of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            A fitted one of this package, or a pipeline, search or ensemble around one. Of an ensemble the first member
            is drawn.
        ax : matplotlib Axes, default=None
            Axes to draw on. None: a new figure, of a size that fits.
        max_units : int, default=12
            Most units of a layer that are shown, at least 2; of a larger one the first and the last ones are.
        cmap : str or matplotlib Colormap, default=None
            Colors of weights from the most negative to the most positive. None: orange to blue, the fainter the nearer
            to 0.
        colorbar : bool, default=True
            Whether to say what the colors mean.
        edge_kw : dict, default=None
            Keyword arguments of the edges, for ``matplotlib.collections.LineCollection``.
        unit_kw : dict, default=None
            Keyword arguments of the units, for ``Axes.scatter``.
        text_kw : dict, default=None
            Keyword arguments of all texts, for ``Axes.text``.

        Returns
        -------
        display : NetworkDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If there is no network of this package in it.
        ValueError
            If ``max_units`` is less than 2.

        Examples
        --------
        >>> import matplotlib.pyplot as plt
        >>> from skmlp import MLPRegressor, NetworkDisplay
        >>> model = MLPRegressor(solver="lbfgs").fit([[0.0], [1.0]], [0.0, 1.0])
        >>> display = NetworkDisplay.from_estimator(model, max_units=6, colorbar=False)
        >>> len(display.units_[1].get_offsets())
        6
        >>> plt.close(display.figure_)
        """
        require_matplotlib(f"{cls.__name__}.from_estimator")
        holder, members = holder_of(estimator), networks_of(estimator)
        network = members[0]
        rows, total = summary_rows(network._network)
        of = f", 1 of {len(members)} networks" if len(members) > 1 else ""
        encoder = getattr(holder, "encoder_", None)
        names = getattr(network, "feature_names_in_", ()) if encoder is None else encoder.get_feature_names_out()
        outputs = getattr(holder, "classes_", ())
        return cls(
            layers=make_layers(network._network, rows, names, outputs),
            weights=network.coefs_,
            title=f"{type(holder).__name__}{of}: {total:,} parameters",
        ).plot(
            ax,
            max_units=max_units,
            cmap=cmap,
            colorbar=colorbar,
            edge_kw=edge_kw,
            unit_kw=unit_kw,
            text_kw=text_kw,
        )

    def plot(
        self,
        ax: Axes | None = None,
        *,
        max_units: int = 12,
        cmap: str | Colormap | None = None,
        colorbar: bool = True,
        edge_kw: Style | None = None,
        unit_kw: Style | None = None,
        text_kw: Style | None = None,
    ) -> Self:
        """Draw the network.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None: a new figure.
        max_units : int, default=12
            Most units of a layer that are shown.
        cmap : str or matplotlib Colormap, default=None
            Colors of weights.
        colorbar : bool, default=True
            Whether to say what the colors mean.
        edge_kw, unit_kw, text_kw : dict, default=None
            Keyword arguments of edges, units and texts.

        Returns
        -------
        display : NetworkDisplay
            This object.
        """
        require_matplotlib(f"{type(self).__name__}.plot")
        import matplotlib.pyplot as plt
        from matplotlib.colors import Normalize
        from matplotlib.text import Text

        if max_units < 2:
            raise ValueError(f"max_units={max_units}; allowed are 2 and more.")
        shown = [shown_units(layer.units, max_units) for layer in self.layers]
        rows = max(len(units) for units in shown)
        lines = max(len(layer.lines) for layer in self.layers)
        if ax is None:
            width = 1.6 * len(shown) + 1.0 * bool(self.layers[0].names) + 1.0 * bool(self.layers[-1].names) + colorbar
            _, ax = plt.subplots(figsize=(max(width, 4.0), 0.3 * rows + 0.2 * lines + 0.8), layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        self._given_text = merged(Text, text_kw or {})
        look = {"fontsize": FONT_SIZE, "ha": "center", "va": "center", "parse_math": False}  # a $ in a name is a $
        self._text_style = look | self._given_text
        # Of units that are not shown the weights are not, either.
        parts = [
            weights[np.ix_(*(units[units >= 0] for units in ends))]
            for weights, ends in zip(self.weights, pairwise(shown), strict=True)
        ]
        largest = max((np.abs(part).max() for part in parts), default=0.0) or 1.0
        colors = {"norm": Normalize(-largest, largest), "cmap": cmap or faint_at_0()}
        self.edges_ = [
            self._draw_edges(place, part, shown[place : place + 2], colors, edge_kw or {})
            for place, part in enumerate(parts)
        ]
        self.units_ = [self._draw_units(place, units, unit_kw or {}) for place, units in enumerate(shown)]
        self.colorbar_ = None
        if colorbar:
            self.colorbar_ = ax.figure.colorbar(self.edges_[0], ax=ax, label="weight", shrink=0.6, aspect=30, pad=0.02)
        self._write(rows)
        return self

    def _draw_edges(self, place, weights, shown, colors, style):
        """Lines between two layers, the strongest last."""
        from matplotlib.collections import LineCollection

        starts, ends = (heights(units)[units >= 0] for units in shown)
        order = np.argsort(np.abs(weights), axis=None)
        tail, head = np.unravel_index(order, weights.shape)
        lines = np.empty((weights.size, 2, 2))
        lines[:, 0, 0], lines[:, 0, 1] = place * COLUMN, starts[tail]
        lines[:, 1, 0], lines[:, 1, 1] = (place + 1) * COLUMN, ends[head]
        edges = LineCollection(lines, **merged(LineCollection, {"linewidths": 1.0, "zorder": 1}, colors, style))
        edges.set_array(np.asarray(weights.ravel()[order], dtype=float))
        return self.ax_.add_collection(edges)

    def _draw_units(self, place, units, style):
        """Circles, with three dots in the place of those that are not shown, and names beside."""
        from matplotlib import rcParams
        from matplotlib.collections import PathCollection

        ys = heights(units)
        face, line = self.ax_.get_facecolor(), rcParams["text.color"]
        look = {"sizes": [90.0], "facecolors": [face], "edgecolors": [line], "linewidths": 1.0, "zorder": 2}
        style = merged(PathCollection, look, style)
        sizes = style.pop("sizes")
        circles = self.ax_.scatter(np.full((units >= 0).sum(), place * COLUMN), ys[units >= 0], s=sizes, **style)
        for y in ys[units < 0]:
            self.ax_.text(place * COLUMN, y, "⋮", **{**self._text_style, "fontsize": 14})
        names, left = self.layers[place].names, place == 0
        for unit, y in zip(units, ys, strict=True) if len(names) else ():
            if unit >= 0:
                beside = {"xytext": (-9.0 if left else 9.0, 0.0), "textcoords": "offset points"}
                style = {**self._text_style, "ha": "right" if left else "left"}
                self.ax_.annotate(shortened(names[unit]), (place * COLUMN, y), **beside, **style)
        return circles

    def _write(self, rows):
        """What is to be read below the layers, and the title; room for all."""
        bottom = -0.5 * ROW * rows - 0.3
        longest = max(len(line) for layer in self.layers for line in layer.lines)
        points = 72.0 * self.figure_.get_figwidth() * self.ax_.get_position().width / len(self.layers)
        fitting = min(FONT_SIZE, points / (CHARACTER * longest))
        for place, layer in enumerate(self.layers):
            style = {**self._text_style, "fontsize": fitting, **self._given_text, "va": "top"}
            self.ax_.text(place * COLUMN, bottom, "\n".join(layer.lines), linespacing=1.3, **style)
        first, last = (1.5 if len(layer.names) else 0.8 for layer in (self.layers[0], self.layers[-1]))
        lines = max(len(layer.lines) for layer in self.layers)
        self.ax_.set_xlim(-first, (len(self.layers) - 1) * COLUMN + last)
        self.ax_.set_ylim(bottom - 0.65 * lines, 0.5 * ROW * rows)
        self.ax_.set_axis_off()
        if self.title:
            self.ax_.set_title(self.title, fontsize=11)


def make_layers(network, rows, feature_names, output_names):
    """The input and all layers, as they are written about."""
    units = network.layout.units
    layers = [Layer(units[0], ("input", counted(units[0], "feature")), tuple(feature_names))]
    hidden = len(network.activations)
    norm = (f"{network.layout.normalization} norm",) if network.layout.normalization else ()
    per_layer = [row for row in rows if row.activation], [row for row in rows if not row.activation]
    for place, row in enumerate(per_layer[0]):
        dropped = (f"dropout {network.dropout[place]:g}",) if place < hidden and network.dropout[place] else ()
        parameters = row.parameters + (per_layer[1][place].parameters if norm and place < hidden else 0)
        extras = (*norm, row.activation, *dropped) if place < hidden else (row.activation,)
        lines = (row.name, counted(units[place + 1], "unit"), *extras, counted(parameters, "parameter"))
        layers.append(Layer(units[place + 1], lines))
    if units[-1] == len(output_names):
        layers[-1] = layers[-1]._replace(names=tuple(output_names))
    elif len(output_names) == 2:  # one logistic unit
        layers[-1] = layers[-1]._replace(names=(output_names[1],))
    return layers


def counted(number, noun):
    """A number with its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def shortened(name):
    """A name that is not too long."""
    name = str(name)
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def shown_units(units, most):
    """The numbers of the units that are shown, from the top down; -1 stands for those that are not."""
    if units <= most:
        return np.arange(units)
    first = most - most // 2
    return np.concatenate([np.arange(first), [-1], np.arange(units - most // 2, units)])


def heights(units):
    """Where units stand, around 0."""
    return ROW * (0.5 * (len(units) - 1) - np.arange(len(units)))


def faint_at_0():
    """Colors of weights, by sign, that let every background through near 0."""
    from matplotlib.colors import LinearSegmentedColormap

    ends = [(0.0, NEGATIVE, 1.0), (0.5, NEGATIVE, 0.08), (0.5, POSITIVE, 0.08), (1.0, POSITIVE, 1.0)]
    return LinearSegmentedColormap.from_list("weights", [(place, (*color, alpha)) for place, color, alpha in ends])
