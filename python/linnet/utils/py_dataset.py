"""`PyDataset` (also called `Sequence`): a data set that makes batch number i when asked for it.

    class Files(linnet.utils.PyDataset):
        def __init__(self, paths, labels, **kwargs):
            super().__init__(**kwargs)
            ...
        def __len__(self):
            return math.ceil(len(self.paths) / 32)
        def __getitem__(self, i):
            return images_of(self.paths[32 * i : 32 * i + 32]), self.labels[32 * i : 32 * i + 32]

`fit` asks for the batches in an order drawn anew for each epoch, unless shuffle=False. Arrays in memory need none of
this: give them to fit as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any


class PyDataset:
    """Define `__getitem__(i)`, which returns x, (x, y) or (x, y, sample_weight), and `__len__` or `num_batches`.

    workers: more than 1 makes batches ahead of time in that many threads, or processes with use_multiprocessing.
    max_queue_size: how many batches are made ahead.
    """

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10) -> None:
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    def __getitem__(self, index: int) -> Any:
        """Batch number `index`."""
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__(self, index)")

    @property
    def num_batches(self) -> int | None:
        """Batches in an epoch; None for an endless data set, which needs steps_per_epoch."""
        if hasattr(self, "__len__"):
            return len(self)
        raise NotImplementedError(f"{type(self).__name__} must define __len__(self), or the property num_batches")

    def on_epoch_begin(self) -> None:
        """Called before each epoch."""

    def on_epoch_end(self) -> None:
        """Called after each epoch: the place to draw the samples anew."""

    def __iter__(self) -> Iterator[Any]:
        length = self.num_batches
        return map(self.__getitem__, count() if length is None else range(length))


Sequence = PyDataset
