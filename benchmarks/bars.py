"""A picture of bars that are told apart by grey and pattern, without colours."""

from io import BytesIO
from pathlib import Path

LOOKS = [
    *((0.35, ""), (1.0, "////"), (0.7, ""), (1.0, "\\\\\\\\"), (0.88, ""), (1.0, "...."), (0.55, "")),
    *((1.0, "xxx"), (0.8, "///"), (1.0, "+++"), (1.0, "")),
]
"""Grey, 0 is black, and pattern."""
LEAST = 4.0  # percent that have room for their number


def draw_bars(bars, names, label, path):
    """One bar a row, made of shares in percent, by name; the figure goes to a file."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch
    from PIL import Image

    looks = {
        name: {"facecolor": str(grey), "hatch": hatch, "edgecolor": "black", "linewidth": 0.6}
        for name, (grey, hatch) in zip(names, LOOKS, strict=True)
    }
    figure = Figure(figsize=(9.5, 0.4 * len(bars) + 1.5), layout="constrained")
    axes = figure.subplots()
    for place, shares in enumerate(bars.values()):
        left = 0.0
        for name, share in shares.items():
            axes.barh(place, share, left=left, height=0.7, **looks[name])
            if share >= LEAST:
                box = {"facecolor": "white", "edgecolor": "none", "pad": 1.2}
                axes.text(left + share / 2, place, f"{share:.0f}", ha="center", va="center", fontsize=8, bbox=box)
            left += share
    axes.set_yticks(range(len(bars)), list(bars))
    axes.set(xlim=(0, 100), ylim=(len(bars) - 0.5, -0.5), xlabel=label)
    handles = [Patch(label=name, **look) for name, look in looks.items()]
    figure.legend(handles=handles, loc="outside upper center", ncols=4, fontsize=9, frameon=False)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    written = BytesIO()
    figure.savefig(written, dpi=110)
    Image.open(written).convert("L").quantize(32).save(path, optimize=True)  # a small file
