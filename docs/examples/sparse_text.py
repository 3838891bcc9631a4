"""
Text: sparse rows as they are
=============================

From which package is this docstring? The rows are the documentation of some thousand functions and classes of NumPy,
SciPy, scikit-learn and Python's own library, as they are installed where this page was made. Counts of words make a
sparse matrix of thousands of columns, which is never made dense: a step touches only the weights of columns that its
batch fills.
"""

# %%
# The documents, with all names of the packages taken out.
import importlib
import inspect
import re
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import train_test_split

from skmlp import MLPClassifier, warmup

MODULES = {
    "numpy": ["numpy", "numpy.linalg", "numpy.fft", "numpy.random", "numpy.ma", "numpy.polynomial", "numpy.testing"],
    "scipy": ["scipy.stats", "scipy.special", "scipy.signal", "scipy.optimize", "scipy.sparse", "scipy.ndimage"],
    "sklearn": ["sklearn." + name for name in "metrics linear_model ensemble datasets utils preprocessing svm".split()],
    "python": "os shutil asyncio email.message http.client logging socket threading unittest decimal".split(),
}


def documents(names):
    """Docstrings of what is public in the modules."""
    for name in names:
        for value in vars(importlib.import_module(name)).values():
            if callable(value) and len(text := inspect.getdoc(value) or "") > 100:
                yield re.sub(r"numpy|scipy|sklearn|scikit|python|\bnp\b|\bsp\b", " ", text, flags=re.IGNORECASE)


labelled = {text: package for package, names in MODULES.items() for text in documents(names)}  # each text once
texts, packages = np.array(list(labelled)), np.array(list(labelled.values()))
print({str(name): int(count) for name, count in zip(*np.unique(packages, return_counts=True), strict=True)})

# %%
vectorizer = TfidfVectorizer(min_df=2, sublinear_tf=True, dtype=np.float32)
train, test, y_train, y_test = train_test_split(texts, packages, stratify=packages, random_state=0)
X_train, X_test = vectorizer.fit_transform(train), vectorizer.transform(test)
print(f"{X_train.shape[0]} rows, {X_train.shape[1]} columns, {X_train.nnz / np.prod(X_train.shape):.2%} of them filled")

# %%
# ``rmsprop`` is one of the solvers whose steps can leave empty columns alone. ``alpha=0`` is part of that: a
# penalty moves all weights.
model = MLPClassifier(
    (64,), solver="rmsprop", alpha=0.0, dropout=0.3, batch_size=32, max_iter=10, n_iter_no_change=np.inf, random_state=0
)
warmup(model, sparse=True)  # compiles kernels, once, so that it is not in the times
for name, estimator in {"logistic regression": LogisticRegression(C=10.0, max_iter=500), "network": model}.items():
    start = perf_counter()
    estimator.fit(X_train, y_train)
    seconds = perf_counter() - start
    print(f"{name:20} {seconds:.1f} s, accuracy {estimator.score(X_test, y_test):.1%}")

figure, ax = plt.subplots(figsize=(5, 4), layout="constrained")
ConfusionMatrixDisplay.from_estimator(model, X_test, y_test, ax=ax, colorbar=False, cmap="Blues")
plt.show()
