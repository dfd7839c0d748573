import hashlib
from pathlib import Path

import numpy as np
import pytest

from linnet.datasets import mnist


def test_reads_from_data_dir(write_set, tmp_path: Path) -> None:
    arrays = write_set("mnist")
    (x_train, _), (x_test, y_test) = mnist.load_data(data_dir=tmp_path)
    assert x_train.shape == (5, 4, 6)
    assert x_test.shape == (3, 4, 6)
    np.testing.assert_array_equal(y_test, arrays["t10k-labels-idx1-ubyte.gz"])


def test_reads_an_npz_of_keras(tmp_path: Path) -> None:
    arrays = {"x_train": np.ones((4, 2, 2)), "y_train": np.arange(4), "x_test": np.ones((1, 2, 2)), "y_test": [3]}
    np.savez(tmp_path / "mnist.npz", **arrays)
    (_, y_train), (_, y_test) = mnist.load_data(path=tmp_path / "mnist.npz")
    assert y_train.tolist() == [0, 1, 2, 3]
    assert y_test.tolist() == [3]


def test_the_real_files(real_data: Path) -> None:
    if not (real_data / "mnist").is_dir():
        pytest.skip("no MNIST there")
    for algorithm, sums in (("md5", mnist.SOURCE.md5), ("sha256", mnist.SOURCE.sha256)):
        for name, digest in sums.items():
            assert hashlib.new(algorithm, (real_data / "mnist" / name).read_bytes()).hexdigest() == digest
    (x_train, y_train), (x_test, y_test) = mnist.load_data(data_dir=real_data)
    assert x_train.shape == (60000, 28, 28)
    assert x_test.shape == (10000, 28, 28)
    assert x_train.dtype == y_train.dtype == np.uint8
    assert np.bincount(y_train).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
