"""Losses and activations of the user's own: pairs of scalar functions, in the form of the entries of the tables.

A back end compiles a copy of each function (:func:`adapted`), never the function itself.
"""

import dis
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from types import CellType, CodeType, FunctionType
from typing import Any, ClassVar, Literal, Self, TypeAlias
from uuid import uuid4
from weakref import WeakValueDictionary

from skmlp.formulas.activations import Activation
from skmlp.formulas.links import LINKS
from skmlp.formulas.losses import Loss

LinkName: TypeAlias = Literal["identity", "logistic", "exp"]
LINKS_OF_ONE = tuple(name for name, link in LINKS.items() if not link.by_row)
_formulas: WeakValueDictionary[str, Any] = WeakValueDictionary()  # by token


@dataclass(frozen=True, repr=False)
class CustomFormula:
    """A pair of functions that compares and hashes by what it holds, and is never copied.

    A token makes all pickles of one formula one object in the process that loads them, so that workers of a grid search
    compile it once even where each task brings a new copy of the functions.
    """

    parameter: ClassVar[str] = ""  # of the estimators
    roles: ClassVar[dict[str, str]] = {}  # name of a field with a function: its arguments
    _made_of: ClassVar[Callable[..., Any]]  # of its functions, what a table would hold

    def __post_init__(self) -> None:
        for role, arguments in self.roles.items():
            check_function(getattr(self, role), f"{type(self).__name__}: {role}", arguments)
        self._know_as(uuid4().hex)

    def _know_as(self, token):
        object.__setattr__(self, "_token", token)
        _formulas[token] = self

    @property
    def _functions(self) -> dict[str, FunctionType]:
        """The functions by role, as Python functions."""
        return {role: python_function(getattr(self, role)) for role in self.roles}

    def _entry(self, prepare: Callable[[FunctionType], Any]) -> Any:
        """What a table would hold for the formula, made of its functions after ``prepare``."""
        return self._made_of(*map(prepare, self._functions.values()))

    def __str__(self) -> str:
        return next(iter(self._functions.values())).__name__

    def __repr__(self) -> str:
        names = [function.__name__ for function in self._functions.values()]
        rest = [f"{name}={value!r}" for name, value in self._values().items() if name not in self.roles and value]
        return f"{type(self).__name__}({', '.join(names + rest)})"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self):
        return restored, (type(self), self._token, self._values())

    def _values(self):
        return {field.name: getattr(self, field.name) for field in fields(self)}


def restored(cls, token, values):
    """The formula of this token if the process has it, else a new one."""
    formula = _formulas.get(token)
    if formula is None:
        formula = cls(**values)
        formula._know_as(token)
    return formula


@dataclass(frozen=True, repr=False)
class CustomActivation(CustomFormula):
    """An activation of your own, for the parameter ``activation`` of the estimators.

    The functions are compiled into the kernels, with their float literals in the dtype of the data and with
    vectorising versions of ``exp``, ``expm1``, ``log`` and ``tanh`` (those of :mod:`math` and NumPy). When the
    activation is first used, finite differences check that the two go together.

    Parameters
    ----------
    function : callable
        Function of one number, the input z, best jitted with ``numba.njit``: a jitted function can be pickled
        wherever it was defined.
    derivative : callable
        Its derivative, a function of z too.

    See Also
    --------
    CustomLoss : The same for losses.

    Examples
    --------
    >>> from math import exp
    >>> from numba import njit
    >>> from sklearn.datasets import load_iris
    >>> from skmlp import CustomActivation, MLPClassifier
    >>> @njit
    ... def bell(z):
    ...     return exp(-0.5 * z * z)
    >>> @njit
    ... def bell_slope(z):
    ...     return -z * exp(-0.5 * z * z)
    >>> X, y = load_iris(return_X_y=True)
    >>> bells = CustomActivation(bell, bell_slope)
    >>> model = MLPClassifier((16,), activation=bells, solver="lbfgs", max_iter=500, random_state=0)
    >>> bool(model.fit(X - X.mean(axis=0), y).score(X - X.mean(axis=0), y) > 0.95)
    True
    >>> model.activation
    CustomActivation(bell, bell_slope)
    """

    function: Callable[[float], float]
    derivative: Callable[[float], float]
    parameter: ClassVar[str] = "activation"
    roles: ClassVar[dict[str, str]] = {"function": "z", "derivative": "z"}

    @staticmethod
    def _made_of(function, derivative):
        return Activation(lambda z: function(z), lambda z, a: derivative(z))


