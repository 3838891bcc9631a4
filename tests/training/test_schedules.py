"""Learning rates, step by step, against what each schedule is said to be."""

from functools import partial
from itertools import pairwise
from math import cos, inf, log2, pi

import numpy as np
import pytest

from skmlp.training.schedules import SCHEDULES, make_schedule

MAX_ITER = 7
STEPS = 5
STOP = "Stopping."

names = pytest.mark.parametrize("name", SCHEDULES)
first_rates = pytest.mark.parametrize("first", [0.5, 1e-3])


def make(name, first=0.1, *, power_t=0.5, max_iter=MAX_ITER, patience=10):
    return make_schedule(name, first, power_t, max_iter, patience)


def test_the_schedules():
    by_epoch = {"constant", "invscaling", "adaptive", "plateau"}
    assert SCHEDULES.keys() == by_epoch | BY_FRACTION.keys()


@names
@first_rates
def test_rates_are_float64_and_one_a_step(name, first):
    schedule = make(name, first)
    for steps in (1, 4, 3):
        rates = schedule.rates(steps)
        assert rates.shape == (steps,) and rates.dtype == np.float64
        assert np.isfinite(rates).all() and (rates >= 0.0).all() and (rates <= first).all()
        schedule.end_epoch(100, True)


@names
def test_the_current_rate_is_that_of_the_last_step(name):
    schedule = make(name)
    for rows in (10, 20, 30):
        assert schedule.rates(3)[-1] == schedule.rate
        schedule.end_epoch(rows, False)
        schedule.stalled()


@pytest.mark.parametrize("name", [name for name in SCHEDULES if name != "adaptive"])
def test_training_stops_when_it_has_stalled(name):
    schedule = make(name)
    for rows in (100, 200):
        rate = schedule.rates(3)[-1]
        assert schedule.stalled() == STOP
        assert schedule.rate == rate
        schedule.end_epoch(rows, True)


# ---------------------------------------------------------------------------------------------------------------------
# By epoch
# ---------------------------------------------------------------------------------------------------------------------


@first_rates
def test_constant(first):
    schedule = make("constant", first)
    for rows in (100, 200):
        np.testing.assert_array_equal(schedule.rates(7), np.full(7, first))
        schedule.end_epoch(rows, False)


@first_rates
@pytest.mark.parametrize("power", [0.0, 0.25, 0.5, 1.0])
def test_invscaling(first, power):
    """It depends on the rows seen, not on the rates before."""
    schedule = make("invscaling", first, power_t=power)
    np.testing.assert_array_equal(schedule.rates(4), np.full(4, first))
    for rows in (99, 9_999, 24):
        schedule.end_epoch(rows, True)
        np.testing.assert_allclose(schedule.rates(4), np.full(4, first / (rows + 1.0) ** power), rtol=1e-15)


@first_rates
def test_adaptive_divides_by_5_whenever_stalled(first):
    schedule = make("adaptive", first)
    expected = first
    while expected > 1e-6:
        np.testing.assert_allclose(schedule.rates(3), expected, rtol=1e-12)
        schedule.end_epoch(100, False)
        assert schedule.stalled() is None
        expected /= 5
    reached = schedule.rate
    assert schedule.stalled() == "Learning rate too small. Stopping."
    assert schedule.rate == reached <= 1e-6


def test_adaptive_says_what_it_has_changed():
    schedule = make("adaptive", 0.5)
    schedule.stalled()
    assert schedule.change == "Setting learning rate to 0.100000"


def plateau_rates(improved, first, wait):
    """The rate of each epoch: a fifth whenever ``wait`` epochs in a row have brought nothing, and no less than 1e-6."""
    rates, without = [first], 0
    for gain in improved:
        without = 0 if gain else without + 1
        lower = without == wait
        without = 0 if lower else without
        rates.append(max(rates[-1] / 5, min(1e-6, first)) if lower else rates[-1])
    return rates


@pytest.mark.parametrize("patience, wait", [(1, 1), (2, 1), (3, 1), (4, 2), (10, 5), (inf, 5)])
@pytest.mark.parametrize("first", [0.5, 1e-5, 1e-7])
def test_plateau(first, patience, wait):
    """It waits for half the patience of stopping."""
    improved = (np.random.default_rng(8).random(80) < 0.15).tolist() + [False] * 60
    schedule = make("plateau", first, patience=patience)
    actual = [schedule.rates(2).tolist()]
    for gain in improved:
        schedule.end_epoch(100, gain)
        actual.append(schedule.rates(2).tolist())
    expected = plateau_rates(improved, first, wait)
    np.testing.assert_allclose(actual, [[rate] * 2 for rate in expected], rtol=1e-12)
    assert actual[-1][0] == min(first, 1e-6)


