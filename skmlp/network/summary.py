"""The network as a table."""

from typing import NamedTuple

from skmlp.network.layout import PARTS

COLUMNS = ("layer", "shape", "activation", "parameters")


class Row(NamedTuple):
    """A row of the table: a layer, or its normalisation, which has no ``activation``."""

    name: str
    shape: str
    activation: str
    parameters: int


def summary_rows(network):
    """The rows of the layers, and the number of all parameters, running averages included.

    Learned scales of features are part of the first layer's weights.

    >>> from skmlp.network.layout import Layout, Network
    >>> rows, total = summary_rows(Network(Layout((8, 12, 1)), ("relu",), "logistic"))
    >>> rows[0], total
    (Row(name='hidden 1', shape='8 -> 12', activation='relu', parameters=108), 121)
    """
    layout, rows = network.layout, []
    names = [f"hidden {i}" for i in range(1, len(network.activations) + 1)] + ["output"]
    for name, (n_in, n_out), function in zip(names, layout.shapes, (*network.activations, network.link), strict=True):
        rows.append(Row(name, f"{n_in} -> {n_out}", str(function), (n_in + 1) * n_out))
        if layout.normalization and name != "output":
            norm = f"{layout.normalization} norm {name.split()[1]}"
            rows.append(Row(norm, f"{n_out}", "", len(PARTS[layout.normalization]) * n_out))
    return rows, layout.size - layout.feature_offsets[-1] + layout.feature_offsets[0]


def summary(network):
    """Layer, shape, activation and parameters of each layer, and their total, as :func:`summary_rows` counts them.

    >>> from skmlp.network.layout import Layout, Network
    >>> print(summary(Network(Layout((8, 12, 1)), ("relu",), "logistic")))
    layer     shape    activation  parameters
    hidden 1  8 -> 12  relu               108
    output    12 -> 1  logistic            13
    total                                 121
    """
    layers, total = summary_rows(network)
    rows = [COLUMNS, *((*row[:3], f"{row.parameters:,}") for row in layers), ("total", "", "", f"{total:,}")]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths[:3], strict=False)), row[3].rjust(widths[3])])
        for row in rows
    )
