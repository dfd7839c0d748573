"""`Batches`: one face for everything that yields batches.

`iterate(seed, step, skip)` begins a pass: the batches from number `skip` on. Objects with `__getitem__` are asked for
batch numbers, in an order drawn from (seed, step) where they are shuffled, by several workers ahead of time where they
want that; all others are iterated. A generator can be iterated once only.
"""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from itertools import count, islice
from typing import Any

import numpy as np

from linnet import _engine


def is_stream(x: Any) -> bool:
    """Whether x yields batches, rather than being an array or a structure of arrays."""
    if x is None or isinstance(x, (list, tuple, dict, str, bytes, int, float, np.ndarray, np.generic)):
        return False
    if any(hasattr(x, name) for name in ("__array__", "__dlpack__", "to_numpy")):
        return False
    return any(hasattr(x, name) for name in ("__next__", "__iter__", "__getitem__"))


def as_batches(stream: Any, shuffle: bool) -> IndexedBatches | IteratedBatches:
    """The Batches for this object."""
    indexed = hasattr(stream, "__getitem__") and (hasattr(stream, "num_batches") or hasattr(stream, "__len__"))
    # A torch DataLoader has a length and no items; an iterator is an iterator whatever else it has.
    return IndexedBatches(stream, shuffle) if indexed and not hasattr(stream, "__next__") else IteratedBatches(stream)


class IteratedBatches:
    """An iterable, or an iterator."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.once = hasattr(stream, "__next__")
        self.length = None if self.once else _length(stream)
        self.name = f"the {type(stream).__name__} given as data"
        self._begun: Iterator[Any] | None = None

    def epoch_begin(self) -> None:
        """Nothing to tell."""

    def epoch_end(self, pass_ended: bool) -> None:
        """Nothing to tell."""

    def stop(self) -> None:
        """Nothing to end."""

    def get_state(self) -> Any:
        """Nothing is known of it."""
        return None

    def set_state(self, state: Any) -> None:
        """Nothing to give back."""

    def iterate(self, seed: int, step: int, skip: int = 0) -> Iterator[Any]:
        iterator = iter(self._stream)
        return islice(iterator, skip, None) if skip else iterator


def _length(stream: Any) -> int | None:
    try:
        return len(stream)
    except TypeError:  # no __len__, or, in tf.data, an infinite or unknown one
        return None


class IndexedBatches:
    """An object that gives batch number i as stream[i]: a PyDataset."""

    once = False

    def __init__(self, stream: Any, shuffle: bool) -> None:
        self._stream = stream
        self._shuffle = shuffle
        self.name = f"the {type(stream).__name__} given as data"
        self._executor: Executor | None = None

    @property
    def length(self) -> int | None:
        """Asked again every time: a data set may change between epochs."""
        found = self._stream.num_batches if hasattr(self._stream, "num_batches") else len(self._stream)
        if found == 0:
            raise ValueError(f"{self.name} has no batches")
        return None if found is None else int(found)

    def epoch_begin(self) -> None:
        if hasattr(self._stream, "on_epoch_begin"):
            self._stream.on_epoch_begin()

    def epoch_end(self, pass_ended: bool) -> None:
        if pass_ended:
            self.stop()  # worker processes have a copy of the data set, which may change now
        if hasattr(self._stream, "on_epoch_end"):
            self._stream.on_epoch_end()

    def get_state(self) -> Any:
        """What the data set says of itself, for it to go on with the same samples in another process."""
        return self._stream.get_state() if hasattr(self._stream, "get_state") else None

    def set_state(self, state: Any) -> None:
        """Gives it back."""
        if state is not None:
            self._stream.set_state(state)

    def stop(self) -> None:
        """Ends the workers."""
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)
            self._executor = None

    def iterate(self, seed: int, step: int, skip: int = 0) -> Iterator[Any]:
        length = self.length
        numbers: Iterator[int] = count(skip)
        if length is not None:
            order = _engine.shuffle(length, seed, step).tolist() if self._shuffle else range(length)
            numbers = iter(order[skip:])
        workers = int(getattr(self._stream, "workers", 1) or 0)
        processes = bool(getattr(self._stream, "use_multiprocessing", False))
        if workers > 1 or (workers > 0 and processes):
            return self._ahead(numbers, workers, processes)
        return map(self._stream.__getitem__, numbers)

    def _ahead(self, numbers: Iterator[int], workers: int, processes: bool) -> Iterator[Any]:
        """The batches in order, up to max_queue_size of them made ahead by workers."""
        waiting: deque[Future[Any]] = deque()
        room = max(int(getattr(self._stream, "max_queue_size", 10)), workers)
        executor: Executor
        if processes:
            # Forked workers have the data set without copying it; elsewhere it is sent to each once.
            methods = multiprocessing.get_all_start_methods()
            context = multiprocessing.get_context("fork" if "fork" in methods else None)
            executor = ProcessPoolExecutor(workers, context, _take_stream, (self._stream,))
            make: Any = _item_of_stream
        else:
            executor = ThreadPoolExecutor(workers, "linnet-data")
            make = self._stream.__getitem__
        self.stop()
        self._executor = executor
        for number in islice(numbers, room):
            waiting.append(executor.submit(make, number))
        while waiting:
            batch = waiting.popleft().result()
            for number in islice(numbers, 1):
                waiting.append(executor.submit(make, number))
            yield batch


_worker_stream: Any = None  # in a worker process: the data set


def _take_stream(stream: Any) -> None:
    global _worker_stream
    _worker_stream = stream


def _item_of_stream(number: int) -> Any:
    return _worker_stream[number]
