from pathlib import Path

import numpy as np
import pytest

from linnet.viz import plot_confusion

pytest.importorskip("matplotlib")


def numbers(figure) -> dict[tuple[int, int], int]:
    """(row, column) -> count, as written into the picture."""
    return {(int(y), int(x)): int(text.get_text()) for text in figure.axes[0].texts for x, y in [text.get_position()]}


def test_counts(tmp_path: Path) -> None:
    true, predicted = np.array([0, 0, 1, 2, 2, 2]), np.array([0, 1, 1, 2, 2, 0])
    figure = plot_confusion(true, predicted, tmp_path / "confusion.png", classes=["cat", "dog", "horse"])
    assert numbers(figure) == {(0, 0): 1, (0, 1): 1, (1, 1): 1, (2, 2): 2, (2, 0): 1}
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["cat", "dog", "horse"]
    assert (tmp_path / "confusion.png").stat().st_size > 0


def test_scores_count_by_their_largest(tmp_path: Path) -> None:
    scores = np.eye(4)[[3, 1, 1]]
    figure = plot_confusion([3, 1, 0], scores, tmp_path / "confusion.png")
    assert numbers(figure) == {(3, 3): 1, (1, 1): 1, (0, 1): 1}
    assert len(figure.axes[0].get_xticks()) == 4


def test_lengths() -> None:
    with pytest.raises(ValueError, match="3 true classes, 2 predictions"):
        plot_confusion([0, 1, 2], [0, 1])
