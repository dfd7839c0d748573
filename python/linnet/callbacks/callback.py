"""The base of all callbacks: methods that `fit`, `evaluate` and `predict` call at certain moments.

Override the hooks you need. `self.model` is the model, `self.params` a dictionary with "epochs", "steps" and "verbose".
`logs` holds the metrics so far by name; what a callback adds to the logs of an epoch appears in the history. Setting
`self.model.stop_training = True` ends the training after the batch.

Hooks that nobody overrides cost nothing: `fit` asks the CallbackList and skips them, together with reading the metrics
after every batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HOOKS = (
    "on_train_begin",
    "on_train_end",
    "on_epoch_begin",
    "on_epoch_end",
    "on_train_batch_begin",
    "on_train_batch_end",
    "on_test_begin",
    "on_test_end",
    "on_test_batch_begin",
    "on_test_batch_end",
    "on_predict_begin",
    "on_predict_end",
    "on_predict_batch_begin",
    "on_predict_batch_end",
)


class Callback:
    """Base class: all hooks, doing nothing."""

    params: dict[str, Any] | None = None
    _model: Any = None

    @property
    def model(self) -> Any:
        """The model that is trained."""
        return self._model

    def set_params(self, params: dict[str, Any]) -> None:
        """Called before training: "epochs", "steps" (per epoch), "verbose"."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Called before training."""
        self._model = model

    def get_state(self) -> dict[str, Any] | None:
        """What BackupAndRestore must save to go on with this callback: plain data and arrays. None: nothing."""
        return None

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Goes on from what get_state gave. Called after on_train_begin."""

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """After the last epoch; logs are those of the last epoch."""

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Before an epoch; epochs count from 0."""

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """After an epoch and its validation; validation metrics begin with "val_"."""

    def on_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Another name for on_train_batch_begin."""

    def on_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Another name for on_train_batch_end."""

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Before a training batch; batches count from 0 in every epoch."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """After a training batch; logs hold the means over the epoch so far."""
        self.on_batch_end(batch, logs)

    def on_test_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Before evaluation, also that at the end of an epoch."""

    def on_test_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """After evaluation."""

    def on_test_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Before a batch of evaluation."""

    def on_test_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """After a batch of evaluation."""

    def on_predict_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Before prediction."""

    def on_predict_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """After prediction."""

    def on_predict_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Before a batch of prediction."""

    def on_predict_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """After a batch of prediction; logs["outputs"] holds the outputs."""


def overrides(callback: Any, hook: str) -> bool:
    """Whether a callback does something at this moment."""

    def own(name: str) -> bool:
        return name in vars(callback) or getattr(type(callback), name, None) not in (None, getattr(Callback, name))

    alias = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}.get(hook)
    return own(hook) or (alias is not None and own(alias))
