"""What the scripts share for show: the command line, and tables as text on the screen and as CSV in a file."""

import argparse
import csv
import platform
import sys
from importlib.metadata import distributions, version
from pathlib import Path


def options(description, runs):
    """Command line with what every script takes: the number of runs, and the file for the table."""
    script = Path(sys.argv[0]).stem
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=runs)
    parser.add_argument("--out", default=f"{script}.csv")
    return parser


def describe_machine():
    """Processor, Python and the versions that decide the speed."""
    names = ("skmlp", "scikit-learn", "numba", "numpy", "scipy", "torch", "jax", "keras", "skorch")
    installed = {distribution.metadata["Name"] for distribution in distributions()}
    packages = ", ".join(f"{name} {version(name)}" for name in names if name in installed)
    processor = platform.processor() or platform.machine()
    for line in _lines("/proc/cpuinfo"):
        if line.startswith("model name"):
            processor = line.split(":", 1)[1].strip()
            break
    return f"{processor}; Python {platform.python_version()}; {packages}"


def _lines(path):
    return Path(path).read_text().splitlines() if Path(path).exists() else []


def show(header, rows, path, part=""):
    """Print a Markdown table of strings and write it as CSV to ``path``, where ``part`` is added to the file's name."""
    path = Path(path)
    path = path.with_stem(f"{path.stem}_{part}") if part else path
    print(markdown(header, rows))
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    print(f"written to {path}")


def markdown(header, rows):
    """A Markdown table of strings."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    lines = [header, ["-" * width for width in widths], *rows]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in lines
    )
