"""What training prints: which report is used where, and what a bar looks like on a screen."""

import io
import multiprocessing
import os
import re
import sys
import threading
import warnings
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from skmlp.training import report
from skmlp.training.report import Bar, Lines, Report, as_clock, make_report, watched
from tests.training.test_lbfgs import QuadraticRun, minimise
from tests.training.test_trainer import Training


class Terminal(io.StringIO):
    """Text written to a terminal."""

    def isatty(self):
        return True

    def drawings(self):
        """What was drawn, one by one: each is what stands between a carriage return and the next, or a line end."""
        return re.findall(r"\r([^\r\n]*)", self.getvalue())

    def screen(self):
        """The lines that are to be seen: what comes after a carriage return goes over what stood there."""
        lines = []
        for line in self.getvalue().split("\n"):
            seen = ""
            for part in line.split("\r"):
                seen = part + seen[len(part) :]
            lines.append(seen.rstrip())
        return lines


@pytest.fixture
def terminal(monkeypatch):
    """A terminal of 100 columns in the place of the standard output, which pytest itself replaces."""
    stream = Terminal()
    monkeypatch.setattr(report, "sys", SimpleNamespace(stdout=stream))
    monkeypatch.setattr(report, "print", partial(print, file=stream), raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    return stream


@pytest.fixture
def clock(monkeypatch):
    """The time of the module, which stands still until it is set."""
    moment = SimpleNamespace(now=0.0)
    monkeypatch.setattr(report, "time", SimpleNamespace(monotonic=lambda: moment.now))
    return moment


def epochs(bar, clock, losses, seconds=1.0, **entry):
    """Report epochs of so many seconds each."""
    for number, loss in enumerate(losses, 1):
        clock.now += seconds
        bar.epoch(number, {"loss": loss, **entry})


# ---------------------------------------------------------------------------------------------------------------------
# Which report
# ---------------------------------------------------------------------------------------------------------------------


class NotebookStream(io.StringIO):
    """What a notebook's kernel has for standard output: it is no terminal, but carriage returns work."""


NotebookStream.__module__ = "ipykernel.iostream"


@pytest.mark.parametrize("verbose, expected", [(0, Report), (False, Report), (1, Bar), (True, Bar), (2, Lines)])
def test_on_a_terminal_by_the_level_of_verbose(terminal, verbose, expected):
    assert type(make_report(verbose, 10, "auto")) is expected


@pytest.mark.parametrize(
    "stream, expected", [(io.StringIO(), Lines), (NotebookStream(), Bar), (Terminal(), Bar), (None, Lines)]
)
def test_a_bar_where_a_line_can_be_redrawn(monkeypatch, stream, expected):
    monkeypatch.setattr(sys, "stdout", stream)
    assert type(make_report(1, 10, "auto")) is expected


def test_lines_for_a_single_epoch(terminal):
    assert type(make_report(1, 1, "auto")) is Lines


def test_lines_in_other_threads(terminal):
    made = []
    thread = threading.Thread(target=lambda: made.append(make_report(1, 10, "auto")))
    thread.start()
    thread.join()
    assert [type(each) for each in made] == [Lines]


def test_lines_in_other_processes(terminal, monkeypatch):
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: object())
    assert type(make_report(1, 10, "auto")) is Lines


# ---------------------------------------------------------------------------------------------------------------------
# The bar
# ---------------------------------------------------------------------------------------------------------------------


def test_shows_epoch_loss_validation_and_time_left(terminal, clock):
    with Bar(40, "auto") as bar:
        epochs(bar, clock, [0.5] * 9, val_loss=0.61)
        clock.now += 1.0
        bar.epoch(10, {"loss": 0.43214, "val_loss": 0.6123456})
        shown = terminal.screen()
    assert shown == ["10/40 [#######.......................] loss 0.4321 val_loss 0.6123 0:30 left"]
    assert terminal.screen() == ["10/40 [#######.......................] loss 0.4321 val_loss 0.6123 0:10", ""]


def test_is_there_before_the_first_epoch(terminal, clock):
    with Bar(40, "auto"):
        assert terminal.screen() == ["0/40 [..............................]"]


@pytest.mark.parametrize(
    "columns, expected",
    [
        (100, "100/200 [###############...............] loss 0.4321 score 0.8123 1:40 left"),
        (60, "100/200 [#######.......] loss 0.4321 score 0.8123 1:40 left"),
        (56, "100/200 [#####.....] loss 0.4321 score 0.8123 1:40 left"),
        (55, "100/200 loss 0.432 score 0.812 1:40"),
        (40, "100/200 loss 0.432 score 0.812 1:40"),
        (33, "100/200 loss 0.432 score 0.812"),
        (20, "100/200 loss 0.432"),
        (10, "100/200"),
    ],
)
def test_fits_the_width(terminal, clock, monkeypatch, columns, expected):
    monkeypatch.setenv("COLUMNS", str(columns))
    with Bar(200, "auto") as bar:
        clock.now = 100.0
        bar.epoch(100, {"loss": 0.43214}, 0.81234)
        assert terminal.screen() == [expected]


def test_is_never_as_wide_as_the_terminal(terminal, clock, monkeypatch):
    for columns in range(12, 120):
        monkeypatch.setenv("COLUMNS", str(columns))
        with Bar(200, "auto") as bar:
            epochs(bar, clock, np.geomspace(1e6, 1e-6, 200), val_loss=np.inf)
        assert max(map(len, terminal.drawings())) < columns
        terminal.truncate(0)


