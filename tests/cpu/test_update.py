"""The step: parameters in several chunks and segments are one vector, whoever works on them."""

import numpy as np
import pytest

from skmlp.cpu import memory as places
from skmlp.cpu.compile import function
from skmlp.cpu.memory import MEMBER, MEMBERS, Memory
from skmlp.cpu.update import CHUNK, chunk_contents, clip_loops, count_loops, share, squares_loops, update_loops
from skmlp.formulas.optimisers import OPTIMISERS, Settings
from tests import naive
from tests.cpu.operations import MARGIN, operate, within
from tests.cpu.problem import make_problem, optimisers
from tests.cpu.test_epoch import assert_epochs_equal

sizes = pytest.mark.parametrize("size", [1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 5, 5 * CHUNK + 77])
precisions = pytest.mark.parametrize("real, rtol", [("float32", 2e-5), ("float64", 1e-12)], ids=["float32", "float64"])
PENALTY = {"l1": 0.3, "l2": 0.2}


@function
def chunks_of(memory):
    return share(memory)


def split(parts, first=0):
    """The chunks of some segments from a parameter on: (start, stop) and the number of the segment."""
    chunks = []
    for number, (start, stop, _, _) in enumerate(parts):
        start = max(start, first)
        while start < stop:
            chunks.append((start, min(start + CHUNK, stop), number))
            start += CHUNK
    return chunks


PARTS = {
    "one": [(0, 5, True, 1.0)],
    "weights and biases": [(0, CHUNK + 3, True, 1.0), (CHUNK + 3, CHUNK + 9, False, 0.5)],
    "with a gap": [(7, 2 * CHUNK, True, 0.3), (3 * CHUNK, 5 * CHUNK + 1, False, 1.0)],
}


@pytest.mark.parametrize("parts", PARTS.values(), ids=PARTS)
@pytest.mark.parametrize("first", [0, 3, 8, CHUNK + 5])
def test_a_chunk_is_of_one_segment_and_all_of_them_are_all_there_is_to_update(parts, first):
    contents, expected = chunk_contents(parts, first), split(parts, first)
    bounds, factors = contents[places.CHUNK_BOUNDS], contents[places.CHUNK_FACTORS]
    assert [tuple(bound) for bound in bounds] == [(start, stop, parts[number][2]) for start, stop, number in expected]
    assert factors.tolist() == [parts[number][3] for *_, number in expected]
    updated = [number for start, stop, _ in bounds for number in range(start, stop)]
    assert updated == [number for start, stop, *_ in parts for number in range(max(start, first), stop)]
    assert contents[places.N_CHUNKS] == len(bounds) and contents[places.CHUNKS].size == 2 * len(bounds)


@pytest.mark.parametrize("chunks", [0, 1, 2, 3, 8, 50])
@pytest.mark.parametrize("members", [1, 2, 3, 4, 7, 11])
def test_every_chunk_is_for_one_member(chunks, members):
    taken = []
    for member in range(members):
        memory = Memory()
        memory[places.N_CHUNKS], memory[MEMBER], memory[MEMBERS] = chunks, member, members
        taken += range(*chunks_of(memory.cells))
    assert taken == list(range(chunks))


class Step:
    """Parameters in the middle of memory that is watched, their gradient over a batch, and all that a step needs.

    The first ``n_weights`` are weights; their learning rate has the factor ``rates[0]``, and the others' ``rates[1]``.
    """

    def __init__(
        self, size, real, *, n_weights=None, rates=(1.0, 1.0), weight=3.5, batch_loss=11.0, slots=2, **settings
    ):
        random = np.random.default_rng(size)
        self.real, self.size, self.weight, self.batch_loss = real, size, weight, batch_loss
        self.n_weights = size * 2 // 3 if n_weights is None else n_weights
        self.settings = Settings(**{**naive.SETTINGS, "epsilon": 1e-3, **settings})
        self.start, self.gradient = random.normal(size=(2, size)).astype(real)
        self.w, self.around = within(self.start)
        self.slots = np.zeros((slots, size), dtype=real)
        parts = [(0, self.n_weights, True, rates[0]), (self.n_weights, size, False, rates[1])]
        self.bounds, self.rates = split(parts), np.where(np.arange(size) < self.n_weights, *rates)
        self.contents = chunk_contents(parts)
        self.chunks = self.contents[places.CHUNKS]
        self.chunks[:] = np.nan
        self.kept = [np.array([1.0, 1.0, 0.0]) for _ in range(9)]
        self.tallies = [np.array([100.0, 50.0, batch_loss, weight, 1.0 / weight]) for _ in range(9)]

    def carry_out(self, family, name, members=1, rate=0.01):
        """The operation of each member, one after the other."""
        for member in range(members):
            operate(
                family,
                name,
                self.real,
                {
                    "PARAMETERS": self.w,
                    "TOTAL": self.gradient,
                    "SLOTS": self.slots,
                    "SETTINGS": np.array(self.settings),
                    "RATES": np.array([np.nan, rate]),
                    "KEPT": self.kept[member],
                    "TALLY": self.tallies[member],
                    "CHUNKS": self.chunks,
                    "CHUNK_BOUNDS": self.contents[places.CHUNK_BOUNDS],
                    "CHUNK_FACTORS": self.contents[places.CHUNK_FACTORS],
                },
                {
                    "N_TRAINED": self.size,
                    "N_CHUNKS": len(self.bounds),
                    "BATCH": 1,
                    "BATCH_ROWS": 4,
                    "MEMBER": member,
                    "MEMBERS": members,
                },
            )

    def in_chunks(self, values):
        """Sums over chunks."""
        return [values[start:stop].sum() for start, stop, _ in self.bounds]

    def of_weights(self, formula):
        """A formula of the penalty over the weights, 0 for the other parameters."""
        values = formula(self.start.astype(float), self.settings.l1, self.settings.l2)
        return np.where(np.arange(self.size) < self.n_weights, values, 0.0)


