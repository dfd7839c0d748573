"""Small public data sets, as NumPy arrays: `linnet.datasets.mnist.load_data()`.

Each module holds one data set and a `load_data` that returns ((x_train, y_train), (x_test, y_test)), like Keras's.
`digits` comes with the package; the others are downloaded once, or read from `data_dir` or LINNET_DATA_DIR.
"""

from linnet.datasets import digits, fashion_mnist, mnist

__all__ = ["digits", "fashion_mnist", "mnist"]
