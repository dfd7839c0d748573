"""Where the batches of a loop come from: arrays in memory, or anything that yields batches.

A source gives, batch after batch, `(step, order, start, rows)`: the compiled step with its data bound, and the rows to
run it on. For arrays that is one step for the whole fit, and the engine gathers the rows by number out of the arrays
as they are (`ArraySource`). A stream (`StreamSource`) binds each batch as it comes: generators, iterables such as a
tf.data Dataset or a torch DataLoader, and objects with `__getitem__` and a length (`utils.PyDataset`).

A *pass* is one time through all data. With steps per epoch given, a pass may reach over several epochs, as in Keras.
`position()` is what `resume` needs to go on at the same batch in another process.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import numpy as np

from linnet import _engine
from linnet.models.batches import as_batches
from linnet.models.data import Data, unpack_x_y_sample_weight

if TYPE_CHECKING:
    from linnet.models.steps import Step
    from linnet.models.trainer import Trainer

Batch = tuple["Step", np.ndarray | None, int, int]


def step_count(steps: Any) -> int | None:
    """`steps` as given to fit, checked."""
    if steps is None:
        return None
    if isinstance(steps, bool) or not isinstance(steps, (int, np.integer)) or steps < 1:
        raise ValueError(f"the number of steps must be a positive integer, got {steps!r}")
    return int(steps)


class ArraySource:
    """Batches of rows of arrays."""

    def __init__(
        self, model: Trainer, kind: str, data: Data, batch_size: int, steps: int | None = None, shuffle: bool = False
    ) -> None:
        self.data = data
        self.batch = min(batch_size, data.n)
        self._shuffle = shuffle
        self._steps = step_count(steps)
        self._total = -(-data.n // self.batch)
        self.step = model._step(kind, data, self.batch)
        self._order: np.ndarray | None = None
        self._pass = -1  # the step at which this pass was begun; -1: none is under way
        self._next = 0  # the batch of the pass that comes next
        self.exhausted = False

    @property
    def ready(self) -> Step | None:
        """The step used last, or that will be used next."""
        return self.step

    @property
    def count(self) -> int:
        """Batches per epoch."""
        return min(self._steps or self._total, self._total)

    def open(self) -> None:
        """Makes the data the compiled step's."""
        self.step.bind(self.data)

    def close(self) -> None:
        """Lets go of the data, which would else live as long as the compiled step."""
        self.step.release()

    def restart(self) -> None:
        """Forgets what is left of a pass."""
        self._pass = -1

    def position(self) -> dict[str, int]:
        """Where the next batch comes from."""
        return {"pass": self._pass, "next": self._next}

    def resume(self, position: dict[str, int], seed: int) -> None:
        """Goes on at that position."""
        if position["pass"] >= 0:
            self._begin(seed, position["pass"])
            self._next = position["next"]

    def _begin(self, seed: int, step: int) -> None:
        self._order = _engine.shuffle(self.data.n, seed, step) if self._shuffle else None
        self._pass, self._next = step, 0

    def epoch(self, seed: int, step: int, done: int = 0) -> Iterator[Batch]:
        """The batches of one epoch, of which `done` have been given before. `step`: the steps taken so far."""
        n, batch, total, compiled = self.data.n, self.batch, self._total, self.step
        if self._pass < 0:
            self._begin(seed, step)
        order = self._order
        for index in range(done, self._steps or total):
            if self._next >= total:
                _warn_ended(self._steps, index)
                break
            start = self._next * batch
            self._next += 1
            yield compiled, order, start, (batch if start + batch <= n else n - start)
        if self._next >= total or self._steps is None:
            self._pass = -1


