"""Whether a loss or an activation of the user's own has the derivative that it says, by finite differences.

The functions run here as plain Python in double precision, once a process for each pair.
"""

from numbers import Complex

import numpy as np

from skmlp.formulas.custom import CustomActivation, CustomFormula, CustomLoss, adapted

__all__ = ["CustomActivation", "CustomLoss", "check_formulas"]

RTOL = 0.01  # by so much a derivative may be off
FLOOR = 1e-4  # and by this share of the typical slope: cancellation leaves no more of a small one
STEPS = 0.25 ** np.arange(1, 17)  # of the differences, in units of max(1, |z|)
OFFSETS = np.concatenate([-np.logspace(0.9, -3, 16), [0.0], np.logspace(-3, 0.9, 16)])  # within ±8
NEIGHBOURS = np.array([-0.07, -0.03, 0.03, 0.07])  # in steps of the differences
N_TARGETS = 12
N_SORTED = 20_000  # targets from which those are chosen
_checked: set[CustomFormula] = set()


def check_formulas(activations, loss, targets):
    """Check those formulas of a fit that are the user's own and were not checked yet.

    Parameters
    ----------
    activations : sequence of str or CustomActivation
    loss : str or CustomLoss
    targets : ndarray
        Encoded targets.

    Raises
    ------
    ValueError
        If derivative and differences disagree, or nothing could be compared.
    TypeError
        If a function returns what is no number.
    """
    for formula in (*activations, loss):
        if isinstance(formula, CustomFormula) and formula not in _checked:
            Check(formula).run(targets)
            _checked.add(formula)


class Check:
    """Comparison of a formula's derivative with differences of its function."""

    def __init__(self, formula):
        self._formula, self._label = formula, f"{formula.parameter}={formula!r}"
        functions = formula._functions
        self._names = [f"{role} {function.__name__!r}" for role, function in functions.items()]
        self._functions = [adapted(each, lambda value: value, lambda copy: copy) for each in functions.values()]
        self._compared, self._failure = False, ""

    def run(self, targets):
        """Raise a ValueError or TypeError unless the two agree."""
        if isinstance(self._formula, CustomActivation):
            self._compare(OFFSETS)
        else:
            known = np.unique(targets.ravel()[:: -(-targets.size // N_SORTED)])
            chosen = np.linspace(0, len(known) - 1, min(N_TARGETS, len(known))).astype(int)
            for y in known[chosen].tolist():
                self._compare(raw_outputs(self._formula.link, y, known.std(dtype=np.float64)), y)
        if not self._compared:
            raise ValueError(
                f"{self._label} cannot be checked: nowhere are both functions finite numbers.{self._failure}"
            )

    def _compare(self, z, *y):
        """Compare at the points ``z``.

        A point counts only if the derivative is wrong at its neighbours too: differences may be off by chance, and at
        a single point, such as a kink, a derivative is what one makes it.
        """
        claimed = self._values(1, z, y)
        slopes, doubt, step = self._differences(z, y)
        sure = doubt < RTOL * np.abs(slopes)
        floor = FLOOR * np.median(np.abs(slopes[sure])) if sure.any() else 0.0
        self._compared |= bool((np.isfinite(claimed) & np.isfinite(doubt)).any())
        off = excess(claimed, slopes, doubt, floor)
        for place in np.argsort(-off):
            if off[place] <= 1.0:
                break
            beside = z[place] + step[place] * NEIGHBOURS
            if (excess(self._values(1, beside, y), *self._differences(beside, y)[:2], floor) > 1.0).all():
                self._refuse(claimed[place], slopes[place], *z[[place]], *y)

    def _differences(self, z, y):
        """Slope at each point, how doubtful it is, and the step from which it was taken: that of the least doubt.

        In doubt is by how much left and right differ, also with the next smaller step, by how much that changes the
        slope, and rounding.
        """
        steps = np.maximum(1.0, np.abs(z))[:, None] * STEPS
        left, right = z[:, None] - steps, z[:, None] + steps
        with np.errstate(all="ignore"):
            here, below, above = (self._values(0, each, y) for each in (z[:, None], left, right))
            slopes = (above - below) / (right - left)
            sides = np.abs((above - here) / (right - z[:, None]) - (here - below) / (z[:, None] - left))
            change = np.abs(np.diff(slopes, axis=1))
            rounding = 16.0 * np.finfo(float).eps * np.maximum(np.abs(above), np.abs(below)) / steps
            doubt = (sides + rounding)[:, :-1] + (sides + rounding)[:, 1:] + change
        doubt[np.isnan(doubt)] = np.inf
        rows, best = np.arange(len(z)), doubt.argmin(axis=1)
        return slopes[rows, best], doubt[rows, best], steps[rows, best]

    def _values(self, which, z, y):
        """One of the two functions at each z; NaN where it raises."""

        def value(z):
            try:
                result = self._functions[which](z, *y)
            except Exception as error:
                at = ", ".join(f"{number:.6g}" for number in (z, *y))
                self._failure = self._failure or f" Of {at} the {self._names[which]} raises {error!r}."
                return np.nan
            if not isinstance(result, Complex | np.bool_) and not (isinstance(result, np.ndarray) and result.ndim == 0):
                raise TypeError(f"{self._label}: {self._names[which]} returns {result!r}, which is no number.")
            return float(result) if np.isrealobj(result) else np.nan

        with np.errstate(all="ignore"):
            return np.array([value(each) for each in z.ravel().tolist()]).reshape(z.shape)

    def _refuse(self, claimed, slope, *at):
        point = ", ".join(f"{name}={number:.6g}" for name, number in zip("zy", at, strict=False))
        raise ValueError(
            f"{self._label}: {self._names[1]} does not go with {self._names[0]}: at {point} it is {claimed:.6g}, "
            f"but finite differences of {self._names[0]} give {slope:.6g}."
        )


def raw_outputs(link, y, spread):
    """Raw outputs to try with a target: around 0, and around that whose prediction is the target, near and far."""
    if link == "logistic":
        return OFFSETS
    ideal = np.log(y) if link == "exp" and y > 0.0 else y if link == "identity" else 0.0
    far = spread if link == "identity" else 1.0
    return np.unique(np.concatenate([OFFSETS[::3], ideal + OFFSETS, ideal + far * OFFSETS]))


def excess(claimed, slopes, doubt, floor):
    """How far derivatives are off, in units of what is allowed; -1 where nothing is known."""
    with np.errstate(all="ignore"):
        allowed = RTOL * np.maximum(np.abs(claimed), np.abs(slopes)) + floor + 5.0 * doubt
        off = np.abs(claimed - slopes) / np.maximum(allowed, np.finfo(float).tiny)
    return np.where(np.isfinite(off), off, -1.0)
