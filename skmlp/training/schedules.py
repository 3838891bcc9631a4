"""Learning-rate schedules of the first-order solvers.

To add one, write a class and put it in :data:`SCHEDULES`. A schedule gives the rates of an epoch's steps, hears when
an epoch has ended, and is asked what to do when training has stopped improving.
"""

from functools import lru_cache
from math import isinf

import numpy as np

SMALLEST_RATE = 1e-6  # below which nothing is divided any more


@lru_cache(maxsize=8)
def equal_rates(n_steps, rate):
    """One rate at every step: mostly the same array as for the epoch before."""
    rates = np.full(n_steps, rate)
    rates.flags.writeable = False
    return rates


class Constant:
    """learning_rate_init at every step.

    Parameters
    ----------
    learning_rate_init : float
    power_t : float
        Exponent of ``invscaling``.
    max_iter : int
        Epochs of the whole training.
    patience : int
        Epochs without an improvement after which ``plateau`` acts.
    """

    def __init__(self, learning_rate_init, power_t, max_iter, patience):
        self.rate = self.first = float(learning_rate_init)
        self.power_t, self.max_iter, self.patience = power_t, max_iter, patience

    def rates(self, n_steps):
        """Rates of the steps of the coming epoch, float64 of shape (n_steps,)."""
        return equal_rates(n_steps, self.rate)

    def end_epoch(self, t, improved):
        """Hear that an epoch has ended: ``t`` rows have been seen so far, and whether it was an improvement."""

    def stalled(self):
        """Answer to a lack of improvement: the reason to stop, or None to go on."""
        return "Stopping."

    @property
    def change(self):
        """What happened instead of stopping."""
        return f"Setting learning rate to {self.rate:f}"


class InverseScaling(Constant):
    """learning_rate_init / (t + 1)**power_t after each epoch, t the rows seen so far."""

    def end_epoch(self, t, improved):
        """Scale for the next epoch."""
        self.rate = self.first * (t + 1.0) ** -self.power_t


class Adaptive(Constant):
    """A fifth of the rate each time training has stopped improving, down to 1e-6."""

    def stalled(self):
        """Divide by 5; stop where the rate is too small already."""
        if self.rate <= SMALLEST_RATE:
            return "Learning rate too small. Stopping."
        self.rate /= 5.0
        return None


class Plateau(Constant):
    """A fifth of the rate after ``patience`` epochs without an improvement, down to 1e-6."""

    waited = 0

    def end_epoch(self, t, improved):
        """Count; divide by 5 when patience is at its end."""
        self.waited = 0 if improved else self.waited + 1
        if self.waited >= self.patience:
            self.rate, self.waited = max(self.rate / 5.0, min(self.rate, SMALLEST_RATE)), 0


class ByFraction(Constant):
    """learning_rate_init times a function of the fraction of training that is done, step by step."""

    epoch = 0

    def factors(self, fractions):
        """Factors of learning_rate_init at fractions in [0, 1], an array."""
        return np.ones_like(fractions)

    def rates(self, n_steps):
        """Rates of the steps of the coming epoch."""
        fractions = np.minimum((self.epoch + np.arange(n_steps) / n_steps) / self.max_iter, 1.0)
        rates = self.first * self.factors(fractions)
        self.rate = float(rates[-1])
        return rates

    def end_epoch(self, t, improved):
        """Count epochs."""
        self.epoch += 1


class Exponential(ByFraction):
    """Down to a hundredth: 0.01^fraction."""

    def factors(self, fractions):
        """Factors of learning_rate_init."""
        return 0.01**fractions


class Cosine(ByFraction):
    """Down to 0: ½ (1 + cos(π fraction)) (Loshchilov & Hutter, ICLR 2017, without restarts)."""

    def factors(self, fractions):
        """Factors of learning_rate_init."""
        return 0.5 * (1.0 + np.cos(np.pi * fractions))


class OneCycle(ByFraction):
    """Up from a 25th, linearly over 30 % of the steps, then half a cosine down to a 10,000th (Smith & Topin, 2019)."""

    rise, low, end = 0.3, 1.0 / 25.0, 1e-4

    def factors(self, fractions):
        """Factors of learning_rate_init."""
        up = self.low + (1.0 - self.low) * fractions / self.rise
        fall = (fractions - self.rise) / (1.0 - self.rise)
        down = self.end + (1.0 - self.end) * 0.5 * (1.0 + np.cos(np.pi * fall))
        return np.where(fractions < self.rise, up, down)


class CosLog4(ByFraction):
    """½ (1 - cos(2π log₂(1 + 15 fraction))): four times up and down, each cycle twice as long as the one before.

    Holzmüller, Grinsztajn & Steinwart, NeurIPS 2024.
    """

    def factors(self, fractions):
        """Factors of learning_rate_init."""
        return 0.5 * (1.0 - np.cos(2.0 * np.pi * np.log2(1.0 + 15.0 * fractions)))


class Custom(ByFraction):
    """A callable from the fraction to the factor."""

    def __init__(self, factor, *arguments):
        super().__init__(*arguments)
        self._factor = factor

    def factors(self, fractions):
        """Factors of learning_rate_init, which must be numbers >= 0."""
        values = [self._factor(fraction) for fraction in fractions.tolist()]
        try:
            factors = np.array([float(value) for value in values])
        except (TypeError, ValueError) as error:
            raise type(error)(f"learning_rate: the callable must give numbers: {error}") from error
        wrong = ~(np.isfinite(factors) & (factors >= 0.0))
        if wrong.any():
            raise ValueError(
                f"learning_rate: the callable must give finite factors >= 0; at fraction {fractions[wrong][0]:g} it "
                f"gave {factors[wrong][0]}."
            )
        return factors


SCHEDULES = {
    "constant": Constant,
    "invscaling": InverseScaling,
    "adaptive": Adaptive,
    "exponential": Exponential,
    "cosine": Cosine,
    "one_cycle": OneCycle,
    "coslog4": CosLog4,
    "plateau": Plateau,
}


def make_schedule(learning_rate, learning_rate_init, power_t, max_iter, n_iter_no_change):
    """The schedule of a name, or of a callable from the fraction of training done to a factor."""
    patience = 5 if isinf(n_iter_no_change) else max(1, n_iter_no_change // 2)
    arguments = learning_rate_init, power_t, max_iter, patience
    return Custom(learning_rate, *arguments) if callable(learning_rate) else SCHEDULES[learning_rate](*arguments)
