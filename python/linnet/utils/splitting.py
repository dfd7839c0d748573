"""`split_dataset`: arrays cut in two, for instance into training and test data."""

from __future__ import annotations

from typing import Any

import numpy as np

from linnet.backend.seed import draw_seed
from linnet.backend.tree import flatten, map_structure


def split_dataset(
    dataset: Any,
    left_size: float | int | None = None,
    right_size: float | int | None = None,
    shuffle: bool = False,
    seed: int | None = None,
) -> tuple[Any, Any]:
    """(left, right): the first and the last samples of an array, or of arrays in a tuple, list or dict, as they lie.

    left_size, right_size: how many, or which share (a float); one of them may be None for the rest. shuffle: the
    samples are brought into random order first, by `seed` or the global seed.
    """
    arrays = [np.asarray(leaf) for leaf in flatten(dataset)]
    lengths = sorted({len(array) for array in arrays})
    if len(lengths) != 1:
        raise ValueError(f"split_dataset: all arrays must have as many samples, got {lengths}")
    count = lengths[0]
    left, right = (_size(size, count, name) for size, name in ((left_size, "left_size"), (right_size, "right_size")))
    if left is None and right is None:
        raise ValueError("split_dataset: left_size or right_size must be given")
    left = count - right if left is None and right is not None else left
    right = count - left if right is None and left is not None else right
    assert left is not None
    assert right is not None
    if left + right > count or left == 0 or right == 0:
        raise ValueError(f"split_dataset: cannot cut {count} samples into {left} and {right}")
    order = np.arange(count)
    if shuffle:
        order = np.random.default_rng(draw_seed() if seed is None else seed).permutation(count)

    def take(rows: np.ndarray) -> Any:
        return map_structure(lambda leaf: np.asarray(leaf)[rows], dataset)

    return take(order[:left]), take(order[count - right :])


def _size(size: float | int | None, count: int, name: str) -> int | None:
    if size is None:
        return None
    share = isinstance(size, float)
    if isinstance(size, bool) or not isinstance(size, (int, float)) or not 0 < size < (1 if share else count):
        raise ValueError(
            f"split_dataset: {name} must be a number below {count}, or a share between 0.0 and 1.0, not {size}"
        )
    return round(size * count) if share else int(size)
