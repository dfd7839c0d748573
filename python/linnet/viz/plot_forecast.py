"""A time series and what was forecast for it, as lines over time."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from linnet.viz.figure import FilePath, clean, finish, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZE = (9.0, 3.4)  # inches
# Okabe-Ito: distinct for colour-blind readers; the truth is black.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")


def plot_forecast(
    times: Any,
    truth: Any,
    forecasts: Mapping[str, Any],
    path: FilePath | None = None,
    *,
    title: str | None = None,
) -> "Figure":
    """Plots forecasts against the truth.

    times: n dates or numbers; truth: n values; forecasts: name -> n values each, at the time they are for.
    path: where to save the picture, if anywhere.

    Raises ValueError where the lengths differ.
    """
    for name, values in {"truth": truth, **forecasts}.items():
        if len(values) != len(times):
            raise ValueError(f"plot_forecast: {len(times)} times, but {len(values)} values of {name!r}")
    figure = new_figure(SIZE, path)
    axes = figure.subplots()
    axes.plot(times, truth, label="truth", color="black", linewidth=1.2)
    for i, (name, values) in enumerate(forecasts.items()):
        axes.plot(times, values, label=name, color=COLORS[i % len(COLORS)], linewidth=1.0, alpha=0.9)
    axes.legend(frameon=False)
    clean(axes)
    if title:
        axes.set_title(title, loc="left")
    return finish(figure, path)
