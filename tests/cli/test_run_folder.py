import json
from pathlib import Path

import pytest

from linnet.cli import run_folder
from linnet.cli.errors import CommandError, UsageError


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is a file; give a folder"):
        run_folder.check(tmp_path / "file")


@pytest.mark.parametrize("name", [run_folder.MODEL, run_folder.HISTORY, run_folder.CURVES])
def test_files_of_others_are_not_touched(tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.txt").touch()
    run_folder.check(tmp_path)  # another name is no harm
    (tmp_path / name).touch()
    with pytest.raises(UsageError, match="is there and not from linnet train"):
        run_folder.check(tmp_path)
    run_folder.write_run(tmp_path, {})
    run_folder.check(tmp_path)  # an earlier run of ours


def test_history(tmp_path: Path) -> None:
    run_folder.write_history(tmp_path, [0, 1], {"loss": [0.5, 0.25], "val_loss": [1.0, 2.0]})
    lines = (tmp_path / run_folder.HISTORY).read_text().splitlines()
    assert lines == ["epoch,loss,val_loss", "1,0.5,1.0", "2,0.25,2.0"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    run_folder.write_run(tmp_path, {"recipe": "mlp"})
    with pytest.raises(TypeError):
        run_folder.write_run(tmp_path, {"recipe": object()})
    assert run_folder.read_run(tmp_path / run_folder.MODEL) == {"recipe": "mlp"}
    assert [file.name for file in tmp_path.iterdir()] == [run_folder.RUN]


def test_reading_a_run(tmp_path: Path) -> None:
    model = tmp_path / run_folder.MODEL
    assert run_folder.read_run(model) == {}
    (tmp_path / run_folder.RUN).write_text("{")
    with pytest.raises(CommandError, match=r"run\.json: not JSON"):
        run_folder.read_run(model)
    (tmp_path / run_folder.RUN).write_text(json.dumps([1]))
    assert run_folder.read_run(model) == {}


def test_finding_a_model(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"has no model\..*; train a model first"):
        run_folder.find_model(tmp_path)
    with pytest.raises(CommandError, match=r"there is no file .*absent"):
        run_folder.find_model(tmp_path / "absent")
    model = tmp_path / run_folder.MODEL
    model.touch()
    assert run_folder.find_model(tmp_path) == run_folder.find_model(model) == model
