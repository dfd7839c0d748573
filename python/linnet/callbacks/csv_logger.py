"""Writes the metrics of every epoch as a row of a table."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from typing import Any, TextIO

import numpy as np

from linnet.callbacks.callback import Callback


class CSVLogger(Callback):
    """filename: the table; append: go on with an existing one, without a second header."""

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        self.filename = os.fspath(filename)
        self.sep = separator
        self.append = append
        self.keys: list[str] | None = None
        self._file: TextIO | None = None
        self._header = True

    def get_state(self) -> dict[str, Any] | None:
        return {"size": self._file.tell(), "keys": self.keys} if self.append and self._file is not None else None

    def set_state(self, state: Mapping[str, Any]) -> None:
        # Rows that were written after the backup are of epochs that are trained again.
        if self._file is not None:
            self._file.truncate(state["size"])
            self.keys, self._header = state["keys"], state["keys"] is None

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        self.keys = None
        self._header = True
        if self.append and os.path.exists(self.filename):
            with open(self.filename, encoding="utf-8", newline="") as file:
                first = next(csv.reader(file, delimiter=self.sep), None)
            if first:
                self._header = False
                self.keys = first[1:]  # behind "epoch": the columns stay as they were
        self._file = open(self.filename, "a" if self.append else "w", encoding="utf-8", newline="")  # noqa: SIM115

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        logs = logs or {}
        if self.keys is None:
            self.keys = sorted(logs)
            if (self.params or {}).get("do_validation"):
                # Validation may begin in a later epoch (validation_freq), but the columns are fixed now.
                self.keys += [f"val_{name}" for name in self.keys if f"val_{name}" not in logs and name[:4] != "val_"]
        assert self._file is not None
        writer = csv.writer(self._file, delimiter=self.sep, lineterminator="\n")
        if self._header:
            writer.writerow(["epoch", *self.keys])
            self._header = False
        writer.writerow([epoch, *(_cell(logs.get(name, "NA")) for name in self.keys)])
        self._file.flush()

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _cell(value: Any) -> Any:
    if isinstance(value, str) or np.ndim(value) == 0:
        return value
    return f'"[{", ".join(map(str, value))}]"'
