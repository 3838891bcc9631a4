"""What displays need of matplotlib, which is imported when one is drawn."""

from sklearn.utils._optional_dependencies import check_matplotlib_support


def require_matplotlib(caller):
    """Say what is missing, as scikit-learn does.

    Raises
    ------
    ImportError
    """
    try:
        check_matplotlib_support(caller)
    except ImportError as error:
        raise ImportError(f"{error}, or as an extra of this package by `pip install 'skmlp[plot]'`") from error


def merged(artist, *styles):
    """Keyword arguments of an artist, later ones over earlier ones, whichever of their names they go by."""
    from matplotlib.cbook import normalize_kwargs

    style = {}
    for each in styles:
        style |= normalize_kwargs(each, artist)
    return style