@dataclass(frozen=True, repr=False)
class CustomLoss(CustomFormula):
    """A loss of your own, for the parameter ``loss`` of the estimators.

    It is summed over the outputs, each by itself, so it is not for softmax outputs. The functions are compiled into
    the kernels as those of :class:`CustomActivation` are, and checked by finite differences like them.

    Parameters
    ----------
    loss : callable
        Function of two numbers: the raw output z of the network, and the target y, which is 0 or 1 for classes. Best
        jitted with ``numba.njit``: a jitted function can be pickled wherever it was defined.
    gradient : callable
        Its derivative in z, a function of z and y too.
    link : {None, 'identity', 'logistic', 'exp'}, default=None
        What turns z into a prediction. None: the identity for a regressor, and the logistic function for a
        classifier, which takes no other.

    See Also
    --------
    CustomActivation : The same for activations.

    Examples
    --------
    >>> from numba import njit
    >>> from sklearn.datasets import load_diabetes
    >>> from skmlp import CustomLoss, MLPRegressor
    >>> @njit
    ... def asymmetric(z, y):
    ...     return (z - y) ** 2 if z < y else 0.25 * (z - y) ** 2
    >>> @njit
    ... def asymmetric_gradient(z, y):
    ...     return 2.0 * (z - y) if z < y else 0.5 * (z - y)
    >>> X, y = load_diabetes(return_X_y=True)
    >>> y = (y - y.mean()) / y.std()
    >>> loss = CustomLoss(asymmetric, asymmetric_gradient)
    >>> model = MLPRegressor(loss, (16,), solver="lbfgs", alpha=1.0, tol=0.01, random_state=0).fit(X, y)
    >>> bool((model.predict(X) > y).mean() > 0.55)
    True
    """

    loss: Callable[[float, float], float]
    gradient: Callable[[float, float], float]
    link: LinkName | None = field(default=None, kw_only=True)
    domain: ClassVar[str] = "any"
    parameter: ClassVar[str] = "loss"
    roles: ClassVar[dict[str, str]] = {"loss": "z, y", "gradient": "z, y"}

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.link is not None and self.link not in LINKS_OF_ONE:
            allowed = ", ".join(map(repr, LINKS_OF_ONE))
            raise ValueError(f"CustomLoss: link={self.link!r}; allowed are None, {allowed}.")

    def _linked(self, default: LinkName) -> Self:
        """The same loss, with the link ``default`` where it has none."""
        return replace(self, link=default) if self.link is None else self

    def _made_of(self, loss, gradient):
        return Loss(self.link, lambda z, y, s: loss(z, y), lambda z, y, s: gradient(z, y))


def find(table, key):
    """Entry of a table of formulas by its name, or a formula that is given itself."""
    return table[key] if isinstance(key, str) else key


def python_function(function):
    """The Python function behind a jitted one, or the function itself."""
    return getattr(function, "py_func", function)


def check_function(function, what, arguments):
    """Refuse what is no Python function of the arguments.

    Raises
    ------
    TypeError
    """
    plain = python_function(function)
    if not isinstance(plain, FunctionType):
        raise TypeError(f"{what} must be a Python function, or one jitted with numba.njit, got {function!r}.")
    try:
        inspect.signature(plain).bind(*arguments.split(", "))
    except TypeError as error:
        raise TypeError(f"{what} must be a function of ({arguments}), but for {plain.__name__}: {error}.") from None
    if any(instruction.opname == "RAISE_VARARGS" for instruction in dis.get_instructions(plain)):
        raise TypeError(
            f"{what} must not raise errors, as {plain.__name__} does by raise or assert: nobody would hear of them. "
            "Return nan where there is no value."
        )


def adapted(function, substitute, finish, done=None):
    """A copy of a function with other constants, made new down to the functions that it calls.

    Functions that are jitted, or defined in the same module, are copied too; all others are constants.

    Parameters
    ----------
    function : callable
    substitute : callable
        Of a literal, a default, or the value of a global or enclosing variable: what takes its place.
    finish : callable
        Of a new Python function: what its callers call.
    """
    source, done = python_function(function), {} if done is None else done
    if source in done:
        return done[source]

    def changed(value):
        if isinstance(python_function(value), FunctionType):
            inner = python_function(value)
            if inner is not value or inner.__globals__ is source.__globals__:
                return adapted(inner, substitute, finish, done)
        return substitute(value)

    cells = tuple(CellType() for _ in source.__closure__ or ())
    names = {"__name__": __name__}  # so that no other library holds a symbol of the name
    copy = FunctionType(with_constants(source.__code__, substitute), names, source.__name__, None, cells)
    done[source] = finish(copy)  # before what it calls, which may be the function itself
    copy.__defaults__ = source.__defaults__ and tuple(map(changed, source.__defaults__))
    copy.__kwdefaults__ = source.__kwdefaults__ and {
        name: changed(value) for name, value in source.__kwdefaults__.items()
    }
    for cell, original in zip(cells, source.__closure__ or (), strict=True):
        if original != CellType():  # a variable without a value has none in the copy
            cell.cell_contents = changed(original.cell_contents)
    for name in names_in(source.__code__) & source.__globals__.keys():
        names[name] = changed(source.__globals__[name])
    return done[source]


def with_constants(code, substitute):
    """Code with other literals, also in the functions within it."""
    constants = [
        with_constants(value, substitute) if isinstance(value, CodeType) else substitute(value)
        for value in code.co_consts
    ]
    return code.replace(co_consts=tuple(constants))


def names_in(code):
    """The names that code looks up, also in the functions within it."""
    inner = (names_in(value) for value in code.co_consts if isinstance(value, CodeType))
    return set(code.co_names).union(*inner)
