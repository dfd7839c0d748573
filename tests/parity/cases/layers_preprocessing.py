"""Layers that prepare and augment images. Random ones have ranges of one value, so that both sides do the same."""

import numpy as np
from parity.harness import LayerCase, ValueCase, numbers

X = numbers((3, 7, 10, 3))
WIDE = numbers((2, 6, 13, 2))
SMALL = numbers((2, 5, 4, 1))
PIXELS = np.random.default_rng(4).uniform(0, 255, (3, 8, 9, 3)).astype(np.float32)
UNIT = np.random.default_rng(5).uniform(0, 1, (3, 8, 9, 3)).astype(np.float32)


def plain(name, make, x=X, **kwargs):
    return LayerCase(name, make, [x], train=False, **kwargs)


def augmented(name, make, x=X, **kwargs):
    return LayerCase(name, make, [x], train=False, training=True, atol=2e-5, **kwargs)


def trained(name, make):
    """The layer behind a convolution, which learns through it."""
    return LayerCase(name, lambda k: lambda x: make(k)(k.layers.Conv2D(2, 3)(x)), [X], training=True)


def adapted(**kwargs):
    def run(k, data, x):
        layer = k.layers.Normalization(**kwargs)
        layer.adapt(data)
        return [layer(x), *layer.get_weights()]

    return run


def normalized_as_given(k, x):
    layer = k.layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[4.0, 0.0, 1.0])
    return layer(x)


