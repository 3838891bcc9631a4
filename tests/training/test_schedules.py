"""Learning rates, epoch by epoch."""

import numpy as np
import pytest

from skmlp.training.schedules import SCHEDULES

names = pytest.mark.parametrize("name", SCHEDULES)
first_rates = pytest.mark.parametrize("first", [0.5, 1e-3])


def test_the_three_schedules():
    assert list(SCHEDULES) == ["constant", "invscaling", "adaptive"]


@names
@first_rates
def test_first_epoch_has_the_initial_rate_at_every_step(name, first):
    rates = SCHEDULES[name](first, 0.5).rates(7)
    np.testing.assert_array_equal(rates, np.full(7, first))
    assert rates.dtype == np.float64


@names
def test_the_current_rate_is_that_of_the_coming_epoch(name):
    schedule = SCHEDULES[name](0.1, 0.5)
    for rows in (10, 20, 30):
        schedule.end_epoch(rows)
        schedule.stalled()
        assert set(schedule.rates(3)) == {schedule.rate}


@first_rates
def test_constant(first):
    schedule = SCHEDULES["constant"](first, 0.5)
    for rows in (100, 200):
        schedule.end_epoch(rows)
        assert schedule.stalled() == "Stopping."
        assert schedule.rate == first


@first_rates
@pytest.mark.parametrize("power", [0.0, 0.25, 0.5, 1.0])
def test_invscaling(first, power):
    """It depends on the rows seen, not on the rates before, and ends where it no longer helps."""
    schedule = SCHEDULES["invscaling"](first, power)
    for rows in (99, 9_999, 24):
        schedule.end_epoch(rows)
        np.testing.assert_allclose(schedule.rate, first / (rows + 1.0) ** power, rtol=1e-15)
        assert schedule.stalled() == "Stopping."


@first_rates
def test_adaptive_divides_by_5_whenever_stalled(first):
    schedule = SCHEDULES["adaptive"](first, 0.5)
    expected = first
    while expected > 1e-6:
        np.testing.assert_allclose(schedule.rate, expected, rtol=1e-12)
        schedule.end_epoch(100)
        assert schedule.stalled() is None
        expected /= 5
    reached = schedule.rate
    assert schedule.stalled() == "Learning rate too small. Stopping."
    assert schedule.rate == reached <= 1e-6


def test_adaptive_says_what_it_has_changed():
    schedule = SCHEDULES["adaptive"](0.5, 0.5)
    schedule.stalled()
    assert schedule.change == "Setting learning rate to 0.100000"
