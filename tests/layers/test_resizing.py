"""Images of another size. The interpolations themselves: tests/engine/ops/test_resize.py."""

import numpy as np
import pytest
from support import check_layer
from support_images import pixels

from linnet.layers import Resizing


@pytest.mark.parametrize(
    "kwargs",
    [
        {"height": 3, "width": 9},
        {"height": 8, "width": 5, "interpolation": "nearest"},
        {"height": 3, "width": 4, "interpolation": "bicubic", "antialias": True},
        {"height": 4, "width": 4, "crop_to_aspect_ratio": True, "interpolation": "lanczos3"},
        {"height": 4, "width": 4, "pad_to_aspect_ratio": True, "fill_value": 2.0, "interpolation": "lanczos5"},
    ],
)
def test_layer(kwargs):
    check_layer(Resizing, kwargs, (6, 7, 3), (kwargs["height"], kwargs["width"], 3), 0)


def test_values():
    x = pixels(2, 4, 6, 3)
    np.testing.assert_allclose(Resizing(2, 3)(x), x.reshape(2, 2, 2, 3, 2, 3).mean((2, 4)), rtol=1e-5)
    np.testing.assert_array_equal(Resizing(8, 18, "nearest")(x), x.repeat(2, 1).repeat(3, 2))
    np.testing.assert_array_equal(Resizing(4, 6, "bicubic")(x), x)
    np.testing.assert_array_equal(Resizing(4, 4, "nearest", crop_to_aspect_ratio=True)(x), x[:, :, 1:5])
    padded = Resizing(6, 6, "nearest", pad_to_aspect_ratio=True, fill_value=9)(x)
    np.testing.assert_array_equal(padded, np.pad(x, ((0, 0), (1, 1), (0, 0), (0, 0)), constant_values=9))
    assert Resizing(2, 3)(x[0]).shape == (2, 3, 3)
    whole = np.floor(x)
    np.testing.assert_array_equal(Resizing(3, 3)(whole.astype(np.uint8)), Resizing(3, 3)(whole))


def test_wrong_arguments():
    for kwargs, message in (
        ({"height": 0}, "height must be"),
        ({"interpolation": "area"}, "unknown interpolation"),
        ({"fill_mode": "reflect"}, "unknown fill_mode"),
        ({"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, "only one of"),
    ):
        with pytest.raises(ValueError, match=message):
            Resizing(**{"height": 3, "width": 3, **kwargs})
