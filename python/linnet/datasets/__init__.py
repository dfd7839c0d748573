"""Small public data sets: `linnet.datasets.mnist.load_data()`.

Each module holds one data set and a `load_data`, whose docstring says what it returns; those that Keras has return
Keras's ((x_train, y_train), (x_test, y_test)). `digits` comes with the package; the others are downloaded once, or read
from `data_dir` or LINNET_DATA_DIR (source.py).
"""

from linnet.datasets import (
    digits,
    fashion_mnist,
    mnist,
    multi30k,
    sst2,
    timeseries,
    tiny_shakespeare,
    ud_english,
    wikitext2,
)

__all__ = [
    "digits",
    "fashion_mnist",
    "mnist",
    "multi30k",
    "sst2",
    "timeseries",
    "tiny_shakespeare",
    "ud_english",
    "wikitext2",
]
