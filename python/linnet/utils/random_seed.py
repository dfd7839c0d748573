"""One seed for everything."""

from __future__ import annotations

import random

import numpy as np

from linnet.backend import seed as state


def set_random_seed(seed: int) -> None:
    """Fixes all that is random from here on: initial weights, sample order, dropout; also Python's and NumPy's own.

    The same seed, program and data give the same bits, with any number of threads.
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**32:
        raise ValueError(f"seed must be an integer in [0, 2**32), not {seed!r}")
    random.seed(int(seed))
    np.random.seed(int(seed))  # noqa: NPY002 - users' own code may draw from it
    state.set_seed(int(seed))
