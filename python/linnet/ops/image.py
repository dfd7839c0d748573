"""Operations on images (n, h, w, c), or one image (h, w, c): `linnet.ops.image`.

Resizing and sampling at transformed places are operations of the engine (cpp/ops/resize.cpp, affine_transform.cpp);
cropping, padding, colours and filters are put together from others. All are differentiable in the images.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from linnet.backend.errors import ShapeError
from linnet.backend.function import op
from linnet.backend.lookup import unknown_name
from linnet.backend.tensor import Tensor
from linnet.ops.arithmetic import absolute, clip, maximum, minimum, mod, where
from linnet.ops.arithmetic import round as round_
from linnet.ops.common import as_dtype, as_float, tensor
from linnet.ops.comparison import equal, greater, less
from linnet.ops.convolution import conv, depthwise_conv
from linnet.ops.linalg import matmul
from linnet.ops.shape import expand_dims, pad, reshape_dims, slice_dims, squeeze, stack, transpose, unstack

INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")
FILL_MODES = ("constant", "nearest", "wrap", "mirror", "reflect")


def batch_of_images(images: Any, what: str, data_format: str | None = None) -> tuple[Tensor, bool]:
    """The images as a tensor of rank 4, and whether it was one image of rank 3."""
    from linnet.layers.arguments import channels_last

    channels_last(data_format)
    images = tensor(images)
    if images.ndim not in (3, 4):
        raise ShapeError(
            f"{what}: expected images (batch, height, width, channels), or one image without the batch, got shape "
            f"{images.shape}"
        )
    return (images, False) if images.ndim == 4 else (expand_dims(images, 0), True)


def _as_given(images: Tensor, single: bool) -> Tensor:
    return squeeze(images, 0) if single else images


def _one_of(argument: str, value: Any, known: Sequence[str]) -> str:
    if value not in known:
        raise unknown_name(argument, value, known)
    return str(value)


def _size(value: Any, what: str) -> tuple[int, int]:
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ValueError(f"{what}: size must be (height, width), got {value!r}")
    return int(value[0]), int(value[1])


# ---- geometry --------------------------------------------------------------------------------------------------------


def centred(image: tuple[int, int], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """(top, left, height, width) of the largest part of an image, in its middle, that has the proportions of `size`."""
    height = max(min(image[0], int(image[1] * size[0] / size[1])), 1)
    width = max(min(image[1], int(image[0] * size[1] / size[0])), 1)
    return int((image[0] - height) / 2), int((image[1] - width) / 2), height, width


def crop(images: Tensor, top: int, left: int, height: int, width: int) -> Tensor:
    """That part of images of rank 4."""
    n, _, _, c = images.dims
    return slice_dims(images, [0, top, left, 0], [n, top + height, left + width, c], [1, 1, 1, 1])


@op("images")
def resize(
    images: Any,
    size: Sequence[int],
    interpolation: str = "bilinear",
    antialias: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    fill_mode: str = "constant",
    fill_value: float = 0.0,
    data_format: str | None = None,
) -> Any:
    """Images of the size (height, width). Integer images are rounded.

    interpolation: "nearest", "bilinear", "bicubic", "lanczos3" or "lanczos5". antialias: a shrinking axis averages over
    all it leaves out. crop_to_aspect_ratio cuts the longer side off on both ends so that nothing is distorted;
    pad_to_aspect_ratio fills up the shorter one with `fill_value`. fill_mode: "constant" only.
    """
    images, single = batch_of_images(images, "resize", data_format)
    size = _size(size, "resize")
    _one_of("interpolation", interpolation, INTERPOLATIONS)
    _one_of("fill_mode", fill_mode, ("constant",))
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError("resize: only one of crop_to_aspect_ratio and pad_to_aspect_ratio can be true")
    x = as_float(images)
    height, width = x.dims[1:3]
    if crop_to_aspect_ratio:
        x = crop(x, *centred((height, width), size))
    if pad_to_aspect_ratio:
        top = int((max(height, int(width * size[0] / size[1])) - height) / 2)
        left = int((max(width, int(height * size[1] / size[0])) - width) / 2)
        left = 0 if top else left
        if top or left:
            x = pad(x, ((0, 0), (top, top), (left, left), (0, 0)), constant_values=fill_value)
    y = x.trace.add("resize", [x], size=list(size), interpolation=interpolation, antialias=bool(antialias))
    if images.dtype == "int32":
        y = as_dtype(round_(y), "int32")
    return _as_given(y, single)


def sample(
    images: Tensor,
    transforms: Any,
    interpolation: str = "bilinear",
    fill_mode: str = "constant",
    fill_value: float = 0.0,
    size: Sequence[int] = (),
) -> Tensor:
    """The engine's `affine_transform` of images of rank 4: `size` is that of the output, if not of the images."""
    x, t = as_float(images), as_float(transforms)
    return x.trace.add(
        "affine_transform",
        [x, t],
        interpolation=_one_of("interpolation", interpolation, ("nearest", "bilinear")),
        fill_mode=_one_of("fill_mode", fill_mode, FILL_MODES),
        fill_value=float(fill_value),
        size=list(size),
    )


