"""Blocks of rows that threads share: a conversion of X then needs memory for one block a thread."""

from contextlib import nullcontext

from skmlp.cpu.memory import N_ORDER, NOT_FINITE, Memory
from skmlp.cpu.team import run_together
from skmlp.cpu.threads import working


class NotFiniteError(ValueError):
    """X holds NaN or infinity."""


def share_blocks(backend, X, block_rows, begin, work, *, effort=1):
    """Call ``work(memory, block)`` for each block, a slice of rows, whose rows of X are in the memory then.

    Parameters
    ----------
    backend : skmlp.cpu.backend.CpuBackend
    X : ndarray or CSR matrix of shape (rows, n_in)
    block_rows : int
    begin : callable
        ``begin(memory)`` puts in what the memory of a member holds besides.
    work : callable
    effort : int, default=1
        How many times the work of a prediction this is.

    Raises
    ------
    NotFiniteError
        If a block is found not to be finite.
    """
    rows = X.shape[0]
    starts = range(0, rows, block_rows)
    size = backend.team_size(len(starts), rows * effort)

    def work_on_blocks(member):
        memory = Memory()
        begin(memory)
        for start in starts[member::size]:
            block = slice(start, min(start + block_rows, rows))
            memory.update(backend.input_contents(X[block] if len(starts) > 1 else X))
            memory.cells[N_ORDER] = block.stop - block.start
            work(memory, block)
            if memory.cells[NOT_FINITE]:
                raise NotFiniteError

    with nullcontext() if len(starts) < 2 else working():
        if size == 1:
            work_on_blocks(0)
        else:
            run_together(size, work_on_blocks)
