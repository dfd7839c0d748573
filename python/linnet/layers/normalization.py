"""Brings values to mean 0 and variance 1 with numbers that are known beforehand: given, or found out by `adapt`.

    layer = Normalization()          # one mean and variance for each entry of the last axis
    layer.adapt(x_train)

In contrast to BatchNormalization nothing changes while training. What `adapt` found is kept in weights that are not
trained, mean, variance and (as in Keras, always 0) count, and is saved with the model.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from linnet import ops
from linnet.layers.layer import Layer

EPSILON = 1e-7  # the least deviation


class Normalization(Layer):
    """(x - mean) / max(deviation, 1e-7), or back with invert=True.

    axis: the axes that keep a mean and variance for each of their entries; None: one for all. mean, variance: numbers,
    or arrays of the kept axes' shape; both or none. Without them, `adapt` comes first (until then the layer changes
    nothing).
    """

    def __init__(
        self, axis: Any = -1, mean: Any = None, variance: Any = None, invert: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.axis = () if axis is None else (axis,) if isinstance(axis, int) else tuple(int(one) for one in axis)
        if (mean is None) != (variance is None):
            raise ValueError(f"mean and variance must be given together, got mean={mean!r}, variance={variance!r}")
        if np.shape(mean) != np.shape(variance):
            raise ValueError(
                f"mean and variance must have the same shape, got {np.shape(mean)} and {np.shape(variance)}"
            )
        if len(np.shape(mean)) > len(self.axis):
            raise ValueError(f"mean of shape {np.shape(mean)} has more axes than axis={self.axis}")
        self.input_mean = mean
        self.input_variance = variance
        self.invert = invert
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        rank = len(input_shape)
        if any(not -rank <= axis < rank for axis in self.axis):
            raise self.error(f"axis {self.axis} does not exist in an input of shape {tuple(input_shape)}")
        self._kept = tuple(sorted(axis % rank for axis in self.axis))
        if any(input_shape[axis] is None for axis in self._kept):
            raise self.error(f"the axes {self.axis} must have a known size, got an input of shape {tuple(input_shape)}")
        self._broadcast = [input_shape[axis] if axis in self._kept else 1 for axis in range(rank)]
        if self.input_mean is None:
            shape = tuple(input_shape[axis] for axis in self._kept)
            self.adapt_mean = self.add_weight(shape, "zeros", trainable=False, name="mean")
            self.adapt_variance = self.add_weight(shape, "ones", trainable=False, name="variance")
            self.count = self.add_weight((), "zeros", "int32", trainable=False, name="count")

    def adapt(self, data: Any) -> None:
        """Finds mean and variance of an array, or of an iterable of batches ((x, y) tuples give their x)."""
        single = isinstance(data, np.ndarray) or (hasattr(data, "__array__") and not hasattr(data, "__next__"))
        mean = variance = np.zeros(())
        total = 0
        for batch in [data] if single else data:
            x = np.asarray(batch[0] if isinstance(batch, (tuple, list)) else batch)
            if self.input_mean is not None:
                raise self.error("adapt() finds mean and variance, but they were given already")
            self._check_batch(x.shape)
            reduced = tuple(axis for axis in range(x.ndim) if axis not in self._kept)
            rows = int(np.prod([x.shape[axis] for axis in reduced])) if reduced else 1
            if rows == 0:
                continue
            own = x.mean(reduced, dtype=np.float64)
            spread = x.var(reduced, dtype=np.float64)
            # Chan, Golub & LeVeque 1979: the mean and variance of two sets together.
            share = rows / (total + rows)
            variance = (1 - share) * variance + share * spread + share * (1 - share) * (own - mean) ** 2
            mean = mean + share * (own - mean)
            total += rows
        if total == 0:
            raise self.error("adapt() got no data")
        self.adapt_mean.assign(mean.astype(np.float32))
        self.adapt_variance.assign(variance.astype(np.float32))

    def _check_batch(self, shape: tuple[int, ...]) -> None:
        if not self.built:
            self.build((None, *shape[1:]))
        wanted = self._broadcast
        if len(shape) != len(wanted) or any(shape[axis] != wanted[axis] for axis in self._kept):
            raise self.error(
                f"adapt() got data of shape {shape}, which does not fit: the axes {self.axis} must be "
                f"{tuple(wanted[axis] for axis in self._kept)}"
            )

    def call(self, inputs: Any) -> Any:
        x = ops.cast(inputs, "float32")
        if self.input_mean is None:
            mean, variance = (ops.reshape(w, self._broadcast) for w in (self.adapt_mean, self.adapt_variance))
            deviation = ops.maximum(ops.sqrt(variance), EPSILON)
        else:
            mean, variance = self._spread(self.input_mean), self._spread(self.input_variance)
            deviation = np.maximum(np.sqrt(variance), np.float32(EPSILON))
        return x * deviation + mean if self.invert else (x - mean) / deviation

    def _spread(self, value: Any) -> np.ndarray:
        """A given mean or variance, its axes put in the place of the last kept ones."""
        array = np.asarray(value, np.float32)
        shape = [1] * len(self._broadcast)
        for axis, size in zip(self._kept[len(self._kept) - array.ndim :], array.shape, strict=True):
            shape[axis] = size
        try:
            return np.broadcast_to(array.reshape(shape), self._broadcast)
        except ValueError:
            raise self.error(
                f"mean and variance of shape {array.shape} do not fit an input whose kept axes are {self._broadcast}"
            ) from None

    def get_config(self) -> dict[str, Any]:
        plain = lambda value: None if value is None else np.asarray(value).tolist()  # noqa: E731
        return {
            **super().get_config(),
            "axis": self.axis,
            "mean": plain(self.input_mean),
            "variance": plain(self.input_variance),
            "invert": self.invert,
        }
