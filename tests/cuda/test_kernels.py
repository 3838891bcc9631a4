"""The list of kernels has all that there is, and so has the table of their registers."""

import pytest

from skmlp.cuda.program import N_PHASES
from skmlp.formulas.activations import ACTIVATIONS
from skmlp.formulas.losses import LOSSES
from skmlp.formulas.normalization import NORMALIZATIONS
from skmlp.formulas.optimisers import OPTIMISERS
from tests.cuda.cubins import ARCHITECTURES, recorded
from tests.cuda.kernels import COOPERATIVE, EPOCH, FORMS, KERNELS
from tests.own import SQUARE, SWISH


def programs(form):
    """Of the cooperative kernels of a form."""
    return [kernel.program for name, kernel in KERNELS.items() if kernel.phase == EPOCH and name.endswith(form)]


@pytest.mark.parametrize("form", FORMS)
def test_each_phase_is_a_kernel(form):
    phases = {kernel.phase for name, kernel in KERNELS.items() if name.endswith(form)}
    assert phases == set(range(N_PHASES)) | ({EPOCH} if form in COOPERATIVE else set())


@pytest.mark.parametrize("form", FORMS)
def test_every_formula_of_a_phase_is_a_kernel(form):
    names = [name for name in KERNELS if name.endswith(form)]
    expected = [f"{phase}-{key}-{form}" for phase in ("forward", "backward") for key in ACTIVATIONS]
    if form.endswith("small"):
        expected += [f"loss-{key}-{form}" for key in LOSSES] + [f"update-{key}-{form}" for key in OPTIMISERS]
    assert set(expected) <= set(names)


@pytest.mark.parametrize("form", COOPERATIVE)
def test_cooperative_kernels_have_every_activation_and_normalisation(form):
    assert {key for program in programs(form) for key in program.activations} == set(ACTIVATIONS)
    assert {program.normalization for program in programs(form)} == {None, *NORMALIZATIONS}
    assert {(program.dropped, program.scaled) for program in programs(form)} == {(False, False), (True, True)}


def test_cooperative_kernels_have_every_loss_and_optimiser():
    everywhere = [program for form in COOPERATIVE for program in programs(form)]
    assert {program.loss_key for program in everywhere} == set(LOSSES)
    assert {program.solver for program in everywhere} == set(OPTIMISERS)


def test_formulas_of_the_users_own_are_in_kernels():
    own = [kernel.program for name, kernel in KERNELS.items() if "-own-" in name]
    assert {(program.activations, program.loss_key) for program in own} == {((SWISH,), SQUARE)}


def test_the_table_has_a_row_for_each_kernel_and_a_column_for_each_architecture():
    assert list(recorded()) == list(KERNELS), "python -m tests.cuda.cubins writes it anew"
    assert {tuple(row) for row in recorded().values()} == {tuple(ARCHITECTURES)}
