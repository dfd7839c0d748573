"""Weights scaled by the number of connections, so that signals keep their variance from layer to layer.

With fan_in inputs to a unit, weights of variance scale / fan_in keep the variance of what flows forward, and
scale / fan_out that of the gradients flowing back. Glorot (tanh, sigmoid) takes the mean of both, He (relu, which
throws half away) doubles the scale, LeCun takes fan_in alone. For a convolution kernel (kh, kw, cin, cout) the fans are
kh kw cin and kh kw cout.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from linnet.initializers.initializer import RandomInitializer, drawn, standard_truncated_normal

# The standard deviation of a standard normal cut at two standard deviations: dividing by it restores the variance.
TRUNCATED_STDDEV = 0.87962566103423978
MODES = ("fan_in", "fan_out", "fan_avg")
DISTRIBUTIONS = ("truncated_normal", "untruncated_normal", "uniform")


def compute_fans(shape: Sequence[int]) -> tuple[int, int]:
    """Inputs and outputs of a unit whose weights have this shape."""
    if len(shape) == 0:
        return 1, 1
    if len(shape) == 1:
        return shape[0], shape[0]
    window = math.prod(shape[:-2])
    return window * shape[-2], window * shape[-1]


class VarianceScaling(RandomInitializer):
    """Variance scale / fan, from a truncated normal, a normal or a uniform distribution."""

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
    ) -> None:
        super().__init__(seed)
        distribution = "truncated_normal" if distribution == "normal" else distribution
        if not scale > 0:
            raise ValueError(f"scale must be positive, not {scale!r}")
        if mode not in MODES:
            raise ValueError(f"mode must be one of {MODES}, not {mode!r}")
        if distribution not in DISTRIBUTIONS:
            raise ValueError(f"distribution must be one of {DISTRIBUTIONS}, not {distribution!r}")
        self.scale = scale
        self.mode = mode
        self.distribution = distribution

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> np.ndarray:
        fan_in, fan_out = compute_fans(shape)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, fan)
        generator = self.generator()
        deviation = math.sqrt(variance)
        limit = math.sqrt(3.0 * variance)  # a uniform distribution in (-limit, limit) has variance limit^2 / 3

        def sample(count: int) -> np.ndarray:
            if self.distribution == "truncated_normal":
                return standard_truncated_normal(generator, count) * (deviation / TRUNCATED_STDDEV)
            if self.distribution == "untruncated_normal":
                return generator.normal(0.0, deviation, count)
            return generator.uniform(-limit, limit, count)

        return drawn(sample, shape, dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            "scale": self.scale,
            "mode": self.mode,
            "distribution": self.distribution,
            **super().get_config(),
        }


class _Named(VarianceScaling):
    """A variance scaling with fixed arguments: only the seed is left to choose."""

    arguments: tuple[float, str, str]

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(*self.arguments, seed=seed)

    def get_config(self) -> dict[str, Any]:
        return {"seed": super().get_config()["seed"]}


class GlorotUniform(_Named):
    """Uniform with variance 2 / (fan_in + fan_out): the default of most layers."""

    arguments = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Named):
    """Truncated normal with variance 2 / (fan_in + fan_out)."""

    arguments = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_Named):
    """Uniform with variance 2 / fan_in: for relu."""

    arguments = (2.0, "fan_in", "uniform")


class HeNormal(_Named):
    """Truncated normal with variance 2 / fan_in: for relu."""

    arguments = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_Named):
    """Uniform with variance 1 / fan_in: for selu."""

    arguments = (1.0, "fan_in", "uniform")


class LecunNormal(_Named):
    """Truncated normal with variance 1 / fan_in: for selu."""

    arguments = (1.0, "fan_in", "truncated_normal")
