"""Reads a data set that has MNIST's four files: what `mnist` and `fashion_mnist` share (source.py finds the files)."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from linnet.datasets.idx import read_idx
from linnet.datasets.source import Source, locate

Split = tuple[np.ndarray, np.ndarray]  # images (n, h, w) uint8, labels (n,) uint8

TRAIN = ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz")
TEST = ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz")
FILES = (*TRAIN, *TEST)


def load(source: Source, data_dir: str | os.PathLike[str] | None) -> tuple[Split, Split]:
    """((x_train, y_train), (x_test, y_test)) from the first place that has the files."""
    paths = locate(source, data_dir)
    return _read(source, paths, TRAIN), _read(source, paths, TEST)


def _read(source: Source, paths: Mapping[str, Path], files: tuple[str, str]) -> Split:
    images, labels = files
    x = read_idx(paths[images], rank=3)
    y = read_idx(paths[labels], rank=1)
    if len(x) != len(y):
        raise ValueError(f"{source.title}: {len(x):,} images in {paths[images]}, {len(y):,} labels in {paths[labels]}")
    if len(y) and y.max() > 9:
        row = int(np.argmax(y > 9))
        raise ValueError(f"{paths[labels]}: label {y[row]} in row {row}, expected 0 to 9")
    return x, y
