"""`image_dataset_from_directory`: a folder of folders of images as a data set for `fit`.

    animals/cat/001.jpg, animals/cat/002.png, ..., animals/dog/..., ...

Nothing is read before a batch is asked for: `ImageFolder` is a PyDataset that holds the paths, and reads, converts and
resizes the images of one batch at a time. Which images go together is drawn anew for every epoch, from the seed and the
epoch alone. Start reading at `image_dataset_from_directory`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from linnet.backend.lookup import unknown_name
from linnet.backend.seed import draw_seed
from linnet.layers.arguments import channels_last, positive
from linnet.utils.images import MODES, img_to_array, load_img
from linnet.utils.numerical import to_categorical
from linnet.utils.py_dataset import PyDataset

FORMATS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
LABEL_MODES = ("int", "binary", "categorical", None)


class ImageFolder(PyDataset):
    """Batches (images, labels), or of images alone. images: float32 (n, height, width, channels) from 0 to 255.

    class_names, file_paths: the names behind the labels, and the files in their first order.
    """

    def __init__(
        self,
        paths: Sequence[str],
        labels: np.ndarray | None,
        class_names: Sequence[str] | None,
        batch_size: int,
        shuffle_seed: int | None,
        color_mode: str,
        resizing: dict[str, Any],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.file_paths = list(paths)
        self.labels = labels
        self.class_names = None if class_names is None else list(class_names)
        self.batch_size = batch_size
        self._seed = shuffle_seed
        self._color_mode = color_mode
        self._resizing = resizing
        self._epoch = -1
        self.on_epoch_end()

    def __len__(self) -> int:
        return math.ceil(len(self.file_paths) / self.batch_size)

    def __getitem__(self, index: int) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(f"batch {index} of a data set of {len(self)} batches")
        rows = self._order[index * self.batch_size : (index + 1) * self.batch_size]
        images = np.stack([self._read(self.file_paths[row]) for row in rows])
        return images if self.labels is None else (images, self.labels[rows])

    def on_epoch_end(self) -> None:
        self._epoch += 1
        count = len(self.file_paths)
        if self._seed is None:
            self._order = np.arange(count)
        else:
            self._order = np.random.default_rng([self._seed, self._epoch]).permutation(count)

    def _read(self, path: str) -> np.ndarray:
        from linnet.ops.image import resize

        try:
            image = load_img(path, self._color_mode)
        except OSError as error:
            raise ValueError(f"{path} is not an image that Pillow can read: {error}") from error
        return resize(img_to_array(image), **self._resizing)


def image_dataset_from_directory(
    directory: str | os.PathLike[str],
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    color_mode: str = "rgb",
    batch_size: int = 32,
    image_size: tuple[int, int] = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: str | None = None,
    verbose: bool = True,
) -> Any:
    """The images of a folder as a PyDataset; two of them, (training, validation), with subset="both".

    labels: "inferred" from the names of the folders in it, None, or a class number for each file in the order of their
    paths. label_mode: "int" (n,), "binary" (n, 1) float32, "categorical" (n, classes), or None for images alone.
    class_names: the folders to read, in the order of their numbers (alphabetical if not given). color_mode: "rgb",
    "rgba" or "grayscale". validation_split: the share of the files (after shuffling by `seed`) that subset="validation"
    has, and "training" has not. interpolation, crop_to_aspect_ratio, pad_to_aspect_ratio: see `ops.image.resize`.
    """
    channels_last(data_format)
    if label_mode not in LABEL_MODES:
        raise unknown_name("label_mode", label_mode, [str(mode) for mode in LABEL_MODES])
    if color_mode not in MODES:
        raise unknown_name("color_mode", color_mode, MODES)
    positive("batch_size", batch_size)
    _check_split(validation_split, subset, shuffle, seed)
    paths, numbers, names = _index(os.fspath(directory), labels, class_names, follow_links)
    if label_mode == "binary" and len(names) != 2:
        raise ValueError(f'label_mode="binary" needs exactly two classes, found {len(names)}: {names}')
    if verbose:
        print(f"Found {len(paths)} files" + (f" belonging to {len(names)} classes." if names else "."))
    order = np.arange(len(paths))
    if shuffle:
        seed = draw_seed() if seed is None else seed
        order = np.random.default_rng(seed).permutation(len(paths))
    found = None if numbers is None or label_mode is None else _encoded(numbers, label_mode, len(names))
    resizing = {
        "size": tuple(image_size),
        "interpolation": interpolation,
        "crop_to_aspect_ratio": crop_to_aspect_ratio,
        "pad_to_aspect_ratio": pad_to_aspect_ratio,
    }

    def data_set(rows: np.ndarray) -> ImageFolder:
        return ImageFolder(
            [paths[row] for row in rows],
            None if found is None else found[rows],
            names or None,
            batch_size,
            seed if shuffle else None,
            color_mode,
            resizing,
        )

    if validation_split is None:
        return data_set(order)
    kept = len(order) - int(validation_split * len(order))
    parts = {"training": order[:kept], "validation": order[kept:]}
    for name, rows in parts.items():
        if not len(rows) and subset in (name, "both"):
            raise ValueError(f"validation_split={validation_split} of {len(order)} files leaves none for {name}")
    if subset == "both":
        return data_set(parts["training"]), data_set(parts["validation"])
    return data_set(parts[str(subset)])


def _check_split(split: float | None, subset: str | None, shuffle: bool, seed: int | None) -> None:
    if (split is None) != (subset is None):
        raise ValueError("validation_split and subset must be given together")
    if split is None:
        return
    if not 0 < split < 1:
        raise ValueError(f"validation_split must lie between 0 and 1, got {split}")
    if subset not in ("training", "validation", "both"):
        raise unknown_name("subset", subset, ("training", "validation", "both"))
    if shuffle and seed is None and subset != "both":
        raise ValueError(
            "validation_split with shuffle=True needs a seed, or training and validation would share files: give "
            'seed=..., shuffle=False or subset="both"'
        )


def _index(
    directory: str, labels: Any, class_names: Sequence[str] | None, follow_links: bool
) -> tuple[list[str], np.ndarray | None, list[str]]:
    """(paths, class numbers or None, names of the classes)."""
    if not os.path.isdir(directory):
        raise ValueError(f"{directory} is not a folder")
    inferred = isinstance(labels, str)
    if inferred and labels != "inferred":
        raise ValueError(f'labels must be "inferred", None or a list of class numbers, not {labels!r}')
    if not inferred and class_names is not None:
        raise ValueError('class_names can only be given with labels="inferred"')
    numbers: np.ndarray | None
    if inferred:
        folders = sorted(entry.name for entry in os.scandir(directory) if entry.is_dir())
        names = folders if class_names is None else list(class_names)
        missing = sorted(set(names) - set(folders))
        if missing:
            raise ValueError(f"{directory} has no folders {missing}; it has {folders}")
        found = [
            (path, i) for i, name in enumerate(names) for path in _files(os.path.join(directory, name), follow_links)
        ]
        paths, numbers = [path for path, _ in found], np.array([i for _, i in found], np.int32)
    else:
        paths, names = _files(directory, follow_links), []
        numbers = None if labels is None else np.asarray(labels)
        if numbers is not None:
            if numbers.shape != (len(paths),):
                raise ValueError(f"got {numbers.size} labels for {len(paths)} files in {directory}")
            if numbers.dtype.kind not in "iu" or (numbers.size and numbers.min() < 0):
                raise ValueError("labels must be class numbers from 0 on")
            names = [str(i) for i in range(int(numbers.max()) + 1)] if numbers.size else []
            numbers = numbers.astype(np.int32)
    if not paths:
        raise ValueError(f"{directory} holds no images; known endings: {', '.join(FORMATS)}")
    return paths, numbers, names


def _files(folder: str, follow_links: bool) -> list[str]:
    walked = sorted(os.walk(folder, followlinks=follow_links), key=lambda entry: entry[0])
    return [
        os.path.join(root, name)
        for root, _, files in walked
        for name in sorted(files)
        if name.lower().endswith(FORMATS)
    ]


def _encoded(numbers: np.ndarray, label_mode: str, classes: int) -> np.ndarray:
    if label_mode == "binary":
        return numbers.astype(np.float32)[:, None]
    return to_categorical(numbers, classes).astype(np.float32) if label_mode == "categorical" else numbers
