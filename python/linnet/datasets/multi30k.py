"""Multi30k: 31,014 short descriptions of photographs in English and German, for translation.

D. Elliott et al.: Multi30K: multilingual English-German image descriptions, 2016, arXiv:1605.00459 (task 1, Flickr test
set of 2016). The captions derive from Flickr30k: for research. 1.3 MB, downloaded once (source.py says from where else
it is read).
"""

import os

from linnet.datasets.source import Source, locate, read_text

Pairs = tuple[list[str], list[str]]  # sentences of the source language, and of the target language

LANGUAGES = ("en", "de")
SPLITS = ("train", "val", "test_2016_flickr")
SOURCE = Source(
    name="multi30k",
    title="Multi30k",
    mirrors=("https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw/",),
    files=tuple(f"{split}.{language}.gz" for split in SPLITS for language in LANGUAGES),
    sha256={
        "train.en.gz": "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f",
        "train.de.gz": "726e39b2fa9eb9ffb6dc763fb35a179f80fae06ffc5d28b6ace5faa883de28a6",
        "val.en.gz": "14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28",
        "val.de.gz": "f0cba2f995189cf5770f29a8a9a537a3ad3f51657ad873405082ff6863a5e75a",
        "test_2016_flickr.en.gz": "611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9",
        "test_2016_flickr.de.gz": "9204244e408ccb38d2a55cfcd344df15005fc42a07a6e55ca6c52b6ababb8cc8",
    },
)


def load_data(
    source: str = "en", target: str = "de", data_dir: str | os.PathLike[str] | None = None
) -> tuple[Pairs, Pairs, Pairs]:
    """(training, validation, test), each (sources, targets): 29,000, 1,014 and 1,000 sentences line by line.

    source, target: "en" or "de".
    data_dir: a folder with the original files in DIR/multi30k or DIR. Left out: LINNET_DATA_DIR, else the cache, else a
        download.

    Raises ValueError for another language, and where the two files of a pair have not the same number of lines.
    """
    for language in (source, target):
        if language not in LANGUAGES:
            raise ValueError(f"multi30k: expected a language among {', '.join(LANGUAGES)}, got {language!r}")
    paths = locate(SOURCE, data_dir, [f"{split}.{one}.gz" for split in SPLITS for one in (source, target)])

    def pairs(split: str) -> Pairs:
        files = [paths[f"{split}.{language}.gz"] for language in (source, target)]
        sources, targets = ([line.strip() for line in read_text(file).rstrip("\n").split("\n")] for file in files)
        if len(sources) != len(targets):
            raise ValueError(f"Multi30k: {len(sources):,} lines in {files[0]}, {len(targets):,} in {files[1]}")
        return sources, targets

    return pairs(SPLITS[0]), pairs(SPLITS[1]), pairs(SPLITS[2])
