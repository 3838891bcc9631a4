"""What training prints: nothing, a line for each epoch, or one line that is redrawn."""

import multiprocessing
import shutil
import sys
import threading
import time
from datetime import timedelta

INTERVAL = 0.1  # seconds between two drawings
SHORTEST, LONGEST = 10, 30  # length of a bar, in columns


class Report:
    """Prints nothing. A context: training goes on within it."""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def epoch(self, number, entry, score=None):
        """Take the entry of an epoch in the history, and with early stopping its validation score."""

    def message(self, text):
        """Take a sentence on the course of training."""


class Lines(Report):
    """A line for each epoch, as scikit-learn's MLP prints it."""

    def epoch(self, number, entry, score=None):
        """Print at once."""
        print(f"Iteration {number}, loss = {entry['loss']:.8f}")
        if score is not None:
            print(f"Validation score: {score:f}")

    def message(self, text):
        """Print at once."""
        print(text)


class Bar(Report):
    """A bar with loss, validation value and time left; it ends with a line end, however training does.

    Parameters
    ----------
    max_iter : int
        Epochs of a full bar.
    monitor : str
        What early stopping watches.
    """

    def __init__(self, max_iter, monitor):
        self._max_iter, self._monitor = max_iter, monitor
        self._number, self._values = 0, {}
        self._open, self._length = True, 0

    def __enter__(self):
        self._started = time.monotonic()
        self._draw()
        return self

    def __exit__(self, *error):
        self._close()

    def epoch(self, number, entry, score=None):
        """Draw, unless that was done a moment ago."""
        self._open, self._number = True, number
        self._values = {"loss": entry["loss"], **watched(entry, score, self._monitor)}
        if time.monotonic() - self._drawn >= INTERVAL:
            self._draw()

    def message(self, text):
        """Print below the bar; another epoch begins a new one."""
        self._close()
        print(text)

    def _close(self):
        if self._open:
            self._draw(closing=True)
            print()
            self._open, self._length = False, 0

    def _draw(self, closing=False):
        width = shutil.get_terminal_size().columns - 1  # some terminals wrap after the last column
        line = self._line(width, *self._time(closing))
        print("\r" + line.ljust(min(self._length, width)), end="", flush=True)
        self._length, self._drawn = len(line), time.monotonic()

    def _line(self, width, *clock):
        """The line for a width: with a bar, or where that would be too short, as much of the rest as there is room."""
        count = f"{self._number}/{self._max_iter}"
        rest = " ".join([*self._words(4), *clock])
        length = min(width - len(f"{count} [] {rest}"), LONGEST)
        if length >= SHORTEST:
            done = length * self._number // self._max_iter
            return f"{count} [{'#' * done}{'.' * (length - done)}] {rest}"
        parts = [count, *self._words(3), *clock[:1]]
        while len(parts) > 1 and len(" ".join(parts)) > width:
            parts.pop()
        return " ".join(parts)

    def _words(self, digits):
        return [f"{name} {value:.{digits}g}" for name, value in self._values.items()]

    def _time(self, closing):
        """Time left, in words; of a bar that is closed, time taken; nothing before the first epoch."""
        elapsed = time.monotonic() - self._started
        if closing:
            return [as_clock(elapsed)]
        if self._number == 0:
            return []
        return [as_clock(elapsed / self._number * (self._max_iter - self._number)), "left"]


def watched(entry, score, monitor):
    """What is known of validation data, a dict of one entry or none: what is monitored, else the loss."""
    if score is not None and monitor == "auto":
        return {"score": score}
    name = "val_loss" if score is None or monitor == "loss" else monitor
    return {name: entry[name]} if name in entry else {}


def as_clock(seconds):
    """Minutes and seconds, and hours if there are any: 0:07, 12:34, 1:00:00."""
    return str(timedelta(seconds=round(seconds))).removeprefix("0:").removeprefix("0")


def can_redraw(stream):
    """Whether it is a terminal or a notebook, and no other thread or process is likely to write to it meanwhile."""
    alone = threading.current_thread() is threading.main_thread() and multiprocessing.parent_process() is None
    return alone and (getattr(stream, "isatty", bool)() or type(stream).__module__.startswith("ipykernel"))


def make_report(verbose, max_iter, monitor):
    """The report for a level of ``verbose``, on the standard output of this moment."""
    if not verbose:
        return Report()
    if verbose == 1 and max_iter > 1 and can_redraw(sys.stdout):
        return Bar(max_iter, monitor)
    return Lines()
