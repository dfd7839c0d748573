"""The folder of a training run (`--out`): which files it has, when it may be written, and how a model is found in it.

    model.safetensors      the model (linnet.saving)
    history.csv            a row per epoch
    training_curves.png    with matplotlib
    vocabularies.json      of recipes for texts: name -> tokens in the order of their ids
    run.json               recipe, data, settings and results: what made this model

Files of an earlier run (there is a run.json) are replaced. Files of the same names without one were made by somebody
else and are never touched.
"""

import csv
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from linnet.cli.errors import CommandError, UsageError
from linnet.utils.sequences import Vocabulary

MODEL = "model.safetensors"
HISTORY = "history.csv"
CURVES = "training_curves.png"
VOCABULARIES = "vocabularies.json"
RUN = "run.json"


def check(folder: Path) -> None:
    """Refuses a folder that must not be written, before any work is done."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--out: {folder} is a file; give a folder")
    if not (folder / RUN).exists():
        for name in (MODEL, HISTORY, CURVES):
            if (folder / name).exists():
                raise UsageError(f"--out: {folder / name} is there and not from linnet train; give another folder")


def write_history(folder: Path, epochs: Sequence[int], history: Mapping[str, Sequence[float]]) -> None:
    with _replacing(folder / HISTORY) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["epoch", *history])
        writer.writerows([epoch + 1, *values] for epoch, *values in zip(epochs, *history.values(), strict=True))


def write_run(folder: Path, record: Mapping[str, Any]) -> None:
    with _replacing(folder / RUN) as part:
        part.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def write_vocabularies(folder: Path, vocabularies: Mapping[str, Vocabulary]) -> list[str]:
    """The names of the files written: none where there is no vocabulary."""
    if not vocabularies:
        return []
    tokens = {name: vocabulary.tokens for name, vocabulary in vocabularies.items()}
    with _replacing(folder / VOCABULARIES) as part:
        part.write_text(json.dumps(tokens, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    return [VOCABULARIES]


def read_vocabularies(model: Path) -> dict[str, Vocabulary]:
    """The vocabularies beside a model file. Raises CommandError where there are none, or no such thing."""
    path = model.parent / VOCABULARIES
    try:
        tokens = json.loads(path.read_text(encoding="utf-8"))
        return {name: Vocabulary.of(value) for name, value in tokens.items()}
    except FileNotFoundError:
        raise CommandError(f"{path} is missing: without it the model's numbers have no words") from None
    except (json.JSONDecodeError, UnicodeDecodeError, AttributeError, TypeError, ValueError) as error:
        raise CommandError(f"{path}: not what linnet train wrote ({error})") from None


def read_run(model: Path) -> dict[str, Any]:
    """The record beside a model file; empty where there is none."""
    path = model.parent / RUN
    if not path.is_file():
        return {}
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise CommandError(f"{path}: not JSON ({error})") from None
    return record if isinstance(record, dict) else {}


def find_model(path: Path) -> Path:
    """A model file, or the one in a run's folder."""
    model = path / MODEL if path.is_dir() else path
    if not model.is_file():
        what = f"the folder {path} has no {MODEL}" if path.is_dir() else f"there is no file {path}"
        raise CommandError(f"{what}; train a model first: linnet train lenet5")
    return model


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """with _replacing(path) as part: write part; it takes the name `path` when all went well."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(descriptor)
    part = Path(name)
    try:
        yield part
        part.chmod(0o644)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
