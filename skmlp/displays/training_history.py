"""Curves of a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from skmlp.displays.fitted import NOT_MEASURED, Run, networks_of, run_of
from skmlp.displays.plotting import merged, require_matplotlib
from skmlp.typing import Estimator, Style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.lines import Line2D

    OneOrManyAxes: TypeAlias = Axes | Sequence[Axes] | NDArray[np.object_]

LINES = {"training": {"linestyle": "-"}, "validation": {"linestyle": "--"}}
MEMBER = {"alpha": 0.4, "linewidth": 0.8}
BEST = {"marker": "o", "markersize": 6.0, "linestyle": "none", "markeredgewidth": 1.5, "zorder": 3}
BEST_LABEL = "best epoch"


class TrainingHistoryDisplay:
    """Loss and metrics of fits, epoch by epoch, in training and in validation.

    Use :meth:`from_estimator` to make one. All parameters are stored as attributes.

    Parameters
    ----------
    runs : dict of {str: list of Run}
        For each name the records of its networks: one, or those of the members of an ensemble. An empty name is not
        shown.
    metrics : tuple of str
        What is drawn: ``'loss'``, metrics, ``'score'`` (that of early stopping's validation data),
        ``'learning_rate'`` or ``'seconds'``.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The Axes of the first metric.
    axes_ : ndarray of matplotlib Axes
        The Axes of each metric.
    figure_ : matplotlib Figure
        The figure that holds them.
    lines_ : list of matplotlib Line2D
        The curves, in the order in which they were drawn; of an ensemble those of the members, then their mean.
    best_ : list of matplotlib Line2D
        The markers of best epochs.

    See Also
    --------
    NetworkDisplay : The network itself.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_iris
    >>> from skmlp import MLPClassifier, TrainingHistoryDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier(max_iter=20, n_iter_no_change=float("inf"), metrics=("accuracy",)).fit(X, y)
    >>> display = TrainingHistoryDisplay.from_estimator(model)
    >>> [ax.get_ylabel() for ax in display.axes_]
    ['loss', 'accuracy']
    >>> plt.close(display.figure_)
    """

    ax_: Axes
    axes_: NDArray[np.object_]
    figure_: Figure | SubFigure
    lines_: list[Line2D]
    best_: list[Line2D]

    def __init__(self, *, runs: Mapping[str, Sequence[Run]], metrics: Sequence[str]) -> None:
        self.runs = runs
        self.metrics = metrics

    @classmethod
    def from_estimator(
        cls,
        estimator: Estimator | Sequence[Estimator] | Mapping[Any, Estimator],
        *,
        metrics: str | Sequence[str] | None = None,
        name: str | None = None,
        ax: OneOrManyAxes | None = None,
        log_scale: bool = False,
        mark_best: bool = True,
        line_kw: Style | None = None,
        validation_line_kw: Style | None = None,
        best_kw: Style | None = None,
    ) -> Self:
        """Draw the training of one or several fitted estimators.

        Parameters
        ----------
        estimator : estimator, or list or dict of them
            Fitted ones of this package, or pipelines, searches and ensembles around such. A list is named by the
            classes and their places, a dict by its keys. Of an ensemble the members are thin lines, and their mean a
            thick one, as far as all of them were trained.
        metrics : str or sequence of str, default=None
            What to draw, by the names of ``history_`` without ``val_``: ``'loss'``, metrics, ``'learning_rate'``,
            ``'seconds'``, and ``'score'`` for ``validation_scores_``. None: the loss and all metrics that were
            measured or, where ``ax`` is one Axes, the loss alone.
        name : str, default=None
            Name of an only estimator in the legend, which says no more than training and validation without it.
        ax : matplotlib Axes or sequence of them, default=None
            Where to draw: one Axes for all metrics, or one for each. None: a new figure, with one for each.
        log_scale : bool, default=False
            Whether the axis of the loss is logarithmic.
        mark_best : bool, default=True
            Whether to mark the best epoch, ``best_iteration_``, on the validation curve if there is one, else on that
            of training.
        line_kw : dict, default=None
            Keyword arguments of all curves, for ``Axes.plot``.
        validation_line_kw : dict, default=None
            Those of validation curves, over ``line_kw``.
        best_kw : dict, default=None
            Those of the markers of best epochs.

        Returns
        -------
        display : TrainingHistoryDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        NotFittedError
            If an estimator is not fitted.
        TypeError
            If there is no network of this package in an estimator.
        ValueError
            If none of them measured one of the metrics, or ``ax`` holds another number of Axes than there are metrics.

        Examples
        --------
        >>> import matplotlib.pyplot as plt
        >>> from skmlp import MLPRegressor, TrainingHistoryDisplay
        >>> X, y = [[0.0], [1.0]], [0.0, 1.0]
        >>> models = {solver: MLPRegressor(solver=solver, tol=1.0).fit(X, y) for solver in ("sgd", "adam")}
        >>> display = TrainingHistoryDisplay.from_estimator(models, log_scale=True)
        >>> [line.get_label() for line in display.lines_]
        ['sgd, training', 'adam, training']
        >>> plt.close(display.figure_)
        """
        require_matplotlib(f"{cls.__name__}.from_estimator")
        runs = {each: [run_of(network) for network in networks_of(fitted)] for each, fitted in named(estimator, name)}
        records = list(chain(*runs.values()))
        measured = list(dict.fromkeys(chain(*(run.metrics for run in records))))
        if metrics is None:
            metrics = measured if ax is None or np.iterable(ax) else ["loss"]
        metrics = (metrics,) if isinstance(metrics, str) else tuple(metrics)
        unknown = [metric for metric in metrics if not any(run.curves(metric) for run in records)]
        if unknown or not metrics:
            allowed = [*measured, *NOT_MEASURED]
            raise ValueError(f"metrics={list(metrics)}: not measured are {unknown}; allowed are any of {allowed}.")
        return cls(runs=runs, metrics=metrics).plot(
            ax,
            log_scale=log_scale,
            mark_best=mark_best,
            line_kw=line_kw,
            validation_line_kw=validation_line_kw,
            best_kw=best_kw,
        )

    def plot(
        self,
        ax: OneOrManyAxes | None = None,
        *,
        log_scale: bool = False,
        mark_best: bool = True,
        line_kw: Style | None = None,
        validation_line_kw: Style | None = None,
        best_kw: Style | None = None,
    ) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes or sequence of them, default=None
            One Axes for all metrics, or one for each. None: a new figure.
        log_scale : bool, default=False
            Whether the axis of the loss is logarithmic.
        mark_best : bool, default=True
            Whether to mark best epochs.
        line_kw, validation_line_kw, best_kw : dict, default=None
            Keyword arguments of all curves, of validation curves, and of the markers of best epochs.

        Returns
        -------
        display : TrainingHistoryDisplay
            This object.
        """
        require_matplotlib(f"{type(self).__name__}.plot")
        from matplotlib.lines import Line2D

        self.axes_ = make_axes(ax, self.metrics)
        self.ax_ = self.axes_[0]
        self.figure_ = self.ax_.figure
        self.lines_, self.best_ = [], []
        every = merged(Line2D, line_kw or {})
        self._styles = {
            part: merged(Line2D, style, every, (validation_line_kw or {}) if part == "validation" else {})
            for part, style in LINES.items()
        }
        self._best_style = merged(Line2D, BEST, best_kw or {}) if mark_best else None
        self._shared = len(self.metrics) > 1 and len(set(self.axes_)) == 1
        for name, runs in self.runs.items():
            color = None
            for axes, metric in zip(self.axes_, self.metrics, strict=True):
                color = self._draw(axes, name, metric, runs, None if self._shared else color)
        self._label(log_scale)
        return self

    def _draw(self, axes, name, metric, runs, color):
        """Curves of a metric; the first takes its color of the Axes, if none is given, and all have the same."""
        for part in LINES:
            curves = [run.curves(metric)[part] for run in runs if part in run.curves(metric)]
            if not curves:
                continue
            ends = [run.n_epochs for run in runs if part in run.curves(metric)]
            label = ", ".join(filter(None, [name, metric if self._shared else "", part]))
            lines = [(end, values, MEMBER) for end, values in zip(ends, curves, strict=True)] if len(runs) > 1 else []
            shortest = min(map(len, curves))
            mean = np.mean([values[:shortest] for values in curves], axis=0)
            lines.append((shortest if len(runs) > 1 else ends[0], mean, {"label": label}))
            for end, values, look in lines:
                style = {**({"color": color} if color else {}), **self._styles[part], **look}
                if len(values) == 1:  # a line of one point would not be seen
                    style.setdefault("marker", ".")
                (line,) = axes.plot(np.arange(end - len(values), end) + 1, values, **style)
                self.lines_.append(line)
                color = color or line.get_color()
        if self._best_style is not None:
            for run in runs:
                self._mark(axes, metric, run, color)
        return color

    def _mark(self, axes, metric, run, color):
        """Mark the best epoch on the validation curve, or on that of training where there is none."""
        values = list(run.curves(metric).values())[-1:]
        place = (run.best or 0) - 1 - run.n_epochs  # counted from the end, for the first epochs may be missing
        if run.best and values and -place <= len(values[0]):
            style = {"color": color, "markerfacecolor": axes.get_facecolor(), **self._best_style}
            if BEST_LABEL not in axes.get_legend_handles_labels()[1]:
                style.setdefault("label", BEST_LABEL)
            self.best_ += axes.plot([run.best], [values[0][place]], **style)

    def _label(self, log_scale):
        from matplotlib.ticker import MaxNLocator

        units = sorted({run.unit for run in chain(*self.runs.values())})
        for axes, metric in zip(self.axes_, self.metrics, strict=True):
            axes.set_xlabel(" or ".join(units))
            axes.set_ylabel(", ".join(self.metrics) if self._shared else metric.replace("_", " "))
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
            if log_scale and metric == "loss":
                axes.set_yscale("log")
            entries = zip(*axes.get_legend_handles_labels(), strict=True)
            legend = axes.legend(*zip(*sorted(entries, key=lambda entry: entry[1] == BEST_LABEL), strict=True))
            for text in legend.get_texts():
                text.set_parse_math(False)  # a $ in a name is a $


def named(estimator, name):
    """Pairs of names and estimators."""
    if isinstance(estimator, Mapping):
        pairs = [(str(key), fitted) for key, fitted in estimator.items()]
    elif isinstance(estimator, list | tuple):
        pairs = [(f"{type(fitted).__name__} {place}", fitted) for place, fitted in enumerate(estimator, start=1)]
    else:
        return [(name or "", estimator)]
    if name is not None or not pairs:
        raise ValueError(
            f"name={name!r} with {len(pairs)} estimators: give one estimator with a name, or a dict of them by name."
        )
    return pairs


def make_axes(ax, metrics):
    """The Axes of each metric."""
    import matplotlib.pyplot as plt

    if ax is None:
        n = len(metrics)
        size = None if n == 1 else (4.8 * n, 4.0)
        return plt.subplots(1, n, figsize=size, layout="constrained", squeeze=False)[1][0]
    if not np.iterable(ax):
        return np.array([ax] * len(metrics), dtype=object)
    axes = np.asarray(ax, dtype=object).ravel()
    if len(axes) != len(metrics):
        raise ValueError(f"ax holds {len(axes)} Axes, but there are {len(metrics)} metrics: {list(metrics)}.")
    return axes
