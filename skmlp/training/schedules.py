"""Learning-rate schedules of the first-order solvers.

To add one, write a class and put it in :data:`SCHEDULES`. A schedule gives the rates of an epoch's steps, hears when
an epoch has ended, and is asked what to do when training has stopped improving.
"""

import numpy as np

SMALLEST_RATE = 1e-6  # below which the adaptive schedule gives up


class Constant:
    """learning_rate_init at every step."""

    def __init__(self, learning_rate_init, power_t):
        self.rate = float(learning_rate_init)

    def rates(self, n_steps):
        """Rates of the steps of the coming epoch, float64 of shape (n_steps,)."""
        return np.full(n_steps, self.rate)

    def end_epoch(self, t):
        """Hear that an epoch has ended; ``t`` rows have been seen so far."""

    def stalled(self):
        """Answer to a lack of improvement: the reason to stop, or None to go on."""
        return "Stopping."

    @property
    def change(self):
        """What happened instead of stopping."""
        return f"Setting learning rate to {self.rate:f}"


class InverseScaling(Constant):
    """learning_rate_init / (t + 1)**power_t after each epoch, t the rows seen so far."""

    def __init__(self, learning_rate_init, power_t):
        super().__init__(learning_rate_init, power_t)
        self._first, self._power = self.rate, power_t

    def end_epoch(self, t):
        """Scale for the next epoch."""
        self.rate = self._first * (t + 1.0) ** -self._power


class Adaptive(Constant):
    """A fifth of the rate each time training has stopped improving, down to 1e-6."""

    def stalled(self):
        """Divide by 5; stop where the rate is too small already."""
        if self.rate <= SMALLEST_RATE:
            return "Learning rate too small. Stopping."
        self.rate /= 5.0
        return None


SCHEDULES = {"constant": Constant, "invscaling": InverseScaling, "adaptive": Adaptive}
