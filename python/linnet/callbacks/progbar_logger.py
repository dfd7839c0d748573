"""The display of fit, evaluate and predict as a callback. They show the same by themselves; it is here for programs
that list their callbacks explicitly, and it replaces the built-in display."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from linnet.callbacks.callback import Callback
from linnet.models.progress import Progress, level


class ProgbarLogger(Callback):
    """A bar per epoch on a terminal, a line elsewhere, by the `verbose` argument of fit."""

    shows_progress = True  # asked by CallbackList

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._logs: Mapping[str, Any] = {}
        self._done = 0
        self._training = False

    def _start(self, title: str) -> None:
        params = self.params or {}
        self._done = 0
        self._logs = {}
        self._progress = Progress(level(params.get("verbose", "auto")), title, params.get("steps"), lambda: self._logs)

    def _show(self, batch: int, logs: Mapping[str, Any] | None) -> None:
        self._done = batch + 1
        self._logs = {name: value for name, value in (logs or {}).items() if name != "outputs"}
        if self._progress is not None and time.perf_counter() > self._progress.next_draw:
            self._progress.draw(self._done)

    def _stop(self, logs: Mapping[str, Any] | None) -> None:
        if self._progress is not None:
            self._progress.close(self._done, logs)
            self._progress = None

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        self._training = True

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        self._training = False

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._start(f"Epoch {epoch + 1}/{(self.params or {}).get('epochs')}")

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._stop(logs)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._show(batch, logs)

    def on_test_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        if not self._training:
            self._start("Evaluating")

    def on_test_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        if not self._training:
            self._show(batch, logs)

    def on_test_end(self, logs: Mapping[str, Any] | None = None) -> None:
        if not self._training:
            self._stop(logs)

    def on_predict_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        self._start("Predicting")

    def on_predict_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._show(batch, logs)

    def on_predict_end(self, logs: Mapping[str, Any] | None = None) -> None:
        self._stop({})
