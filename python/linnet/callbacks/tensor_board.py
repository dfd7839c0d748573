"""Writes the course of a training for TensorBoard: `tensorboard --logdir logs`.

log_dir/train and log_dir/validation hold event files (event_file.py) with the metrics of every epoch under the names
that Keras uses: epoch_loss, batch_loss, evaluation_loss_vs_iterations. Nothing has to be installed for writing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from linnet.callbacks.callback import Callback
from linnet.callbacks.event_file import EventFile, histogram, scalar


class TensorBoard(Callback):
    """log_dir: the folder. histogram_freq: every so many epochs the distribution of every weight (0: never).

    update_freq: "epoch", "batch", or every so many batches, the metrics so far. write_steps_per_second: also the speed.
    write_graph, write_images, profile_batch, embeddings_freq and embeddings_metadata are accepted as in Keras, and
    nothing is written for them: model.summary() and model.profile() show what they would.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: str | int = "epoch",
        profile_batch: Any = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Any = None,
    ) -> None:
        if update_freq not in ("epoch", "batch") and (isinstance(update_freq, (str, bool)) or int(update_freq) < 1):
            raise ValueError(f'update_freq must be "epoch", "batch" or a positive number, not {update_freq!r}')
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq = histogram_freq
        self.write_steps_per_second = write_steps_per_second
        self.update_freq: str | int = 1 if update_freq == "batch" else update_freq
        self._files: dict[str, EventFile] = {}
        self._train_step = 0
        self._test_step = 0
        self._training = False
        self._epoch_start = (0.0, 0)
        if self.update_freq != "epoch" or write_steps_per_second:
            self.on_train_batch_end = self._after_batch  # type: ignore[method-assign]

    def get_state(self) -> dict[str, Any]:
        return {"train_step": self._train_step, "test_step": self._test_step}

    def set_state(self, state: Mapping[str, Any]) -> None:
        self._train_step, self._test_step = int(state["train_step"]), int(state["test_step"])

    def _file(self, name: str) -> EventFile:
        if name not in self._files:
            self._files[name] = EventFile(os.path.join(self.log_dir, name))
        return self._files[name]

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        self._training = True
        self._train_step = 0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._epoch_start = (time.perf_counter(), self._train_step)

    def _after_batch(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._train_step += 1
        if self.update_freq != "epoch" and self._train_step % int(self.update_freq) == 0:
            file = self._file("train")
            file.add(self._train_step, [scalar(f"batch_{name}", value) for name, value in _numbers(logs)])
            file.flush()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        numbers = dict(_numbers(logs))
        rate = getattr(self.model.optimizer, "learning_rate", None)
        if rate is not None:
            numbers["learning_rate"] = float(np.asarray(rate))
        if self.write_steps_per_second:
            start, step = self._epoch_start
            numbers["steps_per_second"] = (self._train_step - step) / max(time.perf_counter() - start, 1e-9)
        train = {name: value for name, value in numbers.items() if not name.startswith("val_")}
        held = {name.removeprefix("val_"): value for name, value in numbers.items() if name.startswith("val_")}
        for folder, found in (("train", train), ("validation", held)):
            if found:
                file = self._file(folder)
                file.add(epoch, [scalar(f"epoch_{name}", value) for name, value in found.items()])
                file.flush()
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            from linnet.saving.weights_file import named_weights

            file = self._file("train")
            for name, variable in named_weights(self.model).items():
                file.add(epoch, [histogram(f"{name}/histogram", variable._array)])
            file.flush()

    def on_test_end(self, logs: Mapping[str, Any] | None = None) -> None:
        if self.model.optimizer is None:
            return
        step = int(np.asarray(self.model.optimizer.iterations))
        file = self._file("validation")
        file.add(step, [scalar(f"evaluation_{name}_vs_iterations", value) for name, value in _numbers(logs)])
        file.flush()
        if not self._training:
            self._close()

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        self._training = False
        self._close()

    def _close(self) -> None:
        for file in self._files.values():
            file.close()
        self._files = {}


def _numbers(logs: Mapping[str, Any] | None) -> list[tuple[str, float]]:
    return [(name, float(value)) for name, value in (logs or {}).items() if np.ndim(value) == 0]
