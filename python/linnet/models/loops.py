"""The loops of fit, evaluate and predict over the batches of a source (sources.py).

A loop takes a compiled step and rows from the source and runs the one on the others. Callbacks are called only where
one overrides the hook, and metrics are read only when somebody looks: the bare loop costs 2 to 3 microseconds of Python
per step. Start reading in `FitLoop._batches`.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from linnet.backend.errors import NonFiniteError
from linnet.backend.seed import global_seed
from linnet.models.progress import Progress, level
from linnet.models.sources import Source

if TYPE_CHECKING:
    from linnet.models.steps import Step
    from linnet.models.trainer import Trainer


def callback_list(model: Trainer, callbacks: Any, history: bool, **params: Any) -> Any:
    """The CallbackList of one call of fit, evaluate or predict."""
    from linnet.callbacks import CallbackList

    if isinstance(callbacks, CallbackList):
        return callbacks
    return CallbackList(callbacks, add_history=history, model=model, **params)


class EvaluateLoop:
    """Test steps over one pass of the source."""

    def __init__(self, model: Trainer, source: Source) -> None:
        self._model = model
        self._source = source

    def run(self, verbose: Any, callbacks: Any) -> dict[str, Any]:
        """With its own callbacks and display."""
        count = self._source.count
        callbacks = callback_list(self._model, callbacks, False, steps=count, verbose=verbose)
        shown = 0 if callbacks.shows_progress else level(verbose)
        progress = Progress(shown, "Evaluating", count, dict)
        logs, done = None, 0
        try:
            logs, done = self.run_with(callbacks, progress)
        finally:
            progress.close(done, logs)
        return logs

    def run_with(self, callbacks: Any, progress: Progress | None = None) -> tuple[dict[str, Any], int]:
        """(logs, number of batches), as the validation of fit needs them."""
        model = self._model
        model.reset_metrics()
        model.stop_evaluating = False
        self._source.restart()
        self._source.open()
        callbacks.on_test_begin()
        before, after = callbacks.wants("on_test_batch_begin"), callbacks.wants("on_test_batch_end")
        index = 0
        step: Step | None = None
        try:
            for found, order, start, rows in self._source.epoch(global_seed(), 0):
                if found is not step:
                    step = found
                    if progress is not None:
                        progress.logs = step.logs
                if before:
                    callbacks.on_test_batch_begin(index)
                step.program.bind()
                step.program.executable.run_rows(order, start, rows)
                step.take(rows)
                if after:
                    callbacks.on_test_batch_end(index, step.logs())
                index += 1
                if model.stop_evaluating:
                    break
                if progress is not None and time.perf_counter() > progress.next_draw:
                    progress.draw(index)
        finally:
            self._source.close()
        if step is None:
            raise ValueError(f"{model._title()}: the data to evaluate on has no batches left; a generator ends once")
        logs = step.logs()
        callbacks.on_test_end(logs)
        return logs, index


class FitLoop:
    """Epochs of training steps, with validation after them."""

    def __init__(self, model: Trainer, source: Source, validation: Source | None, validation_freq: Any) -> None:
        self._model = model
        self.source = source
        self._validation = None if validation is None else EvaluateLoop(model, validation)
        self._validation_freq = validation_freq
        self._resume: tuple[int, int, Any, Any] | None = None
        self._pending: list[Callable[[], None]] = []
        self.interrupted = False  # by Ctrl-C
        self._logs: dict[str, Any] = {}  # of the last whole epoch
        # Where the training is: the epoch under way, and how many of its batches are done.
        self.epoch = 0
        self.done = 0

    def resume_at(self, epoch: int, done: int, position: Any, restore: Callable[[], None]) -> None:
        """For a callback, in on_train_begin: training goes on there. `restore` is called after all such hooks."""
        self._resume = (epoch, done, position, restore)

    def afterwards(self, action: Callable[[], None]) -> None:
        """For a callback: calls `action` when the others have been called for this moment, too."""
        self._pending.append(action)

    def _run_pending(self) -> None:
        pending, self._pending = self._pending, []
        for action in pending:
            action()

    def run(self, first: int, last: int, verbose: Any, callbacks: Any) -> Any:
        """Trains the epochs first, ..., last - 1 and returns the History."""
        model = self._model
        shown = level(verbose)
        callbacks = callback_list(
            model,
            callbacks,
            True,
            epochs=last,
            steps=self.source.count,
            verbose=shown,
            do_validation=self._validation is not None,
        )
        shown = 0 if callbacks.shows_progress else shown
        model.stop_training = False
        model._fit_loop = self
        try:
            try:
                self._epochs(first, last, shown, callbacks)
            except KeyboardInterrupt:
                # Steps are not interrupted halfway: the weights are those after the last whole batch.
                model.stop_training = self.interrupted = True
                if shown:
                    print("\nInterrupted: training ends here; weights and history are kept.", flush=True)
            self.source.close()
            if last > first and model.optimizer is not None:
                model.optimizer.finalize_variable_values(model.trainable_variables)
            callbacks.on_train_end(self._logs)
        finally:
            model._fit_loop = None
            self.source.close()
        return callbacks.history or model.history

    def _epochs(self, first: int, last: int, shown: int, callbacks: Any) -> None:
        model = self._model
        done = 0
        self.epoch, self.done = first, 0
        callbacks.on_train_begin()
        if self._resume is not None:
            first, done, position, restore = self._resume
            self.source.resume(position, global_seed())
            restore()
            if model.stop_training:  # what was restored had ended already
                return
        for epoch in range(first, last):
            self.epoch, self.done = epoch, done
            if done == 0:
                model.reset_metrics()
                callbacks.on_epoch_begin(epoch)
            found = self._epoch(epoch, last, shown, callbacks)
            self._logs = found or self._logs
            done = 0
            if model.stop_training:
                break
            if self.source.exhausted:
                if epoch + 1 < last:
                    warnings.warn(f"the generator has ended in epoch {epoch + 1} of {last}", stacklevel=4)
                break

    def _epoch(self, epoch: int, last: int, shown: int, callbacks: Any) -> dict[str, Any] | None:
        """The logs of one epoch; None when the data had ended before it."""
        progress = Progress(shown, f"Epoch {epoch + 1}/{last}", self.source.count, dict)
        logs: dict[str, Any] | None = None
        # A callback may have trained or evaluated this model on other data.
        self.source.open()
        try:
            step = self._batches(epoch, callbacks, progress)
            if step is None:
                return None
            logs = step.logs()
            if self._validation is not None and _due(epoch, self._validation_freq):
                found, _ = self._validation.run_with(callbacks)
                logs.update({f"val_{name}": value for name, value in found.items()})
        finally:
            progress.close(self.done, logs)
        self.epoch, self.done = epoch + 1, 0
        callbacks.on_epoch_end(epoch, logs)
        self._run_pending()
        return logs

    def _batches(self, epoch: int, callbacks: Any, progress: Progress) -> Step | None:
        model = self._model
        clock, isfinite = time.perf_counter, math.isfinite
        before, after = callbacks.wants("on_train_batch_begin"), callbacks.wants("on_train_batch_end")
        seed = global_seed()
        count = model._training_steps()
        index = self.done
        step: Step | None = None
        for found, order, start, rows in self.source.epoch(seed, count, index):
            if found is not step:
                step = found
                # What the loop needs at every step is looked up once.
                program, watched, take = step.program, step.loss, step.take
                run_rows, scalar = program.executable.run_rows, program.executable.scalar
                progress.logs = step.logs
            if before:
                callbacks.on_train_batch_begin(index)
            program.bind()
            try:
                run_rows(order, start, rows, seed, count)
            except NonFiniteError as error:
                raise NonFiniteError(f"epoch {epoch + 1}, step {index + 1}: {error}") from None
            count += 1
            model._steps_run = count
            if watched is not None:
                loss = scalar(watched)
                if not isfinite(loss) and not callbacks.terminates_on_nan:
                    raise NonFiniteError(_not_finite(model, loss, epoch, index))
            take(rows)
            index += 1
            self.done = index
            if after:
                callbacks.on_train_batch_end(index - 1, step.logs())
                if self._pending:
                    self._run_pending()
            if model._stop:
                break
            if clock() > progress.next_draw:
                progress.draw(index)
        # An epoch whose last batch was the last thing that was backed up has only its end left.
        return self.source.ready if step is None and index > 0 else step


def _not_finite(model: Trainer, loss: float, epoch: int, index: int) -> str:
    return (
        f"{model._title()}: the loss is {loss} in epoch {epoch + 1}, step {index + 1}; a smaller learning rate, "
        "clipnorm, or scaled inputs help most often. LINNET_DEBUG=nan names the first layer where it happens"
    )


def _due(epoch: int, frequency: Any) -> bool:
    if isinstance(frequency, (list, tuple, set, frozenset)):
        return epoch + 1 in frequency
    return (epoch + 1) % frequency == 0
