import numpy as np
import pytest

from linnet.datasets import digits


def test_the_split() -> None:
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    assert x_train.shape == (1297, 8, 8)
    assert x_test.shape == (500, 8, 8)
    assert y_train.shape == (1297,)
    assert y_test.shape == (500,)
    assert x_train.dtype == y_train.dtype == x_test.dtype == y_test.dtype == np.uint8
    assert np.bincount(y_test).tolist() == [50] * 10
    # The 17 grey levels, spread over 0..255.
    assert np.array_equal(np.unique(x_train), np.round(np.arange(17) * 255 / 16))


def test_it_is_scikit_learns_copy() -> None:
    source = pytest.importorskip("sklearn.datasets").load_digits()
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    x = np.concatenate([x_train, x_test]).reshape(-1, 64)
    y = np.concatenate([y_train, y_test])
    ours = sorted((row.tobytes(), label) for row, label in zip(x, y, strict=True))
    theirs = np.round(source.data * 255 / 16).astype(np.uint8)
    assert ours == sorted((row.tobytes(), label) for row, label in zip(theirs, source.target, strict=True))


@pytest.mark.parametrize("size", [9, 16, 28, 32])
def test_enlargement_is_bilinear(size: int) -> None:
    image = pytest.importorskip("PIL.Image")
    (small, _), _ = digits.load_data()
    (x, _), (x_test, _) = digits.load_data(image_size=size)
    assert x.shape == (1297, size, size)
    assert x_test.shape == (500, size, size)
    assert x.dtype == np.uint8
    for original, ours in zip(small[:20], x[:20], strict=True):
        theirs = np.asarray(image.fromarray(original).resize((size, size), image.Resampling.BILINEAR))
        assert np.abs(ours.astype(int) - theirs.astype(int)).max() <= 1


def test_smaller_images_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 8, the size of the originals; got 7"):
        digits.load_data(image_size=7)


def test_the_file_is_small() -> None:
    assert digits.FILE.stat().st_size <= 100_000
