"""Every example runs to its end as a user runs it, in a process of its own, shortened by its arguments."""

import gzip
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from linnet.datasets import digits

EXAMPLES = Path(__file__).parents[1] / "examples"
DATA = Path(os.environ.get("LINNET_DATA_DIR") or Path(__file__).parents[2] / "shared" / "data")

# example -> (arguments, folder of its data set, what it says at the end)
CASES = {
    "adding_problem": (["640", "20"], None, "tanh network"),
    "addition_rnn": (["1"], None, "% of the test sums"),
    "forecast": (["2"], "timeseries", "of the naive forecast 14.84"),
    "functional_api": ([], None, "features of three digits: (3, "),
    "mnist_convnet": (["2"], "small mnist", "test accuracy:"),
    "row_lstm": (["2"], None, "test accuracy"),
    "sentiment": (["1", "640"], "sst2", "% positive: a dull and lifeless mess"),
    "tagging": (["1", "320"], "ud_english_ewt", "refuse/"),
    "text_generation": (["1", "128"], "tinyshakespeare", "--- temperature 1.0\nROMEO:\n"),
}


def test_all_are_run() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(CASES)


def small_mnist(folder: Path) -> Path:
    """The digits of the package as the files of MNIST."""
    parts = zip(("train", "t10k"), digits.load_data(image_size=28), strict=True)
    (folder / "mnist").mkdir()
    for name, (images, labels) in parts:
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            header = struct.pack(f">{1 + array.ndim}i", 0x800 + array.ndim, *array.shape)
            with gzip.open(folder / "mnist" / f"{name}-{kind}-ubyte.gz", "wb") as file:
                file.write(header + array.astype(np.uint8).tobytes())
    return folder


@pytest.mark.parametrize("name", CASES)
def test_example(name: str, tmp_path: Path) -> None:
    arguments, data, said = CASES[name]
    folder = small_mnist(tmp_path) if data == "small mnist" else DATA
    if data not in (None, "small mnist") and not (DATA / data).is_dir():
        pytest.skip(f"no data set {data} (set LINNET_DATA_DIR)")
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py"), *arguments],
        cwd=tmp_path,
        env=os.environ | {"LINNET_DATA_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert said in done.stdout
