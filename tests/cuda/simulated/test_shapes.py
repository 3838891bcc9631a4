"""Networks and batches of any shape, also where they fill no tile, or several."""

from dataclasses import replace

import numpy as np
import pytest

from skmlp.cuda import training
from skmlp.cuda.launch import Launching
from skmlp.cuda.memory import Workspace
from skmlp.network.layout import Layout, Network
from tests.cpu.problem import make_problem, networks
from tests.cuda.simulated.both import PHASES, assert_follows_cpu, assert_identical, assert_near, on_cuda, reals, trained

CLIPPED = {"clip_norm": 0.3, "weight_decay": 0.1}
OWN_TILE = Launching()


@networks
@reals
def test_networks(network, real):
    assert_follows_cpu(make_problem(rows=7, **network), real, epochs=1)


@pytest.mark.parametrize("units", [(17, 9, 11), (8, 8, 8), (7, 16, 1), (1, 1, 9), (5, 3, 7, 1, 3, 2)], ids=str)
def test_widths_of_tiles_and_beside_them(units):
    n_in, *hidden, outputs = units
    activations = ("tanh", "gelu", "relu", "logistic")
    problem = make_problem(activations=activations, rows=9, n_in=n_in, hidden=tuple(hidden), outputs=outputs)
    assert_follows_cpu(problem, launching=OWN_TILE, epochs=1)
    assert_follows_cpu(problem, launching=PHASES, epochs=1)


@pytest.mark.parametrize("batch_size", [1, 5, 8, 9, 13, 200])
@reals
def test_batches_of_any_size(batch_size, real):
    """The last one shorter, of more rows than a tile, and of fewer rows than asked for."""
    problem = make_problem(rows=13, n_in=3, hidden=(4,))
    assert_follows_cpu(problem, real, launching=OWN_TILE, batch_size=batch_size, epochs=1)


def test_an_epoch_of_a_part_of_the_rows_and_of_some_twice():
    problem = make_problem(rows=9, hidden=(3,))
    runs = [each.run(batch_size=3, solver="adam") for each in (problem, on_cuda(problem))]
    expected, loss = (run.run_epoch(np.array([7, 2, 2, 5, 8]), np.array([0.03, 0.02])) for run in runs)
    assert loss == pytest.approx(expected, rel=1e-10)
    assert_near(runs[1].parameters, runs[0].parameters, "float64")


SLICED = {
    "plain": {},
    "batch": {"normalization": "batch"},
    "layer": {"normalization": "layer"},
    "features": {"scaled": True, "rates": {"feature_rate": 2.0}},
}


@pytest.mark.parametrize("kind", SLICED.values(), ids=SLICED)
@pytest.mark.parametrize("rows_of_slice", [3, 12])
def test_slices_of_a_batch(kind, rows_of_slice, monkeypatch):
    """They add up to its gradient; a last batch may be shorter than there are slices."""
    monkeypatch.setattr(training, "SLICE_ROWS", rows_of_slice)
    problem = replace(make_problem(rows=16, n_in=3, hidden=(4, 3), **kind), dropout=(0.3, 0.0))
    run = on_cuda(problem).run(batch_size=13)
    assert run._memory["gradient"].shape[0] == -(-13 // rows_of_slice)
    assert_follows_cpu(problem, launching=PHASES, batch_size=13, settings=CLIPPED, epochs=1)


@pytest.mark.parametrize("sums", [training.SUMS, 1], ids=["all at once", "sums of one batch"])
def test_pieces_of_an_epoch_are_identical_to_the_whole(sums, monkeypatch):
    problem = replace(make_problem(rows=13, n_in=3, hidden=(4,), normalization="batch"), dropout=(0.3,))
    whole = assert_follows_cpu(problem, batch_size=2)
    pieces = []
    inner = training.TrainingRun._piece_memory
    monkeypatch.setattr(
        training.TrainingRun, "_piece_memory", lambda *arguments: pieces.append(arguments) or inner(*arguments)
    )
    monkeypatch.setattr(training, "SUMS", sums)
    monkeypatch.setattr(training, "FIRST_PIECE", 0.0)
    monkeypatch.setattr(training, "PAUSE", 0.0)
    assert_identical(trained(on_cuda(problem), batch_size=2, penalty=(0.03, 0.2)), whole)
    assert len(pieces) >= 14


def test_more_numbers_than_indices_can_count_are_refused():
    network = Network(Layout((2**16, 2**16, 2)), ("relu",), "softmax")
    with pytest.raises(ValueError, match=r"The network has 4295\d* parameters, more than"):
        Workspace(network, 1, [0], 32)
    network = Network(Layout((2, 2**16, 1)), ("relu",), "identity")
    with pytest.raises(ValueError, match=r"a batch of 65536 rows hold .* take a smaller batch_size"):
        Workspace(network, 2**16, [0], 32)
