"""What `fit` returns: the metrics of every epoch, `history.history["val_loss"][3]`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from linnet.callbacks.callback import Callback


class History(Callback):
    """epoch: the epochs done; history: name -> one value per epoch."""

    def __init__(self) -> None:
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    def get_state(self) -> dict[str, Any]:
        return {"history": self.history, "epoch": self.epoch}

    def set_state(self, state: Mapping[str, Any]) -> None:
        self.history = state["history"]
        self.epoch = state["epoch"]

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        self.model.history = self