# ---------------------------------------------------------------------------------------------------------------------
# By the fraction of training that is done
# ---------------------------------------------------------------------------------------------------------------------


def one_cycle(done):
    if done < 0.3:
        return 1 / 25 + 24 / 25 * done / 0.3
    return 1e-4 + (1 - 1e-4) * (1 + cos(pi * (done - 0.3) / 0.7)) / 2


def coslog4(done):
    return (1 - cos(2 * pi * log2(1 + 15 * done))) / 2


BY_FRACTION = {
    "exponential": lambda done: 10 ** (-2 * done),
    "cosine": lambda done: (1 + cos(pi * done)) / 2,
    "one_cycle": one_cycle,
    "coslog4": coslog4,
}
CALLABLES = {
    "falling": lambda done: 1 - done,
    "of an object": partial(max, 0.25),
    "integer": lambda done: 2,
    "of numpy": lambda done: np.float32(0.5),
}


@pytest.mark.parametrize(
    "schedule, factor",
    [(name, factor) for name, factor in BY_FRACTION.items()] + [(factor, factor) for factor in CALLABLES.values()],
    ids=[*BY_FRACTION, *CALLABLES],
)
@first_rates
@pytest.mark.parametrize("epochs", [MAX_ITER, 2 * MAX_ITER], ids=["to max_iter", "beyond"])
def test_every_step_of_a_schedule_by_fraction(schedule, factor, first, epochs):
    """Beyond max_iter, where only partial fits come, training counts as done."""
    made = make(schedule, first)
    for epoch in range(epochs):
        expected = [first * float(factor(min(1.0, (epoch + step / STEPS) / MAX_ITER))) for step in range(STEPS)]
        np.testing.assert_allclose(made.rates(STEPS), expected, rtol=1e-12, atol=1e-17)
        made.end_epoch(100, False)


def ends(name):
    """First, largest and last factor of a long training."""
    schedule, rates = make(name, 1.0, max_iter=1000), []
    for _ in range(1001):
        rates.extend(schedule.rates(1))
        schedule.end_epoch(1, True)
    return rates[0], max(rates), rates[-1]


@pytest.mark.parametrize(
    "name, expected",
    [("exponential", (1.0, 1.0, 0.01)), ("cosine", (1.0, 1.0, 0.0)), ("one_cycle", (0.04, 1.0, 1e-4))],
)
def test_where_schedules_begin_and_end(name, expected):
    np.testing.assert_allclose(ends(name), expected, rtol=1e-9, atol=1e-12)


def test_one_cycle_is_highest_at_30_percent():
    schedule, rates = make("one_cycle", 1.0, max_iter=10), []
    for _ in range(10):
        rates.extend(schedule.rates(10))
        schedule.end_epoch(1, True)
    assert np.argmax(rates) == 30
    assert (np.diff(rates[:31]) > 0.0).all() and (np.diff(rates[30:]) < 0.0).all()


def test_coslog4_rises_and_falls_four_times_each_time_taking_twice_as_long():
    schedule = make("coslog4", 1.0, max_iter=1)
    rates = schedule.rates(15_000)
    ends = np.array([0, 1, 3, 7, 15]) * 1000
    np.testing.assert_allclose(rates[ends[:-1]], 0.0, atol=1e-12)
    for start, end in pairwise(ends):
        peak = start + np.argmax(rates[start:end])
        assert rates[peak] == pytest.approx(1.0, abs=1e-6)
        assert (np.diff(rates[start : peak + 1]) > 0.0).all() and (np.diff(rates[peak:end]) < 0.0).all()


@pytest.mark.parametrize("factor", [lambda done: -done, lambda done: inf, lambda done: float("nan")])
def test_a_callable_must_give_factors(factor):
    schedule = make(factor)
    with pytest.raises(ValueError, match="learning_rate: the callable must give finite factors >= 0; at fraction"):
        schedule.rates(3)


@pytest.mark.parametrize("value", ["a", None, [1.0, 2.0]])
def test_a_callable_must_give_numbers(value):
    with pytest.raises((ValueError, TypeError), match="learning_rate: the callable must give numbers"):
        make_schedule(lambda fraction: value, 0.1, 0.5, 10, 10).rates(3)
