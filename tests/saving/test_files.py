"""Files are whole or not there, and bad ones get a clear error."""

import os
import stat
from pathlib import Path

import numpy as np
import pytest

from linnet.saving import files


def test_round_trip_of_types_and_layouts(tmp_path):
    path = tmp_path / "a"
    tensors = {
        "scalar": np.float32(3.0).reshape(()),
        "int": np.arange(5, dtype=np.int32),
        "transposed": np.arange(6, dtype=np.float32).reshape(2, 3).T,
        "empty": np.zeros((0, 3), np.float32),
    }
    files.write(path, tensors, {"key": "välue"})
    found, metadata = files.read(path)
    assert metadata == {"key": "välue"}
    assert set(found) == set(tensors)
    for name, value in tensors.items():
        np.testing.assert_array_equal(found[name], value)
        assert found[name].shape == value.shape
    assert set(files.read(path, lambda name: name == "int")[0]) == {"int"}
    from safetensors.numpy import load_file

    np.testing.assert_array_equal(load_file(path)["transposed"], tensors["transposed"])


def test_an_interrupted_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "a"
    files.write(path, {"x": np.ones(3, np.float32)}, {})
    before = path.read_bytes()

    def interrupted():
        with files.replacing(path) as temporary:
            Path(temporary).write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["a"]


def test_file_mode_is_the_usual_one(tmp_path):
    path = tmp_path / "a"
    files.write(path, {}, {})
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask
    path.chmod(0o600)
    files.write(path, {}, {})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_missing_folder_and_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"the folder .* does not exist"):
        files.write(tmp_path / "no" / "a", {}, {})
    with pytest.raises(FileNotFoundError, match="no such file"):
        files.read(tmp_path / "a")
    with pytest.raises(IsADirectoryError):
        files.read(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"abc", "the file is truncated"),
        (b"PK\x03\x04" + bytes(100), "zip archive"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5"),
        (b"\x80\x04\x95" + bytes(50), "a pickle"),
        (b"\x93NUMPY" + bytes(50), "NumPy array"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (bytes(range(200, 256)) * 5, "not in the safetensors format"),
        ((20).to_bytes(8, "little") + b"{" + bytes(200), "damaged or truncated"),
        ((2**60).to_bytes(8, "little") + b"{}" + bytes(200), "truncated"),
        ((2).to_bytes(8, "little") + b"[]" + bytes(8), "not a linnet file"),
    ],
)
def test_bad_files(tmp_path, content, message):
    path = tmp_path / "a"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        files.read(path)


def test_every_truncation_is_an_error(tmp_path):
    path = tmp_path / "a"
    files.write(path, {"x": np.ones(30, np.float32), "y": np.ones(2, np.int32)}, {"k": "v"})
    content = path.read_bytes()
    for size in range(len(content)):
        path.write_bytes(content[:size])
        with pytest.raises(ValueError, match=r"empty|truncated"):
            files.read(path)
    path.write_bytes(content + b"x")
    with pytest.raises(ValueError):
        files.read(path)
