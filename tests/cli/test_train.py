"""The main job, end to end and small: train, look at the folder, evaluate, predict."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import linnet
from linnet.cli import main, run_folder
from linnet.datasets import digits


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "logistic"
    assert main(["train", "logistic", "--epochs", "2", "--out", str(folder), "--quiet"]) == 0
    return folder


def record(folder: Path) -> dict:
    return json.loads((folder / run_folder.RUN).read_text())


def test_the_folder(folder: Path) -> None:
    names = {run_folder.MODEL, run_folder.HISTORY, run_folder.CURVES, run_folder.RUN}
    pytest.importorskip("matplotlib")
    assert {file.name for file in folder.iterdir()} == names
    rows = list(csv.DictReader((folder / run_folder.HISTORY).read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert {"loss", "accuracy", "val_loss", "val_accuracy"} <= set(rows[0])
    run = record(folder)
    assert run["linnet"] == linnet.__version__
    assert run["recipe"] == "logistic"
    assert run["data"] == "digits"
    assert run["settings"]["epochs"] == 2
    assert run["settings"]["optimizer"] == "adam"
    assert 0.8 < run["test"]["accuracy"] <= 1


def test_evaluate(folder: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["evaluate", str(folder)]) == 0
    out = capsys.readouterr().out
    accuracy = record(folder)["test"]["accuracy"]
    assert f"on digits: test accuracy {100 * accuracy:.2f} % ({round(500 * (1 - accuracy))} of 500 wrong)" in out
    assert f"cross entropy {record(folder)['test']['loss']:.4f}" in out


def test_evaluate_a_model_alone(folder: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    model = tmp_path / run_folder.MODEL
    model.write_bytes((folder / run_folder.MODEL).read_bytes())
    assert main(["evaluate", str(model)]) == 2
    assert "say with --data what to test it on" in capsys.readouterr().err
    assert main(["evaluate", str(model), "--data", "digits"]) == 0
    assert "test accuracy" in capsys.readouterr().out


def test_confusion(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    assert main(["evaluate", str(folder), "--confusion", str(tmp_path / "confusion.png")]) == 0
    assert (tmp_path / "confusion.png").stat().st_size > 0


def test_predict(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, (x, _) = digits.load_data(image_size=28)
    model = linnet.saving.load_model(folder / run_folder.MODEL)
    best = np.asarray(model.predict(x[:3, :, :, None] / np.float32(255), verbose=0)).argmax(axis=1)
    np.save(tmp_path / "three.npy", x[:3])
    assert main(["predict", str(folder), str(tmp_path / "three.npy"), "--top", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(": ")[2].split()[0] for line in lines] == [str(digit) for digit in best]
    assert lines[0].startswith(f"{tmp_path / 'three.npy'}[0]: ")
    assert lines[0].endswith(" %)")


def test_predict_an_image(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pil = pytest.importorskip("PIL.Image")
    pil.fromarray(np.full((40, 40), 255, np.uint8)).save(tmp_path / "paper.png")
    assert main(["predict", str(folder), str(tmp_path / "paper.png")]) == 0
    captured = capsys.readouterr()
    assert captured.out.count(" %)") == 3
    assert "resized from 40x40 to 28x28, inverted" in captured.err


def test_a_damaged_model(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / run_folder.MODEL
    model.write_bytes((folder / run_folder.MODEL).read_bytes()[:200])
    assert main(["evaluate", str(model), "--data", "digits"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("linnet: ")
    assert str(model) in error


def test_same_seed_same_bits(folder: Path, tmp_path: Path) -> None:
    for threads in ("1", "3"):
        out = tmp_path / threads
        arguments = ["--epochs", "2", "--threads", threads, "--out", str(out), "--quiet"]
        assert main(["train", "logistic", *arguments]) == 0
        assert (out / run_folder.HISTORY).read_text() == (folder / run_folder.HISTORY).read_text()


@pytest.fixture(autouse=True)
def threads():
    """--threads sets the process's threads."""
    before = linnet.num_threads()
    yield
    linnet.set_num_threads(before)


def test_samples(tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert main(["train", "logistic", "--epochs", "1", "--samples", "50", "--out", str(out), "--quiet"]) == 0
    assert record(out)["settings"]["samples"] == 50
    assert (record(out)["test"]["accuracy"] * 50) % 1 == pytest.approx(0, abs=1e-4)


def test_options_reach_the_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    arguments = "--epochs 1 --batch-size 100 --optimizer sgd --learning-rate 0.05 --schedule constant --seed 7"
    assert main(["train", "mlp", *arguments.split(), "--validation-split", "0", "--out", str(out)]) == 0
    captured = capsys.readouterr()
    assert "Multi-layer perceptron on digits: 1,297 training and 500 test images of 28x28" in captured.out
    assert "407,050" in captured.out  # the summary
    assert "val_loss" not in (out / run_folder.HISTORY).read_text()
    settings = record(out)["settings"]
    assert settings == {
        "epochs": 1,
        "batch_size": 100,
        "optimizer": "sgd",
        "learning_rate": 0.05,
        "schedule": "constant",
        "validation_split": 0.0,
        "samples": None,
        "seed": 7,
        "model": {"dropout": 0.3},
    }


def test_without_matplotlib(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import sys

    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["train", "logistic", "--epochs", "1", "--out", str(tmp_path), "--quiet"]) == 0
    assert 'pip install "linnet[viz]"' in capsys.readouterr().err
    assert not (tmp_path / run_folder.CURVES).exists()
    assert (tmp_path / run_folder.HISTORY).exists()


@pytest.mark.parametrize("epoch", [0, 2])
def test_ctrl_c_keeps_whole_epochs(
    epoch: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(at: int, logs: object = None) -> None:
        if at == epoch:
            raise KeyboardInterrupt

    fit = linnet.Model.fit
    stop = linnet.callbacks.LambdaCallback(on_epoch_begin=interrupt)
    monkeypatch.setattr(linnet.Model, "fit", lambda *args, **options: fit(*args, **options, callbacks=[stop]))
    assert main(["train", "logistic", "--epochs", "5", "--out", str(tmp_path), "--quiet"]) == 130
    if epoch == 0:
        assert list(tmp_path.iterdir()) == []
        assert "linnet: interrupted" in capsys.readouterr().err
    else:
        assert "after 2 epochs in" in capsys.readouterr().out
        assert record(tmp_path)["epochs_completed"] == 2
        assert main(["evaluate", str(tmp_path)]) == 0


def test_nothing_is_left_of_what_did_not_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "runs"
    command = ["train", "logistic", "--data", "mnist", "--data-dir", str(tmp_path), "--out", str(out)]
    assert main(command) == 1
    assert "MNIST: data_dir has not all of train-images" in capsys.readouterr().err
    assert not out.exists()


def test_files_of_others_stay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / run_folder.HISTORY).write_text("mine")
    assert main(["train", "logistic", "--out", str(tmp_path)]) == 2
    assert "is there and not from linnet train" in capsys.readouterr().err
    assert (tmp_path / run_folder.HISTORY).read_text() == "mine"
