import sys
from pathlib import Path

import pytest

from linnet.viz import plot_history
from linnet.viz.figure import finish, new_figure


def test_the_hint_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "linnet\[viz\]"'):
        plot_history({"loss": [1.0]})


def test_a_failed_save_keeps_the_old_file(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "figure.nonsense"
    path.write_text("mine")
    with pytest.raises(ValueError, match="nonsense"):
        finish(new_figure((1, 1), path), path)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("figure.nonsense", "mine")]
