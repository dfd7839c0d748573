"""The training curves: one panel for the loss and one for each metric, training and validation in each.

Training values are averages over an epoch during which the weights changed (and dropout was on); validation values
belong to the weights at its end. That is why validation can look better than training in the first epochs.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from linnet.viz.figure import TRAIN_COLOR, VALIDATION_COLOR, FilePath, clean, finish, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PANEL = (4.6, 3.4)  # inches


def plot_history(
    history: Any, path: FilePath | None = None, *, metrics: Sequence[str] | None = None, title: str | None = None
) -> "Figure":
    """Plots what `fit` returned.

    history: a History, or its dictionary {"loss": [...], "val_loss": [...], "accuracy": [...], ...}.
    path: where to save the picture, if anywhere.
    metrics: which names to show, in order; all when left out, the loss first, the learning rate last.
    """
    curves: Mapping[str, Sequence[float]] = getattr(history, "history", history)
    names = list(metrics) if metrics is not None else _names(curves)
    unknown = [name for name in names if name not in curves and f"val_{name}" not in curves]
    if not names or unknown:
        asked = f"no curve {', '.join(map(repr, unknown))}" if unknown else "no curves"
        raise ValueError(f"plot_history: {asked} in the history; it has: {', '.join(curves) or 'nothing'}")

    figure = new_figure((PANEL[0] * len(names), PANEL[1]), path)
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        for key, label, color in ((name, "training", TRAIN_COLOR), (f"val_{name}", "validation", VALIDATION_COLOR)):
            values = curves.get(key)
            if values is None:
                continue
            epochs = range(1, len(values) + 1)
            # A single epoch is a point, not a line.
            axes.plot(epochs, values, label=label, color=color, marker="o" if len(values) < 15 else None, markersize=3)
        axes.set_title(name.replace("_", " "), loc="left")
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        if f"val_{name}" in curves and name in curves:
            axes.legend(frameon=False)
        clean(axes)
    if title:
        figure.suptitle(title)
    return finish(figure, path)


def _names(curves: Mapping[str, Sequence[float]]) -> list[str]:
    names = dict.fromkeys(key.removeprefix("val_") for key in curves)
    rank = {"loss": 0, "learning_rate": 2}
    return sorted(names, key=lambda name: rank.get(name, 1))
