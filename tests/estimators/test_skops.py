"""skops saves the estimators, too, and has to be told to trust no classes but ours, which the documentation lists."""

import numpy as np
import pytest
from skops import io as skops

from skmlp import MLPRegressor
from skmlp.training.schedules import SCHEDULES
from tests import pages
from tests.estimators.saved_models import MODELS, ROWS, SMALL, fitted, outputs, rows_of
from tests.estimators.tabular import X, regressor

EVERY_MODEL = pytest.mark.parametrize("name", MODELS)


def listed():
    """The types that the page says are to be trusted."""
    (block,) = [block for block in pages.blocks(pages.read("docs/howto/saving.md")) if "TRUSTED = " in block]
    namespace = {}
    exec(block.split("\n\n")[0], namespace)
    return namespace["TRUSTED"]


def models():
    yield from (fitted(name) for name in MODELS)
    for schedule in SCHEDULES:
        yield MLPRegressor(**SMALL, learning_rate=schedule).partial_fit(ROWS, ROWS[:, 0])
    yield regressor(numeric_scaling="standard").fit(X, X["count"])


def test_the_page_lists_the_types_that_are_to_be_trusted():
    found = {name for model in models() for name in skops.get_untrusted_types(data=skops.dumps(model))}
    assert listed() == sorted(found)


@EVERY_MODEL
def test_copies_predict_the_same(name):
    model = fitted(name)
    twin = skops.loads(skops.dumps(model), trusted=listed())
    for first, second in zip(*(outputs(each, rows_of(model)).values() for each in (model, twin)), strict=True):
        np.testing.assert_array_equal(first, second)
    assert repr(twin) == repr(model)


def test_copies_go_on(assert_same_model):
    model = fitted("learned_scales")
    twin = skops.loads(skops.dumps(model), trusted=listed())
    y = MODELS["learned_scales"][2]
    assert_same_model(model.partial_fit(ROWS, y), twin.partial_fit(ROWS, y))
