"""Lets a training that was killed go on where it stopped, with the same bits as if it had never been stopped.

One file in backup_dir holds all state: weights, optimizer, random numbers, the place in the data, the running means of
the epoch under way, the history, and what the other callbacks remember (`get_state`). It is written aside and renamed,
so there is always a whole one. A fit with this callback and the same arguments looks for the file, goes on from it, and
removes it when the training is over.

What fit does not know it cannot bring back: a generator is begun anew and asked for the batches that were used, and
must give the same ones; the same holds for callbacks that keep state without get_state.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from typing import Any

import numpy as np

from linnet.backend import seed
from linnet.callbacks.callback import Callback

WEIGHTS, OPTIMIZER, METRIC, CALLBACK = "weights/", "optimizer/", "metric/", "callback/"


class BackupAndRestore(Callback):
    """backup_dir: a folder of this training's own. save_freq: "epoch", or every so many batches.

    double_checkpoint: keep the file before the last one too, for when the last cannot be read. delete_checkpoint:
    remove the files at the end of the training. Ctrl-C keeps them.
    """

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: str | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        if not backup_dir:
            raise ValueError("BackupAndRestore: backup_dir must name a folder")
        if save_freq != "epoch" and (isinstance(save_freq, bool) or not isinstance(save_freq, int) or save_freq < 1):
            raise ValueError(f'save_freq must be "epoch" or a positive number of batches, not {save_freq!r}')
        self.backup_dir = os.fspath(backup_dir)
        self.save_freq = save_freq
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self._path = os.path.join(self.backup_dir, "training.backup")
        self._previous = f"{self._path}.previous"
        self._callbacks: list[Any] = []
        self._batches = 0
        if save_freq != "epoch":
            self.on_train_batch_end = self._count_batch  # type: ignore[method-assign]

    def set_callbacks(self, callbacks: list[Any]) -> None:
        """Called by the CallbackList: all callbacks of the training, whose state is saved too."""
        self._callbacks = [callback for callback in callbacks if callback is not self]

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        self._batches = 0
        found = self._read()
        if found is None:
            return
        tensors, state = found
        seed.set_state(state["seed"])
        place = state["place"]
        self.model._fit_loop.resume_at(
            place["epoch"], place["done"], place["position"], lambda: self._restore(tensors, state)
        )

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        if self.save_freq == "epoch":
            # When the callbacks behind this one have seen the end of the epoch, too.
            self.model._fit_loop.afterwards(self._save)

    def _count_batch(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._batches += 1
        if self._batches % int(self.save_freq) == 0:
            self.model._fit_loop.afterwards(self._save)

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        if not self.delete_checkpoint or self.model._fit_loop.interrupted:
            return
        for path in (self._path, self._previous):
            if os.path.exists(path):
                os.unlink(path)
        if os.path.isdir(self.backup_dir) and not os.listdir(self.backup_dir):
            os.rmdir(self.backup_dir)

    # ---- writing -----------------------------------------------------------------------------------------------------

    def _save(self) -> None:
        from linnet.saving import files
        from linnet.saving.weights_file import named_weights

        model = self.model
        loop = model._fit_loop
        weights = named_weights(model)
        names = {id(variable): name for name, variable in weights.items()}
        tensors = {WEIGHTS + name: variable._array for name, variable in weights.items()}
        optimizer = model.optimizer.named_state(names)
        tensors |= {OPTIMIZER + name: variable._array for name, variable in optimizer.items()}
        sums = []
        for i, metric in enumerate(model.metrics):
            tensors |= {f"{METRIC}{i}/{j}": variable._array for j, variable in enumerate(metric.variables)}
            sums.append(getattr(metric, "sums", None))
        states = []
        for i, callback in enumerate(self._callbacks):
            own = callback.get_state() if hasattr(callback, "get_state") else None
            if own is not None:
                states.append([type(callback).__name__, _without_arrays(own, f"{CALLBACK}{i}", tensors)])
        state = {
            "place": {"epoch": loop.epoch, "done": loop.done, "position": loop.source.position()},
            "seed": seed.get_state(),
            "steps": model._steps_run,
            "stopped": model.stop_training,
            "sums": sums,
            "callbacks": states,
            "batches": self._batches,
        }
        os.makedirs(self.backup_dir, exist_ok=True)
        if self.double_checkpoint and os.path.exists(self._path):
            shutil.copy2(self._path, self._previous)
        text = json.dumps(state, default=_plain_number)
        files.write(self._path, tensors, {"format": "linnet", "kind": "backup", "version": "1", "state": text})

    # ---- reading -----------------------------------------------------------------------------------------------------

    def _read(self) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
        from linnet.saving import files

        for path in (self._path, self._previous):
            if not os.path.exists(path):
                continue
            try:
                tensors, metadata = files.read(path)
                if metadata.get("kind") != "backup":
                    raise ValueError(f"{path} was not written by BackupAndRestore")
                return tensors, json.loads(metadata["state"])
            except ValueError:
                if path == self._previous or not os.path.exists(self._previous):
                    raise
        return None

    def _restore(self, tensors: dict[str, np.ndarray], state: dict[str, Any]) -> None:
        from linnet.saving.weights_file import assign, named_weights, strip

        model = self.model
        weights = named_weights(model)
        assign(weights, strip(tensors, WEIGHTS), self._path, "weight")
        names = {id(variable): name for name, variable in weights.items()}
        optimizer = model.optimizer.named_state(names)
        assign(optimizer, strip(tensors, OPTIMIZER), self._path, "optimizer state")
        for i, (metric, sums) in enumerate(zip(model.metrics, state["sums"], strict=False)):
            for j, variable in enumerate(metric.variables):
                variable.assign(tensors[f"{METRIC}{i}/{j}"])
            if sums is not None:
                metric.sums = sums
        keeping = [c for c in self._callbacks if hasattr(c, "get_state") and c.get_state() is not None]
        found, saved = [type(callback).__name__ for callback in keeping], [name for name, _ in state["callbacks"]]
        if found != saved:
            raise ValueError(
                f"{self._path} belongs to a fit with the callbacks {', '.join(saved)}, this one has "
                f"{', '.join(found)}: give the same, or remove the file"
            )
        for callback, (_, own) in zip(keeping, state["callbacks"], strict=True):
            callback.set_state(_with_arrays(own, tensors))
        seed.set_state(state["seed"])
        model._steps_run = int(state["steps"])
        model.stop_training = bool(state["stopped"])
        self._batches = int(state["batches"])


def _without_arrays(value: Any, name: str, tensors: dict[str, np.ndarray]) -> Any:
    """The value with its arrays moved into `tensors`, where {"array": name} stands for them."""
    if isinstance(value, np.ndarray):
        tensors[name] = value
        return {"array": name}
    if isinstance(value, Mapping):
        return {key: _without_arrays(one, f"{name}/{key}", tensors) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_arrays(one, f"{name}/{i}", tensors) for i, one in enumerate(value)]
    return value


def _with_arrays(value: Any, tensors: dict[str, np.ndarray]) -> Any:
    if isinstance(value, dict):
        if list(value) == ["array"]:
            return tensors[value["array"]]
        return {key: _with_arrays(one, tensors) for key, one in value.items()}
    return [_with_arrays(one, tensors) for one in value] if isinstance(value, list) else value


def _plain_number(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"BackupAndRestore: get_state() of a callback gave {value!r}, which is neither JSON nor an array")
