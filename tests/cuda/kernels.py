"""All kernels of the GPU back end by name, as they follow from its phases and from the tables of formulas."""

from itertools import product
from typing import NamedTuple

import numpy as np
from numba import int64, types, uint32, void
from numba.np.numpy_support import from_dtype

from skmlp.cuda.memory import Memory
from skmlp.cuda.program import (
    BACKWARD,
    FEATURES_BACK,
    FEATURES_FORWARD,
    FORWARD,
    GATHER,
    GRADIENT,
    LOSS,
    N_PHASES,
    NORMALIZE,
    NORMALIZE_BACK,
    RECORD,
    SQUARES,
    UPDATE,
    Program,
)
from skmlp.cuda.tiles import FINE, LARGE, SMALL
from skmlp.formulas.activations import ACTIVATIONS
from skmlp.formulas.links import LINKS
from skmlp.formulas.losses import LOSSES
from skmlp.formulas.normalization import NORMALIZATIONS
from skmlp.formulas.optimisers import OPTIMISERS
from tests.own import SQUARE, SWISH

PRODUCTS = FORWARD, BACKWARD, GRADIENT
EPOCH = N_PHASES
FORMS = {
    "float32-fine": {"real": np.float32, "tile": FINE},
    "float32-small": {"real": np.float32, "tile": SMALL},
    "float32-large": {"real": np.float32, "tile": LARGE},
    "float64-fine": {"real": np.float64, "tile": FINE},
    "float64-small": {"real": np.float64, "tile": SMALL},
}
COOPERATIVE = [form for form, numbers in FORMS.items() if numbers["tile"] != LARGE]
USUAL = {
    "activations": ("relu",),
    "loss_key": "squared_error",
    "link_key": "identity",
    "solver": "adam",
    "normalization": None,
    "dropped": False,
    "scaled": False,
}


class Kernel(NamedTuple):
    """A phase of a program, or :data:`EPOCH`, the cooperative kernel of all."""

    program: Program
    phase: int

    @property
    def compiled(self):
        """What is launched."""
        return self.program.epoch if self.phase == EPOCH else self.program.kernels[self.phase]

    @property
    def signature(self):
        """Of the launch."""
        memory = memory_type(self.program.real)
        return void(memory, int64[:, ::1], int64, int64) if self.phase == EPOCH else void(memory, int64, int64)


def memory_type(real):
    """Numba's type of :class:`skmlp.cuda.memory.Memory` on a device."""
    number = from_dtype(np.dtype(real))
    tables = "gradient", "slots", "targets", "steps", "outputs", "losses", "penalties"
    kinds = {
        **dict.fromkeys(Memory._fields, number[::1]),
        **dict.fromkeys(tables, number[:, ::1]),
        **dict.fromkeys(("batches", "layers", "chunks"), uint32[:, ::1]),
        "order": uint32[::1],
        "limits": int64[::1],
        "seed": int64,
    }
    return types.NamedTuple([kinds[field] for field in Memory._fields], Memory)


def variants():
    """What each phase is compiled for: the phase, a name, and what is other than usual."""
    for phase, key in product((FORWARD, BACKWARD), ACTIVATIONS):
        yield phase, key, {"activations": (key,)}
    tables = (LOSS, "loss_key", LOSSES), (RECORD, "link_key", LINKS), (UPDATE, "solver", OPTIMISERS)
    for phase, field, table in tables:
        for key in table:
            yield phase, key, {field: key}
    for phase, key in product((*PRODUCTS, NORMALIZE, NORMALIZE_BACK), NORMALIZATIONS):
        yield phase, f"before_{key}" if phase in PRODUCTS else "", {"normalization": key}
    for phase in (FORWARD, BACKWARD):
        yield phase, "dropout", {"dropped": True}
    for key in NORMALIZATIONS:
        yield NORMALIZE, "dropout", {"normalization": key, "dropped": True}
        yield NORMALIZE, "prediction", {"normalization": key, "solver": None}
    for phase in (GATHER, GRADIENT, SQUARES, FEATURES_BACK, FEATURES_FORWARD):
        yield phase, "", {"scaled": True}


def epochs(form):
    """Cooperative programs for a form: a name, and what is other than usual.

    Each form has all activations and normalisations; all forms together have all losses and optimisers.
    """
    if form not in COOPERATIVE:
        return
    losses, solvers, activations = list(LOSSES), list(OPTIMISERS), list(ACTIVATIONS)
    normalizations = None, *NORMALIZATIONS
    count = max(-(-max(len(losses), len(solvers)) // len(COOPERATIVE)), len(normalizations))
    for number in range(count):
        place = COOPERATIVE.index(form) + number * len(COOPERATIVE)
        loss, solver = losses[place % len(losses)], solvers[place % len(solvers)]
        yield f"{loss}-{solver}", {
            "activations": tuple(activations[number::count]),
            "loss_key": loss,
            "link_key": LOSSES[loss].link,
            "solver": solver,
            "normalization": normalizations[number % len(normalizations)],
            "dropped": number % 2 > 0,
            "scaled": number % 2 > 0,
        }


def has_usual_formulas(others):
    """Whether what is other than usual are no formulas."""
    formulas = "activations", "loss_key", "link_key", "solver"
    return all(value == USUAL[field] for field, value in others.items() if field in formulas)


def phase_name(program, phase):
    """As the kernel of a program's phase is named."""
    return program.makers()[phase].__name__.removeprefix("make_")


def all_kernels():
    """Every kernel by name."""
    found = {}
    for form, numbers in FORMS.items():
        for phase, variant, others in variants():
            # Of tiles the other phases have the number of threads alone: there one formula stands for all.
            if phase in PRODUCTS or numbers["tile"] == SMALL or has_usual_formulas(others):
                program = Program(**{**USUAL, **others, **numbers})
                found["-".join(filter(None, (phase_name(program, phase), variant, form)))] = Kernel(program, phase)
        for variant, others in epochs(form):
            found[f"epoch-{variant}-{form}"] = Kernel(Program(**{**USUAL, **others, **numbers}), EPOCH)
    own = Program(**{**USUAL, "activations": (SWISH,), "loss_key": SQUARE, **FORMS["float32-small"]})
    for phase in (FORWARD, BACKWARD, LOSS):
        found[f"{phase_name(own, phase)}-own-float32-small"] = Kernel(own, phase)
    return found


KERNELS = all_kernels()
