"""
Learning from chunks: data that do not fit into memory
======================================================

``partial_fit`` makes one pass over the rows that it is given, and keeps the optimiser's state from call to call. Here
a file of numbers is read piece by piece, several times over. The data are generated, half a million rows on disk, of
which one chunk at a time is in memory.
"""

# %%
# A file, as some other program may have left it.
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.preprocessing import StandardScaler

from skmlp import MLPClassifier

N_ROWS, N_FEATURES, CHUNK = 500_000, 20, 50_000
folder = tempfile.TemporaryDirectory()
path = Path(folder.name) / "rows.npy"

rng = np.random.default_rng(0)
file = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(N_ROWS, N_FEATURES + 1))
for start in range(0, N_ROWS, CHUNK):
    X = rng.normal(3.0, 2.0, size=(CHUNK, N_FEATURES))
    z = (X - 3.0) / 2.0
    signal = z[:, 0] * z[:, 1] + np.sin(2.0 * z[:, 2]) + 0.5 * z[:, 3]
    y = signal + rng.logistic(0.0, 0.3, CHUNK) > 0.0
    file[start : start + CHUNK] = np.column_stack([X, y])
file.flush()
print(f"{path.stat().st_size / 1e6:.0f} MB on disk, {CHUNK * (N_FEATURES + 1) * 4 / 1e6:.0f} MB a chunk")


def chunks(path, first=0):
    """Rows and classes, a chunk at a time."""
    table = np.load(path, mmap_mode="r")
    for start in range(first, len(table), CHUNK):
        rows = np.array(table[start : start + CHUNK])
        yield rows[:, :-1], rows[:, -1].astype(int)


# %%
# The scaler learns from chunks as well. The first chunk is kept to measure on, and not learned from.
X_test, y_test = next(chunks(path))
scaler = StandardScaler()
for X, _ in chunks(path, first=CHUNK):
    scaler.partial_fit(X)

# %%
# All classes have to be named at the first call, since a chunk need not hold them all. A schedule that is a
# function of the training done works here, too: passes over ``max_iter``.
N_PASSES = 6
n_chunks = N_ROWS // CHUNK - 1
model = MLPClassifier(
    (64, 32),
    batch_size=512,
    learning_rate="cosine",
    learning_rate_init=0.003,
    max_iter=N_PASSES * n_chunks,
    random_state=0,
)
accuracies = []
for _ in range(N_PASSES):
    for X, y in chunks(path, first=CHUNK):
        model.partial_fit(scaler.transform(X), y, classes=[0, 1])
        accuracies.append(model.score(scaler.transform(X_test), y_test))

figure, ax = plt.subplots(figsize=(8, 3.5), layout="constrained")
ax.plot(np.arange(1, len(accuracies) + 1) * CHUNK / 1e6, accuracies, ".-")
ax.set(xlabel="rows seen, in millions", ylabel="accuracy on the first chunk")
plt.show()
print(f"{model.t_:,} rows seen, accuracy {accuracies[-1]:.4f}")

# %%
del file
folder.cleanup()