CASES = [
    plain("rescaling", lambda k: k.layers.Rescaling(1 / 127.5, offset=-1), PIXELS),
    plain("rescaling_lists", lambda k: k.layers.Rescaling([0.5, 1.0, 2.0], [0.0, -1.0, 3.0])),
    plain("rescaling_list_and_number", lambda k: k.layers.Rescaling([0.5, 1.0, 2.0], 4)),
    plain("rescaling_of_vectors", lambda k: k.layers.Rescaling(3), numbers((4, 6))),
    plain("resizing", lambda k: k.layers.Resizing(5, 12)),
    plain("resizing_up", lambda k: k.layers.Resizing(15, 21)),
    plain("resizing_nearest", lambda k: k.layers.Resizing(5, 13, interpolation="nearest")),
    plain("resizing_nearest_up", lambda k: k.layers.Resizing(14, 30, "nearest")),
    plain("resizing_bicubic", lambda k: k.layers.Resizing(9, 6, "bicubic")),
    plain("resizing_lanczos3", lambda k: k.layers.Resizing(9, 6, "lanczos3")),
    plain("resizing_lanczos5", lambda k: k.layers.Resizing(13, 17, "lanczos5")),
    plain("resizing_antialias", lambda k: k.layers.Resizing(3, 4, antialias=True)),
    plain("resizing_bicubic_antialias", lambda k: k.layers.Resizing(3, 4, "bicubic", antialias=True)),
    plain("resizing_lanczos3_antialias", lambda k: k.layers.Resizing(2, 5, "lanczos3", antialias=True), WIDE),
    plain("resizing_crop", lambda k: k.layers.Resizing(4, 4, crop_to_aspect_ratio=True), WIDE),
    plain("resizing_crop_tall", lambda k: k.layers.Resizing(9, 3, crop_to_aspect_ratio=True)),
    plain("resizing_pad", lambda k: k.layers.Resizing(4, 4, pad_to_aspect_ratio=True), WIDE),
    plain("resizing_pad_value", lambda k: k.layers.Resizing(3, 9, pad_to_aspect_ratio=True, fill_value=0.5), SMALL),
    trained("resizing_trained", lambda k: k.layers.Resizing(3, 11)),
    trained("resizing_nearest_trained", lambda k: k.layers.Resizing(11, 4, "nearest")),
    trained("resizing_bicubic_trained", lambda k: k.layers.Resizing(9, 4, "bicubic", antialias=True)),
    plain("center_crop", lambda k: k.layers.CenterCrop(4, 5)),
    plain("center_crop_odd", lambda k: k.layers.CenterCrop(5, 5), WIDE),
    plain("center_crop_smaller", lambda k: k.layers.CenterCrop(8, 8)),
    plain("center_crop_smaller_one_way", lambda k: k.layers.CenterCrop(9, 4)),
    ValueCase("normalization_adapt", adapted(), [numbers((20, 4)), numbers((5, 4), 1)]),
    ValueCase("normalization_images", adapted(), [PIXELS, X], atol=2e-4),
    ValueCase("normalization_axis_none", adapted(axis=None), [numbers((20, 4)), numbers((5, 4), 1)]),
    ValueCase("normalization_axes", adapted(axis=(1, -1)), [numbers((9, 5, 6, 2)), numbers((3, 5, 6, 2), 1)]),
    ValueCase("normalization_axis_1", adapted(axis=1), [numbers((9, 5, 6)), numbers((3, 5, 6), 1)]),
    ValueCase("normalization_invert", adapted(invert=True), [numbers((20, 4)), numbers((5, 4), 1)]),
    ValueCase("normalization_given", normalized_as_given, [numbers((6, 3))]),
    ValueCase("normalization_number", lambda k, x: k.layers.Normalization(mean=3.0, variance=2.0)(x), [X]),
    ValueCase(
        "normalization_given_and_inverted",
        lambda k, x: k.layers.Normalization(mean=3.0, variance=2.0, invert=True)(x),
        [X],
    ),
    plain("flip_inactive", lambda k: k.layers.RandomFlip()),
    plain("rotation_inactive", lambda k: k.layers.RandomRotation((0.1, 0.1))),
    augmented("rotation", lambda k: k.layers.RandomRotation((0.15, 0.15))),
    augmented("rotation_default_training", lambda k: lambda x: k.layers.RandomRotation((0.08, 0.08))(x)),
    augmented("rotation_half", lambda k: k.layers.RandomRotation((0.5, 0.5))),
    augmented("rotation_constant", lambda k: k.layers.RandomRotation((0.1, 0.1), "constant", fill_value=0.7)),
    augmented("rotation_nearest_fill", lambda k: k.layers.RandomRotation((-0.2, -0.2), fill_mode="nearest")),
    augmented("rotation_wrap", lambda k: k.layers.RandomRotation((0.3, 0.3), fill_mode="wrap"), WIDE),
    augmented("rotation_nearest", lambda k: k.layers.RandomRotation((0.11, 0.11), interpolation="nearest")),
    augmented("rotation_gray", lambda k: k.layers.RandomRotation((0.21, 0.21)), SMALL),
    augmented("rotation_deep", lambda k: k.layers.RandomRotation((0.05, 0.05)), numbers((2, 4, 6, 9))),
    trained("rotation_trained", lambda k: k.layers.RandomRotation((0.1, 0.1))),
    trained("rotation_constant_trained", lambda k: k.layers.RandomRotation((0.07, 0.07), "constant", "nearest")),
    augmented("zoom_out", lambda k: k.layers.RandomZoom((0.3, 0.3))),
    augmented("zoom_in", lambda k: k.layers.RandomZoom((-0.4, -0.4), (-0.2, -0.2))),
    augmented("zoom_two_ways", lambda k: k.layers.RandomZoom((0.25, 0.25), (-0.3, -0.3), fill_mode="wrap")),
    augmented("zoom_constant", lambda k: k.layers.RandomZoom((0.6, 0.6), fill_mode="constant", fill_value=-1.5), WIDE),
    augmented("zoom_nearest", lambda k: k.layers.RandomZoom((0.33, 0.33), None, "nearest", "nearest")),
    trained("zoom_trained", lambda k: k.layers.RandomZoom((0.3, 0.3), (-0.2, -0.2))),
    augmented("translation", lambda k: k.layers.RandomTranslation((0.2, 0.2), (-0.33, -0.33))),
    augmented("translation_whole", lambda k: k.layers.RandomTranslation((-1 / 7, -1 / 7), (0.5, 0.5), "constant")),
    augmented("translation_wrap", lambda k: k.layers.RandomTranslation((1.0, 1.0), (0.37, 0.37), fill_mode="wrap")),
    augmented(
        "translation_nearest", lambda k: k.layers.RandomTranslation((0.3, 0.3), (0.24, 0.24), "nearest", "nearest")
    ),
    augmented("translation_far", lambda k: k.layers.RandomTranslation((-0.93, -0.93), (0.87, 0.87)), WIDE),
    trained("translation_trained", lambda k: k.layers.RandomTranslation((0.2, 0.2), (-0.1, -0.1), "constant")),
    augmented("crop_one_way", lambda k: k.layers.RandomCrop(4, 10)),
    augmented("crop_other_way", lambda k: k.layers.RandomCrop(7, 5)),
    augmented("crop_all", lambda k: k.layers.RandomCrop(7, 10)),
    augmented("brightness", lambda k: k.layers.RandomBrightness((0.3, 0.3)), PIXELS),
    augmented("brightness_darker", lambda k: k.layers.RandomBrightness((-0.6, -0.6)), PIXELS),
    augmented("brightness_range", lambda k: k.layers.RandomBrightness((0.4, 0.4), value_range=(0.0, 1.0)), UNIT),
    augmented("contrast_most", lambda k: k.layers.RandomContrast((0.0, 0.0)), PIXELS),
    augmented("contrast_range", lambda k: k.layers.RandomContrast(0.0, value_range=(0.0, 0.5)), UNIT),
    augmented("erasing_never", lambda k: k.layers.RandomErasing((0.0, 0.0)), PIXELS),
    augmented("erasing_everything", lambda k: k.layers.RandomErasing((1.0, 1.0), (1.0, 1.0), fill_value=3.0), PIXELS),
    augmented("grayscale_all", lambda k: k.layers.RandomGrayscale(1.0), PIXELS),
    augmented("grayscale_none", lambda k: k.layers.RandomGrayscale(0.0), PIXELS),
    augmented("sharper", lambda k: k.layers.RandomSharpness((0.9, 0.9)), PIXELS),
    augmented("smoother", lambda k: k.layers.RandomSharpness((0.1, 0.1), value_range=(0, 1)), UNIT),
    augmented("saturation_paler", lambda k: k.layers.RandomSaturation((0.3, 0.3), value_range=(0, 1)), UNIT),
    augmented("saturation_stronger", lambda k: k.layers.RandomSaturation((0.7, 0.7), value_range=(0, 1)), UNIT),
    augmented("saturation_pixels", lambda k: k.layers.RandomSaturation((0.4, 0.4)), PIXELS, rtol=1e-4),
    augmented("hue_kept", lambda k: k.layers.RandomHue((0.0, 0.0)), PIXELS, rtol=1e-4),
    augmented("hue_opposite", lambda k: k.layers.RandomHue((1.0, 1.0), value_range=(0, 1)), UNIT),
    augmented(
        "color_jitter",
        lambda k: k.layers.RandomColorJitter((0, 1), (0.1, 0.1), 0.0, (0.4, 0.4), (1.0, 1.0)),
        UNIT,
    ),
]
