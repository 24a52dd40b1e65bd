"""Compilation of the loops of the fast network by numba, with its machine code kept on disk."""

from collections.abc import Callable
from functools import partial

from numba import njit


def compiled(function: Callable) -> Callable:
    """Compile a loop on its first call, and keep the code in `__pycache__`, the user's cache or NUMBA_CACHE_DIR.

    Other threads of Python run during a call. A product and a sum may become one operation ("contract"). All other
    operations follow IEEE 754, so that nan and infinity propagate.
    """
    options = partial(njit, nogil=True, fastmath={"contract"}, error_model="numpy")
    try:
        return options(cache=True)(function)
    except RuntimeError:  # no folder for machine code is writable: each process compiles the loop
        return options()(function)
