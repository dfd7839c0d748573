import gzip
from pathlib import Path

import pytest

from linnet.datasets.source import Source, locate, read_text
from linnet.utils.download import DownloadError


def source(mirror: Path, **options) -> Source:
    return Source("small", "Small", (mirror.as_uri() + "/",), ("a.txt", "b.txt"), **options)


@pytest.fixture(autouse=True)
def no_other_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINNET_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("LINNET_DATA_DIR", raising=False)


def test_plain_and_compressed_files(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "small"
    folder.mkdir(parents=True)
    (folder / "a.txt").write_text("ä\n", encoding="utf-8")
    (folder / "b.txt.gz").write_bytes(gzip.compress("ö\n".encode()))
    for data_dir in (tmp_path / "data", folder):
        found = locate(source(tmp_path), data_dir)
        assert {name: read_text(path) for name, path in found.items()} == {"a.txt": "ä\n", "b.txt": "ö\n"}
    (folder / "b.txt.gz").unlink()
    assert locate(source(tmp_path), folder, ["a.txt"]) == {"a.txt": folder / "a.txt"}
    with pytest.raises(FileNotFoundError, match=r"Small: data_dir has not all of a.txt, b.txt"):
        locate(source(tmp_path), folder)


def test_broken_files(tmp_path: Path) -> None:
    whole = gzip.compress(b"text" * 100)
    for name, content, what in (
        ("cut.gz", whole[:-9], "a broken gzip file"),
        ("plain.gz", b"text", "a broken gzip file"),
        ("latin.txt", "ä".encode("latin-1"), "not UTF-8"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=f"{name}: {what}"):
            read_text(tmp_path / name)


def test_downloads_and_checks(tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "a.txt").write_text("a")
    (mirror / "b.txt").write_text("b")
    assert {path.read_text() for path in locate(source(mirror), None).values()} == {"a", "b"}
    (mirror / "a.txt").write_text("other")
    wrong = source(mirror, sha256={"a.txt": "0" * 64})
    with pytest.raises(DownloadError, match=r"(?s)Small: .*wrong checksum.*set LINNET_DATA_DIR=DIR"):
        locate(wrong, None)
