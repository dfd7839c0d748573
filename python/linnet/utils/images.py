"""Image files and arrays: reading, writing and converting, with Pillow (the extra `images`), which is imported when
first used. Arrays are (height, width, channels)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from linnet.backend.lookup import choose
from linnet.layers.arguments import channels_last

MODES = {"rgb": "RGB", "rgba": "RGBA", "grayscale": "L"}
FILTERS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")


def pillow() -> Any:
    """Pillow's module Image, or an error that says how to get it."""
    try:
        from PIL import Image
    except ImportError:
        raise ImportError("reading and writing images needs Pillow: pip install 'linnet[images]'") from None
    return Image


def load_img(
    path: Any,
    color_mode: str = "rgb",
    target_size: tuple[int, int] | None = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Any:
    """A Pillow image from a file (or a file object).

    color_mode: "rgb", "rgba" or "grayscale". target_size: (height, width), by Pillow's filter `interpolation`; with
    keep_aspect_ratio the largest part in the middle that has its proportions is resized.
    """
    mode = choose("color_mode", color_mode, MODES)
    with pillow().open(path) as file:
        if file.mode == mode or (mode == "L" and file.mode in ("I;16", "I")):
            image = file.copy()
        else:
            image = file.convert(mode)
    if target_size is None:
        return image
    number = choose("interpolation", interpolation, {name: name.upper() for name in FILTERS})
    height, width = target_size
    box = None
    if keep_aspect_ratio:
        from linnet.ops.image import centred

        top, left, tall, wide = centred((image.height, image.width), (height, width))
        box = (left, top, left + wide, top + tall)
    return image.resize((width, height), getattr(pillow().Resampling, number), box=box)


def img_to_array(img: Any, data_format: str | None = None, dtype: Any = None) -> np.ndarray:
    """A Pillow image, or a list or array of numbers, as an array (height, width, channels); dtype: float32 if None."""
    channels_last(data_format)
    array = np.asarray(img, dtype=dtype or np.float32)
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3:
        raise ValueError(f"img_to_array: expected an image of rank 2 or 3, got shape {array.shape}")
    return array


def array_to_img(x: Any, data_format: str | None = None, scale: bool = True, dtype: Any = None) -> Any:
    """An array (height, width, channels) of 1, 3 or 4 channels as a Pillow image. scale: the smallest value becomes 0,
    the largest 255."""
    channels_last(data_format)
    array = np.array(x, dtype=dtype or np.float32)
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4):
        raise ValueError(f"array_to_img: expected (height, width, 1, 3 or 4 channels), got shape {array.shape}")
    if scale and array.size:
        array = array - array.min()
        array = array * (255 / (array.max() or 1))
    if array.shape[2] == 1:
        values = array[:, :, 0]
        return pillow().fromarray(values.astype(np.int32 if array.size and values.max() > 255 else np.uint8))
    return pillow().fromarray(array.astype(np.uint8))


def save_img(
    path: str | os.PathLike[str],
    x: Any,
    data_format: str | None = None,
    file_format: str | None = None,
    scale: bool = True,
    **kwargs: Any,
) -> None:
    """Writes an array as an image file; file_format: by the name's ending if None. JPEG drops the alpha channel."""
    image = array_to_img(x, data_format, scale)
    kind = file_format or Path(path).suffix.lstrip(".")
    if image.mode == "RGBA" and kind.lower() in ("jpg", "jpeg"):
        image = image.convert("RGB")
    image.save(path, format=file_format, **kwargs)
