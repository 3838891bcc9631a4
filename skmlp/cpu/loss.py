"""Loss of raw outputs, with its gradient."""

from skmlp.cpu.compile import by_code, formulas, function
from skmlp.formulas import losses
from skmlp.formulas.losses import LOSSES

formulas(losses)


@function
def row_weight(weights, row):
    """Weight of a row; 1 where no weights were given (an empty array)."""
    return weights[row] if weights.size > 0 else 1.0


def loss_loop(loss):
    """Loop of one loss over the rows of a shard: returns Σ weight · loss and fills ``delta`` with its gradient in z."""
    value, gradient, by_row = loss.value, loss.gradient, loss.row

    @function
    def elementwise(z, targets, weights, rows, delta):
        total = 0.0
        for i in range(rows.size):
            weight = delta.dtype.type(row_weight(weights, rows[i]))
            for j in range(z.shape[1]):
                total += weight * value(z[i, j], targets[rows[i], j])
                delta[i, j] = weight * gradient(z[i, j], targets[rows[i], j])
        return total

    @function
    def over_rows(z, targets, weights, rows, delta):
        total = 0.0
        for i in range(rows.size):
            weight = delta.dtype.type(row_weight(weights, rows[i]))
            slope = delta[i]
            total += weight * by_row(z[i], targets[rows[i]], slope)
            for j in range(slope.size):
                slope[j] *= weight
        return total

    return elementwise if by_row is None else over_rows


loss_and_delta = by_code([loss_loop(loss) for loss in LOSSES.values()])
