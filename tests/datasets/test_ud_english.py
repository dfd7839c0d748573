from pathlib import Path

import pytest

from linnet.datasets import ud_english

SENTENCES = """# text = Don't go!
1-2\tDon't\t_\t_\t_\t_\t_\t_\t_\t_
1\tDo\tdo\tAUX\tVB\t_\t3\taux\t_\t_
2\tn't\tnot\tPART\tRB\t_\t3\tadvmod\t_\t_
3\tgo\tgo\tVERB\tVB\t_\t0\troot\t_\t_
3.1\tgone\tgo\tVERB\tVB\t_\t_\t_\t_\t_
4\t!\t!\tPUNCT\t.\t_\t3\tpunct\t_\t_

1\tOh\toh\tINTJ\tUH\t_\t0\troot\t_\t_

"""


def write(folder: Path, text: str) -> None:
    for file in ud_english.SOURCE.files:
        (folder / file).write_text(text)


def test_words_and_tags(tmp_path: Path) -> None:
    write(tmp_path, SENTENCES)
    for words, tags in ud_english.load_data(tmp_path):
        assert words == [["Do", "n't", "go", "!"], ["Oh"]]
        assert tags == [["AUX", "PART", "VERB", "PUNCT"], ["INTJ"]]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("1\tword\n", "line 1: expected ten columns between tabs, got 2"),
        (SENTENCES.replace("INTJ", "OH"), "line 9: unknown part of speech 'OH'"),
    ],
)
def test_broken_files(tmp_path: Path, text: str, what: str) -> None:
    write(tmp_path, text)
    with pytest.raises(ValueError, match=what):
        ud_english.load_data(tmp_path)


def test_the_real_files(real_data: Path) -> None:
    train, dev, test = ud_english.load_data(real_data)
    assert [len(words) for words, _ in (train, dev, test)] == [12544, 2001, 2077]
    for words, tags in (train, dev, test):
        assert [len(one) for one in words] == [len(one) for one in tags]
    assert dev[0][0] == ["From", "the", "AP", "comes", "this", "story", ":"]
    assert {tag for tags in train[1] for tag in tags} == set(ud_english.TAGS)
