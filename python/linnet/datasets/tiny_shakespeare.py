"""Tiny Shakespeare: 1,115,394 characters of his plays, 65 different ones; the text of every first character model.

Collected by A. Karpathy, The unreasonable effectiveness of recurrent neural networks, 2015 (char-rnn, MIT licence); the
text is in the public domain. 1.1 MB, downloaded once (source.py says from where else it is read).
"""

import os

from linnet.datasets.source import Source, locate, read_text

SOURCE = Source(
    name="tinyshakespeare",
    title="Tiny Shakespeare",
    mirrors=("https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/",),
    files=("input.txt",),
    sha256={"input.txt": "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"},
)


def load_data(data_dir: str | os.PathLike[str] | None = None) -> tuple[str, str, str]:
    """(training, validation, test) text: the first 90 %, the next 5 % and the last 5 % of the characters.

    data_dir: a folder with the original file in DIR/tinyshakespeare or DIR. Left out: LINNET_DATA_DIR, else the cache,
        else a download.
    """
    text = read_text(locate(SOURCE, data_dir)["input.txt"])
    first, second = len(text) * 90 // 100, len(text) * 95 // 100
    return text[:first], text[first:second], text[second:]
