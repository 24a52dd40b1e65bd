"""Compilation of the loops of the fast network by numba, with its machine code kept on disk.

`Files` replaces the files of numba's cache. `Cache` uses private attributes of numba 0.68, and
`tests/unit/train/fast/test_compiled.py` fails if they change. Both can be deleted once numba neither shares an index
between processes nor fails at a truncated file (https://github.com/numba/numba/blob/0.61.0/numba/core/caching.py).
"""

import hashlib
import pickle
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numba
from numba import njit
from numba.core.caching import FunctionCache
from numba.core.serialize import dumps

from softsed.core.tsv import atomic_write

# A product and a sum may become one operation ("contract"). All other operations follow IEEE 754, so that nan and
# infinity propagate. Other threads of Python run during a call.
OPTIONS: dict[str, Any] = {"nogil": True, "fastmath": {"contract"}, "error_model": "numpy"}


class Files:
    """Files of machine code, one per loop, sizes, types and CPU. A file with wrong content counts as missing.

    numba numbers its files and lists them in one index per loop. If two processes compile at the same time, the index
    may name the code of other sizes: the loop then computes wrong values without an error. A file that was truncated by
    a full disk or a power failure would stop each later process.

    Parameters
    ----------
    base : Path
        Folder, and first part of the file names.
    stamp : object
        Version of the source, with a `repr`.
    """

    def __init__(self, base: Path, stamp: object) -> None:
        self.base, self.stamp = base, repr((stamp, numba.__version__, OPTIONS)).encode()

    def path(self, key: object) -> Path:
        """Return the file of a key: types, CPU and sizes, with a `repr`. Code of another stamp is replaced."""
        name = hashlib.sha256(repr(key).encode()).hexdigest()[:32]
        return self.base.with_name(f"{self.base.name}.{name}.nbc")

    def digest(self, code: bytes) -> bytes:
        """Return 32 bytes that precede the code in its file."""
        return hashlib.sha256(self.stamp + code).digest()

    def load(self, key: object) -> object | None:
        """Return the code of a key, or None if there is no such file."""
        try:
            content = self.path(key).read_bytes()
        except OSError:
            return None
        code = content[32:]
        # As with .pyc files, the folder must be as trustworthy as the source.
        return pickle.loads(code) if self.digest(code) == content[:32] else None

    def save(self, key: object, code: object) -> None:
        """Write the code of a key."""
        content = dumps(code)
        atomic_write(self.path(key), self.digest(content) + content)


class Cache(FunctionCache):
    """numba's cache with other files."""

    def __init__(self, function: Callable) -> None:
        super().__init__(function)
        base = Path(self.cache_path) / self._impl.filename_base
        self._cache_file = Files(base, self._impl.locator.get_source_stamp())  # type: ignore[assignment]

    def save_overload(self, sig: object, data: object) -> None:
        """Save machine code if the disk permits: each process can compile."""
        with suppress(OSError):
            super().save_overload(sig, data)


def compiled(function: Callable) -> Callable:
    """Compile a loop on its first call, and keep the code in `__pycache__`, the user's cache or NUMBA_CACHE_DIR."""
    loop: Any = njit(**OPTIONS)(function)
    with suppress(RuntimeError):  # no folder for machine code is writable: each process compiles the loop
        loop._cache = Cache(function)  # as numba's `Dispatcher.enable_caching`
    return loop
