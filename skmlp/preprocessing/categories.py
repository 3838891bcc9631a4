"""Columns of categories: one indicator a category, or −1 and +1 for two."""

import numpy as np
from sklearn.preprocessing import OneHotEncoder

from skmlp.preprocessing.tables import texts


class CategoryEncoding:
    """How the categorical columns of a table are encoded, as learnt from them.

    Parameters
    ----------
    columns : list of list or ndarray
        Values of training.
    max_categories, min_frequency : int, float or None
        Which categories are infrequent, as of scikit-learn's ``OneHotEncoder``.

    Attributes
    ----------
    categories : list of ndarray
        Texts of the categories of each column, in order, at last None if values were missing.
    infrequent : list of ndarray or None
        Those of them that share a column.
    """

    def __init__(self, columns, max_categories, min_frequency):
        self.categories, self.infrequent = [], []
        for column in columns:
            text_of, values = texts(column)
            as_texts = np.empty((len(values), 1), dtype=object)
            as_texts[:, 0] = [text_of[value] for value in values]
            encoder = OneHotEncoder(
                handle_unknown="infrequent_if_exist", max_categories=max_categories, min_frequency=min_frequency
            ).fit(as_texts)
            self.categories.append(encoder.categories_[0])
            # Where nothing limits the categories, there is no such attribute.
            self.infrequent.append(getattr(encoder, "infrequent_categories_", [None])[0])
        self._number()

    def _number(self):
        """Number the categories of each column, the infrequent ones alike and last."""
        self._codes, self._infrequent_codes = [], []
        for categories, infrequent in zip(self.categories, self.infrequent, strict=True):
            rare = set() if infrequent is None else set(infrequent)
            frequent = [category for category in categories if category not in rare]
            codes = {category: code for code, category in enumerate(frequent)}
            self._codes.append(codes | dict.fromkeys(rare, len(frequent)))
            self._infrequent_codes.append(len(frequent) if rare else -1)

    def __getstate__(self):
        return {"categories": self.categories, "infrequent": self.infrequent}  # of which the rest follows

    def __setstate__(self, state):
        vars(self).update(state)
        self._number()

    def blocks(self, columns):
        """The parts of the encoded table, one a column.

        Parameters
        ----------
        columns : list of list or ndarray
            Values.

        Yields
        ------
        block : ndarray of shape (n_rows, width)
        """
        for column, codes, infrequent_code in zip(columns, self._codes, self._infrequent_codes, strict=True):
            text_of, values = texts(column)
            # A value that training has not seen counts as infrequent; one that is missing is no such value.
            code_of = {
                value: codes.get(text, -1 if text is None else infrequent_code) for value, text in text_of.items()
            }
            yield indicators(max(codes.values()) + 1)[[code_of[value] for value in values]]

    def names(self, inputs):
        """Names of the encoded columns, of the names of the columns."""
        for name, codes, infrequent_code in zip(inputs, self._codes, self._infrequent_codes, strict=True):
            labels = {code: "missing" if category is None else category for category, code in codes.items()}
            if infrequent_code >= 0:
                labels[infrequent_code] = "infrequent"
            labels = [labels[code] for code in range(max(codes.values()) + 1)]
            yield from (f"{name}_{label}" for label in (labels[1:] if len(labels) == 2 else labels))


def indicators(n_codes):
    """What each code becomes, a row each; the last row is for the code −1, which is no category."""
    if n_codes == 2:
        return np.array([[-1], [1], [0]], dtype=np.float32)
    return np.eye(n_codes + 1, n_codes, dtype=np.float32)
