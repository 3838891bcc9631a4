"""The epoch loop, on a back end that computes nothing."""

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from skmlp.training import trainer
from skmlp.training.progress import Progress
from skmlp.training.schedules import make_schedule
from skmlp.training.trainer import Loop, Trainer
from tests.training.fakes import FakeRun, evaluation

ROWS = 10
MESSAGE = "Maximum iterations .* reached and the optimization hasn't converged yet"


class Training:
    """A trainer and all that it works with; ``scores`` are the validation scores of early stopping."""

    def __init__(self, losses, scores=None, *, schedule="constant", rate=0.5, metrics=None, weights=None, **loop):
        settings = {"batch_size": 4, "max_iter": len(losses), "shuffle": False, "tol": 0.0, "n_iter_no_change": np.inf}
        settings |= {"monitor": "auto", "restore_best": True, "verbose": 0} | loop
        self.run = self.make_run(losses)
        self.progress = Progress(scores is not None)
        self.schedule = make_schedule(schedule, rate, 0.5, settings["max_iter"], settings["n_iter_no_change"])
        remaining = iter(scores or [])
        validation = None if scores is None else evaluation(3, score=lambda *_: next(remaining))
        data = evaluation(ROWS, metrics, weights)
        self.trainer = Trainer(
            self.run,
            np.arange(ROWS),
            Loop(**settings),
            self.schedule,
            self.progress,
            np.random.RandomState(0),
            data,
            validation,
        )

    make_run = FakeRun

    def fit(self):
        self.trainer.fit()
        return self


# ---------------------------------------------------------------------------------------------------------------------
# Epochs
# ---------------------------------------------------------------------------------------------------------------------


def test_every_epoch_is_run_and_recorded():
    training = Training([3.0, 2.0, 1.0]).fit()
    progress = training.progress
    assert progress.loss_curve == progress.history["loss"] == [3.0, 2.0, 1.0]
    assert (progress.n_iter, progress.t, progress.loss, progress.best_iteration) == (3, 3 * ROWS, 1.0, 3)
    assert list(progress.history) == ["loss", "learning_rate", "seconds"]
    assert all(seconds >= 0.0 for seconds in progress.history["seconds"])


@pytest.mark.parametrize("batch_size, steps", [(1, 10), (3, 4), (5, 2), (10, 1)])
def test_one_rate_for_each_batch(batch_size, steps):
    training = Training([1.0], batch_size=batch_size, rate=0.25).fit()
    np.testing.assert_array_equal(training.run.rates, [[0.25] * steps])


def test_without_shuffling_the_rows_keep_their_order():
    for order in Training([1.0, 1.0]).fit().run.orders:
        np.testing.assert_array_equal(order, np.arange(ROWS))


def test_rows_are_shuffled_by_the_back_end():
    """In place; NumPy's own shuffle is here what the fake one does."""
    training, seen = Training([1.0, 1.0], shuffle=True), []
    training.run.shuffle = lambda rows, random_state: (rows.__setitem__(slice(None), rows[::-1].copy()), seen.append(1))
    orders = training.fit().run.orders
    np.testing.assert_array_equal(orders, [np.arange(ROWS)[::-1], np.arange(ROWS)])
    assert len(seen) == 2


def test_each_shuffle_permutes_the_order_of_the_epoch_before():
    orders = Training([1.0, 1.0, 1.0], shuffle=True).fit().run.orders
    random_state, expected = np.random.RandomState(0), np.arange(ROWS)
    for order in orders:
        swaps = np.arange(ROWS)
        random_state.shuffle(swaps)
        expected = expected[swaps]
        np.testing.assert_array_equal(order, expected)


@pytest.mark.parametrize("weights", [None, np.arange(1.0, ROWS + 1.0)], ids=["unweighted", "weighted"])
def test_metrics_see_the_predictions_of_the_epoch_with_their_own_rows(weights):
    """The fake back end predicts the number of each row, which is its target."""

    def record(predictions, targets, row_weights):
        np.testing.assert_array_equal(predictions, targets)
        if weights is not None:
            np.testing.assert_array_equal(row_weights[:, None], targets + 1.0)
        assert (row_weights is None) == (weights is None)
        return 0.25

    training = Training([2.0, 1.0], metrics={"own": record}, weights=weights, shuffle=True).fit()
    assert training.progress.history["own"] == [0.25, 0.25]
    assert list(training.progress.history) == ["loss", "own", "learning_rate", "seconds"]


def test_validation_enters_the_history():
    progress = Training([3.0, 2.0], [0.1, 0.2]).fit().progress
    assert list(progress.history) == ["loss", "val_loss", "learning_rate", "seconds"]
    assert progress.history["val_loss"] == [2.0, 4.0]  # the sum of the fake parameters
    assert progress.validation_scores == [0.1, 0.2]


