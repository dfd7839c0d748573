from pathlib import Path

import numpy as np
import pytest

from linnet.datasets import sst2


def write(folder: Path, text: str) -> None:
    for file in sst2.SOURCE.files:
        (folder / file).write_text(text)


def test_sentences_and_labels(tmp_path: Path) -> None:
    write(tmp_path, "a fine film\t1\nnot so fine\t0\n")
    for sentences, labels in sst2.load_data(tmp_path):
        assert sentences == ["a fine film", "not so fine"]
        assert labels.tolist() == [1, 0]
        assert labels.dtype == np.uint8


@pytest.mark.parametrize("line", ["no label", "a label\t2", "a label\tgood"])
def test_broken_files(tmp_path: Path, line: str) -> None:
    write(tmp_path, f"fine\t1\n{line}\n")
    with pytest.raises(ValueError, match="line 2: expected a sentence, a tab and 0 or 1"):
        sst2.load_data(tmp_path)


def test_the_real_files(real_data: Path) -> None:
    train, dev, test = sst2.load_data(real_data)
    assert [len(labels) for _, labels in (train, dev, test)] == [6920, 872, 1821]
    assert [len(sentences) for sentences, _ in (train, dev, test)] == [6920, 872, 1821]
    assert dev[0][0] == "one long string of cliches"
    assert 0.4 < train[1].mean() < 0.6
