"""WikiText-2: good Wikipedia articles, split into words, for word-level language models.

S. Merity et al.: Pointer sentinel mixture models, 2016, arXiv:1609.07843; the text is Wikipedia's, CC BY-SA. Rare words
are already "<unk>". 13 MB, downloaded once (source.py says from where else it is read). The checksum of the training
file is not known here and not compared.
"""

import os
from collections.abc import Sequence

from linnet.datasets.source import Source, locate, read_text

SPLITS = ("train", "valid", "test")
END = "<eos>"
SOURCE = Source(
    name="wikitext2",
    title="WikiText-2",
    mirrors=("https://raw.githubusercontent.com/pytorch/examples/main/word_language_model/data/wikitext-2/",),
    files=tuple(f"{split}.txt" for split in SPLITS),
    sha256={
        "valid.txt": "f0737ed31fc1329026e95cb8b98e19c2a182c39c240ab909dc31abf2f8af58e8",
        "test.txt": "d790b833ef8cf03a90db7bf1271b7520b83c45ce07ba3c1a9699df81e239eca0",
    },
)


def load_data(data_dir: str | os.PathLike[str] | None = None, splits: Sequence[str] = SPLITS) -> tuple[list[str], ...]:
    """The words of each of `splits`, with "<eos>" at the end of every line. All three have 2.5 million.

    data_dir: a folder with the original files in DIR/wikitext2 or DIR. Left out: LINNET_DATA_DIR, else the cache,
        else a download.
    splits: which files, among "train", "valid" and "test"; only these are looked for.

    Raises ValueError for another split.
    """
    for split in splits:
        if split not in SPLITS:
            raise ValueError(f"wikitext2: expected splits among {', '.join(SPLITS)}, got {split!r}")
    paths = locate(SOURCE, data_dir, [f"{split}.txt" for split in splits])
    return tuple(_words(read_text(paths[f"{split}.txt"])) for split in splits)


def _words(text: str) -> list[str]:
    words = []
    for line in text.split("\n")[:-1]:
        words += line.split()
        words.append(END)
    return words
