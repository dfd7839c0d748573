"""Reading what is to be classified; the whole command is in test_train.py."""

from pathlib import Path

import numpy as np
import pytest

from linnet.cli.errors import CommandError
from linnet.cli.predict import read_array, read_image

SHAPE = (28, 28, 1)


@pytest.mark.parametrize(
    ("shape", "n"), [((28, 28), 1), ((28, 28, 1), 1), ((3, 28, 28), 3), ((3, 28, 28, 1), 3), ((1, 28, 28), 1)]
)
def test_arrays(tmp_path: Path, shape: tuple[int, ...], n: int) -> None:
    array = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    np.save(tmp_path / "x.npy", array)
    x = read_array(tmp_path / "x.npy", SHAPE)
    assert x.shape == (n, *SHAPE)
    assert x.dtype == np.float32
    np.testing.assert_allclose(x.ravel(), array.ravel() / 255, rtol=1e-6)


def test_floats_are_taken_as_they_are(tmp_path: Path) -> None:
    array = np.random.default_rng(0).normal(size=(2, 5))
    np.save(tmp_path / "x.npy", array)
    np.testing.assert_array_equal(read_array(tmp_path / "x.npy", (5,)), array.astype(np.float32))


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((3, 28, 27)), r"the model takes \(n, 28, 28, 1\), the array is \(3, 28, 27, 1\)"),
        (np.zeros((0, 28, 28)), r"the array is \(0, 28, 28, 1\)"),
        (np.zeros((28, 28), complex), "expected numbers, got complex128"),
        (np.array([None]), "not a NumPy array"),
    ],
)
def test_wrong_arrays(tmp_path: Path, array: np.ndarray, message: str) -> None:
    np.save(tmp_path / "x.npy", array, allow_pickle=True)
    with pytest.raises(CommandError, match=message):
        read_array(tmp_path / "x.npy", SHAPE)


def test_not_an_array(tmp_path: Path) -> None:
    (tmp_path / "x.npy").write_bytes(b"")
    with pytest.raises(CommandError, match="not a NumPy array"):
        read_array(tmp_path / "x.npy", SHAPE)


@pytest.fixture
def digit() -> np.ndarray:
    """White strokes on black, 28x28."""
    image = np.zeros((28, 28), np.uint8)
    image[6:22, 12:16] = 255
    return image


def test_a_matching_image_is_not_changed(tmp_path: Path, digit: np.ndarray, capsys: pytest.CaptureFixture[str]) -> None:
    pil = pytest.importorskip("PIL.Image")
    pil.fromarray(digit).save(tmp_path / "digit.png")
    np.testing.assert_array_equal(read_image(tmp_path / "digit.png", SHAPE)[0, :, :, 0], digit / np.float32(255))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P", "1"])
def test_ink_on_paper_is_brought_into_form(
    tmp_path: Path, digit: np.ndarray, mode: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pil = pytest.importorskip("PIL.Image")
    large = pil.fromarray(255 - digit).resize((112, 112), pil.Resampling.NEAREST).convert(mode)
    large.save(tmp_path / "photo.png")
    x = read_image(tmp_path / "photo.png", SHAPE)
    assert x.shape == (1, *SHAPE)
    assert x.dtype == np.float32
    assert np.abs(x[0, :, :, 0] - digit / 255).mean() < 0.02
    note = capsys.readouterr().err
    assert "made grey, resized from 112x112 to 28x28, inverted, since its border is light" in note


def test_transparent_is_paper(tmp_path: Path, digit: np.ndarray) -> None:
    pil = pytest.importorskip("PIL.Image")
    image = pil.fromarray(np.zeros_like(digit)).convert("RGB")  # black everywhere, seen only in the strokes
    image.putalpha(pil.fromarray(digit))
    image.save(tmp_path / "digit.png")
    np.testing.assert_allclose(read_image(tmp_path / "digit.png", SHAPE)[0, :, :, 0], digit / 255, atol=0.01)


def test_not_an_image(tmp_path: Path) -> None:
    pytest.importorskip("PIL.Image")
    (tmp_path / "x.png").write_text("text")
    with pytest.raises(CommandError, match="not an image that Pillow knows"):
        read_image(tmp_path / "x.png", SHAPE)
    with pytest.raises(CommandError, match="not grey images"):
        read_image(tmp_path / "x.png", (28, 28, 3))
