"""What the layers that prepare and augment images have in common: single images, ranges of random factors, and the
random numbers themselves.

An augmentation draws what it needs for each image of a batch, (n, 1) numbers, from the engine's counter-based
generator: they follow from the seed (`linnet.utils.set_random_seed`), the step, the layer's place in the model and the
image's place in its batch, and from nothing else: not from threads, and not from how many images come after it.

Flips, crops, shifts, zooms and rotations are one operation, sampling at transformed places (`linnet.ops.image`): each
layer only says which place of the image a pixel is taken from. The eight numbers of a transform are a sum of constant
rows, each times a drawn number, so making them is one small launch.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from linnet import ops, random
from linnet.backend.input_spec import InputSpec
from linnet.backend.keras_tensor import any_symbolic
from linnet.backend.lookup import unknown_name
from linnet.backend.trace import current_trace
from linnet.layers.arguments import channels_last
from linnet.layers.layer import Layer
from linnet.ops.image import sample

FILL_MODES = ("constant", "nearest", "reflect", "wrap")


class ImageLayer(Layer):
    """A layer of images (n, h, w, c). Called at once on a single image (h, w, c), it gives a single image back."""

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = channels_last(data_format)
        self.input_spec = InputSpec(ndim=4)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if current_trace() is None and args and not any_symbolic(args, kwargs) and np.ndim(args[0]) == 3:
            return super().__call__(np.asarray(args[0])[None], *args[1:], **kwargs)[0]
        return super().__call__(*args, **kwargs)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}


class RandomImageLayer(ImageLayer):
    """An augmentation: active while training, and when called without a word about training, as in Keras.

    seed: accepted as in Keras and kept in the configuration; the numbers follow linnet.utils.set_random_seed.
    """

    def __init__(self, seed: int | None = None, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.seed = seed

    def call(self, inputs: Any, training: bool = True) -> Any:
        images = ops.cast(inputs, "float32")
        return self.augment(images) if training else images

    def augment(self, images: Any) -> Any:
        """The changed images; float32 (n, h, w, c) in and out."""
        raise NotImplementedError(f"{self._title()}: {type(self).__name__} has to define augment(self, images)")

    def draw(self, images: Any, low: float, high: float) -> Any:
        """A number in [low, high) for each image, (n, 1); where both are the same, that number alone, (1, 1)."""
        if low == high:
            return ops.convert_to_tensor(np.full((1, 1), low, np.float32))
        return random.uniform((ops.shape(images)[0], 1), low, high)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed}


class SamplingLayer(RandomImageLayer):
    """An augmentation that takes its pixels from other places of the image. See the layers for the arguments."""

    def __init__(
        self,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        fill_value: float = 0.0,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        if fill_mode not in FILL_MODES:
            raise unknown_name("fill_mode", fill_mode, FILL_MODES)
        if interpolation not in ("nearest", "bilinear"):
            raise unknown_name("interpolation", interpolation, ("nearest", "bilinear"))
        self.fill_mode = fill_mode
        self.interpolation = interpolation
        self.fill_value = fill_value

    def augment(self, images: Any) -> Any:
        constant, terms = self.transforms(images)
        return sample(images, transform_rows(constant, terms), self.interpolation, self.fill_mode, self.fill_value)

    def transforms(self, images: Any) -> tuple[list[float], list[tuple[Any, list[float]]]]:
        """(constant row, [(numbers (n, 1), row), ...]) of the transforms: a0 a1 a2 b0 b1 b2."""
        raise NotImplementedError(f"{self._title()}: {type(self).__name__} has to define transforms(self, images)")

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "fill_mode": self.fill_mode,
            "interpolation": self.interpolation,
            "fill_value": self.fill_value,
        }


def transform_rows(constant: list[float], terms: Iterable[tuple[Any, list[float]]]) -> Any:
    """Transforms (n, 8): a constant row of six numbers and drawn numbers times such rows. The last two stay 0."""
    total: Any = np.array([[*constant, 0, 0]], np.float32)
    for drawn, row in terms:
        total = drawn * np.array([[*row, 0, 0]], np.float32) + total
    return total


def factor_range(name: str, value: Any, least: float, most: float) -> tuple[float, float]:
    """(low, high) of a factor: a number f stands for (-f, f), cut off at `least`; or a pair in any order."""
    if isinstance(value, (tuple, list)) and len(value) == 2 and all(_is_number(one) for one in value):
        if value[0] <= most and value[1] >= least:
            return (min(value), max(value))
    elif _is_number(value) and least <= value <= most:
        return (max(-abs(value), least), abs(value))
    raise ValueError(f"{name} must be a number, or a pair of numbers, in [{least}, {most}], not {value!r}")


def strict_factor_range(name: str, value: Any, least: float, open_least: bool = False) -> tuple[float, float]:
    """The same for a factor that must lie in [least, 1] ((least, 1] with open_least), both ends of a pair, too."""
    low, high = factor_range(name, value, -np.inf, np.inf)
    ends = (value,) if _is_number(value) else (low, high)
    if any(end > 1 or end < least or (open_least and end == least) for end in ends):
        raise ValueError(f"{name} must be in {'(' if open_least else '['}{least}, 1], not {value!r}")
    return (low, high)


def checked_range(value: Any) -> tuple[float, float]:
    """(lowest, highest) value of an image."""
    if not isinstance(value, (tuple, list)) or len(value) != 2 or not all(_is_number(one) for one in value):
        raise ValueError(f"value_range must be a pair of numbers, (lowest, highest), not {value!r}")
    return (value[0], value[1])


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
