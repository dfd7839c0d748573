"""The command line as a user meets it: help, versions, mistakes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import linnet
from linnet.cli import main, train


@pytest.mark.parametrize("command", [[], ["train"], ["evaluate"], ["predict"], ["info"]])
def test_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, "--help"]) == 0
    assert "usage: linnet" in capsys.readouterr().out


def test_without_a_command_it_helps(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "linnet train lenet5" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"linnet {linnet.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trian"], 'unknown command "trian"; did you mean "train"?'),
        (["train"], "train: expected a recipe: lenet5, mlp, logistic"),
        (["train", "lenet"], 'unknown recipe "lenet"; did you mean "lenet5"?'),
        (["train", "lenet5", "--data", "mnits"], 'unknown data set "mnits"; did you mean'),
        (["train", "lenet5", "--epcohs", "3"], "unknown option --epcohs; did you mean --epochs?"),
        (["train", "lenet5", "--epochs", "many"], "expected a positive whole number, got 'many'"),
        (["train", "lenet5", "--optimizer", "adm"], '--optimizer: unknown optimizer "adm"; did you mean "adam"'),
        (["train", "lenet5", "--schedule", "cosin"], 'unknown schedule "cosin"; did you mean "cosine"?'),
        (["train", "lenet5", "extra"], "unknown argument extra"),
        (["predict", "model"], "the following arguments are required: INPUT"),
    ],
)
def test_wrong_commands(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("linnet")
    assert captured.out == ""


@pytest.mark.parametrize("command", [["evaluate", "absent"], ["predict", "absent", "image.png"]])
def test_what_cannot_be_done(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command) == 1
    assert capsys.readouterr().err == "linnet: there is no file absent; train a model first: linnet train lenet5\n"


def test_ctrl_c(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(train.run_folder, "check", interrupt)
    assert main(["train", "mlp", "--out", str(tmp_path / "run")]) == 130
    assert capsys.readouterr().err == "\nlinnet: interrupted\n"


def run(*arguments: str, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=120, **options)


def test_python_m_linnet() -> None:
    result = run("-m", "linnet", "--version")
    assert (result.returncode, result.stdout, result.stderr) == (0, f"linnet {linnet.__version__}\n", "")
    assert run("-m", "linnet", "nonsense").returncode == 2


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from linnet.cli import main; main(['train', 'lenet5', '--help']);"
        "heavy = {'matplotlib', 'PIL', 'sklearn', 'safetensors'} & set(sys.modules); assert not heavy, heavy"
    )
    result = run("-c", code)
    assert result.returncode == 0, result.stderr
    assert "--learning-rate RATE" in result.stdout


@pytest.mark.skipif(os.name != "posix", reason="pipes")
def test_a_closed_pipe_is_no_error() -> None:
    result = run("-c", "import subprocess, sys; p = subprocess.Popen([sys.executable, '-m', 'linnet', '--help'],"
                 "stdout=subprocess.PIPE); p.stdout.close(); p.wait()")  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")
