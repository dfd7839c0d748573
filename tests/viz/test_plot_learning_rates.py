from pathlib import Path

import pytest

from linnet.callbacks import LearningRateFinder
from linnet.viz import plot_learning_rates

pytest.importorskip("matplotlib")


def test_curves_and_suggestion(tmp_path: Path) -> None:
    finder = LearningRateFinder(steps=10)
    finder.rates = [10.0**k for k in range(-6, 1)]
    finder.losses = finder.smoothed = [1.0, 0.99, 0.9, 0.4, 0.3, 0.5, 4.0]
    figure = plot_learning_rates(finder, tmp_path / "rates.png", title="A run")
    (axes,) = figure.axes
    batch, smoothed, line = axes.get_lines()
    assert list(batch.get_xdata()) == list(smoothed.get_xdata()) == finder.rates
    assert list(line.get_xdata()) == [finder.suggestion] * 2
    assert axes.get_xscale() == "log"
    assert axes.get_ylim()[1] < 2  # the explosion is cut off
    assert (tmp_path / "rates.png").read_bytes().startswith(b"\x89PNG")
