"""Folders of images as data sets."""

import numpy as np
import pytest

import linnet
from linnet.utils import image_dataset_from_directory, save_img


@pytest.fixture
def folder(tmp_path):
    """Ten files of two classes; every pixel of file i of class c is 10 i + 100 c."""
    for c, name in enumerate(("cat", "dog")):
        (tmp_path / name).mkdir()
        for i in range(5):
            save_img(tmp_path / name / f"{i}.png", np.full((4 + i, 6, 3), 10 * i + 100 * c), scale=False)
    (tmp_path / "dog" / "notes.txt").write_text("no image")
    return tmp_path


def found(data):
    """{value of the image: label} over all batches, which must have the promised shape."""
    pairs = {}
    for images, labels in data:
        assert images.shape[1:] == (8, 8, 3)
        assert images.dtype == np.float32
        for image, label in zip(images, labels, strict=True):
            assert image.min() == image.max()
            pairs[int(image[0, 0, 0])] = label
    return pairs


def dataset(folder, **kwargs):
    return image_dataset_from_directory(folder, image_size=(8, 8), batch_size=4, verbose=False, **kwargs)


EXPECTED = {10 * i + 100 * c: c for c in range(2) for i in range(5)}


def test_everything_once(folder, capsys):
    data = image_dataset_from_directory(folder, image_size=(8, 8), batch_size=4)
    assert "Found 10 files belonging to 2 classes." in capsys.readouterr().out
    assert len(data) == 3
    assert data.class_names == ["cat", "dog"]
    assert len(data.file_paths) == 10
    assert found(data) == EXPECTED
    assert data[0][1].dtype == np.int32
    assert [len(labels) for _, labels in data] == [4, 4, 2]
    with pytest.raises(IndexError, match="batch 3"):
        data[3]


def test_order(folder):
    plain = dataset(folder, shuffle=False)
    assert [int(value) for images, _ in plain for value in images[:, 0, 0, 0]] == list(EXPECTED)
    first, second = dataset(folder, seed=3), dataset(folder, seed=3)
    np.testing.assert_array_equal(first[0][0], second[0][0])
    before = first[0][1], first[1][1], first[2][1]
    for data in (first, second):
        data.on_epoch_end()
    np.testing.assert_array_equal(first[0][0], second[0][0])
    assert not np.array_equal(np.concatenate(before), np.concatenate([labels for _, labels in first]))
    assert found(first) == EXPECTED


def test_labels(folder):
    binary = dataset(folder, label_mode="binary")[0][1]
    assert binary.shape == (4, 1)
    assert binary.dtype == np.float32
    categorical = dataset(folder, label_mode="categorical", class_names=["dog", "cat"], shuffle=False)[0][1]
    np.testing.assert_array_equal(categorical, [[1, 0]] * 4)
    assert dataset(folder, label_mode=None)[0].shape == (4, 8, 8, 3)
    assert dataset(folder, labels=None)[0].shape == (4, 8, 8, 3)
    given = dataset(folder, labels=list(range(10)), shuffle=False)
    np.testing.assert_array_equal(given[2][1], [8, 9])
    gray = image_dataset_from_directory(folder, color_mode="grayscale", verbose=False)
    assert gray[0][0].shape == (10, 256, 256, 1)


def test_split(folder):
    arguments = {"validation_split": 0.3, "seed": 5}
    training, validation = dataset(folder, subset="both", **arguments)
    assert len(training.file_paths) == 7
    assert {**found(training), **found(validation)} == EXPECTED
    for subset, other in (("training", training), ("validation", validation)):
        assert dataset(folder, subset=subset, **arguments).file_paths == other.file_paths


def test_resizing(folder):
    kept = image_dataset_from_directory(
        folder, image_size=(8, 8), pad_to_aspect_ratio=True, shuffle=False, verbose=False
    )
    assert kept[0][0][5, 0].max() == 0  # the padding of a wide image
    assert kept[0][0][5, 4, 4].min() == 100


def test_trains(folder):
    model = linnet.Sequential(
        [linnet.Input((8, 8, 3)), linnet.layers.Rescaling(1 / 255), linnet.layers.Flatten(), linnet.layers.Dense(2)]
    )
    model.compile("adam", linnet.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    training, validation = dataset(folder, subset="both", validation_split=0.3, seed=1)
    history = model.fit(training, validation_data=validation, epochs=2, verbose=0).history
    assert len(history["val_loss"]) == 2


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"label_mode": "text"}, 'unknown label_mode "text"'),
        ({"color_mode": "grey"}, 'unknown color_mode "grey"'),
        ({"batch_size": 0}, "batch_size must be"),
        ({"validation_split": 0.2}, "must be given together"),
        ({"validation_split": 2.0, "subset": "both"}, "between 0 and 1"),
        ({"validation_split": 0.2, "subset": "test"}, 'unknown subset "test"'),
        ({"validation_split": 0.2, "subset": "training"}, "needs a seed"),
        ({"validation_split": 0.01, "subset": "both"}, "leaves none for validation"),
        ({"labels": [1, 2]}, "got 2 labels for 10 files"),
        ({"labels": "guessed"}, "labels must be"),
        ({"labels": None, "class_names": ["cat"]}, "class_names can only be given"),
        ({"class_names": ["cat", "cow"]}, r"has no folders \['cow'\]"),
        ({"class_names": ["cat"], "label_mode": "binary"}, "exactly two classes"),
    ],
)
def test_wrong_arguments(folder, kwargs, message):
    with pytest.raises(ValueError, match=message):
        image_dataset_from_directory(folder, verbose=False, **kwargs)


def test_wrong_files(folder, tmp_path):
    with pytest.raises(ValueError, match="is not a folder"):
        image_dataset_from_directory(folder / "nowhere")
    (folder / "empty" / "inner").mkdir(parents=True)
    with pytest.raises(ValueError, match="holds no images"):
        image_dataset_from_directory(folder / "empty")
    (folder / "cat" / "broken.png").write_bytes(b"not an image")
    with pytest.raises(ValueError, match=r"broken.png is not an image that Pillow can read"):
        list(dataset(folder))
