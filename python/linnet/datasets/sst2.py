"""SST-2: sentences of film reviews, negative or positive.

R. Socher et al.: Recursive deep models for semantic compositionality over a sentiment treebank, EMNLP 2013. These are
the whole sentences (GLUE's training file of the same name has 67,000 phrases): 6,920 / 872 / 1,821, lower-cased, words
between spaces. 0.9 MB, downloaded once (source.py says from where else it is read).
"""

import os
from pathlib import Path

import numpy as np

from linnet.datasets.source import Source, locate, read_text

Reviews = tuple[list[str], np.ndarray]  # sentences, labels (n,) uint8

CLASSES = ("negative", "positive")
SPLITS = ("train", "dev", "test")
SOURCE = Source(
    name="sst2",
    title="SST-2",
    mirrors=("https://raw.githubusercontent.com/clairett/pytorch-sentiment-classification/master/data/SST2/",),
    files=tuple(f"{split}.tsv" for split in SPLITS),
    sha256={
        "train.tsv": "ec192f833a64da08f475488a77b0d0b47db47acd0f458bd18433fc793b569920",
        "dev.tsv": "eddea6b39e601dd4e7a672b53cc40fdf6019fa80522f351206c24340ca5d9359",
        "test.tsv": "831169c7e2e429d6026e1bdbb542f33b636e3e596caad9602ebc953c205928b7",
    },
)


def load_data(data_dir: str | os.PathLike[str] | None = None) -> tuple[Reviews, Reviews, Reviews]:
    """(training, dev, test), each (sentences, labels): strings, and uint8 (n,) with 0 negative and 1 positive.

    data_dir: a folder with the original files in DIR/sst2 or DIR. Left out: LINNET_DATA_DIR, else the cache, else a
        download.

    Raises ValueError that names the file and line where one is not a sentence, a tab and a label.
    """
    paths = locate(SOURCE, data_dir)
    train, dev, test = (_reviews(paths[file]) for file in SOURCE.files)
    return train, dev, test


def _reviews(path: Path) -> Reviews:
    sentences, labels = [], []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        sentence, tab, label = line.rpartition("\t")
        if not tab or label not in ("0", "1"):
            raise ValueError(f"{path}, line {number}: expected a sentence, a tab and 0 or 1, got {line[:80]!r}")
        sentences.append(sentence)
        labels.append(int(label))
    return sentences, np.array(labels, np.uint8)
