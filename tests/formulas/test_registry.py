import pytest

from skmlp.formulas.activations import ACTIVATIONS
from skmlp.formulas.links import LINKS
from skmlp.formulas.losses import LOSSES
from skmlp.formulas.optimisers import OPTIMISERS
from skmlp.formulas.registry import code

TABLES = {"activations": ACTIVATIONS, "links": LINKS, "losses": LOSSES, "optimisers": OPTIMISERS}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_codes_count_the_entries(table):
    assert [code(table, name) for name in table] == list(range(len(table)))


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_an_unknown_name_has_no_code(table):
    with pytest.raises(ValueError, match="unknown"):
        code(table, "unknown")
