"""Image files and arrays."""

import io

import numpy as np
import pytest

from linnet.utils import array_to_img, img_to_array, load_img, save_img

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 9, 3)).astype(np.uint8)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_round_trip(tmp_path, channels):
    pixels = np.random.default_rng(1).integers(0, 256, (5, 7, channels)).astype(np.uint8)
    save_img(tmp_path / "a.png", pixels, scale=False)
    mode = {1: "grayscale", 3: "rgb", 4: "rgba"}[channels]
    array = img_to_array(load_img(tmp_path / "a.png", mode))
    assert array.dtype == np.float32
    np.testing.assert_array_equal(array, pixels)
    np.testing.assert_array_equal(img_to_array(load_img(io.BytesIO((tmp_path / "a.png").read_bytes()), mode)), pixels)


def test_modes_and_sizes(tmp_path):
    save_img(str(tmp_path / "a.bmp"), PIXELS, scale=False)
    assert img_to_array(load_img(tmp_path / "a.bmp", "grayscale")).shape == (6, 9, 1)
    assert img_to_array(load_img(tmp_path / "a.bmp", "rgba")).shape == (6, 9, 4)
    doubled = img_to_array(load_img(tmp_path / "a.bmp", target_size=(12, 18)))
    np.testing.assert_array_equal(doubled, PIXELS.repeat(2, 0).repeat(2, 1))
    middle = img_to_array(load_img(tmp_path / "a.bmp", target_size=(6, 6), keep_aspect_ratio=True), dtype="uint8")
    assert middle.dtype == np.uint8
    np.testing.assert_array_equal(middle, PIXELS[:, 1:7])
    assert load_img(tmp_path / "a.bmp", target_size=(3, 4), interpolation="lanczos").size == (4, 3)


def test_scaling_and_formats(tmp_path):
    x = np.array([[-1.0, 0.0], [1.0, 3.0]])[:, :, None]
    np.testing.assert_array_equal(np.asarray(array_to_img(x)), [[0, 63], [127, 255]])
    np.testing.assert_array_equal(np.asarray(array_to_img(np.zeros((2, 2, 1)))), 0)
    assert array_to_img(x * 1000 + 1000, scale=False).mode == "I"
    save_img(tmp_path / "b.jpg", np.zeros((4, 4, 4)))
    assert img_to_array(load_img(tmp_path / "b.jpg")).shape == (4, 4, 3)
    save_img(tmp_path / "c.data", PIXELS, file_format="png", scale=False)
    np.testing.assert_array_equal(img_to_array(load_img(tmp_path / "c.data")), PIXELS)
    assert img_to_array([[1, 2], [3, 4]]).shape == (2, 2, 1)


def test_errors(tmp_path):
    save_img(tmp_path / "a.png", PIXELS)
    with pytest.raises(ValueError, match='unknown color_mode "grey"'):
        load_img(tmp_path / "a.png", "grey")
    with pytest.raises(ValueError, match='unknown interpolation "cubic"'):
        load_img(tmp_path / "a.png", target_size=(2, 2), interpolation="cubic")
    with pytest.raises(ValueError, match=r"got shape \(2, 2, 2\)"):
        array_to_img(np.zeros((2, 2, 2)))
    with pytest.raises(ValueError, match="rank 2 or 3"):
        img_to_array(np.zeros(3))
    with pytest.raises(NotImplementedError, match="channels_first"):
        img_to_array(PIXELS, "channels_first")
