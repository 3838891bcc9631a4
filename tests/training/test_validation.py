"""What each epoch is told of the validation data."""

import numpy as np
import pytest

from skmlp.training.validation import evaluate
from tests.training.fakes import evaluation


def largest(predictions, targets, weights):
    return float(predictions.max())


def weighted_mean(predictions, targets, weights):
    return float(np.average(targets[:, 0], weights=weights))


def test_measure_gives_predictions_loss_and_metrics():
    data = evaluation(3, {"largest": largest, "mean": weighted_mean}, np.array([0.0, 0.0, 2.0]))
    predictions, values = data.measure(np.array([2.0, 5.0]))
    np.testing.assert_array_equal(predictions, np.full((3, 1), 2.0))
    assert values == {"loss": 7.0, "largest": 2.0, "mean": 2.0}


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_without_finite_predictions_there_is_neither_metric_nor_score(bad):
    data = evaluation(3, {"largest": largest}, score=largest)
    predictions, values = data.measure(np.array([bad, 1.0]))
    assert np.isnan(values["largest"])
    assert np.isnan(data.score_of(predictions))


def test_score():
    assert evaluation(3, score=weighted_mean).score_of(np.ones((3, 1))) == 1.0
    assert evaluation(3, weights=np.array([1.0, 0.0, 0.0]), score=weighted_mean).score_of(np.ones((3, 1))) == 0.0


def test_an_error_in_a_metric_says_in_which():
    def failing(predictions, targets, weights):
        raise RuntimeError("no")

    with pytest.raises(RuntimeError) as error:
        evaluate({"largest": largest, "mine": failing}, np.ones((3, 1)), np.ones((3, 1)), None)
    assert error.value.__notes__ == ["This comes from 'mine' of the parameter metrics."]


def test_without_metrics_there_is_nothing_to_evaluate():
    assert evaluate({}, np.array([[np.nan]]), np.zeros((1, 1)), None) == {}
