"""A recipe run as a user runs it, on a slice of its data: train, look, evaluate, ask."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from linnet.cli import main

DATA = Path(os.environ.get("LINNET_DATA_DIR") or Path(__file__).parents[4] / "shared" / "data")


@dataclass
class Run:
    folder: Path
    out: str  # what the training printed

    def files(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()}


Trainer = Callable[..., Run]


@pytest.fixture
def data_dir() -> Callable[[str], str]:
    """data_dir(name): the folder of data sets. Skips where it has not this one."""

    def folder(name: str) -> str:
        if not (DATA / name).is_dir():
            pytest.skip(f"no data set {name} (set LINNET_DATA_DIR)")
        return str(DATA)

    return folder


@pytest.fixture
def train(tmp_path: Path, capsys: pytest.CaptureFixture[str], data_dir: Callable[[str], str]) -> Trainer:
    """train(recipe, data, *options): the folder and what was printed. Skips where the data set is not at hand."""

    def trained(recipe: str, data: str, *options: str, folder: str | None = None) -> Run:
        if folder is not None:
            data_dir(folder)
        out = tmp_path / recipe
        arguments = ["train", recipe, "--data", data, "--data-dir", str(DATA), "--out", str(out), *options]
        assert main(arguments) == 0
        return Run(out, capsys.readouterr().out)

    return trained


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """ask(run, text, *options): what `linnet predict` answers."""

    def answer(run: Run, *arguments: str) -> str:
        assert main(["predict", str(run.folder), *arguments]) == 0
        return capsys.readouterr().out

    return answer


@pytest.fixture
def evaluate(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """evaluate(run, *options): what `linnet evaluate` prints, on the whole test data."""

    def result(run: Run, *options: str) -> str:
        assert main(["evaluate", str(run.folder), "--data-dir", str(DATA), *options]) == 0
        return capsys.readouterr().out

    return result
