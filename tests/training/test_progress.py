"""Curves, history, the best epoch, and what counts as an improvement."""

from math import inf, isnan, nan

import numpy as np
import pytest

from skmlp.training.progress import Progress

PARAMETERS = np.array([1.0, 2.0])


def progress_of(losses=(), scores=None, tol=0.0):
    """Progress after some epochs, with validation scores if early stopping goes by them."""
    progress = Progress(scores is not None)
    progress.best_parameters = PARAMETERS * 0.0
    for epoch, loss in enumerate(losses):
        progress.record({"loss": loss})
        score = nan if scores is None else scores[epoch]
        progress.judge(tol, score, score, PARAMETERS * (epoch + 1))
    return progress


def test_in_the_beginning():
    progress = Progress(False)
    assert (progress.t, progress.n_iter, progress.loss_curve, progress.history) == (0, 0, [], {})
    assert progress.best_loss == inf and progress.best_iteration is None and isnan(progress.loss)
    assert progress.validation_scores is None and progress.best_validation_score is None
    assert progress.epochs == 0


def test_in_the_beginning_of_early_stopping():
    progress = Progress(True)
    assert progress.validation_scores == [] and progress.best_validation_score == -inf
    assert progress.best_loss is None


def test_progress_does_not_share_its_lists():
    progress_of([1.0])
    assert Progress(False).loss_curve == [] and Progress(False).history == {}


def test_records():
    progress = Progress(False)
    for number, loss in enumerate([3.0, 2.0], start=1):
        progress.record({"loss": loss, "accuracy": 0.1 * number})
        assert (progress.n_iter, progress.epochs, progress.loss) == (number, number, loss)
    assert progress.loss_curve == [3.0, 2.0]
    assert progress.history == {"loss": [3.0, 2.0], "accuracy": [0.1, 0.2]}


def test_a_history_of_other_keys_begins_anew():
    progress = progress_of([3.0, 2.0])
    progress.record({"loss": 1.0, "accuracy": 0.5})
    assert progress.history == {"loss": [1.0], "accuracy": [0.5]}
    assert progress.best_iteration is None
    assert progress.loss_curve == [3.0, 2.0, 1.0]
    progress.judge(0.0, nan, nan, PARAMETERS)
    assert progress.best_iteration == 1


def test_best_loss_is_the_lowest():
    progress = progress_of([3.0, 1.0, 2.0, 1.0])
    assert progress.best_loss == 1.0
    assert progress.best_iteration == 2, "the first of equals"


@pytest.mark.parametrize(
    "losses, tol, expected",
    [
        ([5.0, 4.0, 3.0], 0.5, [0, 0, 0]),
        ([5.0, 4.9, 4.8, 4.7], 0.5, [0, 1, 2, 3]),  # each a new best, by less than tol
        ([5.0, 4.9, 4.0], 0.5, [0, 1, 0]),
        ([5.0, 5.0], 0.0, [0, 0]),  # equal is good enough for a tolerance of 0
        ([5.0, 6.0, 6.0], 0.0, [0, 1, 2]),
        ([5.0, nan, 4.0], 0.0, [0, 1, 0]),
    ],
)
def test_epochs_without_improvement_of_the_loss(losses, tol, expected):
    counts = [progress_of(losses[: i + 1], tol=tol).no_improvement_count for i in range(len(losses))]
    assert counts == expected


@pytest.mark.parametrize(
    "scores, tol, expected",
    [
        ([0.1, 0.2, 0.3], 0.05, [0, 0, 0]),
        ([0.1, 0.12, 0.14], 0.05, [0, 1, 2]),
        ([0.1, 0.1], 0.0, [0, 0]),
        ([0.5, 0.4, 0.3, 0.6], 0.0, [0, 1, 2, 0]),
        ([0.5, nan, 0.6], 0.0, [0, 1, 0]),
    ],
)
def test_epochs_without_improvement_of_the_validation_score(scores, tol, expected):
    losses = [1.0] * len(scores)
    counts = [progress_of(losses[: i + 1], scores, tol).no_improvement_count for i in range(len(scores))]
    assert counts == expected