# ---------------------------------------------------------------------------------------------------------------------
# Schedules and stopping
# ---------------------------------------------------------------------------------------------------------------------


def test_invscaling_goes_by_the_rows_seen():
    training = Training([1.0] * 3, schedule="invscaling").fit()
    expected = [0.5, 0.5 / (ROWS + 1) ** 0.5, 0.5 / (2 * ROWS + 1) ** 0.5]
    np.testing.assert_allclose(training.progress.history["learning_rate"], expected)


@pytest.mark.parametrize("patience", [1, 3])
def test_stops_after_epochs_without_improvement(patience):
    """The first epoch improves on nothing, and one epoch more than the patience must fail to."""
    progress = Training([1.0] + [2.0] * 10, n_iter_no_change=patience).fit().progress
    assert progress.n_iter == 1 + patience + 1


def test_goes_on_as_long_as_it_improves():
    losses = [8.0, 9.0, 7.0, 7.5, 6.0, 6.5, 5.0]
    with pytest.warns(ConvergenceWarning, match=MESSAGE):
        training = Training(losses, n_iter_no_change=1).fit()
    assert training.progress.loss_curve == losses


def test_early_stopping_watches_the_score_and_not_the_loss():
    training = Training([5.0, 4.0, 3.0, 2.0, 1.0], [0.5, 0.4, 0.4, 0.3, 0.3], n_iter_no_change=1).fit()
    assert training.progress.n_iter == 3


@pytest.mark.parametrize("patience", [np.inf, 100])
def test_running_out_of_epochs_is_a_warning_unless_their_number_was_asked_for(patience, recwarn):
    Training([3.0, 2.0], n_iter_no_change=patience).fit()
    messages = [str(warning.message) for warning in recwarn if warning.category is ConvergenceWarning]
    assert len(messages) == (0 if patience == np.inf else 1)
    assert all("Maximum iterations (2)" in message for message in messages)


def test_adaptive_lowers_the_rate_and_goes_on():
    training = Training([1.0] * 9, schedule="adaptive", tol=0.1, n_iter_no_change=1, rate=1e-5)
    training.fit()
    expected = [1e-5] * 3 + [2e-6] * 2 + [4e-7] * 2
    np.testing.assert_allclose(training.progress.history["learning_rate"], expected)


def test_plateau_lowers_the_rate_before_training_stops():
    """After half the patience each time, by the loss, or with early stopping by what is monitored."""
    settings = {"schedule": "plateau", "tol": 0.1, "n_iter_no_change": 4, "rate": 1.0}
    by_loss = Training([1.0] * 9, **settings)
    by_score = Training([9.0 - i for i in range(9)], [0.5] * 9, **settings)
    for training in (by_loss, by_score):
        training.fit()
        expected = [1.0] * 3 + [0.2] * 2 + [0.04]
        np.testing.assert_allclose(training.progress.history["learning_rate"], expected)


class InTime(Training):
    """Training whose epochs take the seconds given, by a clock of its own."""

    def __init__(self, monkeypatch, seconds, scores=None, **loop):
        self.now, self.seconds = 100.0, iter(seconds)
        monkeypatch.setattr(trainer, "time", SimpleNamespace(perf_counter=lambda: self.now))
        super().__init__([5.0 - i for i in range(len(seconds))], scores, n_iter_no_change=2, **loop)

    def make_run(self, losses):
        run = FakeRun(losses)
        train = run.run_epoch

        def run_epoch(*arguments):
            self.now += next(self.seconds)
            return train(*arguments)

        run.run_epoch = run_epoch
        return run


@pytest.mark.parametrize("deadline, epochs", [(0.0, 1), (119.0, 1), (120.0, 2), (129.0, 2), (135.0, 3)])
def test_an_epoch_is_the_last_where_another_one_would_not_end_in_time(deadline, epochs, monkeypatch):
    """One is always done; and to end in time is no lack of convergence."""
    training = InTime(monkeypatch, [10.0] * 5, deadline=deadline).fit()
    assert training.progress.n_iter == epochs and training.now == 100.0 + 10.0 * epochs


def test_the_epoch_at_hand_says_how_long_another_one_takes(monkeypatch):
    assert InTime(monkeypatch, [1.0, 1.0, 6.0, 1.0], deadline=111.0).fit().progress.n_iter == 3


def test_with_time_enough_there_may_be_a_lack_of_convergence(monkeypatch):
    with pytest.warns(ConvergenceWarning, match=MESSAGE):
        InTime(monkeypatch, [10.0] * 3, deadline=1000.0).fit()