@sizes
@precisions
def test_squares_of_chunks_are_those_of_the_gradient_with_that_of_the_penalty(size, real, rtol):
    step = Step(size, real, **PENALTY)
    step.carry_out(squares_loops, "squares", members=3)
    terms = (step.gradient + step.of_weights(naive.penalty_gradient)) ** 2
    expected = step.in_chunks(terms)
    np.testing.assert_allclose(step.chunks[len(expected) :], expected, rtol=rtol)
    assert np.isnan(step.chunks[: len(expected)]).all()


@sizes
@precisions
@pytest.mark.parametrize("optimiser", ["sgd", "adam", "amsgrad"])
@pytest.mark.parametrize("share_of_norm", [0.25, 4.0, None], ids=["clipped", "not clipped", "unclipped"])
def test_a_step_equals_the_naive_statement(size, real, rtol, optimiser, share_of_norm):
    """With one state value a parameter, two, and three."""
    slots = {"sgd": 1, "adam": 2, "amsgrad": 3}[optimiser]
    step = Step(size, real, slots=slots, weight_decay=0.4, **PENALTY)
    gradient = (step.gradient + step.of_weights(naive.penalty_gradient)) / step.weight
    norm = None if share_of_norm is None else share_of_norm * np.linalg.norm(gradient)
    step.settings = step.settings._replace(clip_norm=norm or 0.0)
    if norm is not None:
        step.carry_out(squares_loops, "squares", members=2)
        step.carry_out(clip_loops, "clip", members=2)
    step.carry_out(update_loops, optimiser, members=2, rate=0.05)
    twin = naive.OPTIMISERS[optimiser](**{**naive.SETTINGS, "epsilon": 1e-3})
    decay = 0.05 * 0.4 * np.where(np.arange(size) < step.n_weights, step.start, 0.0)
    expected = twin.step(step.start.astype(float), naive.clipped(gradient, norm), 0.05) - decay
    np.testing.assert_allclose(step.w, expected, rtol=rtol, atol=rtol)
    assert (step.around[:MARGIN] == 7.0).all() and (step.around[-MARGIN:] == 7.0).all()
    penalties = step.of_weights(naive.penalty)
    sums = step.in_chunks(penalties)
    np.testing.assert_allclose(step.chunks[: len(sums)], sums, rtol=max(rtol, 1e-4 if real == "float32" else 0))


@sizes
@pytest.mark.parametrize("kind", ["weights", "others"])
def test_penalty_and_decay_are_for_weights_alone(size, kind):
    n_weights = size if kind == "weights" else 0
    step = Step(size, "float64", n_weights=n_weights, momentum=0.0, weight_decay=0.5, **PENALTY)
    step.carry_out(update_loops, "sgd", rate=0.1)
    gradient = (step.gradient + step.of_weights(naive.penalty_gradient)) / step.weight
    decay = 0.05 * step.start if kind == "weights" else 0.0
    np.testing.assert_allclose(step.w, step.start - 0.1 * gradient - decay, rtol=1e-12, atol=1e-12)


