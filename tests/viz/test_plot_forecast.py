from pathlib import Path

import numpy as np
import pytest

from linnet.viz import plot_forecast

pytest.importorskip("matplotlib")


def test_lines(tmp_path: Path) -> None:
    times = np.arange("1981-01", "1981-05", dtype="datetime64[M]")
    figure = plot_forecast(times, [1, 2, 3, 4], {"model": [1, 2, 2, 4]}, tmp_path / "plot.png", title="A series")
    (axes,) = figure.axes
    assert [list(line.get_ydata()) for line in axes.get_lines()] == [[1, 2, 3, 4], [1, 2, 2, 4]]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["truth", "model"]
    assert (tmp_path / "plot.png").stat().st_size > 0


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="3 times, but 2 values of 'model'"):
        plot_forecast([1, 2, 3], [1, 2, 3], {"model": [1, 2]})
