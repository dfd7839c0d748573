"""Saves the model, or its weights, while it trains.

filepath may hold names in braces that are filled in: "model-{epoch:02d}-{val_loss:.3f}.linnet"; epochs count from 1
there. Files are written aside and renamed, so an interrupted save leaves the last good one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from linnet.callbacks.monitor import MonitorCallback


class ModelCheckpoint(MonitorCallback):
    """Saves after every epoch, or every `save_freq` batches; with save_best_only, only when the metric is better."""

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode, initial_value_threshold)
        if save_freq != "epoch" and (isinstance(save_freq, bool) or not isinstance(save_freq, int) or save_freq < 1):
            raise ValueError(f'save_freq must be "epoch" or a positive number of batches, not {save_freq!r}')
        self.filepath = os.fspath(filepath)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self._epoch = 0
        self._batches = 0
        if save_freq != "epoch":
            # Only now is there something to do after a batch: see callback.overrides.
            self.on_train_batch_end = self._count_batch  # type: ignore[method-assign]

    def get_state(self) -> dict[str, Any]:
        return {"best": self.best, "epoch": self._epoch, "batches": self._batches}

    def set_state(self, state: Mapping[str, Any]) -> None:
        self.best = state["best"]
        self._epoch = state["epoch"]
        self._batches = state["batches"]

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._epoch = epoch

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        if self.save_freq == "epoch":
            self._save(epoch, logs)

    def _count_batch(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._batches += 1
        if self._batches % int(self.save_freq) == 0:
            self._save(self._epoch, logs, batch)

    def _save(self, epoch: int, logs: Mapping[str, Any] | None, batch: int | None = None) -> None:
        path = self._path(epoch, batch, logs or {})
        if self.save_best_only:
            current = self.value(logs)
            if current is None or not self.is_improvement(current, self.best):
                return
            if self.verbose > 0:
                before = "" if self.best is None else f" from {self.best:.5f}"
                print(f"Epoch {epoch + 1}: {self.monitor} improved{before} to {current:.5f}, saving to {path}")
            self.best = current
        elif self.verbose > 0:
            print(f"Epoch {epoch + 1}: saving to {path}")
        if folder := os.path.dirname(path):
            os.makedirs(folder, exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path, overwrite=True)
        else:
            self.model.save(path, overwrite=True)

    def _path(self, epoch: int, batch: int | None, logs: Mapping[str, Any]) -> str:
        values = {"epoch": epoch + 1, **({} if batch is None else {"batch": batch + 1}), **logs}
        try:
            return self.filepath.format(**values)
        except KeyError as error:
            raise KeyError(
                f"ModelCheckpoint: the path {self.filepath!r} asks for {error}, which is not available; there are: "
                f"{', '.join(values)}"
            ) from None
