"""The prediction kernel: raw outputs, loss and predictions of some rows."""

from skmlp.cpu.compile import kernel
from skmlp.cpu.forward import apply_link, forward
from skmlp.cpu.loss import loss_and_delta
from skmlp.cpu.structures import Pass
from skmlp.cpu.views import matrix


@kernel
def to_predictions(link, raw):
    """Raw outputs to predictions, in place."""
    apply_link(link, raw)


@kernel
def predict_rows(network, parameters, X, targets, weights, order, raw, work, outputs):
    """Fill ``outputs`` with predictions, raw ones if ``raw``; returns Σ weight · loss where there are targets."""
    loss = 0.0
    for start in range(0, order.size, work.rows):
        rows = order[start : start + work.rows]
        z = forward(network, parameters, X, weights, rows, work, Pass(0, -1, 0, 0))
        if targets.shape[0] > 0:
            delta = matrix(work.delta, 0, rows.size, z.shape[1])
            levels, settings = network.levels, network.loss_settings
            loss += loss_and_delta(network.loss, z, targets, weights, rows, levels, settings, delta)
        if not raw:
            apply_link(network.link, z)
        for i in range(z.shape[0]):
            for j in range(z.shape[1]):
                outputs[start + i, j] = z[i, j]
    return loss
