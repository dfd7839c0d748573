from pathlib import Path

from linnet.datasets import tiny_shakespeare


def test_parts(tmp_path: Path) -> None:
    (tmp_path / "input.txt").write_text("".join(chr(97 + i % 26) for i in range(100)))
    train, validation, test = tiny_shakespeare.load_data(tmp_path)
    assert [len(train), len(validation), len(test)] == [90, 5, 5]
    assert (train + validation + test).startswith("abc")


def test_the_real_file(real_data: Path) -> None:
    train, validation, test = tiny_shakespeare.load_data(real_data)
    text = train + validation + test
    assert len(text) == 1_115_394
    assert len(set(text)) == 65
    assert text.startswith("First Citizen:\nBefore we proceed")
