"""Cuts off the ends of sequences, images and volumes.

cropping: one number for all sides, one number for both sides of each axis, or (before, after) for each axis. For
sequences, a pair is (before, after).
"""

from __future__ import annotations

from typing import Any

from linnet.backend.input_spec import InputSpec
from linnet.layers.arguments import channels_last, margins
from linnet.layers.layer import Layer


class Cropping(Layer):
    """Base of the three ranks. Raises ValueError when nothing would be left of an axis."""

    rank: int

    def __init__(self, cropping: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cropping = margins("cropping", cropping, self.rank)
        self.data_format = channels_last(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Any) -> Any:
        amounts = (self.cropping,) if self.rank == 1 else self.cropping
        lengths = inputs.shape[1:-1]
        if any(before + after >= length for (before, after), length in zip(amounts, lengths, strict=True)):
            raise self.error(
                f"cropping {self.cropping} leaves nothing of an input of shape {tuple(inputs.shape)}; crop less"
            )
        kept = [slice(before, length - after) for (before, after), length in zip(amounts, lengths, strict=True)]
        return inputs[(slice(None), *kept)]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "cropping": self.cropping, "data_format": self.data_format}


class Cropping1D(Cropping):
    """Cuts steps off sequences (n, t, c)."""

    rank = 1

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any) -> None:
        super().__init__(cropping, **kwargs)


class Cropping2D(Cropping):
    """Cuts rows and columns off images (n, h, w, c)."""

    rank = 2

    def __init__(self, cropping: Any = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(cropping, data_format, **kwargs)


class Cropping3D(Cropping):
    """Cuts planes off volumes (n, d, h, w, c)."""

    rank = 3

    def __init__(self, cropping: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(cropping, data_format, **kwargs)
