"""MNIST: 60,000 training and 10,000 test images of handwritten digits, 28x28 grey levels.

Y. LeCun, C. Cortes, C. J. C. Burges: The MNIST database of handwritten digits, 1998. Usually given as CC BY-SA 3.0.
11.6 MB, downloaded once (source.py says from where else it is read).
"""

import os

from linnet.datasets.idx_images import FILES, Split, load
from linnet.datasets.source import Source

SOURCE = Source(
    name="mnist",
    title="MNIST",
    mirrors=(
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
    ),
    files=FILES,
    md5={
        "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
    },
    sha256={
        "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    },
)
CLASSES = tuple("0123456789")


def load_data(
    path: str | os.PathLike[str] | None = None, data_dir: str | os.PathLike[str] | None = None
) -> tuple[Split, Split]:
    """((x_train, y_train), (x_test, y_test)): images uint8 (n, 28, 28) from 0 to 255, labels uint8 (n,) from 0 to 9.

    path: an .npz file with Keras's arrays (x_train, y_train, x_test, y_test), where one is at hand.
    data_dir: a folder with the original files in DIR/mnist or DIR. Left out: LINNET_DATA_DIR, else the cache, else a
        download.
    """
    if path is not None:
        import numpy as np

        with np.load(path, allow_pickle=False) as arrays:
            return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])
    return load(SOURCE, data_dir)
