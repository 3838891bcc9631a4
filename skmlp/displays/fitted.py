"""Where the networks of a fitted estimator are, and what their fits recorded."""

from typing import NamedTuple

from sklearn.utils.validation import check_is_fitted

NOT_MEASURED = ("learning_rate", "seconds")  # of a history: what is no loss and no metric
SCORE = "score"  # that of the validation data which early stopping watches


class Run(NamedTuple):
    """What the fit of a network recorded.

    Attributes
    ----------
    history : dict of list of float
        As ``history_`` of the estimators.
    scores : list of float or None
        Validation scores of the last epochs, as ``validation_scores_``.
    best : int or None
        The best epoch, counted from 1, as ``best_iteration_``.
    unit : {'epoch', 'iteration'}
    """

    history: dict[str, list[float]]
    scores: list[float] | None
    best: int | None
    unit: str

    @property
    def n_epochs(self):
        """Number of epochs."""
        return len(self.history.get("loss", ()))

    @property
    def metrics(self):
        """What was measured: ``'loss'``, the metrics, and the score of early stopping, if it is none of them."""
        names = [name for name in self.history if not name.startswith("val_") and name not in NOT_MEASURED]
        new = self.scores and self.scores[-self.n_epochs :] not in self.history.values()
        return [*names, SCORE] if new else names

    def curves(self, metric):
        """Values of a metric in training and in validation, by these names, each for the last of all epochs."""
        parts = {"training": self.history.get(metric), "validation": self.history.get(f"val_{metric}")}
        if metric == SCORE and self.scores and metric not in self.history:
            parts["validation"] = self.scores[-self.n_epochs :]
        return {part: values for part, values in parts.items() if values}


def run_of(network):
    """The record of a fitted network."""
    unit = "iteration" if network.solver == "lbfgs" else "epoch"
    return Run(network.history_, network.validation_scores_, network.best_iteration_, unit)


def networks_of(estimator):
    """The fitted networks of an estimator, or of what is wrapped around it: itself, or the members.

    Raises as :func:`holder_of`.
    """
    holder = holder_of(estimator)
    return [holder] if hasattr(holder, "history_") else list(holder.estimators_)


def holder_of(estimator):
    """The network or the ensemble of networks in a fitted estimator: itself, the last step, the best, what is wrapped.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    TypeError
        If there is no network in it.
    """
    check_is_fitted(estimator)
    inner = estimator
    while inner is not None:
        members = list(getattr(inner, "estimators_", ()))
        if hasattr(inner, "history_") or (members and all(hasattr(member, "history_") for member in members)):
            return inner
        steps = getattr(inner, "steps", None)
        wrapped = (getattr(inner, name, None) for name in ("best_estimator_", "regressor_", "estimator_"))
        inner = steps[-1][1] if steps else next((each for each in wrapped if each is not None), None)
    raise TypeError(
        f"{type(estimator).__name__} holds no network of this package; allowed are its estimators, pipelines that end "
        "in one, and searches, ensembles and TransformedTargetRegressor over one."
    )
