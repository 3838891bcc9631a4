"""Draws the pictures of the how-to pages, by running their code in this folder: ``python docs/images/draw.py``.

The code of a page saves its pictures where it runs. A minute.
"""

import os
import re
from pathlib import Path

import matplotlib
from PIL import Image

IMAGES = Path(__file__).resolve().parent
PAGES = ("pictures.md", "explaining.md")
LOOK = {"savefig.dpi": 110, "font.size": 9.0}


def draw(page):
    """Run the Python blocks of a page, one after the other, and make the files of its pictures small."""
    text = (IMAGES.parent / "howto" / page).read_text(encoding="utf-8")
    namespace = {"__name__": "__main__"}
    for block in re.findall(r"^```python\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE):
        exec(compile(block, page, "exec"), namespace)
    for name in re.findall(r"\]\(\.\./images/([\w-]+\.png)\)", text):
        Image.open(name).convert("RGB").quantize(64, dither=Image.Dither.NONE).save(name, optimize=True)
        print(name)


if __name__ == "__main__":
    matplotlib.use("Agg")
    matplotlib.rcParams.update(LOOK)
    os.chdir(IMAGES)
    for page in PAGES:
        draw(page)