@op("images", "transform")
def affine_transform(
    images: Any,
    transform: Any,
    interpolation: str = "bilinear",
    fill_mode: str = "constant",
    fill_value: float = 0,
    data_format: str | None = None,
) -> Any:
    """Images whose pixel (x, y) is the given one's at ((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k).

    transform: (a0, a1, a2, b0, b1, b2, c0, c1), or a row of them for each image; k = c0 x + c1 y + 1. What lies outside
    is filled by fill_mode: "constant" (fill_value), "nearest", "wrap", "mirror" (the edge not repeated) or "reflect".
    interpolation: "nearest" or "bilinear". There is no gradient in the transform.
    """
    images, single = batch_of_images(images, "affine_transform", data_format)
    transform = as_float(transform)
    if transform.ndim not in (1, 2) or transform.dims[-1] != 8:
        raise ShapeError(
            f"affine_transform: transform must be 8 numbers, or a row of 8 for each image, got {transform.shape}"
        )
    rows = reshape_dims(transform, [1, 8]) if transform.ndim == 1 else transform
    y = sample(images, rows, interpolation, fill_mode, fill_value)
    return _as_given(as_dtype(round_(y), "int32") if images.dtype == "int32" else y, single)


@op("images")
def perspective_transform(
    images: Any,
    start_points: Any,
    end_points: Any,
    interpolation: str = "bilinear",
    fill_value: float = 0,
    data_format: str | None = None,
) -> Any:
    """Images distorted so that the four start_points (4, 2), or (n, 4, 2), each (x, y), land on the end_points."""
    start, end = np.asarray(start_points, np.float64), np.asarray(end_points, np.float64)
    if start.shape[-2:] != (4, 2) or start.ndim not in (2, 3) or start.shape != end.shape:
        raise ShapeError(
            "perspective_transform: start_points and end_points must both be (4, 2), or (n, 4, 2), got "
            f"{start.shape} and {end.shape}"
        )
    images, single = batch_of_images(images, "perspective_transform", data_format)
    y = sample(
        images, _homography(start.reshape(-1, 4, 2), end.reshape(-1, 4, 2)), interpolation, "constant", fill_value
    )
    return _as_given(y, single)


