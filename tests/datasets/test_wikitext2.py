from pathlib import Path

import pytest

from linnet.datasets import wikitext2


def test_words(tmp_path: Path) -> None:
    (tmp_path / "valid.txt").write_text(" \n = A title = \n <unk> words\n")
    (words,) = wikitext2.load_data(tmp_path, splits=["valid"])
    assert words == ["<eos>", "=", "A", "title", "=", "<eos>", "<unk>", "words", "<eos>"]
    with pytest.raises(FileNotFoundError, match=r"train\.txt"):
        wikitext2.load_data(tmp_path)
    with pytest.raises(ValueError, match="expected splits among train, valid, test, got 'dev'"):
        wikitext2.load_data(tmp_path, splits=["dev"])


def test_the_real_files(real_data: Path) -> None:
    valid, test = wikitext2.load_data(real_data, splits=["valid", "test"])
    assert len(valid) - valid.count("<eos>") == 213_886
    assert len(test) - test.count("<eos>") == 241_211
