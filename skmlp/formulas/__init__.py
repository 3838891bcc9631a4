"""The mathematics: activations, losses, penalties and optimiser updates as scalar functions of plain Python.

Each formula is written once. A back end compiles it with the literals in the dtype of the arguments and with its own
``exp``, ``log`` and ``tanh``; with no compiler the same text runs as it stands. Two habits keep that working:

- literals are floats (``1.0``, never ``1``), since an integer would promote float32 arithmetic to float64;
- a formula calls nothing but other formulas, the functions of :mod:`skmlp.formulas.elementary`, ``sqrt``, ``abs`` and
  ``max``, and overflows nowhere for finite arguments of either sign.

A NaN must come through a formula as a NaN, so that a diverging fit is found.
"""
