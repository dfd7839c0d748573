import gzip
from pathlib import Path

import numpy as np
import pytest

from linnet.datasets.idx import read_idx


@pytest.mark.parametrize("shape", [(7,), (3, 5, 2), (0,), (0, 28, 28)])
def test_reads_what_was_written(write_idx, shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)
    read = read_idx(write_idx(array), rank=len(shape))
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, array)
    assert read.flags.writeable


def damaged(path: Path, kind: str) -> Path:
    packed = path.read_bytes()
    data = gzip.decompress(packed)
    match kind:
        case "cut":
            packed = packed[: len(packed) // 2]
        case "foreign":
            packed = b"<html>not found</html>"
        case "flipped":
            packed = packed[:-6] + bytes([packed[-6] ^ 1]) + packed[-5:]  # in the checksum
        case "magic":
            packed = gzip.compress(b"\0\0\x0d\x03" + data[4:])
        case "header":
            packed = gzip.compress(data[:9])
        case "empty":
            packed = gzip.compress(b"")
        case "short":
            packed = gzip.compress(data[:-1])
        case "long":
            packed = gzip.compress(data + b"x")
    path.write_bytes(packed)
    return path


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("cut", r"cut off \(\d+ bytes\)"),
        ("foreign", "not a sound gzip file"),
        ("flipped", "not a sound gzip file"),
        ("magic", "magic number is 0x00000d03, expected 0x00000803"),
        ("header", "header is cut off: 9 bytes, expected 16"),
        ("empty", "only 0 bytes, expected 0x00000803"),
        ("short", r"59 bytes of data, the header announces \(3, 4, 5\), 60 bytes"),
        ("long", r"61 bytes of data, the header announces \(3, 4, 5\), 60 bytes"),
    ],
)
def test_damaged_files_are_named(write_idx, kind: str, message: str) -> None:
    path = damaged(write_idx(np.arange(60).reshape(3, 4, 5)), kind)
    with pytest.raises(ValueError, match=message) as caught:
        read_idx(path, rank=3)
    assert str(path) in str(caught.value)


def test_labels_are_not_images(write_idx) -> None:
    with pytest.raises(ValueError, match="0x00000801, expected 0x00000803"):
        read_idx(write_idx(np.arange(9)), rank=3)
