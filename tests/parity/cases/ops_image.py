"""keras.ops.image."""

import numpy as np
from parity.harness import ValueCase, numbers

X = numbers((3, 7, 10, 3))
ONE = numbers((6, 9, 2))
UNIT = np.random.default_rng(5).uniform(0, 1, (3, 8, 9, 3)).astype(np.float32)
BYTES = np.random.default_rng(6).integers(0, 256, (2, 7, 6, 3)).astype(np.uint8)
# a0 a1 a2 b0 b1 b2 c0 c1
TURN = np.array([0.9, -0.31, 1.7, 0.42, 1.1, -2.3, 0, 0], np.float32)
TURNS = np.stack([TURN, [1.3, 0, -0.4, 0, 0.7, 0.6, 0, 0], [-0.77, 0.2, 6.1, 0.1, -1.2, 5.3, 0, 0]]).astype(np.float32)
START = np.array([[0.0, 0.0], [9.0, 0.0], [0.0, 6.0], [9.0, 6.0]], np.float32)
END = np.array([[1.0, 0.5], [8.2, -0.5], [0.3, 5.0], [9.5, 6.7]], np.float32)


def affine(name, x, transform, *args, **kwargs):
    run = lambda k, a, t: k.ops.image.affine_transform(a, t, *args, **kwargs)  # noqa: E731
    return ValueCase(f"affine_{name}", run, [x, transform], atol=2e-5)


def of(name, operation, x, *args, **kwargs):
    run = lambda k, a: getattr(k.ops.image, operation)(a, *args, **kwargs)  # noqa: E731
    return ValueCase(name, run, [x], atol=1e-5)


CASES = [
    *(of(f"resize_{i}", "resize", X, (11, 4), i) for i in ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")),
    *(
        of(f"resize_antialias_{i}", "resize", X, (3, 4), i, antialias=True)
        for i in ("bilinear", "bicubic", "lanczos3", "lanczos5")
    ),
    of("resize_one", "resize", ONE, (3, 3)),
    of("resize_same", "resize", X, (7, 10), "bicubic"),
    of("resize_bytes", "resize", BYTES.astype(np.int32), (5, 4)),
    of("resize_crop", "resize", X, (4, 9), crop_to_aspect_ratio=True),
    of("resize_pad", "resize", ONE, (4, 4), pad_to_aspect_ratio=True, fill_value=2.0),
    *(
        affine(f"{fill}_{interpolation}", X, TURNS, interpolation, fill, 0.3)
        for fill in ("constant", "nearest", "wrap", "mirror", "reflect")
        for interpolation in ("nearest", "bilinear")
    ),
    affine("one", ONE, TURN),
    affine("far", X, TURNS * np.float32(7), fill_mode="reflect"),
    affine("far_wrap", X, TURNS * np.float32(5), fill_mode="wrap"),
    ValueCase(
        "perspective",
        lambda k, x: k.ops.image.perspective_transform(x, np.stack([START] * 3), np.stack([END] * 3)),
        [X],
        atol=1e-4,
    ),
    ValueCase(
        "perspective_nearest",
        lambda k, x: k.ops.image.perspective_transform(x, START, END, "nearest", 0.5),
        [numbers((7, 10, 3))],
        atol=1e-4,
    ),
    of("pad", "pad_images", X, 1, 2, 3, 0),
    of("pad_target", "pad_images", X, top_padding=2, left_padding=1, target_height=12, target_width=14),
    of("pad_one", "pad_images", ONE, bottom_padding=2, right_padding=1, target_height=9, target_width=14),
    of("crop", "crop_images", X, 1, 2, 3, 0),
    of("crop_target", "crop_images", X, top_cropping=2, left_cropping=1, target_height=4, target_width=5),
    of("crop_end", "crop_images", ONE, bottom_cropping=2, right_cropping=1, target_height=3, target_width=4),
    of("grayscale", "rgb_to_grayscale", X),
    of("grayscale_gray", "rgb_to_grayscale", X[..., :1]),
    of("grayscale_one", "rgb_to_grayscale", X[0]),
    of("hsv", "rgb_to_hsv", UNIT),
    of("hsv_gray", "rgb_to_hsv", np.repeat(UNIT[..., :1], 3, -1)),
    of("hsv_black", "rgb_to_hsv", np.zeros((1, 2, 2, 3), np.float32)),
    of("rgb", "hsv_to_rgb", UNIT),
    of("rgb_beyond", "hsv_to_rgb", X),
    of("patches", "extract_patches", X, 3),
    of("patches_pair", "extract_patches", X, (2, 5)),
    of("patches_strides", "extract_patches", X, (3, 2), strides=(1, 2)),
    of("patches_same", "extract_patches", X, 3, strides=2, padding="same"),
    of("patches_dilated", "extract_patches", X, 2, strides=1, dilation_rate=2),
    of("patches_one", "extract_patches", ONE, 3),
    of("blur", "gaussian_blur", X, data_format="channels_last"),
    of("blur_wide", "gaussian_blur", X, (5, 3), (2.0, 0.7), data_format="channels_last"),
    of("sobel", "sobel_edges", X, data_format="channels_last"),
]
