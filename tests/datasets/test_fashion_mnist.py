from pathlib import Path

import numpy as np
import pytest

from linnet.datasets import fashion_mnist


def test_reads_from_data_dir(write_set, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = write_set("fashion_mnist")
    monkeypatch.setenv("LINNET_DATA_DIR", str(tmp_path))
    (x_train, y_train), (x_test, _) = fashion_mnist.load_data()
    np.testing.assert_array_equal(x_train, arrays["train-images-idx3-ubyte.gz"])
    assert len(y_train) == 5
    assert len(x_test) == 3


def test_names() -> None:
    assert len(fashion_mnist.CLASSES) == 10
    assert set(fashion_mnist.SOURCE.md5) == {
        f"{part}-{kind}-ubyte.gz" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")
    }
