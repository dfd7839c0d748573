"""Finds, fetches and reads a data set that has MNIST's four files: what `mnist` and `fashion_mnist` share.

Where the files are looked for, in this order:
1. the argument `data_dir`, when given: then only there;
2. the folder that the environment variable LINNET_DATA_DIR names;
3. the cache (LINNET_CACHE, or ~/.cache/linnet), into which they are downloaded once, each with its checksum.
In 1 and 2 the files lie in DIR/<name>/ or in DIR itself. They are the user's own, so their format is checked and their
checksum is not.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from linnet.datasets.idx import read_idx
from linnet.utils.download import DownloadError, get_file

Split = tuple[np.ndarray, np.ndarray]  # images (n, h, w) uint8, labels (n,) uint8

TRAIN = ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz")
TEST = ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz")


@dataclass(frozen=True)
class IdxSource:
    name: str  # also the folder's name
    title: str
    mirrors: tuple[str, ...]  # addresses to which a file's name is added
    md5: Mapping[str, str]  # file -> checksum
    sha256: Mapping[str, str]  # may be empty


def load(source: IdxSource, data_dir: str | os.PathLike[str] | None) -> tuple[Split, Split]:
    """((x_train, y_train), (x_test, y_test)) from the first place that has the files."""
    paths = _paths(source, data_dir)
    return _read(source, paths, TRAIN), _read(source, paths, TEST)


def _paths(source: IdxSource, data_dir: str | os.PathLike[str] | None) -> dict[str, Path]:
    files = (*TRAIN, *TEST)
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
    return {file: _fetch(source, file) for file in files}


def _find(name: str, folder: Path, files: tuple[str, ...]) -> dict[str, Path] | None:
    for place in (folder / name, folder):
        if all((place / file).is_file() for file in files):
            return {file: place / file for file in files}
    return None


def _fetch(source: IdxSource, file: str) -> Path:
    try:
        return Path(
            get_file(
                file,
                [mirror + file for mirror in source.mirrors],
                md5_hash=source.md5[file],
                file_hash=source.sha256.get(file),
                cache_subdir=f"datasets/{source.name}",
            )
        )
    except DownloadError as error:
        raise DownloadError(
            f"{source.title}: {error}\nWithout a connection: put {', '.join((*TRAIN, *TEST))} into a folder "
            f"DIR/{source.name} and pass data_dir=DIR (--data-dir DIR) or set LINNET_DATA_DIR=DIR."
        ) from None


def _read(source: IdxSource, paths: Mapping[str, Path], files: tuple[str, str]) -> Split:
    images, labels = files
    x = read_idx(paths[images], rank=3)
    y = read_idx(paths[labels], rank=1)
    if len(x) != len(y):
        raise ValueError(f"{source.title}: {len(x):,} images in {paths[images]}, {len(y):,} labels in {paths[labels]}")
    if len(y) and y.max() > 9:
        row = int(np.argmax(y > 9))
        raise ValueError(f"{paths[labels]}: label {y[row]} in row {row}, expected 0 to 9")
    return x, y
