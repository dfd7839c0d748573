"""A grid of images with a line of text under each: a look at the data, or at what a model gets wrong."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from linnet.viz.figure import FilePath, finish, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_images(
    images: np.ndarray,
    labels: Sequence[object] | np.ndarray | None = None,
    path: FilePath | None = None,
    *,
    columns: int = 8,
    title: str | None = None,
) -> "Figure":
    """images: (n, h, w), (n, h, w, 1) or (n, h, w, 3), uint8 from 0 to 255 or float from 0 to 1.

    labels: a text for each.
    """
    images = np.asarray(images)
    if images.ndim == 4 and images.shape[-1] == 1:
        images = images[..., 0]
    if images.ndim not in (3, 4) or len(images) == 0 or (images.ndim == 4 and images.shape[-1] != 3):
        raise ValueError(
            f"plot_images: expected images (n, h, w), (n, h, w, 1) or (n, h, w, 3), got shape {images.shape}"
        )
    if labels is not None and len(labels) != len(images):
        raise ValueError(f"plot_images: {len(images)} images, {len(labels)} labels")

    columns = min(columns, len(images))
    rows = math.ceil(len(images) / columns)
    figure = new_figure((1.1 * columns, (1.1 if labels is None else 1.3) * rows), path)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid:
        axes.set_axis_off()
    for i, (axes, image) in enumerate(zip(grid, images, strict=False)):
        axes.imshow(image, cmap="gray", vmin=0, vmax=255 if images.dtype == np.uint8 else 1, interpolation="nearest")
        if labels is not None:
            axes.set_title(str(labels[i]), fontsize=9, y=-0.25)
    if title:
        figure.suptitle(title)
    return finish(figure, path)