def test_leaves_nothing_of_a_longer_line_behind(terminal, clock):
    with Bar(3, "auto") as bar:
        epochs(bar, clock, [1.2345e-10, 1.0])
        assert terminal.screen() == ["2/3 [####################..........] loss 1 0:01 left"]


def test_is_drawn_ten_times_a_second_at_most_but_for_its_end(terminal, clock):
    with Bar(10000, "auto") as bar:
        epochs(bar, clock, [1.0] * 5000, seconds=0.001)
    assert 40 <= len(terminal.drawings()) <= 52
    assert terminal.screen()[0].startswith("5000/10000 ")


def test_ends_with_one_line_end_whatever_happens(terminal, clock):
    with pytest.raises(RuntimeError), Bar(10, "auto") as bar:
        epochs(bar, clock, [3.0, 2.0], seconds=0.01)
        raise RuntimeError
    assert terminal.screen() == ["2/10 [######........................] loss 2 0:00", ""]


def test_messages_have_lines_of_their_own(terminal, clock):
    with Bar(4, "auto") as bar:
        epochs(bar, clock, [3.0, 2.0])
        bar.message("Half the rate.")
        clock.now += 1.0
        bar.epoch(3, {"loss": 1.0})
        bar.message("Stopping.")
    assert terminal.screen() == [
        "2/4 [###############...............] loss 2 0:02",
        "Half the rate.",
        "3/4 [######################........] loss 1 0:03",
        "Stopping.",
        "",
    ]


@pytest.mark.parametrize(
    "score, monitor, expected",
    [
        (None, "auto", {"val_loss": 2.0}),
        (None, "accuracy", {"val_loss": 2.0}),
        (0.5, "auto", {"score": 0.5}),
        (0.5, "accuracy", {"accuracy": 3.0}),
        (0.5, "loss", {"val_loss": 2.0}),
        (0.5, "val_loss", {"val_loss": 2.0}),
    ],
)
def test_of_validation_data_is_shown_what_is_monitored(score, monitor, expected):
    assert watched({"loss": 1.0, "val_loss": 2.0, "accuracy": 3.0}, score, monitor) == expected


def test_without_validation_data_nothing_is_shown_of_them():
    assert watched({"loss": 1.0, "accuracy": 3.0}, None, "auto") == {}


@pytest.mark.parametrize(
    "seconds, expected", [(0, "0:00"), (7.4, "0:07"), (59.6, "1:00"), (754, "12:34"), (3600, "1:00:00")]
)
def test_time_in_minutes_and_hours(seconds, expected):
    assert as_clock(seconds) == expected


# ---------------------------------------------------------------------------------------------------------------------
# Training on a terminal
# ---------------------------------------------------------------------------------------------------------------------


def test_training_is_one_line_and_the_reason_of_its_end(terminal):
    Training([1.5, 2.0, 2.0, 2.0], [0.5, 0.25, 0.25], n_iter_no_change=1, tol=0.01, verbose=1).fit()
    assert terminal.screen() == [
        "3/4 [######################........] loss 2 score 0.25 0:00",
        "Validation score did not improve more than tol=0.010000 for 1 consecutive epochs. Stopping.",
        "",
    ]


def test_warnings_come_after_the_line_end(terminal):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = lambda message, *_: terminal.write(f"{str(message).split(':')[0]}\n")
        Training([1.0, 0.5], n_iter_no_change=5, verbose=1).fit()
        Training([3.0, 2.0, KeyboardInterrupt()], verbose=1).fit()
    assert terminal.screen() == [
        "2/2 [##############################] loss 0.5 0:00",
        "Stochastic Optimizer",
        "2/3 [####################..........] loss 2 0:00",
        "Training interrupted by user.",
        "",
    ]


def test_an_error_leaves_a_clean_line(terminal):
    with pytest.raises(RuntimeError):
        Training([3.0, RuntimeError(), 1.0], verbose=1).fit()
    assert terminal.screen() == ["1/3 [##########....................] loss 3 0:00", ""]


def test_partial_fits_print_lines(terminal):
    training = Training([3.0, 2.0], max_iter=10, verbose=1)
    for _ in range(2):
        training.trainer.partial_fit()
    assert terminal.screen() == ["Iteration 1, loss = 3.00000000", "Iteration 1, loss = 2.00000000", ""]


def test_lbfgs_is_one_line_too(terminal):
    progress = minimise(QuadraticRun(), verbose=1)
    line, end = terminal.screen()
    assert line.startswith(f"{progress.n_iter}/50 [#") and end == ""


def test_verbose_2_prints_lines_on_a_terminal(terminal):
    Training([3.0, 2.0], verbose=2).fit()
    assert terminal.screen() == ["Iteration 1, loss = 3.00000000", "Iteration 2, loss = 2.00000000", ""]


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="there are no pseudo-terminals")
def test_on_a_pseudo_terminal(monkeypatch):
    reader, writer = os.openpty()
    with open(writer, "w", encoding="utf-8") as stream, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        Training([3.0, 2.0, 1.0], verbose=1).fit()
        stream.flush()
        written = ""
        while not written.endswith("\n"):  # what was written comes in pieces
            written += os.read(reader, 1000).decode()
    os.close(reader)
    assert written.startswith("\r0/3 [") and "\r3/3 [" in written
