"""`InputSpec`: what a layer expects of its input's rank, type and sizes, checked before `call`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class InputSpec:
    """dtype, shape (None: any size), ndim, max_ndim, min_ndim, axes (axis -> size or None). All optional.

    allow_last_axis_squeeze and optional are accepted as in Keras.
    """

    def __init__(
        self,
        dtype: str | None = None,
        shape: Sequence[int | None] | None = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: Mapping[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ) -> None:
        self.dtype = dtype
        self.shape = None if shape is None else tuple(shape)
        self.ndim = len(self.shape) if self.shape is not None else ndim
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.axes = {int(axis): size for axis, size in (axes or {}).items()}
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        self.name = name
        self.optional = optional

    def complaint(self, shape: Sequence[Any]) -> str | None:
        """What is wrong with an input of this shape, as "expected ..., got ...", or None."""
        ndim = len(shape)
        shown = tuple(shape)
        if self.ndim is not None and ndim != self.ndim:
            return f"expected an input of rank {self.ndim}, got rank {ndim}: {shown}"
        if self.min_ndim is not None and ndim < self.min_ndim:
            return f"expected an input of rank {self.min_ndim} or more, got rank {ndim}: {shown}"
        if self.max_ndim is not None and ndim > self.max_ndim:
            return f"expected an input of rank {self.max_ndim} or less, got rank {ndim}: {shown}"
        expected = dict(self.axes)
        if self.shape is not None:
            expected.update(enumerate(self.shape))
        for axis, size in expected.items():
            if size is None or axis >= ndim or axis < -ndim:
                continue
            if isinstance(shape[axis], int) and shape[axis] != size:
                return f"expected size {size} in axis {axis} of the input, got {shape[axis]}: {shown}"
        return None

    def __repr__(self) -> str:
        given = {key: value for key, value in vars(self).items() if value not in (None, {}, False)}
        return "InputSpec(" + ", ".join(f"{key}={value!r}" for key, value in given.items()) + ")"
