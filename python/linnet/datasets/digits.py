"""Optical digits: 1,797 real handwritten digits of 8x8 grey levels that come with linnet. No download.

The test half of the UCI data set "Optical Recognition of Handwritten Digits" (13 writers): E. Alpaydin and C. Kaynak,
1998, https://doi.org/10.24432/C50P49, licence CC BY 4.0. A pixel counts the ink in a 4x4 block of a 32x32 bitmap: 17
grey levels, here spread over 0 to 255. The split is fixed: 50 images of each class are the 500 test images, 1,297
train. tools/make_digits.py makes the file digits.npz and says how; digits.LICENSE.txt lies beside it.
"""

from pathlib import Path

import numpy as np

Split = tuple[np.ndarray, np.ndarray]  # images (n, size, size) uint8, labels (n,) uint8

FILE = Path(__file__).with_name("digits.npz")
CLASSES = tuple("0123456789")
NATIVE_SIZE = 8


def load_data(image_size: int = NATIVE_SIZE) -> tuple[Split, Split]:
    """((x_train, y_train), (x_test, y_test)): images uint8 (n, size, size) from 0 to 255, labels uint8 (n,) 0 to 9.

    image_size: 8, as they are; larger sizes are bilinear enlargements, such as 28, the size of MNIST's images.
    """
    if image_size < NATIVE_SIZE:
        raise ValueError(f"digits: image_size is at least {NATIVE_SIZE}, the size of the originals; got {image_size}")
    with np.load(FILE, allow_pickle=False) as arrays:
        x_train, y_train, x_test, y_test = (arrays[name] for name in ("x_train", "y_train", "x_test", "y_test"))
    return (_enlarge(x_train, image_size), y_train), (_enlarge(x_test, image_size), y_test)


def _enlarge(x: np.ndarray, size: int) -> np.ndarray:
    """Bilinear, pixel centres aligned, edges repeated. It is linear in rows and in columns: W x Wᵀ for each image."""
    if size == x.shape[-1]:
        return x
    weights = _bilinear(x.shape[-1], size)  # (size, 8)
    return np.rint(weights @ x.astype(np.float32) @ weights.T).astype(np.uint8)


def _bilinear(n: int, size: int) -> np.ndarray:
    """(size, n): row i holds the weights of the n original pixels in new pixel i."""
    position = np.clip((np.arange(size) + 0.5) * n / size - 0.5, 0, n - 1)
    # Linear interpolation is a sum of hats: the weight of pixel j falls from 1 at j to 0 at its neighbours.
    hats = np.maximum(0, 1 - np.abs(position[:, None] - np.arange(n)))
    return hats.astype(np.float32)
