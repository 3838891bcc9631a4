"""Docstrings of the estimators, put together from the documentation of the parameters."""

import inspect
import textwrap
from ast import literal_eval
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from skmlp.estimators.parameters import PARAMETERS, Parameter

Documented = TypeVar("Documented")

ATTRIBUTES = """\
n_features_in_ : int
    Number of features.
feature_names_in_ : ndarray of shape (n_features,)
    Names of the features, if X had names that are all strings.
coefs_ : tuple of ndarray of shape (n_in, n_out)
    Weights of each layer. Writing into them changes the model.
intercepts_ : tuple of ndarray of shape (n_out,)
    Biases of each layer. Writing into them changes the model.
norm_scales_, norm_shifts_ : tuple of ndarray of shape (n_units,)
    With ``normalization``, what each hidden layer's normalised values are multiplied by, and what is added. Writing
    into them changes the model.
norm_means_, norm_variances_ : tuple of ndarray of shape (n_units,)
    With ``normalization='batch'``, the running averages that predictions are normalised by.
n_iter_ : int
    Epochs of the last call.
n_layers_ : int
    Number of layers, input and output included.
n_outputs_ : int
    Units of the output layer.
out_activation_ : str
    Activation of the output layer.
t_ : int
    Training rows seen.
loss_ : float
    Loss of the last epoch: the running mean over its rows, penalty included.
best_loss_ : float or None
    Lowest loss; None with early stopping.
loss_curve_ : list of float
    Loss of each epoch.
validation_scores_ : list of float or None
    Validation score of each epoch, with early stopping.
best_validation_score_ : float or None
    Highest validation score, with early stopping.
best_iteration_ : int or None
    The best epoch, counted from 1 in ``history_``: the lowest loss or, with early stopping, the best monitored value.
history_ : dict of list of float
    For each epoch ``loss``, each metric, ``val_loss`` and ``val_<metric>`` where there are validation data,
    ``learning_rate`` (NaN for 'lbfgs', which has none) and ``seconds``.
device_ : str
    Where the model was trained: 'cpu' or 'cuda:N'.
"""


def with_default(kind: str, default: object) -> str:
    """The type line of a parameter, with the default of a class of its own."""
    given = kind.rpartition("default=")[2]
    with suppress(ValueError):
        if literal_eval(given) == default:
            return kind
    return kind.removesuffix(given) + repr(default)


def documented(
    loss: Parameter, metrics: str, attributes: str = ATTRIBUTES, parameters: dict[str, Parameter] = PARAMETERS
) -> Callable[[type[Documented]], type[Documented]]:
    """Class decorator: puts the sections where the docstring says {parameters} and {attributes}."""

    def decorate(cls: type[Documented]) -> type[Documented]:
        if cls.__doc__ is None:  # python -OO
            return cls
        entries = []
        for name, argument in list(inspect.signature(cls.__init__).parameters.items())[1:]:
            parameter = loss if name == "loss" else parameters[name]
            text = textwrap.fill(parameter.doc.replace("{own}", metrics), 110)
            kind = with_default(parameter.kind, argument.default)
            entries.append(f"{name} : {kind}\n{textwrap.indent(text, '    ')}")
        sections = {"parameters": "\n".join(entries), "attributes": attributes.rstrip()}
        doc = inspect.cleandoc(cls.__doc__)
        for name, text in sections.items():
            title = name.capitalize()
            doc = doc.replace("{" + name + "}", f"{title}\n{'-' * len(title)}\n{text}")
        cls.__doc__ = doc
        return cls

    return decorate
