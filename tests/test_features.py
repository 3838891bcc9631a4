"""docs/features.md keeps its word: what it says we have is shown at work, in tests/features."""

import pytest

import tests.features.explaining
import tests.features.network
import tests.features.objective
import tests.features.reporting
import tests.features.tables
import tests.features.training
import tests.features.world  # noqa: F401  (each registers its demonstrations)
from tests.features.table import DEMONSTRATIONS, OURS, ROWS


def test_the_table_can_be_read():
    assert len(OURS) > 50
    assert {len(row) for row in ROWS} == {5}
    assert all(all(row) for row in ROWS)
    assert len({row[0] for row in ROWS}) == len(OURS) + 1, "a feature stands twice"


def test_there_is_a_demonstration_for_each_row_that_says_yes_and_no_other():
    assert DEMONSTRATIONS.keys() == {name for name, cell in OURS.items() if not cell.startswith("no")}


@pytest.mark.parametrize("feature", DEMONSTRATIONS)
def test_shows(feature):
    DEMONSTRATIONS[feature]()
