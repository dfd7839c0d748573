from pathlib import Path

import numpy as np
import pytest

from linnet.viz import plot_images

pytest.importorskip("matplotlib")


@pytest.mark.parametrize("shape", [(5, 8, 8), (5, 8, 8, 1), (5, 8, 8, 3)])
def test_grid(tmp_path: Path, shape: tuple[int, ...]) -> None:
    images = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    figure = plot_images(images, list("abcde"), tmp_path / "images.png", columns=3)
    shown = [axes for axes in figure.axes if axes.images]
    assert len(figure.axes) == 6
    assert len(shown) == 5
    assert [axes.get_title() for axes in shown] == list("abcde")
    np.testing.assert_array_equal(shown[4].images[0].get_array(), images[4].reshape(8, 8, -1).squeeze())
    assert (tmp_path / "images.png").stat().st_size > 0


def test_bad_input() -> None:
    with pytest.raises(ValueError, match=r"got shape \(5, 8, 8, 2\)"):
        plot_images(np.zeros((5, 8, 8, 2)))
    with pytest.raises(ValueError, match="2 images, 3 labels"):
        plot_images(np.zeros((2, 8, 8)), [1, 2, 3])
