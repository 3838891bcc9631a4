"""Dropout as the estimators offer it."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from skmlp import MLPClassifier, MLPRegressor

RNG = np.random.default_rng(0)
X = RNG.standard_normal((400, 6)).astype(np.float32)
Y = (X[:, 0] * X[:, 1] > 0).astype(int)


def make(**parameters):
    defaults = {"hidden_layer_sizes": (20, 10), "max_iter": 5, "n_iter_no_change": np.inf, "random_state": 3}
    return MLPClassifier(**{**defaults, "dropout": 0.3, **parameters})


def test_same_seed_same_model_also_in_threads(assert_same_model):
    alone = make().fit(X, Y)
    with ThreadPoolExecutor(3) as pool:
        for other in pool.map(lambda _: make().fit(X, Y), range(3)):
            assert_same_model(alone, other)


def test_starting_values_are_those_without_dropout():
    start = make(max_iter=1, learning_rate_init=1e-12).fit(X, Y)
    without = make(max_iter=1, learning_rate_init=1e-12, dropout=0.0).fit(X, Y)
    np.testing.assert_allclose(start.coefs_[0], without.coefs_[0], atol=1e-6)


def test_rates_of_each_layer():
    assert not np.array_equal(make(dropout=[0.3, 0.0]).fit(X, Y).coefs_[0], make().fit(X, Y).coefs_[0])
    np.testing.assert_array_equal(make(dropout=[0.3, 0.3]).fit(X, Y).coefs_[0], make().fit(X, Y).coefs_[0])


def test_it_regularises():
    noise = RNG.integers(0, 2, len(X))
    overfitted = make(dropout=0.0, max_iter=300, learning_rate_init=0.01).fit(X, noise)
    regular = make(dropout=0.6, max_iter=300, learning_rate_init=0.01).fit(X, noise)
    assert overfitted.score(X, noise) > regular.score(X, noise) + 0.1


def test_partial_fits_go_on_with_the_steps():
    """Else each call would draw the masks of the first steps again."""
    model = make(batch_size=len(X), shuffle=False, learning_rate_init=1e-12)
    losses = [model.partial_fit(X, Y, classes=[0, 1]).loss_ for _ in range(4)]
    assert len(set(losses)) == 4


@pytest.mark.parametrize("dropout", [1.0, -0.1, [0.5], [0.5, 0.5, 0.5], [0.5, 1.0], "much", None], ids=str)
def test_unusable_rates(dropout):
    with pytest.raises(ValueError, match="dropout"):
        make(dropout=dropout).fit(X, Y)


@pytest.mark.parametrize("dropout", [0.1, [0.0, 0.2]], ids=str)
def test_not_with_lbfgs(dropout):
    with pytest.raises(ValueError, match=r"dropout=.* does not go with solver='lbfgs'"):
        MLPRegressor(hidden_layer_sizes=(4, 3), solver="lbfgs", dropout=dropout).fit(X, X[:, 0])