class StreamSource:
    """Batches that somebody else makes: x, (x,), (x, y) or (x, y, sample_weight), each with one row per sample."""

    def __init__(
        self,
        model: Trainer,
        kind: str,
        stream: Any,
        steps: int | None = None,
        shuffle: bool = False,
        class_weight: Any = None,
    ) -> None:
        self._model = model
        self._kind = kind
        self._batches = as_batches(stream, shuffle)
        self._steps = step_count(steps)
        self._class_weight = class_weight
        self._iterator: Iterator[Any] | None = None
        self._pass = -1
        self._next = 0
        self._found: int | None = None  # batches in a pass, once one has been seen to its end
        self._first: str | None = None  # the shapes of the first batch, for error messages
        self._capacity = 0
        self._last: Step | None = None
        self.exhausted = False

    @property
    def ready(self) -> Step | None:
        """The step used last, or that will be used next."""
        return self._last

    @property
    def count(self) -> int | None:
        """Batches per epoch, or None where only the first epoch will tell."""
        return self._steps or self._batches.length or self._found

    def open(self) -> None:
        """Nothing to do before the first batch."""

    def close(self) -> None:
        """Lets go of the last batch."""
        self._batches.stop()
        if self._last is not None:
            self._last.release()

    def restart(self) -> None:
        """Begins anew with the next epoch, unless that is impossible or was not asked for."""
        if not self._batches.once:
            self._iterator = None

    def position(self) -> dict[str, Any]:
        """Where the next batch comes from."""
        begun = self._pass if self._iterator is not None else -1
        return {"pass": begun, "next": self._next, "state": self._batches.get_state()}

    def resume(self, position: dict[str, Any], seed: int) -> None:
        """Goes on at that position. What cannot be asked for batch by batch is drawn again and dropped."""
        self._batches.set_state(position["state"])
        if position["pass"] >= 0 or self._batches.once:
            self._begin(seed, max(position["pass"], 0), position["next"])
        else:
            self._begin(seed, self._model._training_steps())
        # The first batch is looked at now: the model must be built before its weights can be restored.
        assert self._iterator is not None
        first = list(islice(self._iterator, 1))
        for batch in first:
            self._prepare(batch, self._next)
        self._iterator = chain(first, self._iterator) if position["pass"] >= 0 or self._batches.once else None

    def _begin(self, seed: int, step: int, skip: int = 0) -> None:
        self._iterator = self._batches.iterate(seed, step, skip)
        self._pass, self._next = step, skip

    def epoch(self, seed: int, step: int, done: int = 0) -> Iterator[Batch]:
        """The batches of one epoch, of which `done` have been given before. `step`: the steps taken so far."""
        wanted = self._steps or self._batches.length
        index = done
        self._batches.epoch_begin()
        while wanted is None or index < wanted:
            if self._iterator is None:
                self._begin(seed, step + index - done)
            ended, batch = self._draw()
            if ended:
                if self._next == 0:
                    raise ValueError(f"{self._batches.name} has no batches{self._once_hint()}")
                self.exhausted = self._batches.once
                if not self.exhausted and index == 0:
                    continue  # the pass ended with the epoch before
                if wanted is None and index > 0:
                    self._found = index
                else:
                    _warn_ended(wanted, index)
                break
            self._next += 1
            yield self._prepare(batch, index)
            index += 1
        if self._steps is None or (self._batches.length is not None and self._next >= self._batches.length):
            self.restart()
        self._batches.epoch_end(self._iterator is None)

    def _once_hint(self) -> str:
        return ": it may have been used before, and a generator can be used once" if self._batches.once else ""

    def _draw(self) -> tuple[bool, Any]:
        assert self._iterator is not None
        try:
            return False, next(self._iterator)
        except StopIteration:
            self._iterator = None if not self._batches.once else self._iterator
            return True, None
        except Exception as error:
            error.add_note(f"raised by {self._batches.name}, asked for batch {self._next + 1} of {self._kind}")
            raise

    def _prepare(self, batch: Any, index: int) -> Batch:
        data = None
        try:
            x, y, w = unpack_x_y_sample_weight(batch)
            if self._kind == "predict":
                y = w = None
            data = self._model._data(x, y, w, self._class_weight)
            self._capacity = max(self._capacity, data.n)
            step = self._model._step(self._kind, data, self._capacity)
        except Exception as error:
            came = f" with {data.shapes()}" if data is not None else ""
            before = f"; the first one was {self._first}" if self._first else ""
            error.add_note(f"in batch {index + 1}{came} of {self._batches.name}{before}")
            raise
        if self._first is None:
            self._first = data.shapes()
        step.bind(data)
        self._last = step
        return step, None, 0, data.n


def _warn_ended(wanted: int | None, came: int) -> None:
    warnings.warn(
        f"the data ended after {came} batches{f' of {wanted}' if wanted else ''} in this epoch; for more, give arrays, "
        "a PyDataset or an iterable that can be begun anew, a generator that goes on, or a smaller steps_per_epoch",
        stacklevel=5,
    )


Source = ArraySource | StreamSource
MakeSource = Callable[..., Source]
