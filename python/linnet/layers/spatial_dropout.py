"""Dropout of whole channels (Tompson et al. 2015): neighbouring values of one channel say nearly the same, so that
dropping single ones would hide little. The mask is (n, 1, ..., 1, c).
"""

from __future__ import annotations

from typing import Any

from linnet.backend.input_spec import InputSpec
from linnet.layers.arguments import channels_last
from linnet.layers.dropout import Dropout


class SpatialDropout(Dropout):
    """Base of the three ranks."""

    rank: int

    def __init__(self, rate: float, seed: int | None = None, name: str | None = None, dtype: Any = None) -> None:
        noise_shape = (None, *(1,) * self.rank, None)
        super().__init__(rate, noise_shape=noise_shape, seed=seed, name=name, dtype=dtype)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def get_config(self) -> dict[str, Any]:
        return {"rate": self.rate, "seed": self.seed, "name": self.name, "dtype": self.dtype}


class SpatialDropout1D(SpatialDropout):
    """Drops channels of sequences (n, t, c)."""

    rank = 1


class SpatialDropout2D(SpatialDropout):
    """Drops channels of images (n, h, w, c)."""

    rank = 2

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(rate, seed, name, dtype)
        self.data_format = channels_last(data_format)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}


class SpatialDropout3D(SpatialDropout2D):
    """Drops channels of volumes (n, d, h, w, c)."""

    rank = 3
