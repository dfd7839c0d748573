"""Data sets in which every class is equally frequent, for training data in which some classes are rare.

    model.fit(linnet.utils.OverSampled(x, y, batch_size=64), epochs=10)

`OverSampled` repeats samples of the rare classes, `UnderSampled` leaves out samples of the frequent ones, and `SMOTE`
makes new samples of the rare ones between neighbours. All draw anew for every epoch, from a seed. For comparison:
`fit(class_weight="balanced")` weighs the samples instead. Resample training data only: a validation set must be as
frequent as reality is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from linnet.backend.seed import draw_seed
from linnet.backend.tree import flatten, map_structure
from linnet.utils.py_dataset import PyDataset

_BLOCK = 1024  # rows whose distances to all others are in memory at once


class Resampled(PyDataset):
    """The base: draws the rows of an epoch with `_draw(generator)`.

    x: arrays, or a structure of them; y: labels (n,) or (n, 1), or one-hot rows. seed: None takes one that follows from
    linnet.utils.set_random_seed.
    """

    def __init__(self, x: Any, y: Any, batch_size: int = 32, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.x = map_structure(np.asarray, x)
        self.y = np.asarray(y)
        self.batch_size = int(batch_size)
        self.seed = draw_seed() if seed is None else int(seed)
        name = type(self).__name__
        if self.batch_size < 1:
            raise ValueError(f"{name}: batch_size must be positive, got {batch_size!r}")
        lengths = {len(array) for array in [*flatten(self.x), self.y]}
        if len(lengths) != 1 or lengths == {0}:
            raise ValueError(f"{name}: x and y must have the same number of samples, got {sorted(lengths)}")
        labels = self.y
        if labels.ndim == 2:
            labels = labels[:, 0] if labels.shape[1] == 1 else labels.argmax(1)
        if labels.ndim != 1:
            raise ValueError(f"{name}: y must have one label per sample, got shape {self.y.shape}")
        self.classes, self._class_of = np.unique(labels, return_inverse=True)
        self._members = [np.flatnonzero(self._class_of == c) for c in range(len(self.classes))]
        self._begin(0)

    def _begin(self, epoch: int) -> None:
        self.epoch = epoch
        self._rows = self._draw(np.random.Generator(np.random.Philox([self.seed, epoch])))

    def _draw(self, generator: np.random.Generator) -> np.ndarray:
        """The rows of this epoch, shuffled."""
        raise NotImplementedError(f"{type(self).__name__} must define _draw")

    def _drawn(self, count: int, generator: np.random.Generator) -> np.ndarray:
        """`count` rows of every class: all of them as often as possible, the rest without repetition."""
        chosen = []
        for members in self._members:
            whole, rest = divmod(count, len(members))
            chosen += [np.tile(members, whole), generator.choice(members, rest, replace=False)]
        return generator.permutation(np.concatenate(chosen))

    def __len__(self) -> int:
        return math.ceil(len(self._rows) / self.batch_size)

    def __getitem__(self, index: int) -> Any:
        rows = self._rows[index * self.batch_size : (index + 1) * self.batch_size]
        return map_structure(lambda array: array[rows], self.x), self.y[rows]

    def on_epoch_end(self) -> None:
        self._begin(self.epoch + 1)

    def get_state(self) -> dict[str, int]:
        """For BackupAndRestore: where the drawing is."""
        return {"seed": self.seed, "epoch": self.epoch}

    def set_state(self, state: Mapping[str, int]) -> None:
        """Goes on from what get_state gave."""
        self.seed = int(state["seed"])
        self._begin(int(state["epoch"]))


class OverSampled(Resampled):
    """Every class as often as the most frequent one: samples of the others are repeated."""

    def _draw(self, generator: np.random.Generator) -> np.ndarray:
        return self._drawn(max(map(len, self._members)), generator)


class UnderSampled(Resampled):
    """Every class as often as the rarest one: of the others, each epoch has other samples."""

    def _draw(self, generator: np.random.Generator) -> np.ndarray:
        return self._drawn(min(map(len, self._members)), generator)


class SMOTE(Resampled):
    """Every class as often as the most frequent one, by new samples (synthetic minority over-sampling).

    A new sample lies at a random place on the line from a sample to one of its `neighbors` nearest of the same class.
    x: one array of floats; distances are Euclidean, so scale the features alike. A class needs two samples or more.

    N. V. Chawla, K. W. Bowyer, L. O. Hall, W. P. Kegelmeyer: SMOTE: Synthetic Minority Over-sampling Technique.
    Journal of Artificial Intelligence Research 16, 2002.
    """

    def __init__(
        self, x: Any, y: Any, batch_size: int = 32, neighbors: int = 5, seed: int | None = None, **kwargs: Any
    ) -> None:
        if isinstance(x, (dict, list, tuple)):
            raise TypeError("SMOTE: x must be one array of floats; distances between structures are not defined")
        if neighbors < 1:
            raise ValueError(f"SMOTE: neighbors must be positive, got {neighbors!r}")
        x = np.asarray(x, np.float32)
        self.neighbors = int(neighbors)
        self._near: list[np.ndarray] | None = None
        super().__init__(x, y, batch_size, seed, **kwargs)

    def _draw(self, generator: np.random.Generator) -> np.ndarray:
        if self._near is None:
            self._near = [self._neighbours(members) for members in self._members]
        most = max(map(len, self._members))
        starts, ends = [np.arange(len(self.y))], [np.arange(len(self.y))]
        for members, near in zip(self._members, self._near, strict=True):
            missing = most - len(members)
            if not missing:
                continue
            chosen = generator.integers(len(members), size=missing)
            starts.append(members[chosen])
            ends.append(members[near[chosen, generator.integers(near.shape[1], size=missing)]])
        rows = generator.permutation(sum(map(len, starts)))
        self._starts, self._ends = np.concatenate(starts)[rows], np.concatenate(ends)[rows]
        self._places = generator.random(len(rows), np.float32)
        return np.arange(len(rows))

    def _neighbours(self, members: np.ndarray) -> np.ndarray:
        """(members, k): the positions, within the class, of the nearest others."""
        if len(members) < 2:
            label = self.y[members[0]]
            raise ValueError(f"SMOTE: class {label} has one sample only, and nothing lies between it and another")
        points = self.x[members].reshape(len(members), -1).astype(np.float64)
        squares = np.square(points).sum(1)
        k = min(self.neighbors, len(members) - 1)
        near = np.empty((len(members), k), np.int64)
        for start in range(0, len(members), _BLOCK):
            block = points[start : start + _BLOCK]
            distances = squares - 2.0 * block @ points.T
            own = np.arange(len(block))
            distances[own, start + own] = np.inf
            near[start : start + _BLOCK] = np.argpartition(distances, k - 1, axis=1)[:, :k]
        return near

    def __getitem__(self, index: int) -> Any:
        rows = self._rows[index * self.batch_size : (index + 1) * self.batch_size]
        starts, ends = self._starts[rows], self._ends[rows]
        place = self._places[rows].reshape(-1, *[1] * (self.x.ndim - 1))
        first = self.x[starts]
        return first + place * (self.x[ends] - first), self.y[starts]
