"""What the batches of an epoch need to be told: their rows, weight, and the constants of the optimiser's steps.

All of it follows from the learning rates and the order of the rows, so it is worked out before the epoch, in float64.
"""

from typing import NamedTuple

import numpy as np

from skmlp.cuda.memory import CONSTANTS, KIND, N_CONSTANTS, ROWS, STEPPED, VARIED, WEIGHTED
from skmlp.formulas.optimisers import OPTIMISERS, STEPS


class Table(NamedTuple):
    """The batches of an epoch.

    ``batches``, int64, and ``numbers``, float64, are the tables that :mod:`skmlp.cuda.memory` describes; ``weights``
    are those of the batches.
    """

    batches: np.ndarray
    numbers: np.ndarray
    weights: np.ndarray

    def mean_loss(self, sums):
        """The mean over the rows of the losses of all batches that are stepped; NaN if none is.

        ``sums`` are those losses times the weights. They are added up all at once, for the pieces of an epoch are cut
        by the clock.
        """
        stepped = (self.batches[:, KIND] & STEPPED) > 0
        if not stepped.any():
            return float("nan")
        return float(np.average(sums[stepped] / self.weights[stepped], weights=self.batches[stepped, ROWS]))


class Steps:
    """Makes the tables of a run's epochs.

    Parameters
    ----------
    solver : str
    settings : skmlp.formulas.optimisers.Settings
    factors : list of float
        Of the learning rate.
    """

    def __init__(self, solver, settings, factors):
        self._constants, self._settings, self._factors = OPTIMISERS[solver].constants, settings, factors

    def table(self, order, rates, batch_size, weights, kept, recording):
        """The table of an epoch; ``kept``, what the optimiser keeps, moves on to its end.

        Batches without weight are left out, unless their predictions are wanted (``recording``).
        """
        first = np.arange(0, len(order), batch_size)
        rows = np.minimum(batch_size, len(order) - first)
        of_rows = np.ones(len(order)) if weights is None else weights[order].astype(np.float64)
        totals, counts = np.add.reduceat(of_rows, first), np.add.reduceat((of_rows > 0.0).astype(np.int64), first)
        kinds = np.where(totals > 0.0, STEPPED, 0) | np.where(counts > 1, VARIED, 0)
        kinds |= 0 if weights is None else WEIGHTED
        taken = np.flatnonzero((totals > 0.0) | recording)
        numbers = np.zeros((len(taken), CONSTANTS + N_CONSTANTS * len(self._factors)))
        steps, reached = np.zeros(len(taken), dtype=np.int64), kept.tolist()
        for place, batch in enumerate(taken.tolist()):
            steps[place] = reached[STEPS]
            if kinds[batch] & STEPPED:
                shrink = 1.0 - rates[batch] * self._settings.weight_decay
                numbers[place] = [1.0 / totals[batch], shrink, *self._step(reached, float(rates[batch]))]
        kept[:] = reached
        batches = np.column_stack([first[taken], rows[taken], steps, kinds[taken]])
        return Table(batches, numbers, totals[taken])

    def _step(self, kept, rate):
        """The constants of a step for each factor; what is kept moves on once."""
        kept[STEPS] += 1.0
        before, constants = kept.copy(), []
        for factor in self._factors:
            kept[:] = before
            constants += self._constants(kept[STEPS], rate * factor, self._settings, kept)
        return constants
