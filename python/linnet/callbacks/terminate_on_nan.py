"""Ends the training when the loss is no longer a number, instead of the error that `fit` raises by itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from linnet.callbacks.callback import Callback


class TerminateOnNaN(Callback):
    """Sets stop_training at the first batch whose loss is NaN or infinite."""

    terminates_on_nan = True

    def on_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is not None and not math.isfinite(loss):
            print(f"Batch {batch}: Invalid loss, terminating training")
            self.model.stop_training = True
