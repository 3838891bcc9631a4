"""The five steps of a network's life, on the Pima Indians diabetes data.

Define, compile, fit, evaluate, predict; then the same model inside scikit-learn's pipelines,
cross-validation and grid search, and a picture of its learning curve. Run it with
``python docs/examples/pima.py``.
"""

from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skmlp import MLPBinaryClassifier
from skmlp.datasets import load_pima

SEED = 7


@contextmanager
def timed(step):
    """Print how many seconds the step took."""
    start = perf_counter()
    yield
    print(f"{step + ':':18}{perf_counter() - start:8.3f} s")


def define():
    """Describe the network and how it learns: 8 inputs, 12 relu units, 1 logistic unit.

    The 8 comes from the data, and the one logistic unit from having two classes. Nothing is computed yet.
    """
    return MLPBinaryClassifier(
        hidden_layer_sizes=(12,),
        activation="relu",
        solver="adam",
        loss="log_loss",
        metrics=("accuracy",),
        batch_size=10,
        max_iter=100,
        n_iter_no_change=np.inf,  # no early end: exactly 100 epochs
        random_state=SEED,
    )


def compile_kernels(model, X, y):
    """Make Numba compile its kernels, or load them from its cache on disk.

    This happens by itself in the first fit and the first prediction of a process. To time it apart, a
    throwaway copy of the model goes through one epoch on a few rows.
    """
    X, y = X[:20], y[:20]
    throwaway = clone(model).set_params(max_iter=1).fit(X, y)
    throwaway.evaluate(X, y)
    throwaway.predict_proba(X)


def evaluate(model, X, y):
    """Print the mean loss and the accuracy."""
    loss, accuracy = model.evaluate(X, y)
    print(f"Loss: {loss:.3f}, Accuracy: {accuracy:.2%}")


def predict(model, X, y):
    """Round the probabilities of diabetes to classes, and compare these with the truth."""
    probabilities = model.predict_proba(X)[:, 1]
    classes = np.round(probabilities)
    print(f"Prediction Accuracy: {np.mean(classes == y):.2%}")


def cross_validate(pipeline, X, y):
    """Estimate the accuracy on patients that the model has not seen."""
    folds = StratifiedKFold(n_splits=10, shuffle=True, random_state=SEED)
    scores = cross_val_score(pipeline, X, y, cv=folds)
    print(f"10-fold cross-validation: {scores.mean():.2%} accurate, standard deviation {scores.std():.2%}")


def search(pipeline, X, y):
    """Look for better parameters."""
    grid = {
        "mlp__activation": ["relu", "tanh"],
        "mlp__alpha": [1e-4, 1e-1],
        "mlp__learning_rate_init": [1e-3, 1e-4],
    }
    found = GridSearchCV(pipeline, grid, cv=5).fit(X, y)
    best = ", ".join(f"{name.removeprefix('mlp__')}={value}" for name, value in found.best_params_.items())
    print(f"Grid search: {found.best_score_:.2%} accurate with {best}")


def draw_learning_curve(history, path):
    """Draw loss and accuracy over the epochs into a PNG file."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        print("No picture of the learning curve: matplotlib is not installed (pip install matplotlib).")
        return

    # A Figure made without pyplot needs no display: it draws by the Agg renderer.
    figure = Figure(figsize=(8, 3.5), layout="constrained")
    epochs = np.arange(1, len(history["loss"]) + 1)
    for axes, name in zip(figure.subplots(1, 2), ["loss", "accuracy"], strict=True):
        axes.plot(epochs, history[name])
        axes.set(xlabel="epoch", ylabel=name)
        axes.grid(alpha=0.3)
    figure.suptitle("Learning curve on the Pima Indians diabetes data")
    figure.savefig(path, dpi=150)
    print(f"Learning curve saved as {path}")


def main():
    """Walk through all steps."""
    X, y = load_pima()
    # In their raw units the columns differ a thousandfold. A network learns better from comparable ones.
    X_scaled = StandardScaler().fit_transform(X)

    with timed("Define"):
        model = define()
    with timed("Compile"):
        compile_kernels(model, X_scaled, y)
    with timed("Fit"):
        model.fit(X_scaled, y)
    with timed("Evaluate"):
        evaluate(model, X_scaled, y)
    with timed("Predict"):
        predict(model, X_scaled, y)

    # Patients that are held out must not take part in the scaling, so here each fold scales for itself.
    pipeline = Pipeline([("scale", StandardScaler()), ("mlp", define())])
    with timed("Cross-validate"):
        cross_validate(pipeline, X, y)
    with timed("Search"):
        search(pipeline, X, y)
    with timed("Draw"):
        draw_learning_curve(model.history_, Path("pima_learning_curve.png"))


if __name__ == "__main__":
    main()
