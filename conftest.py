"""Imports the package whole: files that pytest imports one by one would take the places of functions of their names."""

import skmlp  # noqa: F401
