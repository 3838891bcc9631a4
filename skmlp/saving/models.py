"""Saving an estimator, and loading it."""

from __future__ import annotations

import os
import platform
from typing import Any

import numpy as np
import sklearn

from skmlp.saving import container
from skmlp.saving.records import RECORDS
from skmlp.saving.values import Packer, Unpacker
from skmlp.typing import FilePath
from skmlp.version import __version__

FORMAT = 1  # of files; raised when older versions could not read the newer ones


class Saveable:
    """An estimator with a method ``save``."""

    def save(self, path: FilePath) -> None:
        """Write the estimator to a file without pickle, which :func:`skmlp.load` reads.

        The file holds the parameters and, of a fitted estimator, all that a pickle would: it predicts the same bits and
        goes on training from where it is. There is no code in it.

        Parameters
        ----------
        path : str, bytes or os.PathLike
            The file, with any suffix or none. One that is there is replaced when all is written.

        Raises
        ------
        ValueError
            If a parameter is not valid, or a function or another object that only pickle can save: losses and
            activations of your own, callables as metrics or schedule, callbacks. The file then is as it was.

        See Also
        --------
        skmlp.load : The way back.

        Examples
        --------
        >>> from tempfile import TemporaryDirectory
        >>> import skmlp
        >>> with TemporaryDirectory() as folder:
        ...     skmlp.MLPRegressor(max_iter=500).save(f"{folder}/model.skmlp")
        ...     skmlp.load(f"{folder}/model.skmlp")
        MLPRegressor(max_iter=500)
        """
        packer = Packer()
        name = type(self).__name__
        record = RECORDS.get(name)
        if record is None or record.cls is not type(self):
            raise ValueError(f"save takes no {name}, which is a class of your own; pickle and joblib take it.")
        model = packer.pack(self, name)
        versions = {"skmlp": __version__, "numpy": np.__version__, "scikit-learn": sklearn.__version__}
        header = {"format": FORMAT, **versions, "python": platform.python_version(), "model": model}
        container.write(path, header, packer.arrays)


def load(path: FilePath) -> Any:
    """Read an estimator that was written by its method ``save``.

    No file can run code. Whether the predictions of a model can be trusted is up to whoever trained it.

    Parameters
    ----------
    path : str, bytes or os.PathLike
        The file.

    Returns
    -------
    estimator : estimator
        Fitted, if the one that was saved was.

    Raises
    ------
    ValueError
        If the file was not written by ``save``, is damaged, or comes from a version of skmlp that this one cannot read.
    OSError
        If it cannot be opened; FileNotFoundError if there is none.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from pathlib import Path
    >>> import numpy as np
    >>> import skmlp
    >>> X = np.random.default_rng(0).normal(size=(100, 3))
    >>> model = skmlp.MLPRegressor(solver="lbfgs", random_state=0).fit(X, X.sum(axis=1))
    >>> with TemporaryDirectory() as folder:
    ...     model.save(Path(folder) / "model.skmlp")
    ...     twin = skmlp.load(Path(folder) / "model.skmlp")
    >>> bool((twin.predict(X) == model.predict(X)).all())
    True
    """
    path, note = os.fsdecode(path), ""
    with open(path, "rb") as file:
        try:
            header, arrays = container.read(file)
            note = f" It was written by skmlp {header['skmlp']!s:.40}."
            return model_of(header, arrays)
        except Exception as error:  # of a damaged file anything may come out of zipfile, JSON, NumPy or scikit-learn
            reason = error if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
            raise ValueError(f"{path} cannot be loaded: {reason!s:.300}.{note}") from error


def model_of(header: dict[str, Any], arrays: Any) -> Saveable:
    """The estimator of a file.

    Raises
    ------
    Exception
        Of any kind, if there is none.
    """
    written = header["format"]
    if type(written) is not int or not 0 < written <= FORMAT:
        raise ValueError(f"it is of format {written!r:.20}, but this version of skmlp reads none after {FORMAT}")
    model = Unpacker(arrays).unpack(header["model"])
    if not isinstance(model, Saveable):
        raise ValueError("it holds no estimator")
    return model
