"""Every phase of a step computes on a GPU what the CPU computes: by one block, and by three, phase by phase."""

from dataclasses import replace

import numpy as np
import pytest

from tests.cpu.problem import make_problem, normalizations, penalties
from tests.cpu.test_epoch import assert_epochs_equal
from tests.cuda.simulated.both import COOPERATIVE, PHASES, assert_follows_cpu, launchings, on_cuda, reals, trained

STEPS = {
    "weight decay": {"weight_decay": 0.5},
    "clipped": {"clip_norm": 0.1},
    "both": {"weight_decay": 0.2, "clip_norm": 0.3},
}
RATES = {
    "biases": {"bias_rate": 0.1},
    "still biases": {"bias_rate": 0.0},
    "ntk": {"parametrization": "ntk"},
    "features": {"feature_rate": 3.0},
    "all": {"parametrization": "ntk", "bias_rate": 0.1, "feature_rate": 3.0},
}
one_and_three = pytest.mark.parametrize(
    "launching, real", [(COOPERATIVE, "float64"), (PHASES, "float32")], ids=["one block", "three blocks"]
)
rates = pytest.mark.parametrize("rates", RATES.values(), ids=RATES)


def problem_of(**settings):
    """Odd widths, of which one is more than a tile."""
    return make_problem(**{"rows": 13, "n_in": 3, "hidden": (9, 5), "outputs": 2, **settings})


# ---------------------------------------------------------------------------------------------------------------------
# Normalisation
# ---------------------------------------------------------------------------------------------------------------------


@normalizations
@one_and_three
def test_normalization(normalization, launching, real):
    assert_follows_cpu(problem_of(normalization=normalization), real, launching=launching, epochs=1)


@normalizations
def test_normalization_without_weights(normalization):
    assert_follows_cpu(problem_of(normalization=normalization, weighted=False), epochs=1)


@normalizations
def test_normalization_equals_the_naive_statement(normalization):
    problem = problem_of(normalization=normalization)
    assert_epochs_equal(on_cuda(problem), "sgd", {}, batch_size=5, epochs=1, penalty=(0.3, 0.2))


@normalizations
@launchings
@pytest.mark.parametrize("recording", [True, False], ids=["recorded", "unrecorded"])
def test_batches_with_one_row_or_no_row_of_weight(normalization, launching, recording):
    """In the order of :func:`trained` each of its epochs has a batch of either kind."""
    problem = problem_of(normalization=normalization)
    random = np.random.default_rng(1)
    random.uniform(size=3)
    order = random.permutation(13)
    problem.row_weights[order[0:5]] = 0.0
    problem.row_weights[order[[5, 6, 8, 9]]] = 0.0
    result = assert_follows_cpu(problem, launching=launching, recording=recording, epochs=1)
    assert result["kept"][-1] == 2


@normalizations
def test_batches_of_one_row(normalization):
    for weighted in (True, False):
        problem = problem_of(normalization=normalization, weighted=weighted, rows=3, hidden=(9,))
        assert_follows_cpu(problem, batch_size=1)


def test_without_any_weight_nothing_is_done():
    problem = problem_of(normalization="batch")
    problem.row_weights[:] = 0.0
    for launching in (COOPERATIVE, PHASES):
        for recording in (True, False):
            result = trained(on_cuda(problem, launching), epochs=1, recording=recording)
            assert np.isnan(result["losses"]).all() and result["kept"][-1] == 0
            np.testing.assert_array_equal(result["parameters"], problem.vector)


# ---------------------------------------------------------------------------------------------------------------------
# Dropout
# ---------------------------------------------------------------------------------------------------------------------


def dropped(problem, *rates):
    return replace(problem, dropout=rates)


@reals
@pytest.mark.parametrize("dropout", [(0.3, 0.5), (0.0, 0.9), (0.6, 0.0)], ids=str)
def test_dropout_drops_the_same(dropout, real):
    problem = problem_of()
    result = assert_follows_cpu(dropped(problem, *dropout), real, epochs=1)
    assert not np.allclose(result["parameters"], trained(problem, real, epochs=1)["parameters"], rtol=1e-3)


