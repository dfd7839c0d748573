"""`timeseries_dataset_from_array`: windows of a long series as a data set for `fit`.

The windows overlap, so they are cut when a batch is asked for: the series stays in memory once.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from linnet.backend.seed import draw_seed
from linnet.layers.arguments import positive
from linnet.utils.py_dataset import PyDataset


class TimeSeries(PyDataset):
    """Batches (windows, targets), or of windows alone: windows (n, sequence_length, ...) as the series has them."""

    def __init__(
        self,
        data: np.ndarray,
        targets: np.ndarray | None,
        starts: np.ndarray,
        offsets: np.ndarray,
        batch_size: int | None,
        seed: int | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.batch_size = batch_size
        self._data, self._targets, self._starts, self._offsets, self._seed = data, targets, starts, offsets, seed
        self._epoch = -1
        self.on_epoch_end()

    def __len__(self) -> int:
        return math.ceil(len(self._starts) / (self.batch_size or 1))

    def __getitem__(self, index: int) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(f"batch {index} of a data set of {len(self)} batches")
        if self.batch_size is None:
            rows = self._order[index]
            windows = self._data[self._starts[rows] + self._offsets]
        else:
            rows = self._order[index * self.batch_size : (index + 1) * self.batch_size]
            windows = self._data[self._starts[rows, None] + self._offsets]
        return windows if self._targets is None else (windows, self._targets[self._starts[rows]])

    def on_epoch_end(self) -> None:
        self._epoch += 1
        count = len(self._starts)
        if self._seed is None:
            self._order = np.arange(count)
        else:
            self._order = np.random.default_rng([self._seed, self._epoch]).permutation(count)


def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
) -> TimeSeries:
    """Windows of `data` (time, ...) as a PyDataset of (windows, targets), or of windows where targets is None.

    Window number i begins at step i * sequence_stride and takes every `sampling_rate`-th step, `sequence_length` of
    them; its target is the one at the step where it begins, so targets[i] is what belongs to data[i]: to forecast,
    give `targets=data[sequence_length:]`. start_index, end_index: only data and targets from there and before there.
    shuffle: in an order drawn anew for each epoch, by `seed` or the global seed; without it, give `fit(shuffle=False)`
    to keep the order of the batches, too. batch_size=None: one window at a time, without the axis of a batch.
    """
    for name, value in (
        ("sequence_length", sequence_length),
        ("sequence_stride", sequence_stride),
        ("sampling_rate", sampling_rate),
    ):
        positive(name, value)
    if batch_size is not None:
        positive("batch_size", batch_size)
    data = np.asarray(data)
    targets = None if targets is None else np.asarray(targets)
    begin, end = start_index or 0, len(data) if end_index is None else end_index
    if not 0 <= begin < end <= len(data):
        raise ValueError(
            f"timeseries_dataset_from_array: expected 0 <= start_index < end_index <= {len(data)}, "
            f"got {begin} and {end}"
        )
    span = (sequence_length - 1) * sampling_rate + 1
    count = end - begin - span + 1
    if targets is not None:
        count = min(count, len(targets[begin:end]))
    if count < 1:
        raise ValueError(
            f"timeseries_dataset_from_array: a window of {sequence_length} values reaches over {span} steps, but there "
            f"are only {end - begin} (and {'no targets' if targets is None else f'{len(targets[begin:end])} targets'})"
        )
    starts = begin + np.arange(0, count, sequence_stride)
    chosen = (draw_seed() if seed is None else seed) if shuffle else None
    return TimeSeries(data, targets, starts, np.arange(0, span, sampling_rate), batch_size, chosen)
