"""Tables to be encoded."""

import numpy as np
import pandas as pd
import polars as pl

from skmlp import TabularEncoder

NAN = float("nan")

FRAME = {
    "size": [1.5, 2.5, None, 4.0],
    "count": [3, 1, 2, 2],
    "color": ["red", None, "blue", "green"],
    "flag": [True, False, True, True],
    "ticked": [True, None, False, True],
}

TABLES = {
    "pandas": pd.DataFrame(FRAME),
    "pandas, converted": pd.DataFrame(FRAME).convert_dtypes(),
    "pandas, objects": pd.DataFrame(FRAME, dtype=object),
    "pandas, category": pd.DataFrame(FRAME).astype({"color": "category", "flag": "category", "ticked": "category"}),
    "pandas, other order": pd.DataFrame(FRAME).assign(
        color=lambda X: pd.Categorical(X["color"], categories=["red", "blue", "black", "green"], ordered=True)
    ),
    "pandas, float32": pd.DataFrame(FRAME).astype({"size": "float32", "count": "float32"}),
    "pandas, two of a kind": pd.DataFrame(FRAME).astype({"count": "int8", "flag": "object"}),
    "polars": pl.DataFrame(FRAME),
    "polars, categorical": pl.DataFrame(FRAME).with_columns(pl.col("color").cast(pl.Categorical)),
    "polars, enum": pl.DataFrame(FRAME).with_columns(pl.col("color").cast(pl.Enum(["red", "green", "blue"]))),
    "polars, float32": pl.DataFrame(FRAME).with_columns(pl.col("size", "count").cast(pl.Float32)),
}


def numbers(seed=0, shape=(60, 3)):
    return np.random.default_rng(seed).normal(size=shape) ** 3


def encode(train, test=None, **parameters):
    encoder = TabularEncoder(dtype=np.float64, **parameters).fit(train)
    return encoder.transform(train if test is None else test)


def column(*values):
    return np.array(values, dtype=object).reshape(-1, 1)
