"""What a notebook shows of a fitted estimator: scikit-learn's diagram, the network as a table, the loss as a curve."""

from html import escape

import numpy as np
from sklearn.exceptions import NotFittedError

from skmlp.displays.fitted import networks_of, run_of
from skmlp.network.summary import COLUMNS, summary_rows

MOST_ROWS, MOST_POINTS = 12, 200  # of the table, and of a curve
WIDTH, HEIGHT = 420, 150
LEFT, RIGHT, TOP, BOTTOM = 70, 412, 10, 122  # of the curves
LEGEND = 240
COLORS = {"training": "#3b82c4", "validation": "#d9701a"}  # seen on white and on black
DASHES = {"training": "", "validation": ' stroke-dasharray="5 3"'}
WIDE_RANGE = 50.0  # largest over smallest loss from which on the axis is logarithmic
STYLE = """\
.skmlp-fit{margin:.6em 0;font-family:sans-serif;font-size:13px}\
.skmlp-fit summary{cursor:pointer;padding:.2em 0}\
.skmlp-fit table{border-collapse:collapse;font-size:13px;color:inherit;margin:.2em 0 .6em 1em}\
.skmlp-fit th,.skmlp-fit td{padding:.1em .8em .1em 0;text-align:left;color:inherit}\
.skmlp-fit :is(th,td):last-child{text-align:right;padding-right:0}\
.skmlp-fit svg{display:block;margin-left:1em;max-width:100%}\
.skmlp-fit text{fill:currentColor;font-size:11px}"""


class FittedHTMLMixin:
    """Adds the network and its training to scikit-learn's diagram, once the estimator is fitted."""

    def _repr_html_inner(self):
        return super()._repr_html_inner() + fitted_html(self)

    def _repr_mimebundle_(self, **kwargs):
        bundle = super()._repr_mimebundle_(**kwargs)
        if "text/html" in bundle:
            bundle["text/html"] += fitted_html(self)
        return bundle


def fitted_html(estimator):
    """The network and its training as HTML; nothing if the estimator is not fitted."""
    try:
        networks = networks_of(estimator)
    except NotFittedError:
        return ""
    rows, total = summary_rows(networks[0]._network)
    of = f"one of {len(networks)} networks" if len(networks) > 1 else "network"
    return (
        f'<div class="skmlp-fit"><style>{STYLE}</style>'
        f"<details open><summary>{of.capitalize()}: {total:,} parameters</summary>{table(rows, total)}</details>"
        f"{training([run_of(network) for network in networks])}</div>"
    )


def table(rows, total):
    """The table of the layers; of many the first and the last."""
    cells = [(*row[:3], f"{row.parameters:,}") for row in rows]
    if len(cells) > MOST_ROWS:
        half = MOST_ROWS // 2
        cells[half:-half] = [(f"… {len(cells) - 2 * half:,} more", "", "", "")]
    lines = [line("th", COLUMNS), *(line("td", row) for row in cells), line("td", ("total", "", "", f"{total:,}"))]
    return f"<table>{''.join(lines)}</table>"


def line(tag, cells):
    """A row of a table."""
    return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"


def training(runs):
    """The loss in training and in validation; of an ensemble the mean, as far as all were trained."""
    curves = {}
    for part in COLORS:
        found = [run.curves("loss")[part] for run in runs if part in run.curves("loss")]
        if found:
            curves[part] = np.mean([values[: min(map(len, found))] for values in found], axis=0)
    if not any(np.isfinite(values).any() for values in curves.values()):
        return ""
    n_epochs, unit = max(map(len, curves.values())), runs[0].unit
    best = runs[0].best if len(runs) == 1 else None
    said = f"Training: {n_epochs:,} {unit}{'' if n_epochs == 1 else 's'}"
    said += f", the best {best:,}" if best else ""
    said += f", mean of {len(runs)} networks" if len(runs) > 1 else ""
    return f"<details open><summary>{said}</summary>{LossPicture(curves, best).svg(said)}</details>"


class LossPicture:
    """Curves of the loss by their names, as an inline SVG; ``best`` is the epoch to mark on the last one, or None."""

    def __init__(self, curves, best):
        self.curves, self.best = curves, best
        finite = np.concatenate([values[np.isfinite(values)] for values in curves.values()])
        self.low, self.high = finite.min(), finite.max()
        self.n_epochs = max(map(len, curves.values()))
        self.logarithmic = self.low > 0.0 and self.high > WIDE_RANGE * self.low
        self.scale = np.log if self.logarithmic else np.asarray

    def svg(self, said):
        """The picture; ``said`` is what it is for those who cannot see it."""
        size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
        axes = f'<path d="M{LEFT},{TOP}V{BOTTOM + 4}H{RIGHT}" fill="none" stroke="currentColor" opacity=".4"/>'
        curves = "".join(self.curve(number, name) for number, name in enumerate(self.curves))
        return f'<svg {size} role="img" aria-label="{escape(said)}">{axes}{curves}{self.labels()}</svg>'

    def place(self, epoch):
        """Where the losses of an epoch are, for a function of the loss."""
        x = LEFT + (RIGHT - LEFT) * (epoch - 1) / max(self.n_epochs - 1, 1)
        bottom, top = self.scale(self.low), self.scale(self.high)
        return lambda loss: (x, BOTTOM - (BOTTOM - TOP) * (self.scale(loss) - bottom) / ((top - bottom) or 1.0))

    def curve(self, number, name):
        """A curve, through some of its points where there are many, and its entry in the legend."""
        values, color = self.curves[name], COLORS[name]
        epochs = np.flatnonzero(np.isfinite(values)) + 1
        if len(epochs) > MOST_POINTS:
            epochs = epochs[np.linspace(0, len(epochs) - 1, MOST_POINTS).round().astype(int)]
        points = [self.place(epoch)(values[epoch - 1]) for epoch in epochs]
        look = f'fill="none" stroke="{color}" stroke-width="1.6"{DASHES[name]}'
        dots = points if len(points) == 1 else []
        if self.best and name == list(self.curves)[-1] and np.isfinite(values[self.best - 1]):
            dots = [self.place(self.best)(values[self.best - 1])]
        x, y = LEGEND + 90 * number, TOP + 4
        return (
            f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}" {look}/>'
            + "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in dots)
            + f'<path d="M{x},{y}h18" {look}/>{text(x + 22, y + 4, name)}'
        )

    def labels(self):
        """What is written at the axes."""
        loss = "loss (log)" if self.logarithmic else "loss"
        return (
            (text(LEFT - 6, TOP + 6, f"{self.high:.3g}", "end") if self.high > self.low else "")
            + text(LEFT - 6, (TOP + BOTTOM) / 2 + 4, loss, "end")
            + text(LEFT - 6, BOTTOM + 4, f"{self.low:.3g}", "end")
            + text(LEFT, HEIGHT - 4, "1")
            + (text(RIGHT, HEIGHT - 4, f"{self.n_epochs:,}", "end") if self.n_epochs > 1 else "")
        )


def text(x, y, content, anchor="start"):
    """A text."""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(content)}</text>'
