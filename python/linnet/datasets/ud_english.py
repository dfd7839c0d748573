"""UD English-EWT: 16,622 sentences of blogs, news, e-mails, reviews and questions with the part of speech of each word.

N. Silveira et al.: A gold standard dependency corpus for English, LREC 2014; Universal Dependencies 2.16, CC BY-SA 4.0.
17 MB, downloaded once (source.py says from where else it is read). Format: CoNLL-U, a word a line in ten columns, an
empty line after each sentence (https://universaldependencies.org/format.html).
"""

import os
from pathlib import Path

from linnet.datasets.source import Source, locate, read_text

Sentences = tuple[list[list[str]], list[list[str]]]  # words, tags: a list per sentence

TAGS = (
    "ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM", "PART", "PRON", "PROPN", "PUNCT", "SCONJ", "SYM",
    "VERB", "X",
)  # fmt: skip
SPLITS = ("train", "dev", "test")
SOURCE = Source(
    name="ud_english_ewt",
    title="UD English-EWT",
    mirrors=("https://raw.githubusercontent.com/UniversalDependencies/UD_English-EWT/r2.16/",),
    files=tuple(f"en_ewt-ud-{split}.conllu" for split in SPLITS),
    sha256={
        "en_ewt-ud-train.conllu": "3fb78e2b55482c8ee00caa653af436c88c9e5bc9a73ce26e4ae3ddc79d2b7e7b",
        "en_ewt-ud-dev.conllu": "531a54ff90d6ab12201c5a50c3e78e6ddac4de69abc4bce5d275d3cd29efe2b6",
        "en_ewt-ud-test.conllu": "e266e515a0a7547657ed3d90d9ba46487d6bd251f27ad4269d4e8a427c8555cd",
    },
)


def load_data(data_dir: str | os.PathLike[str] | None = None) -> tuple[Sentences, Sentences, Sentences]:
    """(training, dev, test), each (words, tags): a list of words and one of as many tags (among TAGS) per sentence.

    12,544, 2,001 and 2,077 sentences. Contractions are their parts ("do", "n't"), as in the treebank.
    data_dir: a folder with the original files in DIR/ud_english_ewt or DIR. Left out: LINNET_DATA_DIR, else the cache,
        else a download.

    Raises ValueError that names the file and line where one is not CoNLL-U.
    """
    paths = locate(SOURCE, data_dir)
    train, dev, test = (_sentences(paths[file]) for file in SOURCE.files)
    return train, dev, test


def _sentences(path: Path) -> Sentences:
    words: list[list[str]] = []
    tags: list[list[str]] = []
    open_sentence = False
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if not line:
            open_sentence = False
            continue
        if line.startswith("#"):
            continue
        columns = line.split("\t")
        if len(columns) != 10:
            raise ValueError(f"{path}, line {number}: expected ten columns between tabs, got {len(columns)}")
        if not columns[0].isdecimal():  # "3-4" is a contraction as written, "5.1" a word that is not written
            continue
        if columns[3] not in TAGS:
            raise ValueError(f"{path}, line {number}: unknown part of speech {columns[3]!r}")
        if not open_sentence:
            words.append([])
            tags.append([])
            open_sentence = True
        words[-1].append(columns[1])
        tags[-1].append(columns[3])
    return words, tags
