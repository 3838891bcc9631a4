"""The on-disk cache of compiled kernels.

Numba's own cache looks at the file of the cached function alone, so a kernel would go on running the old code of
another file (numba issue 1833). Here the name of each cached file holds a fingerprint of all kernel sources and of
the signature: a stale kernel has no name to be found by, and processes that write at once never mix two kernels.
Where nothing can be written, or what is there cannot be read, kernels compile and run uncached.
"""

import hashlib
import os
import pickle
import sys
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import numba
from numba.core.caching import FunctionCache

KERNEL_FOLDERS = ("cpu", "formulas")


@lru_cache(maxsize=1)
def fingerprint():
    """Hash of every source file that a kernel may be compiled from, and of Numba's version."""
    package = Path(__file__).parent.parent
    digest = hashlib.sha256(numba.__version__.encode())
    for folder in KERNEL_FOLDERS:
        for path in sorted((package / folder).rglob("*.py")):
            digest.update(path.relative_to(package).as_posix().encode() + b"\0")
            digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


class KernelFiles:
    """One file a compiled signature, in ``folder``, named by function, Python, fingerprint and signature."""

    def __init__(self, folder, function):
        self._folder = Path(folder)
        self._family = f"skmlp-{function.__name__}.{sys.implementation.cache_tag}."
        self._prefix = f"{self._family}{fingerprint()}."

    def _path(self, key):
        return self._folder / f"{self._prefix}{hashlib.sha256(repr(key).encode()).hexdigest()[:16]}.nbc"

    def load(self, key):
        """The data saved under ``key``, or None."""
        try:
            saved_key, data = pickle.loads(self._path(key).read_bytes())
        except Exception:  # missing, truncated or foreign: compile anew
            return None
        return data if saved_key == repr(key) else None

    def save(self, key, data):
        """Save atomically; a place that cannot be written is no error."""
        path = self._path(key)
        scratch = path.with_suffix(f".{os.getpid()}-{os.urandom(4).hex()}")
        try:
            scratch.write_bytes(pickle.dumps((repr(key), data), protocol=-1))
            scratch.replace(path)
            self._remove_outdated()
        except OSError:
            with suppress(OSError):
                scratch.unlink()

    def flush(self):
        """Remove every file of this function."""
        for path in self._folder.glob(self._family + "*"):
            path.unlink(missing_ok=True)

    def _remove_outdated(self):
        for path in self._folder.glob(self._family + "*.nbc"):
            if not path.name.startswith(self._prefix):
                path.unlink(missing_ok=True)


class KernelCache(FunctionCache):
    """Numba's cache of one function (its choice of folder, its serialisation) over :class:`KernelFiles`."""

    def __init__(self, function):
        super().__init__(function)
        self._cache_file = KernelFiles(self.cache_path, function)

    def load_overload(self, signature, target_context):
        """Compiled code from the disk, or None."""
        try:
            return super().load_overload(signature, target_context)
        except Exception:  # what is there is not what Numba wrote
            return None

    def save_overload(self, signature, data):
        """Write compiled code to the disk where that is still possible."""
        with suppress(OSError):
            super().save_overload(signature, data)

    def _index_key(self, signature, codegen):
        """Without the closure of the function, which the fingerprint and the function's name stand for."""
        return signature, codegen.magic_tuple()


def attach(compiled, function):
    """Let a compiled function keep its code on disk where that is possible."""
    try:
        compiled._cache = KernelCache(function)
    except (RuntimeError, OSError):  # no writable folder
        pass
