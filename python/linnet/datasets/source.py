"""Finds and fetches the files of a data set: what all modules here but `digits` share.

Where the files are looked for, in this order:
1. the argument `data_dir`, when given: then only there;
2. the folder that the environment variable LINNET_DATA_DIR names;
3. the cache (LINNET_CACHE, or ~/.cache/linnet), into which they are downloaded once, each with its checksum.
In 1 and 2 the files lie in DIR/<name>/ or in DIR itself, as they come from the mirror or compressed by gzip (with .gz
added to the name). They are the user's own, so their format is checked and their checksum is not.
"""

import gzip
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from linnet.utils.download import DownloadError, get_file


@dataclass(frozen=True)
class Source:
    name: str  # also the folder's name
    title: str
    mirrors: tuple[str, ...]  # addresses to which a file's name is added
    files: tuple[str, ...]
    sha256: Mapping[str, str] = field(default_factory=dict)  # file -> checksum; files without one are not checked
    md5: Mapping[str, str] = field(default_factory=dict)


def locate(
    source: Source, data_dir: str | os.PathLike[str] | None, files: Sequence[str] | None = None
) -> dict[str, Path]:
    """file -> where it lies, for `files`, or all of the source's, from the first place that has them all.

    Raises FileNotFoundError where `data_dir` is given and has not all of them, DownloadError where no mirror does.
    """
    files = source.files if files is None else files
    if data_dir is not None:
        found = _find(source.name, Path(data_dir).expanduser(), files)
        if found is None:
            places = f"{Path(data_dir) / source.name} nor in {data_dir}"
            raise FileNotFoundError(f"{source.title}: data_dir has not all of {', '.join(files)}: neither in {places}")
        return found
    if own := os.environ.get("LINNET_DATA_DIR"):
        found = _find(source.name, Path(own).expanduser(), files)
        if found is not None:
            return found
    return {file: _fetch(source, file, files) for file in files}


def read_text(path: Path) -> str:
    """A file of UTF-8, plain or compressed by gzip. Raises ValueError that names the file where it is neither."""
    try:
        content = path.read_bytes()
        return (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8")
    except (EOFError, gzip.BadGzipFile) as error:
        raise ValueError(f"{path}: a broken gzip file ({error})") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 text ({error})") from None


def _find(name: str, folder: Path, files: Sequence[str]) -> dict[str, Path] | None:
    for place in (folder / name, folder):
        found = {}
        for file in files:
            for path in (place / file, place / f"{file}.gz"):
                if path.is_file():
                    found[file] = path
                    break
        if len(found) == len(files):
            return found
    return None


def _fetch(source: Source, file: str, files: Sequence[str]) -> Path:
    try:
        return Path(
            get_file(
                file,
                [mirror + file for mirror in source.mirrors],
                md5_hash=source.md5.get(file),
                file_hash=source.sha256.get(file),
                cache_subdir=f"datasets/{source.name}",
            )
        )
    except DownloadError as error:
        raise DownloadError(
            f"{source.title}: {error}\nWithout a connection: put {', '.join(files)} into a folder "
            f"DIR/{source.name} and pass data_dir=DIR (--data-dir DIR) or set LINNET_DATA_DIR=DIR."
        ) from None
