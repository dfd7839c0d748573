"""Lets evaluation see the moving averages of the weights, which an optimizer with use_ema=True keeps.

The averages and the weights change places before an evaluation or prediction and back after it; training goes on with
the weights as they were. With swap_on_epoch they change places at the end of every epoch, so that checkpoints save the
averages, and back at the beginning of the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from linnet.callbacks.callback import Callback


class SwapEMAWeights(Callback):
    """swap_on_epoch: also between epochs, for a ModelCheckpoint that comes after this callback."""

    def __init__(self, swap_on_epoch: bool = False) -> None:
        self.swap_on_epoch = swap_on_epoch
        self._swapped = False

    def get_state(self) -> dict[str, Any]:
        return {"swapped": self._swapped}

    def set_state(self, state: Mapping[str, Any]) -> None:
        self._swapped = bool(state["swapped"])

    def _pairs(self) -> list[tuple[Any, Any]]:
        optimizer = self.model.optimizer
        if not getattr(optimizer, "use_ema", False):
            raise ValueError("SwapEMAWeights needs an optimizer that averages the weights: make it with use_ema=True")
        if not optimizer.built:
            optimizer.build(self.model.trainable_variables)
        weights = optimizer._trainable_variables
        return list(zip(weights, optimizer._model_variables_moving_average, strict=False))

    def _swap(self, into_model: bool) -> None:
        if self._swapped == into_model:
            return
        for weight, average in self._pairs():
            kept = weight.numpy()
            weight.assign(average)
            average.assign(kept)
        self._swapped = into_model

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        if self.swap_on_epoch:
            self._swap(False)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        if self.swap_on_epoch and not self._swapped:
            self._swap(True)
            if epoch == (self.params or {}).get("epochs", 0) - 1:
                # At its end, fit gives the weights their averages, which lie in the weights already.
                for weight, average in self._pairs():
                    average.assign(weight)

    def on_test_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        self._swap(True)

    def on_test_end(self, logs: Mapping[str, Any] | None = None) -> None:
        self._swap(False)

    def on_predict_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        self._swap(True)

    def on_predict_end(self, logs: Mapping[str, Any] | None = None) -> None:
        self._swap(False)
