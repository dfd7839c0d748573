import gzip
from pathlib import Path

import pytest

from linnet.datasets import multi30k


def test_pairs(tmp_path: Path) -> None:
    for file in multi30k.SOURCE.files:
        text = "Ein Hund.\nZwei Hunde. \n" if ".de" in file else "A dog.\nTwo dogs.\n"
        (tmp_path / file).write_bytes(gzip.compress(text.encode()))
    for sources, targets in multi30k.load_data("de", "en", tmp_path):
        assert sources == ["Ein Hund.", "Zwei Hunde."]
        assert targets == ["A dog.", "Two dogs."]
    (tmp_path / "val.en.gz").write_bytes(gzip.compress(b"A dog.\n"))
    with pytest.raises(ValueError, match=r"Multi30k: 1 lines in .*val.en.gz, 2 in .*val.de.gz"):
        multi30k.load_data(data_dir=tmp_path)
    with pytest.raises(ValueError, match="expected a language among en, de, got 'fr'"):
        multi30k.load_data("fr")


def test_the_real_files(real_data: Path) -> None:
    parts = multi30k.load_data(data_dir=real_data)
    assert [len(sources) for sources, _ in parts] == [29000, 1014, 1000]
    assert parts[1][0][1] == "A man sleeping in a green room on a couch."
    assert parts[1][1][1] == "Ein Mann schläft in einem grünen Raum auf einem Sofa."
