"""The same training on the CPU and in the simulator, and what must come out equal."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from skmlp.cuda.backend import CudaBackend
from skmlp.cuda.launch import Launching
from skmlp.cuda.tiles import Tile

TOLERANCES = {"float32": 1e-5, "float64": 1e-10}
SMALL = Tile(2, 4, 4)  # as wide as the simulator's own, with a quarter of its threads
COOPERATIVE = Launching(SMALL, cooperative=True)
PHASES = Launching(SMALL, blocks=3, cooperative=False)

reals = pytest.mark.parametrize("real", TOLERANCES)
launchings = pytest.mark.parametrize("launching", [COOPERATIVE, PHASES], ids=["cooperative", "three blocks"])


def on_cuda(problem, launching=COOPERATIVE):
    """The same problem, in the simulator."""
    return replace(problem, back_end=partial(CudaBackend, launching=launching))


def trained(problem, real="float64", *, epochs=2, batch_size=5, rate=0.05, recording=True, seed=3, **run):
    """What some epochs leave, each of its own order, and learning rates up to ``rate``.

    ``run`` is as :meth:`Problem.run` takes it.
    """
    random = np.random.default_rng(1)
    run = problem.run(real, batch_size=batch_size, seed=seed, **{"solver": "adam", **run})
    outputs = np.full((problem.rows, problem.units[-1]), np.nan, dtype=real) if recording else None
    losses, recorded = [], []
    for _ in range(epochs):
        rates = rate * random.uniform(0.2, 1.0, -(-problem.rows // batch_size))
        losses.append(run.run_epoch(random.permutation(problem.rows), rates, outputs))
        recorded.append(outputs.copy() if recording else ())
    slots, kept = run.state
    return {"losses": losses, "parameters": run.parameters, "outputs": recorded, "slots": slots, "kept": kept}


def assert_near(actual, expected, real, what=""):
    """Within the tolerance, of the largest value of an array."""
    largest = np.max(np.abs(expected), initial=0.0, where=np.isfinite(expected))
    np.testing.assert_allclose(actual, expected, rtol=0.0, atol=TOLERANCES[real] * largest, err_msg=what)


def assert_all_near(actual, expected, real):
    assert actual.keys() == expected.keys()
    for name in expected:
        assert_near(actual[name], expected[name], real, name)


def assert_follows_cpu(problem, real="float64", *, launching=COOPERATIVE, penalty=(0.03, 0.2), **training):
    """Training in the simulator leaves what it leaves on the CPU, and has changed something; returns that."""
    expected = trained(problem, real, penalty=penalty, **training)
    actual = trained(on_cuda(problem, launching), real, penalty=penalty, **training)
    assert_all_near(actual, expected, real)
    if training.get("solver") != "keep_gradient":
        assert np.abs(actual["parameters"] - problem.vector).max() > 1e-3
    return actual


def assert_identical(actual, expected):
    assert actual.keys() == expected.keys()
    for name in expected:
        np.testing.assert_array_equal(actual[name], expected[name], err_msg=name)
