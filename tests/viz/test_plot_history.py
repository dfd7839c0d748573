from pathlib import Path
from types import SimpleNamespace

import pytest

from linnet.viz import plot_history

matplotlib = pytest.importorskip("matplotlib")

CURVES = {
    "accuracy": [0.8, 0.9, 0.95],
    "loss": [0.5, 0.3, 0.2],
    "val_accuracy": [0.85, 0.9, 0.91],
    "val_loss": [0.4, 0.3, 0.35],
    "learning_rate": [1e-3, 5e-4, 1e-4],
}


def test_panels_and_lines(tmp_path: Path) -> None:
    figure = plot_history(SimpleNamespace(history=CURVES), tmp_path / "curves.png")
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["loss", "accuracy", "learning rate"]
    for axes, name in zip(figure.axes[:2], ("loss", "accuracy"), strict=True):
        train, validation = axes.get_lines()
        assert list(train.get_xdata()) == [1, 2, 3]
        assert list(train.get_ydata()) == CURVES[name]
        assert list(validation.get_ydata()) == CURVES[f"val_{name}"]
        assert [text.get_text() for text in axes.get_legend().get_texts()] == ["training", "validation"]
    assert len(figure.axes[2].get_lines()) == 1
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert [file.name for file in tmp_path.iterdir()] == ["curves.png"]


def test_a_dictionary_and_a_choice(tmp_path: Path) -> None:
    figure = plot_history(CURVES, tmp_path / "curves.svg", metrics=["accuracy"], title="A run")
    assert len(figure.axes) == 1
    assert b"<svg" in (tmp_path / "curves.svg").read_bytes()


def test_without_a_path_it_is_a_pyplot_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    figure = plot_history(CURVES)
    assert plt.fignum_exists(figure.number)
    plt.close(figure)


@pytest.mark.parametrize(("curves", "metrics", "message"), [({}, None, "it has: nothing"), (CURVES, ["mse"], "'mse'")])
def test_nothing_to_plot(curves: dict, metrics: list[str] | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plot_history(curves, metrics=metrics)