def test_when_time_is_up_the_best_epoch_is_restored_and_the_reason_given(monkeypatch, capsys):
    training = InTime(monkeypatch, [10.0] * 5, [0.1, 0.9, 0.3, 1.0, 1.0], deadline=135.0, verbose=1).fit()
    np.testing.assert_array_equal(training.run.parameters, [2.0] * 2)
    assert capsys.readouterr().out.splitlines()[-1] == "There is no time for another epoch. Stopping."


def test_partial_fits_know_no_deadline(monkeypatch):
    training = InTime(monkeypatch, [10.0] * 2, deadline=0.0)
    for _ in range(2):
        training.trainer.partial_fit()
    assert len(training.progress.loss_curve) == 2


@pytest.mark.parametrize("schedule", ["cosine", "one_cycle", "exponential", lambda done: 1.0 - done])
def test_stepwise_schedules_reach_every_step(schedule):
    training = Training([3.0, 2.0, 1.0], schedule=schedule, batch_size=3).fit()
    alone = make_schedule(schedule, 0.5, 0.5, 3, np.inf)
    for epoch, rates in enumerate(training.run.rates):
        np.testing.assert_array_equal(rates, alone.rates(4))
        assert training.progress.history["learning_rate"][epoch] == rates[-1]
        alone.end_epoch(0, True)
    assert len(np.unique(training.run.rates)) == 12


# ---------------------------------------------------------------------------------------------------------------------
# What early stopping watches
# ---------------------------------------------------------------------------------------------------------------------


def monitored(monitor, losses, metric=None, scores=None, **loop):
    """Training whose training metric has the values given; the fake validation loss is 2, 4, 6, ..."""
    values = iter(metric or [0.0] * len(losses))
    metrics = {"own": lambda *_: next(values)}
    scores = scores or [0.5] * len(losses)
    return Training(losses, scores, metrics=metrics, monitor=monitor, **loop).fit()


@pytest.mark.parametrize("monitor, best", [("auto", 3), ("loss", 2), ("val_loss", 1), ("own", 4)], ids=str)
def test_monitor_chooses_the_best_epoch(monitor, best):
    """Losses are best when low, metrics when high."""
    training = monitored(monitor, [4.0, 1.0, 3.0, 2.0], metric=[0.1, 0.2, 0.3, 0.4], scores=[0.1, 0.2, 0.9, 0.3])
    assert training.progress.best_iteration == best
    np.testing.assert_array_equal(training.run.parameters, [best] * 2)
    assert training.progress.validation_scores == [0.1, 0.2, 0.9, 0.3]
    assert training.progress.best_validation_score == 0.9


def test_monitor_decides_when_to_stop():
    losses = [9.0 - i for i in range(9)]
    with pytest.warns(ConvergenceWarning, match=MESSAGE):
        assert monitored("loss", losses, n_iter_no_change=2, tol=0.5).progress.n_iter == 9
    assert monitored("val_loss", losses, n_iter_no_change=2, tol=0.5).progress.n_iter == 1 + 2 + 1


def test_what_was_monitored_is_named_when_training_stops(capsys):
    monitored("val_loss", [1.0] * 5, n_iter_no_change=1, verbose=1)
    assert capsys.readouterr().out.splitlines()[-1].startswith("val_loss did not improve more than tol=")


@pytest.mark.parametrize("monitor", ["auto", "loss", "val_loss", "own"])
def test_an_epoch_that_is_not_finite_is_never_the_best(monitor):
    """Its loss, that of the steps before, may be the lowest."""
    training = Training([3.0, 2.0], [0.1, 0.2], metrics={"own": lambda *_: 0.5}, monitor=monitor)
    training.trainer._run = training.run = Diverging([3.0, 1.0])
    with pytest.warns(ConvergenceWarning, match="epoch 2"):
        training.fit()
    np.testing.assert_array_equal(training.run.parameters, [1.0, 1.0])
    assert training.progress.best_iteration == 1


def test_without_early_stopping_nothing_is_monitored():
    """A value that is not there, of validation data, is not missed."""
    assert Training([3.0, 2.0], monitor="val_loss").fit().progress.n_iter == 2


# ---------------------------------------------------------------------------------------------------------------------
# The best epoch
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("restore_best, expected", [(True, 2.0), (False, 4.0)])
def test_early_stopping_restores_the_best_epoch(restore_best, expected):
    training = Training([1.0] * 4, [0.1, 0.9, 0.2, 0.3], restore_best=restore_best).fit()
    np.testing.assert_array_equal(training.run.parameters, [expected] * 2)
    assert training.progress.best_iteration == 2
    assert training.progress.best_parameters is None, "the copy is not kept"


