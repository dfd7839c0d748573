"""Fashion-MNIST: MNIST's size and format, with ten kinds of clothing instead of digits; harder.

H. Xiao, K. Rasul, R. Vollgraf: Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms, 2017,
arXiv:1708.07747. MIT licence. 30.9 MB, downloaded once (source.py says from where else it is read).
"""

import os

from linnet.datasets.idx_images import FILES, Split, load
from linnet.datasets.source import Source

SOURCE = Source(
    name="fashion_mnist",
    title="Fashion-MNIST",
    mirrors=("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
    files=FILES,
    md5={
        "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
    },
)
CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


def load_data(data_dir: str | os.PathLike[str] | None = None) -> tuple[Split, Split]:
    """((x_train, y_train), (x_test, y_test)): images uint8 (n, 28, 28) from 0 to 255, labels uint8 (n,), see CLASSES.

    data_dir: a folder with the original files in DIR/fashion_mnist or DIR. Left out: LINNET_DATA_DIR, else the cache,
        else a download.
    """
    return load(SOURCE, data_dir)
