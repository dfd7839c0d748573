"""linnet.ops.image against NumPy. The engine's two operations under it have oracles in tests/engine/ops."""

import colorsys

import numpy as np
import pytest
from support import check_op, samples

import linnet
from linnet.ops import image

X = samples((2, 5, 6, 3))
UNIT = np.random.default_rng(1).uniform(0.05, 0.95, (2, 3, 4, 3)).astype(np.float32)


def test_affine_transform():
    x = samples((2, 5, 5, 2))
    transform = np.array([0, 1, 0, -1, 0, 4, 0, 0], np.float32)
    expected = lambda x: np.array([[[one[4 - ox, oy] for ox in range(5)] for oy in range(5)] for one in x])  # noqa: E731
    check_op(lambda x: image.affine_transform(x, transform), expected, [x])
    check_op(lambda x: image.affine_transform(x, np.stack([transform] * 2), "nearest"), expected, [x])
    np.testing.assert_array_equal(image.affine_transform(x[0], transform), expected(x)[0])
    whole = np.arange(25).reshape(5, 5, 1)
    np.testing.assert_array_equal(image.affine_transform(whole, transform), expected(whole[None])[0])
    assert image.affine_transform(whole, transform).dtype == np.int32


def test_perspective():
    corners = np.array([[0, 0], [5, 0], [0, 4], [5, 4]])
    np.testing.assert_allclose(image.perspective_transform(X, corners, corners), X, rtol=1e-4, atol=1e-4)
    moved = image.perspective_transform(X, corners, corners + 1, fill_value=7)
    np.testing.assert_allclose(moved[:, 1:, 1:], X[:, :-1, :-1], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(moved[:, 0], 7, rtol=1e-4)


def test_resize():
    check_op(lambda x: image.resize(x, (10, 3), "nearest"), lambda x: x.repeat(2, 1)[:, :, 1::2], [X], batched=True)
    small = image.resize(np.arange(16).reshape(4, 4, 1), (2, 2))
    assert small.dtype == np.int32
    np.testing.assert_array_equal(small[..., 0], [[2, 4], [10, 12]])  # 2.5, 4.5 ... to even
    symbolic = image.resize(linnet.Input((8, 9, 2)), (4, 5))
    assert symbolic.shape == (None, 4, 5, 2)


def test_pad_and_crop():
    check_op(
        lambda x: image.pad_images(x, 1, 2, target_height=9, target_width=8),
        lambda x: np.pad(x, ((0, 0), (1, 3), (2, 0), (0, 0))),
        [X],
    )
    check_op(lambda x: image.crop_images(x, 1, 2, 1, 0), lambda x: x[:, 1:4, 2:], [X], batched=True)
    np.testing.assert_array_equal(
        image.crop_images(X[0], bottom_cropping=1, left_cropping=1, target_height=2, target_width=3), X[0, 2:4, 1:4]
    )


def test_patches():
    tiles = lambda x: x[:, :4, :6].reshape(2, 2, 2, 2, 3, 3).transpose(0, 1, 3, 2, 4, 5).reshape(2, 2, 2, 18)  # noqa: E731
    check_op(lambda x: image.extract_patches(x, (2, 3)), tiles, [X], batched=True)
    windows = lambda x: np.lib.stride_tricks.sliding_window_view(x, (3, 2), (1, 2))[:, ::2]  # noqa: E731
    expected = lambda x: windows(x).transpose(0, 1, 2, 4, 5, 3).reshape(2, 2, 5, 18)  # noqa: E731
    check_op(lambda x: image.extract_patches(x, (3, 2), strides=(2, 1)), expected, [X])


def test_colours():
    gray = lambda x: x @ np.array([[0.2989], [0.587], [0.114]])  # noqa: E731
    check_op(image.rgb_to_grayscale, gray, [X], batched=True)
    assert image.rgb_to_grayscale(X[..., :1]).shape == (2, 5, 6, 1)
    hsv = lambda x: np.apply_along_axis(lambda c: colorsys.rgb_to_hsv(*c), -1, x)  # noqa: E731
    rgb = lambda x: np.apply_along_axis(lambda c: colorsys.hsv_to_rgb(*c), -1, x)  # noqa: E731
    check_op(image.rgb_to_hsv, hsv, [UNIT])
    check_op(image.hsv_to_rgb, rgb, [UNIT])
    np.testing.assert_allclose(image.hsv_to_rgb(image.rgb_to_hsv(UNIT)), UNIT, rtol=1e-4, atol=1e-5)


def test_filters():
    def blurred(x):
        weights = [np.exp(-0.5 * (np.arange(-(k // 2), k // 2 + 1) / s) ** 2) for k, s in ((3, 0.7), (5, 2.0))]
        across, down = (w / w.sum() for w in weights)
        padded = np.pad(x, ((0, 0), (2, 2), (1, 1), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (5, 3), (1, 2))
        return np.einsum("nyxcij,i,j->nyxc", windows, down, across)

    check_op(lambda x: image.gaussian_blur(x, (3, 5), (0.7, 2.0)), blurred, [X], batched=True)
    ramp = np.broadcast_to(np.arange(6.0, dtype=np.float32)[None, :, None], (5, 6, 1))
    slopes = image.sobel_edges(ramp)
    assert slopes.shape == (5, 6, 1, 2)
    np.testing.assert_allclose(slopes[1:-1, 1:-1, 0, 1], 8)
    np.testing.assert_allclose(slopes[1:-1, 1:-1, 0, 0], 0, atol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: image.resize(X[0, 0], (2, 2)), "resize: expected images"),
        (lambda: image.resize(X, 3), r"size must be \(height, width\)"),
        (lambda: image.resize(X, (2, 2), "area"), 'unknown interpolation "area"'),
        (lambda: image.resize(X, (2, 2), fill_mode="wrap"), 'unknown fill_mode "wrap"'),
        (lambda: image.resize(X, (2, 2), crop_to_aspect_ratio=True, pad_to_aspect_ratio=True), "only one of"),
        (lambda: image.affine_transform(X, np.zeros(6)), "transform must be 8 numbers"),
        (lambda: image.affine_transform(X, np.zeros(8), fill_mode="edge"), 'unknown fill_mode "edge"'),
        (lambda: image.perspective_transform(X, np.zeros((3, 2)), np.zeros((3, 2))), "must both be"),
        (lambda: image.pad_images(X, 1, 2), "exactly two of top_padding, bottom_padding, target_height"),
        (lambda: image.pad_images(X, 1, 2, target_height=3, target_width=20), "bottom_padding must be at least 0"),
        (lambda: image.crop_images(X, 4, 0, 4, 0), "target_height must be at least 0"),
        (lambda: image.rgb_to_grayscale(X[..., :2]), "expected 3 channels, or 1"),
        (lambda: image.rgb_to_hsv(X[..., :2]), "expected 3 channels"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_whole_numbers_have_no_hue():
    with pytest.raises(TypeError, match="expected float images, got int32"):
        image.rgb_to_hsv(np.zeros((2, 2, 3), np.int32))