@pytest.mark.parametrize("seed", [0, 2**31 - 1])
def test_dropout_of_any_seed(seed):
    problem = dropped(problem_of(activations=("gelu", "softplus"), hidden=(9, 5)), 0.3, 0.5)
    result = assert_follows_cpu(problem, epochs=1, seed=seed)
    other = trained(on_cuda(problem), epochs=1, seed=1)
    assert not np.allclose(result["parameters"], other["parameters"], rtol=1e-3)


@normalizations
def test_dropout_with_normalization(normalization):
    assert_follows_cpu(dropped(problem_of(normalization=normalization), 0.3, 0.5), launching=PHASES, epochs=1)


def test_dropout_goes_on_after_batches_without_weight():
    """The step counts, not the batch."""
    problem = dropped(problem_of(hidden=(9,)), 0.4)
    problem.row_weights[:8] = 0.0
    for recording in (True, False):
        assert_follows_cpu(problem, batch_size=1, recording=recording, epochs=1)


# ---------------------------------------------------------------------------------------------------------------------
# The step
# ---------------------------------------------------------------------------------------------------------------------


@penalties
def test_penalties(penalty):
    assert_follows_cpu(problem_of(), launching=PHASES, penalty=penalty, epochs=1)


@launchings
@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_weight_decay_and_clipping(step, launching):
    """Over several chunks of parameters."""
    assert_follows_cpu(problem_of(), launching=launching, solver="sgd", settings=step, epochs=1)


@launchings
@pytest.mark.parametrize("factor", [0.8, 1.2])
def test_clipping_begins_at_the_norm_of_the_mean_gradient(factor, launching):
    problem = problem_of()
    norm = np.linalg.norm(problem.loss_and_gradient(penalty=(0.03, 0.2))[1])
    settings = {"momentum": 0.0, "clip_norm": factor * norm}
    assert_follows_cpu(problem, launching=launching, batch_size=13, solver="sgd", settings=settings, epochs=1)


@rates
@pytest.mark.parametrize("solver", ["sgd", "nadam"])
def test_factors_of_learning_rates(rates, solver):
    problem = problem_of(rates=rates, scaled="feature_rate" in rates)
    assert_follows_cpu(problem, solver=solver, settings=STEPS["both"], epochs=1)


@normalizations
@one_and_three
def test_learned_scales_of_features(launching, normalization, real):
    """Of more features than a tile, in normalised networks."""
    problem = problem_of(rates=RATES["all"], scaled=True, n_in=9, hidden=(5, 3), normalization=normalization)
    assert_follows_cpu(problem, real, launching=launching, settings=STEPS["both"], epochs=1)


def test_learned_scales_equal_the_naive_statement():
    problem = problem_of(rates=RATES["features"], scaled=True)
    settings = STEPS["both"]
    assert_epochs_equal(on_cuda(problem), "sgd", {}, batch_size=5, epochs=1, penalty=(0.3, 0.2), **settings)


@pytest.mark.parametrize("optimiser", ["sgd", "lion"])
def test_nan_in_the_gradient_reaches_the_parameters(optimiser):
    problem = problem_of(hidden=(3,))
    problem.X[1, 2] = np.nan
    for launching in (COOPERATIVE, PHASES):
        run = on_cuda(problem, launching).run(solver=optimiser, settings={"clip_norm": 1.0})
        assert np.isnan(run.run_epoch(np.arange(13), np.full(1, 0.1)))
        assert np.isnan(run.parameters).any()


def test_a_gradient_of_zero_is_not_clipped_to_nan():
    problem = problem_of(hidden=())
    problem.vector[:] = 0.0
    problem.y[:] = 0.0
    run = on_cuda(problem).run(solver="adam", settings={"clip_norm": 1.0})
    run.run_epoch(np.arange(13), np.full(1, 0.1))
    np.testing.assert_array_equal(run.parameters, 0.0)
