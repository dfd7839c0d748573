"""Small IDX files, and the folder with the real MNIST where there is one."""

import gzip
import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

Writer = Callable[..., Path]


def idx_bytes(array: np.ndarray) -> bytes:
    return struct.pack(f">I{array.ndim}I", 0x0800 | array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


@pytest.fixture
def write_idx(tmp_path: Path) -> Writer:
    """write_idx(array, name): a gzipped IDX file in tmp_path."""

    def write(array: np.ndarray, name: str = "file.gz") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(idx_bytes(array)))
        return path

    return write


@pytest.fixture
def write_set(write_idx: Writer) -> Callable[[str], dict[str, np.ndarray]]:
    """write_set(folder): the four files of a tiny data set, 5 training and 3 test images of 4x6."""

    def write(folder: str) -> dict[str, np.ndarray]:
        random = np.random.default_rng(0)
        arrays = {
            "train-images-idx3-ubyte.gz": random.integers(0, 256, (5, 4, 6)),
            "train-labels-idx1-ubyte.gz": random.integers(0, 10, 5),
            "t10k-images-idx3-ubyte.gz": random.integers(0, 256, (3, 4, 6)),
            "t10k-labels-idx1-ubyte.gz": random.integers(0, 10, 3),
        }
        for name, array in arrays.items():
            write_idx(array, f"{folder}/{name}")
        return arrays

    return write


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of downloaded data sets: LINNET_DATA_DIR, or shared/data beside the checkout."""
    own = os.environ.get("LINNET_DATA_DIR")
    folder = Path(own) if own else Path(__file__).parents[3] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no downloaded data sets (set LINNET_DATA_DIR)")
    return folder
