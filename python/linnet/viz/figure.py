"""What the plots share: finding matplotlib, making a figure, saving it, and the few style decisions.

With a path the figure is made without pyplot, so that no window system is touched and nothing stays in pyplot's list of
open figures; without one it is a pyplot figure, which a notebook shows and `plt.show()` puts on the screen.
"""

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FilePath = str | os.PathLike[str]

# Blue and orange of the Okabe-Ito palette: distinct for colour-blind readers and in grey print.
TRAIN_COLOR = "#0072B2"
VALIDATION_COLOR = "#D55E00"


def new_figure(size: tuple[float, float], path: FilePath | None) -> "Figure":
    """An empty figure of (width, height) inches."""
    try:
        import matplotlib.figure
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "matplotlib":
            raise
        raise ModuleNotFoundError('linnet.viz needs matplotlib: pip install "linnet[viz]"', name="matplotlib") from None
    if path is not None:
        return matplotlib.figure.Figure(figsize=size, layout="constrained")
    import matplotlib.pyplot as plt

    return plt.figure(figsize=size, layout="constrained")


def clean(axes: "Axes") -> None:
    """Only the two axes that carry numbers, and a faint horizontal grid behind the data."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="0.9", linewidth=0.8)
    axes.set_axisbelow(True)


def finish(figure: "Figure", path: FilePath | None) -> "Figure":
    """Saves the figure if there is a path; never leaves half a file."""
    if path is None:
        return figure
    path = Path(path)
    descriptor, part = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=path.suffix or ".png", dir=path.parent)
    os.close(descriptor)
    try:
        figure.savefig(part, dpi=150)
        os.chmod(part, 0o644)
        os.replace(part, path)
    finally:
        Path(part).unlink(missing_ok=True)
    return figure
