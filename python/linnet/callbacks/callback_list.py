"""All callbacks of one training as if they were one.

    callbacks = CallbackList(given, model=model, epochs=10, steps=1875, verbose=1)
    if callbacks.wants("on_train_batch_end"): ...     # only then are the metrics worth reading

Calling a hook calls it on those callbacks that override it, in the order given; `History` comes last, so that it
records what others have added to the logs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from linnet.callbacks.callback import HOOKS, Callback, overrides
from linnet.callbacks.history import History


class CallbackList:
    """callbacks: callbacks, or lists of them. params: what `set_params` hands on."""

    def __init__(self, callbacks: Any = None, add_history: bool = False, model: Any = None, **params: Any) -> None:
        self.callbacks: list[Any] = list(_flat(callbacks))
        for callback in self.callbacks:
            if not isinstance(callback, Callback) and not hasattr(callback, "on_epoch_end"):
                raise TypeError(f"callbacks must be linnet.callbacks.Callback objects, got {callback!r}")
        self._history: History | None = None
        if add_history:
            given = [callback for callback in self.callbacks if isinstance(callback, History)]
            self._history = given[-1] if given else History()
            if not given:
                self.callbacks.append(self._history)
        self._hooks: dict[str, list[Callable[..., None]]] = {}
        self._find_hooks()
        self.params = params
        if model is not None:
            self.set_model(model)
        if params:
            self.set_params(params)

    def _find_hooks(self) -> None:
        self._hooks = {
            hook: [getattr(callback, hook) for callback in self.callbacks if overrides(callback, hook)]
            for hook in HOOKS
        }

    @property
    def history(self) -> History | None:
        """The history that `fit` returns."""
        return self._history

    @property
    def terminates_on_nan(self) -> bool:
        """Whether a loss that is not a number ends the training instead of raising an error."""
        return any(getattr(callback, "terminates_on_nan", False) for callback in self.callbacks)

    @property
    def shows_progress(self) -> bool:
        """Whether a callback does what `fit` would show by itself."""
        return any(getattr(callback, "shows_progress", False) for callback in self.callbacks)

    def append(self, callback: Any) -> None:
        """Adds one more callback."""
        self.callbacks.append(callback)
        self._find_hooks()

    def wants(self, hook: str) -> bool:
        """Whether any callback overrides the hook."""
        return bool(self._hooks[hook])

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params
        for callback in self.callbacks:
            callback.set_params(params)

    def set_model(self, model: Any) -> None:
        if self._history is not None:
            model.history = self._history
        for callback in self.callbacks:
            callback.set_model(model)
            if hasattr(callback, "set_callbacks"):
                callback.set_callbacks(self.callbacks)

    def _call(self, hook: str, *args: Any) -> None:
        for function in self._hooks[hook]:
            function(*args)

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        self._call("on_train_begin", logs or {})

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        self._call("on_train_end", logs or {})

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._call("on_epoch_begin", epoch, logs or {})

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._call("on_epoch_end", epoch, {} if logs is None else logs)

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._call("on_train_batch_begin", batch, logs or {})

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._call("on_train_batch_end", batch, logs or {})

    def on_test_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        self._call("on_test_begin", logs or {})

    def on_test_end(self, logs: Mapping[str, Any] | None = None) -> None:
        self._call("on_test_end", logs or {})

    def on_test_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._call("on_test_batch_begin", batch, logs or {})

    def on_test_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._call("on_test_batch_end", batch, logs or {})

    def on_predict_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        self._call("on_predict_begin", logs or {})

    def on_predict_end(self, logs: Mapping[str, Any] | None = None) -> None:
        self._call("on_predict_end", logs or {})

    def on_predict_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._call("on_predict_batch_begin", batch, logs or {})

    def on_predict_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._call("on_predict_batch_end", batch, logs or {})


def _flat(callbacks: Any) -> Sequence[Any]:
    if callbacks is None:
        return []
    if isinstance(callbacks, (list, tuple)):
        return [one for item in callbacks for one in _flat(item)]
    return [callbacks]
