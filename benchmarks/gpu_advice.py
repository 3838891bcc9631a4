"""What the measurements say of the rules of the package: from which size on a GPU pays, and which tile suits a size."""

from itertools import pairwise
from math import inf, log

import numpy as np
from gpu_phases import tiles_by_name

from skmlp.cuda import tiles
from skmlp.devices.choice import WORTH

PRODUCTS = "forward", "backward", "gradient"


def threshold(points):
    """The size from which on to take the second of two ways, so that least is lost where that is wrong.

    Parameters
    ----------
    points : list of (size, seconds of the first, seconds of the second)

    Returns
    -------
    size, below : float
        The smallest size that takes the second way, inf if none should, and the largest that does not, 0 if all do.

    Examples
    --------
    >>> threshold([(10, 1.0, 3.0), (100, 1.0, 2.0), (1000, 4.0, 1.0)])
    (1000, 100)
    >>> threshold([(10, 1.0, 3.0)])
    (inf, 10)
    """
    gains = {}
    for size, first, second in points:
        gains[size] = gains.get(size, 0.0) + log(first / second)
    sizes = sorted(gains)
    losses = {limit: -sum(gain for size, gain in gains.items() if size >= limit) for limit in [*sizes, inf]}
    best = min(losses, key=losses.get)
    return best, max((size for size in sizes if size < best), default=0)


def steps(fits):
    """Records of each workload that ran on both: the size of a step, and the time on CPU and GPU."""
    times = {(each["workload"], each["contestant"]): each for each in fits}
    records = []
    for (workload, contestant), ours in times.items():
        other = times.get((workload, "skmlp, GPU"))
        if contestant == "skmlp, CPU" and other:
            record = {"workload": workload, "weights × rows": ours["weights × rows"]}
            record |= {"CPU, a step, µs": ours["a step, µs"], "GPU, a step, µs": other["a step, µs"]}
            records.append(record | {"times faster on the GPU": ours["a step, µs"] / other["a step, µs"]})
    return sorted(records, key=lambda record: record["weights × rows"])


def products(phases):
    """Records of each size: what the products of a step take with each tile, in µs, and which tile is taken so far."""
    totals, records, names = {}, [], {tile: name for name, tile in tiles_by_name().items()}
    for each in phases:
        if each["phase"] in PRODUCTS:
            by_tile = totals.setdefault((each["width"], each["rows"]), {})
            by_tile[each["tile"]] = by_tile.get(each["tile"], 0.0) + each["µs"]
    for (width, rows), by_tile in totals.items():
        taken = tiles.tile_for(rows, (width, width), np.float32)
        record = {"width": width, "rows": rows, **{f"{tile}, µs": each for tile, each in by_tile.items()}}
        records.append(record | {"faster": min(by_tile, key=by_tile.get), "taken": names.get(taken)})
    return records


def device_rule(records):
    """A sentence on the rule of ``device='auto'``."""
    points = [(each["weights × rows"], each["CPU, a step, µs"], each["GPU, a step, µs"]) for each in records]
    size, below = threshold(points)
    now = f"The rule so far: {WORTH:.3g}."
    if size == inf:
        return f"No step measured, up to {below:.3g} weights × rows, is faster on the GPU. {now}"
    return f"device='auto': the GPU from {size:.3g} weights × rows of a batch on, not up to {below:.3g}. {now}"


def tile_rules(records):
    """Sentences on the rule that picks a tile: the number of tiles of a size from which on it beats the next finer."""
    sentences = []
    for (finer, _), (name, tile) in pairwise(tiles_by_name().items()):
        counts = [-(-each["rows"] // tile.side) * -(-each["width"] // tile.side) for each in records]
        times = [(each[f"{finer}, µs"], each[f"{name}, µs"]) for each in records]
        count, below = threshold([(count, *pair) for count, pair in zip(counts, times, strict=True)])
        now = f"The rule so far: {tiles.ENOUGH}."
        if count == inf:
            sentences.append(f"Tiles that are {name} are never faster than {finer} ones, up to {below}. {now}")
        else:
            sentences.append(f"Tiles are {name}, not {finer}, where there are {count} or more, not {below}. {now}")
    return sentences


def launch_rule(fits):
    """A sentence on one cooperative kernel against a kernel a phase."""
    times = {(each["workload"], each["contestant"]): each["fit, s"] for each in fits}
    slower = [
        f"{workload} ({seconds / times[workload, 'skmlp, GPU']:.2f} times)"
        for (workload, contestant), seconds in times.items()
        if contestant == "skmlp, GPU, phase by phase" and seconds < times.get((workload, "skmlp, GPU"), 0.0)
    ]
    if not slower:
        return "One cooperative kernel is faster than a kernel a phase on every workload measured."
    return "A kernel a phase takes less time than one cooperative kernel on: " + "; ".join(slower) + "."
