"""The network as a table."""

from skmlp.network.layout import PARTS


def summary(network):
    """Layer, shape, activation and parameters of each layer, running averages included, and their total.

    Learned scales of features are part of the first layer's weights.

    >>> from skmlp.network.layout import Layout, Network
    >>> print(summary(Network(Layout((8, 12, 1)), ("relu",), "logistic")))
    layer     shape    activation  parameters
    hidden 1  8 -> 12  relu               108
    output    12 -> 1  logistic            13
    total                                 121
    """
    layout = network.layout
    names = [f"hidden {i}" for i in range(1, len(network.activations) + 1)] + ["output"]
    rows = [("layer", "shape", "activation", "parameters")]
    for name, (n_in, n_out), function in zip(names, layout.shapes, (*network.activations, network.link), strict=True):
        rows.append((name, f"{n_in} -> {n_out}", str(function), f"{(n_in + 1) * n_out:,}"))
        if layout.normalization and name != "output":
            norm = f"{layout.normalization} norm {name.split()[1]}"
            rows.append((norm, f"{n_out}", "", f"{len(PARTS[layout.normalization]) * n_out:,}"))
    rows.append(("total", "", "", f"{layout.size - layout.feature_offsets[-1] + layout.feature_offsets[0]:,}"))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths[:3], strict=False)), row[3].rjust(widths[3])])
        for row in rows
    )
