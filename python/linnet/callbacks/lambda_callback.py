"""A callback from a few functions, without a class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from linnet.backend.lookup import unknown_name
from linnet.callbacks.callback import HOOKS, Callback


class LambdaCallback(Callback):
    """Any hook by name: LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))."""

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        **kwargs: Callable[..., Any],
    ) -> None:
        given = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
            **kwargs,
        }
        known = (*HOOKS, "on_batch_begin", "on_batch_end")
        for hook, function in given.items():
            if hook not in known:
                raise unknown_name("hook", hook, known)
            if function is not None:
                setattr(self, hook, function)