def test_without_early_stopping_the_last_epoch_stays():
    training = Training([1.0, 5.0, 5.0]).fit()
    np.testing.assert_array_equal(training.run.parameters, [3.0, 3.0])
    assert training.progress.best_iteration == 1


# ---------------------------------------------------------------------------------------------------------------------
# Failures
# ---------------------------------------------------------------------------------------------------------------------


class Diverging(FakeRun):
    """The parameters overflow in the second epoch, the loss does not."""

    def run_epoch(self, order, rates, outputs=None):
        loss = super().run_epoch(order, rates, outputs)
        if self.parameters[0] == 2.0:
            self.parameters[1] = np.inf
        return loss


@pytest.mark.parametrize("loss", [np.nan, np.inf])
def test_a_loss_that_is_not_finite_is_an_error_that_says_where(loss):
    training = Training([3.0, loss, 1.0], rate=0.125)
    with pytest.raises(ValueError, match=r"non-finite parameter weights.*epoch 2, learning rate 0\.125.*scaling X"):
        training.fit()
    assert len(training.run.orders) == 2, "it stops at once"


def test_parameters_that_are_not_finite_are_an_error():
    training = Training([3.0, 2.0, 1.0])
    training.trainer._run = Diverging([3.0, 2.0, 1.0])
    with pytest.raises(ValueError, match=r"non-finite.*epoch 2"):
        training.fit()


@pytest.mark.parametrize("restore_best", [False, True])
def test_with_early_stopping_divergence_restores_the_best_epoch(restore_best):
    training = Training([3.0, 2.0, np.nan, 1.0], [0.3, 0.2], restore_best=restore_best)
    with pytest.warns(ConvergenceWarning, match="epoch 3.*best epoch was restored"):
        training.fit()
    np.testing.assert_array_equal(training.run.parameters, [1.0, 1.0])


def test_an_interruption_keeps_what_was_reached():
    training = Training([3.0, 2.0, KeyboardInterrupt(), 1.0])
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        training.fit()
    assert training.progress.loss_curve == [3.0, 2.0]
    assert {len(values) for values in training.progress.history.values()} == {2}
    np.testing.assert_array_equal(training.run.parameters, [2.0, 2.0])


def test_an_interruption_with_early_stopping_restores_the_best_epoch():
    training = Training([3.0, 2.0, KeyboardInterrupt()], [0.5, 0.4])
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        training.fit()
    np.testing.assert_array_equal(training.run.parameters, [1.0, 1.0])


# ---------------------------------------------------------------------------------------------------------------------
# Partial fits, and what is printed
# ---------------------------------------------------------------------------------------------------------------------


def test_a_partial_fit_is_one_epoch_without_a_warning():
    training = Training([3.0, 2.0, 1.0], max_iter=1, n_iter_no_change=1)
    for epoch in range(1, 4):
        training.trainer.partial_fit()
        assert (training.progress.n_iter, len(training.progress.loss_curve)) == (1, epoch)
    assert training.progress.t == 3 * ROWS


def test_partial_fits_never_stop_but_lower_the_rate():
    training = Training([1.0] * 8, schedule="adaptive", tol=0.1, n_iter_no_change=1, rate=1.0)
    for _ in range(8):
        training.trainer.partial_fit()
    np.testing.assert_allclose(training.progress.history["learning_rate"], [1.0] * 3 + [0.2] * 2 + [0.04] * 2 + [0.008])


def test_a_partial_fit_that_diverges_is_an_error():
    with pytest.raises(ValueError, match="non-finite"):
        Training([np.nan]).trainer.partial_fit()


def test_prints_each_epoch_and_why_it_stops(capsys):
    Training([1.5, 2.0, 2.0], [0.5, 0.25, 0.25], n_iter_no_change=1, tol=0.01, verbose=1).fit()
    assert capsys.readouterr().out.splitlines() == [
        "Iteration 1, loss = 1.50000000",
        "Validation score: 0.500000",
        "Iteration 2, loss = 2.00000000",
        "Validation score: 0.250000",
        "Iteration 3, loss = 2.00000000",
        "Validation score: 0.250000",
        "Validation score did not improve more than tol=0.010000 for 1 consecutive epochs. Stopping.",
    ]


def test_prints_a_change_of_the_rate(capsys):
    training = Training([1.0] * 3, schedule="adaptive", rate=0.5, tol=0.1, n_iter_no_change=1, verbose=1)
    with pytest.warns(ConvergenceWarning, match=MESSAGE):
        training.fit()
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("Training loss did not improve") and last.endswith("Setting learning rate to 0.100000")


def test_prints_nothing_unless_asked(capsys):
    Training([1.0, 2.0]).fit()
    assert capsys.readouterr().out == ""
