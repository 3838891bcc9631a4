"""The Pima Indians diabetes data."""

from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd


@overload
def load_pima(*, as_frame: Literal[False] = False) -> tuple[NDArray[np.float64], NDArray[np.int64]]: ...


@overload
def load_pima(*, as_frame: Literal[True]) -> "tuple[pd.DataFrame, pd.Series]": ...


@overload
def load_pima(*, as_frame: bool) -> tuple[Any, Any]: ...


def load_pima(*, as_frame: bool = False) -> tuple[Any, Any]:
    """Load the Pima Indians diabetes data: 768 patients, eight measurements, two classes.

    A row is a woman of Pima heritage, at least 21 years old, who lived near Phoenix, Arizona. The target
    tells whether she developed diabetes within five years of the examination (1: 268 rows) or not (0: 500
    rows).

    The data were collected by the National Institute of Diabetes and Digestive and Kidney Diseases (NIDDK)
    of the United States. They are US government data, in the public domain.

    ========================  =================================================  ==========
    column                    meaning                                            unit
    ========================  =================================================  ==========
    Pregnancies               number of pregnancies                              count
    Glucose                   plasma glucose two hours into an oral glucose      mg/dl
                              tolerance test
    BloodPressure             diastolic blood pressure                           mm Hg
    SkinThickness             thickness of the skin fold at the triceps          mm
    Insulin                   serum insulin after two hours                      µU/ml
    BMI                       body mass index                                    kg/m²
    DiabetesPedigreeFunction  weighs diabetes among relatives by closeness       none
    Age                       age                                                years
    ========================  =================================================  ==========

    A zero in Glucose, BloodPressure, SkinThickness, Insulin or BMI stands for a missing value. The zeros are
    left as they are.

    Parameters
    ----------
    as_frame : bool, default=False
        Return a pandas DataFrame and Series instead of arrays. This needs pandas.

    Returns
    -------
    X : ndarray of shape (768, 8) and dtype float64, or DataFrame
        The measurements, one row a patient.
    y : ndarray of shape (768,) and dtype int64, or Series
        1 for diabetes, 0 for none. The series is named ``Outcome``.

        Every call returns data of its own, which may be changed freely.

    Raises
    ------
    ImportError
        If ``as_frame=True`` and pandas is not installed.

    References
    ----------
    J. W. Smith, J. E. Everhart, W. C. Dickson, W. C. Knowler and R. S. Johannes, "Using the ADAP learning
    algorithm to forecast the onset of diabetes mellitus", Proceedings of the Annual Symposium on Computer
    Application in Medical Care, pp. 261-265, 1988.

    Examples
    --------
    >>> from skmlp.datasets import load_pima
    >>> X, y = load_pima()
    >>> X.shape, int(y.sum())
    ((768, 8), 268)
    >>> X[0].tolist()
    [6.0, 148.0, 72.0, 35.0, 0.0, 33.6, 0.627, 50.0]
    """
    with files("skmlp.datasets").joinpath("data", "pima.csv").open(encoding="ascii") as file:
        *features, target = file.readline().strip().split(",")
        table = np.loadtxt(file, delimiter=",")
    X, y = table[:, :-1].copy(), table[:, -1].astype(np.int64)
    if not as_frame:
        return X, y

    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError("load_pima(as_frame=True) needs pandas: python -m pip install pandas") from error
    return pd.DataFrame(X, columns=features), pd.Series(y, name=target)
