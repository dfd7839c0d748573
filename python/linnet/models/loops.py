"""The loops of fit, evaluate and predict over the rows of arrays that lie in memory.

A loop binds the data to a compiled step (steps.py), calls `run_rows` batch after batch, and lets the data go. Callbacks
are called only where one overrides the hook, and metrics are read only when somebody looks: the bare loop costs 2 to 3
microseconds of Python per step. Start reading in `FitLoop._batches`.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from linnet import _engine
from linnet.backend.errors import NonFiniteError
from linnet.backend.seed import global_seed
from linnet.backend.tree import pack_like
from linnet.models.data import Data
from linnet.models.progress import Progress, level

if TYPE_CHECKING:
    from linnet.models.trainer import Trainer


def _callback_list(model: Trainer, callbacks: Any, history: bool, **params: Any) -> Any:
    from linnet.callbacks import CallbackList

    if isinstance(callbacks, CallbackList):
        return callbacks
    return CallbackList(callbacks, add_history=history, model=model, **params)


class EvaluateLoop:
    """Test steps over all rows of the data."""

    def __init__(self, model: Trainer, data: Data, batch_size: int, steps: int | None) -> None:
        self._model = model
        self._data = data
        self._batch = min(batch_size, data.n)
        self._count = _limited(-(-data.n // self._batch), steps)
        self.step = model._step("test", data, self._batch)

    def run(self, verbose: Any, callbacks: Any) -> dict[str, float]:
        """Binds the data, runs, lets the data go."""
        callbacks = _callback_list(self._model, callbacks, False, steps=self._count, verbose=verbose)
        progress = Progress(level(verbose), "Evaluating", self._count, self._model._logs)
        self.step.bind(self._data)
        logs = None
        try:
            logs = self.run_bound(callbacks, progress)
        finally:
            progress.close(self._count, logs)
            self.step.release()
        return logs

    def run_bound(self, callbacks: Any, progress: Progress | None = None) -> dict[str, float]:
        """The loop itself, on data bound before."""
        model, program = self._model, self.step.program
        executable, names, n, batch = program.executable, self.step.logs, self._data.n, self._batch
        model.reset_metrics()
        program.bind()
        callbacks.on_test_begin()
        before, after = callbacks.wants("on_test_batch_begin"), callbacks.wants("on_test_batch_end")
        places = range(len(names))
        for index in range(self._count):
            start = index * batch
            rows = min(batch, n - start)
            if before:
                callbacks.on_test_batch_begin(index)
            executable.run_rows(None, start, rows)
            model._take_losses(names, [executable.scalar(i) for i in places], rows)
            if after:
                callbacks.on_test_batch_end(index, model._logs())
            if progress is not None and time.perf_counter() > progress.next_draw:
                progress.draw(index + 1)
        logs = model._logs()
        callbacks.on_test_end(logs)
        return logs


class FitLoop:
    """Epochs of training steps, with validation after them."""

    def __init__(self, model: Trainer, data: Data, batch_size: int, shuffle: bool, steps: int | None) -> None:
        self._model = model
        self._data = data
        self._shuffle = bool(shuffle)
        self._batch = min(batch_size, data.n)
        self._count = _limited(-(-data.n // self._batch), steps)
        self.step = model._step("train", data, self._batch)
        self._validation: tuple[EvaluateLoop, Data] | None = None

    def validate_on(self, data: Data, batch_size: int, steps: int | None) -> None:
        """Evaluates on this data after the epochs."""
        self._validation = (EvaluateLoop(self._model, data, batch_size, steps), data)

    def run(self, first: int, last: int, verbose: Any, callbacks: Any, validation_freq: Any) -> Any:
        """Trains the epochs first, ..., last - 1 and returns the History."""
        model = self._model
        shown = level(verbose)
        callbacks = _callback_list(
            model, callbacks, True, epochs=last, steps=self._count, verbose=shown, do_validation=bool(self._validation)
        )
        model.stop_training = False
        self.step.bind(self._data)
        if self._validation is not None:
            self._validation[0].step.bind(self._validation[1])
        logs: dict[str, Any] = {}
        try:
            callbacks.on_train_begin()
            for epoch in range(first, last):
                callbacks.on_epoch_begin(epoch)
                logs = self._epoch(epoch, last, shown, callbacks, validation_freq)
                if model.stop_training:
                    break
        except KeyboardInterrupt:
            # Steps are not interrupted halfway: the weights are those after the last whole batch.
            model.stop_training = True
            if shown:
                print("\nInterrupted: training ends here; weights and history are kept.", flush=True)
        finally:
            self.step.release()
            if self._validation is not None:
                self._validation[0].step.release()
        if last > first:
            model.optimizer.finalize_variable_values(model.trainable_variables)
        callbacks.on_train_end(logs)
        return callbacks.history or model.history

    def _epoch(self, epoch: int, last: int, shown: int, callbacks: Any, validation_freq: Any) -> dict[str, Any]:
        model = self._model
        progress = Progress(shown, f"Epoch {epoch + 1}/{last}", self._count, model._logs)
        logs: dict[str, Any] | None = None
        done = 0
        try:
            done = self._batches(epoch, callbacks, progress)
            logs = model._logs()
            if self._validation is not None and _due(epoch, validation_freq):
                found = self._validation[0].run_bound(callbacks)
                logs.update({f"val_{name}": value for name, value in found.items()})
        finally:
            progress.close(done, logs)
        callbacks.on_epoch_end(epoch, logs)
        return logs

    def _batches(self, epoch: int, callbacks: Any, progress: Progress) -> int:
        model, program = self._model, self.step.program
        executable, names, n, batch = program.executable, self.step.logs, self._data.n, self._batch
        # What the loop needs at every step is looked up once.
        run_rows, scalar, clock, isfinite = executable.run_rows, executable.scalar, time.perf_counter, math.isfinite
        take, others = model._take_losses, range(1, len(names))
        before, after = callbacks.wants("on_train_batch_begin"), callbacks.wants("on_train_batch_end")
        seed = global_seed()
        step = model.optimizer.steps_taken
        order = _engine.shuffle(n, seed, step) if self._shuffle else None
        model.reset_metrics()
        index = 0
        for index in range(self._count):
            start = index * batch
            rows = batch if start + batch <= n else n - start
            if before:
                callbacks.on_train_batch_begin(index)
            program.bind()
            try:
                run_rows(order, start, rows, seed, step)
            except NonFiniteError as error:
                raise NonFiniteError(f"epoch {epoch + 1}, step {index + 1}: {error}") from None
            step += 1
            loss = scalar(0)
            if not isfinite(loss) and not callbacks.terminates_on_nan:
                raise NonFiniteError(_not_finite(model, loss, epoch, index))
            take(names, [loss, *[scalar(i) for i in others]], rows)
            if after:
                callbacks.on_train_batch_end(index, model._logs())
            if model._stop:
                break
            if clock() > progress.next_draw:
                progress.draw(index + 1)
        return index + 1


def _not_finite(model: Trainer, loss: float, epoch: int, index: int) -> str:
    return (
        f"{model._title()}: the loss is {loss} in epoch {epoch + 1}, step {index + 1}; a smaller learning rate, "
        "clipnorm, or scaled inputs help most often. LINNET_DEBUG=nan names the first layer where it happens"
    )


def _limited(count: int, steps: int | None) -> int:
    if steps is None:
        return count
    if not isinstance(steps, (int, np.integer)) or steps < 1:
        raise ValueError(f"the number of steps must be a positive integer, got {steps!r}")
    return min(count, int(steps))


def _due(epoch: int, frequency: Any) -> bool:
    if isinstance(frequency, (list, tuple, set, frozenset)):
        return epoch + 1 in frequency
    return (epoch + 1) % frequency == 0


def predict(model: Trainer, data: Data, batch_size: int, verbose: Any, steps: int | None, callbacks: Any) -> Any:
    """Predictions for all rows, each output in one array that is allocated once."""
    batch = min(batch_size, data.n)
    count = _limited(-(-data.n // batch), steps)
    step = model._step("predict", data, batch)
    callbacks = _callback_list(model, callbacks, False, steps=count, verbose=verbose)
    program, executable = step.program, step.program.executable
    rows = min(data.n, count * batch)
    dims = program.output_dims
    # A leading dimension of -k is k rows per sample.
    results = [
        np.empty((-d[0] * rows, *d[1:]), np.int32 if dtype == "int32" else np.float32)
        for d, dtype in zip(dims, program.output_dtypes, strict=True)
    ]
    progress = Progress(level(verbose), "Predicting", count, dict)
    before, after = callbacks.wants("on_predict_batch_begin"), callbacks.wants("on_predict_batch_end")
    step.bind(data)
    callbacks.on_predict_begin()
    try:
        for index in range(count):
            start = index * batch
            size = min(batch, rows - start)
            if before:
                callbacks.on_predict_batch_begin(index)
            executable.run_rows(None, start, size)
            for i, (result, d) in enumerate(zip(results, dims, strict=True)):
                result[-d[0] * start : -d[0] * (start + size)] = executable.output(i)
            if after:
                outputs = [r[-d[0] * start : -d[0] * (start + size)] for r, d in zip(results, dims, strict=True)]
                callbacks.on_predict_batch_end(index, {"outputs": pack_like(step.structure, outputs)})
            if time.perf_counter() > progress.next_draw:
                progress.draw(index + 1)
    finally:
        step.release()
    progress.close(count, {})
    callbacks.on_predict_end()
    found = [r.astype(bool) if t == "bool" else r for r, t in zip(results, program.output_dtypes, strict=True)]
    return pack_like(step.structure, found)