def _homography(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The transforms (n, 8) that take end to start (n, 4, 2): two linear equations for each point."""
    x, y = end[..., 0], end[..., 1]
    one, zero = np.ones_like(x), np.zeros_like(x)
    u, v = start[..., 0], start[..., 1]
    first = np.stack([x, y, one, zero, zero, zero, -u * x, -u * y], -1)
    second = np.stack([zero, zero, zero, x, y, one, -v * x, -v * y], -1)
    wanted = np.concatenate([u, v], -1)[..., None]
    return np.linalg.solve(np.concatenate([first, second], 1), wanted)[..., 0].astype(np.float32)


def _two_of_three(what: str, before: Any, after: Any, target: Any, length: int, sign: int) -> tuple[int, int]:
    """(before, after) of an axis of this length where two of the three arguments are given."""
    names = what.split(", ")
    given = dict(zip(names, (before, after, target), strict=True))
    if sum(value is None for value in given.values()) != 1:
        raise ValueError(f"exactly two of {what} must be given, got {given}")
    if target is not None:
        change = sign * (target - length)
        before, after = change - after if before is None else before, change - before if after is None else after
    for name, value in zip(names, (before, after, length + sign * (before + after)), strict=True):
        if value < 0:
            raise ValueError(f"{name} must be at least 0, got {value} for images of that axis of size {length}")
    return int(before), int(after)


@op("images")
def pad_images(
    images: Any,
    top_padding: int | None = None,
    left_padding: int | None = None,
    bottom_padding: int | None = None,
    right_padding: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Any:
    """Images with zeros around. Two of top, bottom, target_height are given, and two of left, right, target_width."""
    images, single = batch_of_images(images, "pad_images", data_format)
    height, width = images.dims[1:3]
    rows = _two_of_three(
        "top_padding, bottom_padding, target_height", top_padding, bottom_padding, target_height, height, 1
    )
    columns = _two_of_three(
        "left_padding, right_padding, target_width", left_padding, right_padding, target_width, width, 1
    )
    return _as_given(pad(images, ((0, 0), rows, columns, (0, 0))), single)


@op("images")
def crop_images(
    images: Any,
    top_cropping: int | None = None,
    left_cropping: int | None = None,
    bottom_cropping: int | None = None,
    right_cropping: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Any:
    """Parts of images. Two of top, bottom and target_height are given, and two of left, right and target_width."""
    images, single = batch_of_images(images, "crop_images", data_format)
    height, width = images.dims[1:3]
    top, bottom = _two_of_three(
        "top_cropping, bottom_cropping, target_height", top_cropping, bottom_cropping, target_height, height, -1
    )
    left, right = _two_of_three(
        "left_cropping, right_cropping, target_width", left_cropping, right_cropping, target_width, width, -1
    )
    return _as_given(crop(images, top, left, height - top - bottom, width - left - right), single)


@op("images")
def extract_patches(
    images: Any,
    size: int | Sequence[int],
    strides: int | Sequence[int] | None = None,
    dilation_rate: int | Sequence[int] = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Any:
    """Windows of `size` as rows of channels: (n, windows down, windows across, height * width * c).

    strides: from window to window (None: their size, so that they tile the image).
    """
    from linnet.layers.arguments import pair

    images, single = batch_of_images(images, "extract_patches", data_format)
    height, width = pair("size", size)
    step = (height, width) if strides is None else pair("strides", strides)
    n, h, w, c = images.dims
    if step == (height, width) and pair("dilation_rate", dilation_rate) == (1, 1) and padding == "valid":
        down, across = h // height, w // width
        tiles = reshape_dims(crop(images, 0, 0, down * height, across * width), [n, down, height, across, width, c])
        return _as_given(
            reshape_dims(transpose(tiles, (0, 1, 3, 2, 4, 5)), [n, down, across, height * width * c]), single
        )
    # A convolution whose kernel is the identity puts every value of a window into a channel of its own.
    kernel = np.eye(height * width * c, dtype=np.float32).reshape(height, width, c, -1)
    patches = conv(as_float(images), kernel, step, padding, dilation_rate=dilation_rate)
    return _as_given(as_dtype(patches, images.dtype), single)


# ---- colours ---------------------------------------------------------------------------------------------------------


@op("images")
def rgb_to_grayscale(images: Any, data_format: str | None = None) -> Any:
    """The brightness of RGB images (one channel), 0.2989 red + 0.587 green + 0.114 blue. Gray images stay."""
    images, single = batch_of_images(images, "rgb_to_grayscale", data_format)
    if images.dims[-1] not in (1, 3):
        raise ShapeError(f"rgb_to_grayscale: expected 3 channels, or 1, got shape {images.shape}")
    if images.dims[-1] == 1:
        return _as_given(images, single)
    weights = np.array([[0.2989], [0.5870], [0.1140]], np.float32)
    return _as_given(as_dtype(matmul(as_float(images), weights), images.dtype), single)


def _channels(images: Any, what: str, data_format: str | None) -> tuple[list[Tensor], bool]:
    images, single = batch_of_images(images, what, data_format)
    if images.dtype != "float32":
        raise TypeError(f"{what}: expected float images, got {images.dtype}; scale them to 0 .. 1 first")
    if images.dims[-1] != 3:
        raise ShapeError(f"{what}: expected 3 channels, got shape {images.shape}")
    return unstack(images, axis=-1), single


@op("images")
def rgb_to_hsv(images: Any, data_format: str | None = None) -> Any:
    """Hue (in turns), saturation and value of RGB images, all from 0 to 1. Smith 1978."""
    (red, green, blue), single = _channels(images, "rgb_to_hsv", data_format)
    value = maximum(maximum(red, green), blue)
    spread = value - minimum(minimum(red, green), blue)
    coloured = greater(spread, 0.0)
    saturation = where(greater(value, 0.0), spread / where(greater(value, 0.0), value, 1.0), 0.0)
    sixth = 1.0 / (6.0 * where(coloured, spread, 1.0))
    hue = where(equal(value, green), sixth * (blue - red) + 2.0 / 6.0, sixth * (red - green) + 4.0 / 6.0)
    hue = where(equal(value, red), sixth * (green - blue), hue)
    hue = where(coloured, hue, 0.0)
    hue = where(less(hue, 0.0), hue + 1.0, hue)
    return _as_given(stack([hue, saturation, value], axis=-1), single)


@op("images")
def hsv_to_rgb(images: Any, data_format: str | None = None) -> Any:
    """RGB images from hue (in turns), saturation and value."""
    (hue, saturation, value), single = _channels(images, "hsv_to_rgb", data_format)
    sixths = mod(hue, 1.0) * 6.0
    colours = [
        clip(absolute(sixths - 3.0) - 1.0, 0.0, 1.0),
        clip(2.0 - absolute(sixths - 2.0), 0.0, 1.0),
        clip(2.0 - absolute(sixths - 4.0), 0.0, 1.0),
    ]
    planes = [value * (1.0 - saturation + saturation * colour) for colour in colours]
    return _as_given(stack(planes, axis=-1), single)


# ---- filters ---------------------------------------------------------------------------------------------------------


def _filtered(images: Tensor, kernels: np.ndarray) -> Tensor:
    """Every channel convolved with kernels (kh, kw, m): (n, h, w, c * m), zeros outside."""
    kernel = np.repeat(kernels[:, :, None, :], images.dims[-1], axis=2).astype(np.float32)
    return depthwise_conv(images, kernel, 1, "same")


@op("images")
def gaussian_blur(
    images: Any,
    kernel_size: Sequence[int] = (3, 3),
    sigma: Sequence[float] = (1.0, 1.0),
    data_format: str | None = None,
) -> Any:
    """Images smoothed with a Gaussian window of that size and deviation, (x, y) each; zeros outside."""
    images, single = batch_of_images(images, "gaussian_blur", data_format)
    across, down = (
        np.exp(-0.5 * ((np.arange(count) - (count - 1) / 2) / width) ** 2)
        for count, width in zip(kernel_size, sigma, strict=True)
    )
    window = np.outer(down / down.sum(), across / across.sum())
    return _as_given(_filtered(as_float(images), window[:, :, None]), single)


@op("images")
def sobel_edges(images: Any, data_format: str | None = None) -> Any:
    """The slopes down and across (Sobel & Feldman 1968) of every channel: (n, h, w, c, 2)."""
    images, single = batch_of_images(images, "sobel_edges", data_format)
    across = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    slopes = _filtered(as_float(images), np.stack([across.T, across], -1))
    return _as_given(reshape_dims(slopes, [*images.dims, 2]), single)
