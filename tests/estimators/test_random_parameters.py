"""Random combinations of parameters and data: each fits to a usable model, or is refused in plain words."""

import faulthandler
import pickle
import re
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, seed, settings
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning

from tests.estimators.random_cases import cases
from tests.estimators.random_faults import LAZY

DATA = ("X", "y", "sample_weight", "X_val", "y_val", "sample_weight_val", "classes", "partial_fit")
# scikit-learn's words for X, and ours where training fails.
DATA += ("Expected 2D array", "Found array with", "Found input variables", "Sample weights must", "Solver produced")
LONGEST = 120.0  # seconds that one example may take, compilation included


def examples(number, chunk):
    """Settings of a run; always the same examples."""

    def decorate(test):
        quick = settings(
            max_examples=number,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=False,
        )
        return seed(chunk)(quick(given(cases())(test)))

    return decorate


@pytest.mark.parametrize(
    "number, chunk", [(150, 0)] + [pytest.param(1000, chunk, marks=pytest.mark.slow) for chunk in range(1, 11)]
)
def test_fits_or_says_why_not(number, chunk, state_of):
    outcomes = []

    @examples(number, chunk)
    def check(case):
        outcomes.append(outcome(case, state_of))

    check()
    assert len(outcomes) >= number
    assert outcomes.count("fitted") >= 2 * len(outcomes) / 3


def outcome(case, state_of):
    """'fitted' or 'refused', after all that must then be so."""
    model = case.make()
    faulthandler.dump_traceback_later(LONGEST, exit=True)
    try:
        with warnings.catch_warnings():
            allow_usual_warnings()
            for call in case.calls:
                before = state_of(model)
                try:
                    assert call.on(model) is model
                except (ValueError, TypeError, AttributeError) as error:
                    check_refusal(error, case, before, state_of(model))
                    return "refused"
            assert case.fault is None or case.fault.split("=")[0] in LAZY, f"{case.fault} went unseen"
            check_model(model, case)
    finally:
        faulthandler.cancel_dump_traceback_later()
    return "fitted"


def allow_usual_warnings():
    for category in (ConvergenceWarning, DataConversionWarning):
        warnings.simplefilter("ignore", category)
    warnings.filterwarnings("ignore", "Got `batch_size` less than 1 or larger than sample size")
    warnings.filterwarnings("ignore", module="sklearn")  # of its scorers, of targets that leave them undefined


def check_refusal(error, case, before, after):
    """The message names a parameter or the data, and nothing has changed."""
    message = "\n".join([str(error), *getattr(error, "__notes__", ())])
    names = "|".join([*DATA, *case.make().get_params()])
    assert re.search(rf"(?<!\w)({names})(?!\w)", message), message
    assert after == before


def check_model(model, case):
    """All that a fitted model promises."""
    dtype = model.coefs_[0].dtype
    assert all(np.isfinite(part).all() and part.dtype == dtype for part in model.coefs_ + model.intercepts_)
    assert {len(values) for values in model.history_.values()} == {len(next(iter(model.history_.values())))}
    assert np.isfinite(model.loss_) or model.early_stopping  # which restores an epoch before that
    arguments = case.calls[-1].arguments
    X, y = arguments["X"], arguments["y"]
    predicted = as_array(model.predict(X))
    assert len(predicted) == y.shape[0]
    if case.estimator == "MLPRegressor":
        assert predicted.dtype == dtype
        outputs = model.n_outputs_
        assert predicted.shape == ((len(predicted), outputs) if outputs > 1 else (len(predicted),))
    else:
        assert model.predict_proba(X).shape == (len(predicted), len(model.classes_))
    if is_tame(model):
        if case.estimator != "MLPRegressor":
            check_probabilities(model, X, predicted, case.kind)
        assert np.isfinite(model.score(X, y)) or len(predicted) < 2
        assert np.isfinite(model.evaluate(X, y).loss)
    assert model.summary()
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(as_array(copy.predict(X)), predicted)
    assert clone(model).get_params().keys() == model.get_params().keys()


def is_tame(model):
    """Whether predictions cannot overflow: those of a fit that is about to diverge, or of an exponential, may."""
    return model.out_activation_ != "exp" and max(np.abs(part).max() for part in model.coefs_) < 1e3


def check_probabilities(model, X, predicted, kind):
    """Probabilities, and classes that are the most probable."""
    p = model.predict_proba(X)
    assert p.dtype == model.coefs_[0].dtype
    assert ((p >= 0.0) & (p <= 1.0)).all()
    assert not np.isnan(model.decision_function(X)).any()
    assert not np.isnan(model.predict_log_proba(X)).any()
    if "multilabel" in kind:
        np.testing.assert_array_equal(predicted, p > 0.5)
    else:
        np.testing.assert_allclose(p.sum(axis=1), 1.0, atol=1e-5)
        np.testing.assert_array_equal(predicted, model.classes_[p.argmax(axis=1)])


def as_array(predicted):
    return predicted.toarray() if sparse.issparse(predicted) else predicted
