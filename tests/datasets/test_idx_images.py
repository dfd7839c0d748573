import hashlib
from pathlib import Path

import numpy as np
import pytest

from linnet.datasets import source as source_module
from linnet.datasets.idx_images import FILES, load
from linnet.datasets.source import Source
from linnet.utils.download import DownloadError


def source(folder: Path, md5: dict[str, str] | None = None) -> Source:
    """A data set `tiny` whose mirrors are one that does not exist, and `folder`."""
    if md5 is None:
        md5 = {file.name: hashlib.md5(file.read_bytes()).hexdigest() for file in folder.glob("*.gz")}
    return Source("tiny", "Tiny", ((folder / "absent").as_uri() + "/", folder.as_uri() + "/"), FILES, md5=md5)


def check(loaded, arrays) -> None:
    (x_train, y_train), (x_test, y_test) = loaded
    for read, written in zip((x_train, y_train, x_test, y_test), arrays.values(), strict=True):
        np.testing.assert_array_equal(read, written)
        assert read.dtype == np.uint8


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LINNET_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("LINNET_DATA_DIR", raising=False)
    return tmp_path / "cache" / "datasets" / "tiny"


@pytest.mark.parametrize("place", ["mine/tiny", "mine"])
def test_data_dir(write_set, tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = write_set(place)
    check(load(source(tmp_path), tmp_path / "mine"), arrays)
    monkeypatch.setenv("LINNET_DATA_DIR", str(tmp_path / "mine"))
    check(load(source(tmp_path), None), arrays)


def test_an_explicit_data_dir_without_the_files_is_an_error(write_set, tmp_path: Path) -> None:
    write_set("mirror")
    (tmp_path / "mirror" / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(FileNotFoundError, match="Tiny: data_dir has not all of train-images"):
        load(source(tmp_path / "mirror"), tmp_path / "mirror")


def test_downloads_where_the_variable_points_elsewhere(
    write_set, tmp_path: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = write_set("mirror")
    monkeypatch.setenv("LINNET_DATA_DIR", str(tmp_path / "other"))
    tiny = source(tmp_path / "mirror")
    check(load(tiny, None), arrays)
    assert {file.name for file in empty_cache.iterdir()} == set(arrays)
    # The second time, nothing is fetched.
    monkeypatch.setattr(source_module, "get_file", _only_cached(source_module.get_file, tmp_path))
    check(load(tiny, None), arrays)


def _only_cached(get_file, tmp_path: Path):
    """get_file with addresses that do not exist."""

    def cached(name, origin, **options):
        return get_file(name, (tmp_path / "gone" / name).as_uri(), **options)

    return cached


def test_a_wrong_checksum_is_refused(write_set, tmp_path: Path, empty_cache: Path) -> None:
    arrays = write_set("mirror")
    with pytest.raises(DownloadError, match="wrong checksum") as caught:
        load(source(tmp_path / "mirror", dict.fromkeys(arrays, "0" * 32)), None)
    assert "LINNET_DATA_DIR=DIR" in str(caught.value)
    assert list(empty_cache.iterdir()) == []


def test_lengths_and_labels(write_set, write_idx, tmp_path: Path) -> None:
    write_set("mine")
    write_idx(np.zeros(4), "mine/train-labels-idx1-ubyte.gz")
    with pytest.raises(ValueError, match=r"Tiny: 5 images in .*, 4 labels in "):
        load(source(tmp_path), tmp_path / "mine")
    write_idx(np.array([0, 9, 1, 10, 11]), "mine/train-labels-idx1-ubyte.gz")
    with pytest.raises(ValueError, match="label 10 in row 3, expected 0 to 9"):
        load(source(tmp_path), tmp_path / "mine")
