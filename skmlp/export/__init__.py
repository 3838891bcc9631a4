"""Fitted models for programs that have no skmlp."""

from skmlp.export.source import to_source

__all__ = ["to_source"]
