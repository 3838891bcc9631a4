"""Integer codes of the formulas: kernels choose a built-in by its place in its table."""


def code(table, name):
    """Place of ``name`` in ``table``.

    >>> code({"first": None, "second": None}, "second")
    1
    """
    return list(table).index(name)