def test_best_score_is_the_highest_and_its_parameters_are_copied():
    progress = progress_of([4.0, 3.0, 2.0, 1.0], [0.1, 0.3, 0.3, 0.2])
    assert progress.validation_scores == [0.1, 0.3, 0.3, 0.2]
    assert progress.best_validation_score == 0.3
    assert progress.best_iteration == 2, "the first of equals"
    np.testing.assert_array_equal(progress.best_parameters, 2 * PARAMETERS)
    assert progress.best_loss is None


def test_the_best_epoch_is_that_of_the_monitored_value():
    """Validation scores are kept beside it."""
    progress = Progress(True)
    progress.best_parameters = PARAMETERS * 0.0
    for epoch, (score, monitored) in enumerate([(0.9, -3.0), (0.5, -1.0), (0.7, -2.0), (0.6, nan)], start=1):
        progress.record({"loss": 1.0})
        progress.judge(0.0, score, monitored, PARAMETERS * epoch)
    assert progress.validation_scores == [0.9, 0.5, 0.7, 0.6] and progress.best_validation_score == 0.9
    assert (progress.best_iteration, progress.best_monitored, progress.no_improvement_count) == (2, -1.0, 2)
    np.testing.assert_array_equal(progress.best_parameters, 2 * PARAMETERS)


def test_any_gain_makes_a_new_best_however_small():
    progress = progress_of([1.0, 1.0], [0.1, 0.1001], tol=0.5)
    assert progress.best_iteration == 2 and progress.no_improvement_count == 1
    np.testing.assert_array_equal(progress.best_parameters, 2 * PARAMETERS)


def test_parameters_are_not_copied_without_early_stopping():
    np.testing.assert_array_equal(progress_of([3.0, 2.0]).best_parameters, 0.0 * PARAMETERS)


def test_progress_goes_on_from_what_was_reached():
    before = progress_of([3.0, 2.0])
    fields = {"loss_curve": before.loss_curve, "history": before.history, "best_loss": 2.0, "best_iteration": 2}
    progress = Progress(False, t=20, **fields)
    progress.record({"loss": 2.5})
    progress.judge(0.0, nan, nan, PARAMETERS)
    assert progress.loss_curve == [3.0, 2.0, 2.5] and progress.history == {"loss": [3.0, 2.0, 2.5]}
    assert (progress.best_loss, progress.best_iteration, progress.n_iter) == (2.0, 2, 1)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_change_of_the_stopping_rule_begins_its_watch_anew(early_stopping):
    before = progress_of([3.0], None if early_stopping else [0.5])
    progress = Progress(
        early_stopping,
        best_loss=before.best_loss,
        validation_scores=before.validation_scores,
        best_validation_score=before.best_validation_score,
        best_monitored=0.75,
    )
    if early_stopping:
        assert (progress.validation_scores, progress.best_validation_score, progress.best_loss) == ([], -inf, None)
        assert progress.best_monitored == -inf
    else:
        assert (progress.validation_scores, progress.best_validation_score, progress.best_loss) == (None, None, inf)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_revert_goes_back_to_what_was_committed(early_stopping):
    progress = Progress(early_stopping)
    progress.best_parameters = np.zeros(2)

    def epoch(value):
        progress.record({"loss": value})
        progress.t += 10
        progress.judge(0.0, 1.0 - value, 1.0 - value, np.full(2, value))

    def state():
        return {name: str(value) for name, value in vars(progress).items() if not name.startswith("_")}

    epoch(3.0)
    progress.commit()
    committed = state()
    curve, history = progress.loss_curve, progress.history
    epoch(2.0)
    progress.history["loss"].append(1.0)  # half an epoch more
    progress.revert()
    assert state() == committed
    assert progress.loss_curve is curve and progress.history is history


def test_revert_to_the_beginning():
    progress = Progress(False)
    beginning = progress.commit()
    for loss in (3.0, 2.0):
        progress.record({"loss": loss})
        progress.commit()
    progress.revert(beginning)
    assert (progress.n_iter, progress.epochs, progress.loss_curve, progress.history) == (0, 0, [], {})
