import numpy as np
import pytest

from linnet.utils import Vocabulary, pad_sequences


def test_pad_sequences() -> None:
    sequences = [[1], [2, 3], [4, 5, 6]]
    assert pad_sequences(sequences).tolist() == [[0, 0, 1], [0, 2, 3], [4, 5, 6]]
    assert pad_sequences(sequences, padding="post", value=9).tolist() == [[1, 9, 9], [2, 3, 9], [4, 5, 6]]
    assert pad_sequences(sequences, maxlen=2).tolist() == [[0, 1], [2, 3], [5, 6]]
    assert pad_sequences(sequences, maxlen=2, truncating="post").tolist() == [[0, 1], [2, 3], [4, 5]]
    assert pad_sequences(sequences).dtype == np.int32
    vectors = pad_sequences([[[1.5, 2.0]], []], dtype="float32")
    assert vectors.tolist() == [[[1.5, 2.0]], [[0.0, 0.0]]]
    assert pad_sequences([]).shape == (0, 0)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"padding": "left"}, 'padding is "pre" or "post"'),
        ({"truncating": "left"}, 'truncating is "pre" or "post"'),
        ({"sequences": [[1], 2]}, "expected sequences, element 1 is 2"),
        ({"sequences": [[[1, 2]], [[1]]]}, "the steps of sequence 1 have shape"),
    ],
)
def test_pad_sequences_errors(arguments, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        pad_sequences(**{"sequences": [[1]], **arguments})


def test_vocabulary() -> None:
    words = Vocabulary([["b", "a", "c"], ["c", "a"], ["d"]])
    assert words.tokens == ("<pad>", "<unk>", "a", "c", "b", "d")
    assert len(words) == 6
    assert "d" in words
    assert "e" not in words
    assert words.encode(["c", "e"]) == [3, 1]
    assert words.decode(np.array([3, 0])) == ["c", "<pad>"]
    assert Vocabulary([["b", "a", "c"], ["c", "a"]], min_count=2).tokens == ("<pad>", "<unk>", "a", "c")
    assert Vocabulary([["b", "a", "c"], ["c", "a"]], max_tokens=3).tokens == ("<pad>", "<unk>", "a")
    assert Vocabulary.of(words.tokens).tokens == words.tokens
    characters = Vocabulary(["banana"], special=())
    assert characters.tokens == ("a", "n", "b")
    assert "".join(characters.decode(characters.encode("nab"))) == "nab"


def test_vocabulary_errors() -> None:
    characters = Vocabulary(["ab"], special=())
    with pytest.raises(KeyError, match="has no 'c', and no '<unk>'"):
        characters.encode("abc")
    with pytest.raises(IndexError, match=r"id 2 at position 1 is not in 0 \.\. 1"):
        characters.decode([0, 2])
    with pytest.raises(ValueError, match="are not all different"):
        Vocabulary(special=("a", "a"))
    with pytest.raises(ValueError, match="no room for 2 special tokens"):
        Vocabulary(max_tokens=1)
