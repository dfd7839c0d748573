"""What a LearningRateFinder saw: the loss against the learning rate, with the suggested rate."""

from typing import TYPE_CHECKING, Any

from linnet.viz.figure import TRAIN_COLOR, VALIDATION_COLOR, FilePath, clean, finish, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_learning_rates(finder: Any, path: FilePath | None = None, *, title: str | None = None) -> "Figure":
    """Plots a LearningRateFinder after fit: single batches pale, smoothed strong. path: where to save the picture."""
    figure = new_figure((5.6, 3.6), path)
    axes = figure.subplots()
    axes.plot(finder.rates, finder.losses, color=TRAIN_COLOR, alpha=0.3, linewidth=1, label="batch")
    axes.plot(finder.rates, finder.smoothed, color=TRAIN_COLOR, label="smoothed")
    axes.axvline(finder.suggestion, color=VALIDATION_COLOR, label=f"suggestion {finder.suggestion:.2g}")
    axes.set_xscale("log")
    axes.set_xlabel("learning rate")
    axes.set_title("loss", loc="left")
    # The explosion at the end would squeeze what matters into a line.
    least, first = min(finder.smoothed), finder.smoothed[0]
    axes.set_ylim(least - 0.1 * abs(first - least), first + 0.5 * abs(first - least))
    axes.legend(frameon=False)
    clean(axes)
    if title:
        figure.suptitle(title)
    return finish(figure, path)
