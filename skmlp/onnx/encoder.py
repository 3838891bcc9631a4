"""The preprocessing of tables in ONNX operators.

Numbers are worked on in double precision, as by the encoder itself. ONNX has no missing texts: the empty text stands
for one, unless training has seen it as a category.
"""

import numpy as np
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, StringTensorType

from skmlp.preprocessing.categories import indicators
from skmlp.preprocessing.numeric import LIMIT, SmoothClipping
from skmlp.preprocessing.tables import text


def encoded(g, variables, encoder):
    """The table as a matrix, in the dtype of the encoder.

    Parameters
    ----------
    g : skmlp.onnx.graph.Graph
        In double precision.
    variables : list of skl2onnx.common._topology.Variable
        The inputs: one with all columns, or several, from left to right.
    encoder : TabularEncoder
        Fitted.

    Raises
    ------
    ValueError
        If a numeric column comes as texts, or ``numeric_scaling='quantile'``.
    """
    columns = columns_of(variables, encoder.n_features_in_)
    mask = encoder.categorical_features_
    blocks = []
    if not mask.all():
        numeric = [column for column, categorical in zip(columns, mask, strict=True) if not categorical]
        blocks += numeric_blocks(g, number_table(g, numeric), encoder._numeric)
    codes = iter(zip(encoder._categorical._codes, encoder._categorical._infrequent_codes, strict=True))
    for (variable, place), categorical in zip(columns, mask, strict=True):
        if categorical:
            column = g.Gather(variable.full_name, [place], axis=1)
            blocks.append(category_block(g, column, variable.type, *next(codes)))
    return g.at(encoder.dtype).cast(g.Concat(*blocks, axis=1))


def columns_of(variables, n_columns):
    """For each column of a table the variable that holds it, and its place there."""
    if len(variables) == 1:
        return [(variables[0], place) for place in range(n_columns)]
    return [(variable, place) for variable in variables for place in range(variable.type.shape[1])]


def number_table(g, columns):
    """Numeric columns as one matrix."""
    places = {}
    for variable, place in columns:
        if isinstance(variable.type, StringTensorType):
            raise ValueError(f"Input {variable.raw_name!r} is of texts, but numeric for the encoder; give numbers.")
        places.setdefault(variable.full_name, []).append(place)
    parts = [g.cast(g.Gather(name, of_input, axis=1)) for name, of_input in places.items()]
    return g.Concat(*parts, axis=1)


def numeric_blocks(g, table, encoding):
    """Scaled columns, indicators of missing values, bins."""
    scaler = encoding._scaler
    if not isinstance(scaler, SmoothClipping):
        raise ValueError(
            "numeric_scaling='quantile' of TabularEncoder cannot be exported: ONNX has no interpolation between "
            "quantiles. Use 'robust' or 'standard'."
        )
    missing = g.IsNaN(table)
    table = g.Clip(g.Where(missing, encoding.medians, table), -LIMIT, LIMIT)
    if encoding.kept.any():
        z = g.Div(g.Sub(g.Gather(table, np.flatnonzero(encoding.kept), axis=1), scaler.centre), scaler.scale)
        z = g.Clip(z, -1e100, 1e100)
        third = g.Div(z, 3.0)
        yield g.Div(z, g.Sqrt(g.Add(g.Mul(third, third), 1.0)))
    if encoding.had_missing.any():
        yield g.cast(g.Gather(missing, np.flatnonzero(encoding.had_missing), axis=1))
    binned = [(place, edges) for place, edges in enumerate(encoding.edges) if edges is not None]
    if binned:
        counts = np.array([len(edges) - 1 for _, edges in binned])
        lower = np.concatenate([edges[:-1] for _, edges in binned])
        upper = np.concatenate([edges[1:] for _, edges in binned])
        values = g.Gather(table, np.repeat([place for place, _ in binned], counts), axis=1)
        share = g.Clip(g.Div(g.Sub(values, lower), upper - lower), 0.0, 1.0)
        yield g.Div(g.Sub(share, 0.5), np.repeat(np.sqrt(counts), counts))


def category_block(g, column, kind, codes, infrequent):
    """Indicators of a column of categories.

    Parameters
    ----------
    g : skmlp.onnx.graph.Graph
    column : str
        Of shape (n_samples, 1).
    kind : skl2onnx type
    codes : dict
        Code of each category by its text, of missing values by None.
    infrequent : int
        Code of values that are not known, −1 if they have none.
    """
    if isinstance(kind, StringTensorType):
        known = {"": codes.get(None, -1)} | {key: code for key, code in codes.items() if key is not None}
        number = lookup(g, column, "strings", known, infrequent)
    elif isinstance(kind, FloatTensorType | DoubleTensorType):
        number = float_codes(g, g.cast(column), numbers_of(codes, float), infrequent, codes.get(None, -1))
    else:
        number = lookup(g, g.cast(column, np.int64), "int64s", numbers_of(codes, int), infrequent)
    return g.cast(g.Gather(indicators(max(codes.values()) + 1), g.Squeeze(number, [1])))


def numbers_of(codes, kind):
    """Codes of those categories whose text is that of a number, by the number."""
    known = {}
    for key, code in codes.items():
        try:
            number = kind(key)
        except (ValueError, TypeError):
            continue
        if text(number) == key and (kind is float or abs(number) < 2**63):
            known[number] = code
    return known


def lookup(g, column, keys, codes, default):
    """Codes of texts or integers; ONNX wants one key at least."""
    codes = codes or {{"strings": "", "int64s": 0}[keys]: default}
    table = {f"keys_{keys}": list(codes), "values_int64s": list(codes.values()), "default_int64": default}
    return g.node("LabelEncoder", column, domain="ai.onnx.ml", **table)


def float_codes(g, column, codes, default, missing):
    """Codes of floats, each compared with all that are known; the table of ONNX knows single precision only."""
    codes = codes or {0.0: default}
    found = g.cast(g.Equal(column, np.array([list(codes)], dtype=np.float64)))
    steps = np.array([[code - default] for code in codes.values()], dtype=np.float64)
    number = g.Add(g.MatMul(found, steps), float(default))
    return g.cast(g.Where(g.IsNaN(column), float(missing), number), np.int64)
