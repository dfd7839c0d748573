"""Makes python/linnet/datasets/digits.npz: the optical digits that come with linnet.

    python tools/make_digits.py            # needs scikit-learn, whose copy of the data is read

The data are the 1,797 images of the test half of the UCI set "Optical Recognition of Handwritten Digits" (13 writers).
An image is 8x8; a pixel counts the inked pixels, 0 to 16, in a 4x4 block of a 32x32 bitmap. Two things are decided here
and then fixed for ever by committing the file:

- pixels are spread to 0..255 (round(255 * v / 16), which loses nothing), so that dividing by 255 is right for every
  image data set of linnet;
- the split and the order: 50 images of each class, drawn with a fixed seed, are the test set (500), the others train
  (1,297). Both are shuffled, since the original file goes from writer to writer and `validation_split` takes the last
  rows. So every writer is in both halves, as in most published uses of this copy: new writers would be harder.
"""

import argparse
from pathlib import Path

import numpy as np

TEST_IMAGES_PER_CLASS = 50
DEFAULT = Path(__file__).parents[1] / "python" / "linnet" / "datasets" / "digits.npz"


def make() -> dict[str, np.ndarray]:
    from sklearn.datasets import load_digits

    source = load_digits()
    x = np.round(source.images * (255 / 16)).astype(np.uint8)  # (1797, 8, 8)
    y = source.target.astype(np.uint8)  # (1797,)
    # RandomState, not default_rng: NumPy promises that its stream never changes.
    random = np.random.RandomState(0)
    test = np.zeros(len(y), bool)
    for digit in range(10):
        test[random.permutation(np.flatnonzero(y == digit))[:TEST_IMAGES_PER_CLASS]] = True
    train_rows = random.permutation(np.flatnonzero(~test))
    test_rows = random.permutation(np.flatnonzero(test))
    return {"x_train": x[train_rows], "y_train": y[train_rows], "x_test": x[test_rows], "y_test": y[test_rows]}


def main() -> None:
    parser = argparse.ArgumentParser(description="Makes the optical digits that come with linnet.")
    parser.add_argument("path", nargs="?", type=Path, default=DEFAULT, help="default: %(default)s")
    path = parser.parse_args().path
    np.savez_compressed(path, **make())
    print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
