"""The confusion matrix: how often class i (row) was taken for class j (column)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from linnet.viz.figure import FilePath, finish, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_confusion(
    y_true: np.ndarray, y_pred: np.ndarray, path: FilePath | None = None, *, classes: Sequence[str] | None = None
) -> "Figure":
    """y_true: classes (n,). y_pred: classes (n,), or scores (n, classes), of which the largest counts."""
    true, predicted = np.asarray(y_true).reshape(-1).astype(int), np.asarray(y_pred)
    n = predicted.shape[-1] if predicted.ndim == 2 else 0
    predicted = predicted.argmax(-1) if predicted.ndim == 2 else predicted.reshape(-1).astype(int)
    if len(true) != len(predicted) or not len(true):
        raise ValueError(f"plot_confusion: {len(true)} true classes, {len(predicted)} predictions")
    n = max(n, int(true.max()) + 1, int(predicted.max()) + 1, len(classes or ()))
    counts = np.bincount(true * n + predicted, minlength=n * n).reshape(n, n)

    figure = new_figure((0.45 * n + 1.5, 0.45 * n + 1.0), path)
    axes = figure.add_subplot()
    # Colour by share of the row, so that a rare class shows its errors too.
    axes.imshow(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1), cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            dark = count > 0.6 * counts[row].sum()
            axes.text(column, row, str(count), ha="center", va="center", fontsize=8, color="white" if dark else "black")
    names = [str(name) for name in classes or range(n)]
    axes.set_xticks(range(n), names, rotation=90 if any(len(name) > 3 for name in names) else 0)
    axes.set_yticks(range(n), names)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    return finish(figure, path)
