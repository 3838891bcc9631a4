"""What comes before the network: a table of numbers and categories becomes a dense matrix of floats."""

from skmlp.preprocessing.encoder import TabularEncoder

__all__ = ["TabularEncoder"]
