"""One small epoch of every formula and layer, on usual data and on data of ±1e4; as a program: saved to a file."""

import sys
import warnings

import numpy as np

from skmlp.cpu.backend import CpuBackend
from skmlp.formulas.activations import ACTIVATIONS
from skmlp.formulas.losses import LOSSES
from skmlp.formulas.optimisers import OPTIMISERS
from skmlp.network.layout import Layout, Network
from skmlp.network.segments import segments
from tests import naive

ROWS, UNITS, BATCH = 8, (3, 4, 3), 4
SCALES = {"usual": 1.0, "huge": 1e4}
CASES = {
    **{f"activation {name}": {"activation": name} for name in ACTIVATIONS},
    **{f"loss {name}": {"loss": name, "activation": "identity"} for name in LOSSES},
    **{f"solver {name}": {"solver": name} for name in OPTIMISERS},
    "penalty and clipping": {"settings": {"l1": 0.1, "l2": 0.2, "weight_decay": 0.1, "clip_norm": 0.5}},
    "dropout": {"dropout": 0.4},
    "batch normalisation": {"normalization": "batch"},
    "layer normalisation": {"normalization": "layer"},
    "factors of learning rates": {"rates": {"parametrization": "ntk", "bias_rate": 0.1}},
    "learned scales": {"scaled": True, "rates": {"feature_rate": 3.0}, "settings": {"l2": 0.2, "clip_norm": 0.5}},
}


def epoch(
    scale,
    real,
    *,
    activation="tanh",
    loss="squared_error",
    solver="adam",
    settings=None,
    dropout=0.0,
    normalization=None,
    scaled=False,
    rates=None,
):
    """Loss of an epoch from random parameters, the parameters after it, and the predictions they give."""
    random = np.random.default_rng(0)
    network = Network(Layout(UNITS, normalization, scaled), (activation,), LOSSES[loss].link, (dropout,))
    backend = CpuBackend(network, loss, real, **naive.loss_settings(loss, UNITS[-1])._asdict())
    X = scale * random.normal(size=(ROWS, UNITS[0]))
    y = naive.LOSSES[loss].draw(random, ROWS, UNITS[-1])
    parameters = random.normal(size=network.layout.size) ** 2  # variances are positive
    run = backend.start(
        parameters.astype(real),
        X.astype(real),
        y.astype(real),
        None,
        batch_size=BATCH,
        solver=solver,
        settings={**naive.SETTINGS, **(settings or {})},
        segments=segments(network.layout, **(rates or {})),
        seed=7,
    )
    # The exponential of 1e4 is infinite, and some of what comes of that no number.
    with np.errstate(**{"over": "ignore", "invalid": "ignore"} if network.link == "exp" else {}):
        loss = run.run_epoch(np.arange(ROWS), np.full(ROWS // BATCH, 0.01))
        predictions = backend.predict(run.parameters, X.astype(real))
    return np.concatenate([[loss], run.parameters, predictions.ravel()])


def epochs(real):
    """All cases, a dict of names to arrays."""
    return {
        f"{real}, {size}, {name}": epoch(scale, real, **case)
        for size, scale in SCALES.items()
        for name, case in CASES.items()
    }


if __name__ == "__main__":
    warnings.simplefilter("error")
    np.savez(sys.argv[1], **epochs("float32"), **epochs("float64"))
