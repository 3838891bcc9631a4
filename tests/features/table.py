"""The table of docs/features.md, and the demonstrations of its rows."""

from pathlib import Path

import numpy as np

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "features.md"
LINES = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
ROWS = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in LINES]
OURS = {row[0]: row[-1] for row in ROWS if row[0] != "feature"}

DEMONSTRATIONS = {}

# Small problems for all.
X = np.random.default_rng(0).standard_normal((200, 4))
CLASSES = (X[:, 0] * X[:, 1] > 0).astype(int)
VALUES = X[:, 0] * X[:, 1] + 0.5 * X[:, 2]
NOISE = np.random.default_rng(1).integers(0, 2, len(X))
FAST = {"hidden_layer_sizes": (8,), "max_iter": 60, "n_iter_no_change": np.inf, "learning_rate_init": 0.01}
FAST |= {"random_state": 0, "dtype": "float64"}
START = FAST | {"max_iter": 1, "learning_rate_init": 1e-12}  # as good as no training


def shows(feature):
    """Decorator: the function shows the feature of this row."""

    def register(demonstration):
        assert feature not in DEMONSTRATIONS, f"{feature} is shown twice"
        DEMONSTRATIONS[feature] = demonstration
        return demonstration

    return register


def squares(model):
    """Sum of the squared weights."""
    return sum((weights**2).sum() for weights in model.coefs_)