@sizes
@optimisers
@pytest.mark.parametrize("rates", [(0.3, 1.0), (1.0, 0.0), (0.5, 2.0), (0.1, 0.1)], ids=str)
def test_parameters_have_learning_rates_of_their_own(size, optimiser, rates):
    """Decay goes by the learning rate without its factor; what an optimiser keeps moves on once a step."""
    slots, twin = OPTIMISERS[optimiser].slots, naive.OPTIMISERS[optimiser](**{**naive.SETTINGS, "epsilon": 1e-3})
    step = Step(size, "float64", rates=rates, slots=slots, weight_decay=0.4, **PENALTY)
    alike = Step(size, "float64", slots=slots, weight_decay=0.4, **PENALTY)
    for _ in range(3):
        step.start[:] = step.w
        gradient = (step.gradient + step.of_weights(naive.penalty_gradient)) / step.weight
        decay = 0.05 * 0.4 * np.where(np.arange(size) < step.n_weights, step.start, 0.0)
        expected = twin.step(step.start, gradient, 0.05 * step.rates) - decay
        step.carry_out(update_loops, optimiser, members=2, rate=0.05)
        alike.carry_out(update_loops, optimiser, members=2, rate=0.05)
        np.testing.assert_allclose(step.w, expected, rtol=1e-10, atol=1e-12)
    for kept, expected in zip(step.kept[:2], alike.kept[:2], strict=True):
        np.testing.assert_array_equal(kept, expected)


@sizes
def test_what_is_in_no_chunk_stays(size):
    """Either it has had its step, or it is worked out from what is; and what follows is as if it were alone."""
    results = []
    for first in (0, 700):
        step = Step(size, "float64", n_weights=size // 2, weight_decay=0.4, clip_norm=0.5, **PENALTY)
        before = step.start.copy()
        step.w, step.gradient = (np.append(np.full(first, 3.0), values) for values in (step.start, step.gradient))
        step.slots = np.zeros((2, first + size))
        step.size = first + size
        parts = [(0, first + size // 2, True, 1.0), (first + size // 2, first + size, False, 1.0)]
        step.contents = chunk_contents(parts, first)
        step.carry_out(squares_loops, "squares", members=2)
        step.carry_out(clip_loops, "clip", members=2)
        step.carry_out(update_loops, "adam", members=2)
        assert (step.w[:first] == 3.0).all() and (step.slots[:, :first] == 0.0).all()
        assert (step.w[first:] != before).any()
        results.append((step.w[first:], step.slots[:, first:], step.chunks))
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)


@sizes
@pytest.mark.parametrize("rates", [(1.0, 1.0), (0.3, 0.7)], ids=str)
def test_the_number_of_members_changes_no_bit(size, rates):
    results = []
    for members in (1, 2, 3, 5, 9):
        step = Step(size, "float32", rates=rates, clip_norm=0.5, **PENALTY)
        step.carry_out(squares_loops, "squares", members)
        step.carry_out(clip_loops, "clip", members)
        step.carry_out(update_loops, "adam", members)
        step.carry_out(count_loops, "count", members)
        results.append([step.w, step.slots, step.chunks, step.tallies[0], step.kept[0]])
    for result in results[1:]:
        for one, other in zip(result, results[0], strict=True):
            np.testing.assert_array_equal(one, other)


@sizes
def test_a_batch_is_counted_once_with_its_penalty(size):
    step = Step(size, "float64", **PENALTY)
    step.carry_out(update_loops, "adam", members=2)
    step.carry_out(count_loops, "count", members=2)
    expected = (step.batch_loss + step.of_weights(naive.penalty).sum()) / step.weight
    rest = step.batch_loss, step.weight, 1.0 / step.weight
    np.testing.assert_allclose(step.tallies[0], [100.0 + 4 * expected, 54.0, *rest], rtol=1e-12)
    np.testing.assert_array_equal(step.tallies[1], [100.0, 50.0, *rest])


def large_problem(normalization=None):
    """Of more parameters than two chunks hold; the biases begin within one."""
    problem = make_problem(
        rows=64, n_in=90, hidden=(110, 60), outputs=2, activations=("tanh", "tanh"), normalization=normalization
    )
    assert 2 * CHUNK < problem.backend().network.layout.n_weights < 3 * CHUNK - 500
    problem.vector[: problem.backend().network.layout.n_weights] /= 8.0
    return problem


@optimisers
@pytest.mark.parametrize("step", [{}, {"weight_decay": 0.2, "clip_norm": 0.05}], ids=str)
def test_epochs_of_several_chunks_equal_the_naive_statement(optimiser, step):
    assert_epochs_equal(
        large_problem(), optimiser, {"epsilon": 1e-3}, batch_size=24, penalty=(0.03, 0.02), epochs=2, **step
    )


def test_running_averages_behind_the_last_chunk_are_no_parameters_of_the_step():
    step = {"weight_decay": 0.2, "clip_norm": 0.05}
    assert_epochs_equal(large_problem("batch"), "adam", {"epsilon": 1e-3}, batch_size=24, epochs=2, rtol=1e-8, **step)
