import numpy as np
import pytest

from linnet.cli.recipes import RECIPES
from linnet.cli.recipes.recipe import Data
from linnet.cli.recipes.translation import BEGIN, SPECIAL, joined, tokens, translate
from linnet.utils import Vocabulary


def test_sentences(train, ask) -> None:
    run = train("translation", "multi30k", "--samples", "64", "--epochs", "1", folder="multi30k")
    assert "29,000 training, 1,014 validation and 1,000 test pairs" in run.out
    assert "perplexity" in run.out
    assert " -> " in run.out
    assert ask(run, "A dog.") is not None


def test_tokens() -> None:
    assert tokens("Two dogs, it's fun.") == ["two", "dogs", ",", "it", "'", "s", "fun", "."]
    assert joined(["zwei", "hunde", ",", "ja", "."]) == "zwei hunde, ja."


@pytest.fixture
def small():
    """An untrained model, and its German words."""
    vocabularies = {name: Vocabulary(["abcdef"], special=SPECIAL) for name in ("source", "target")}
    data = Data(None, None, None, None, (), "", vocabularies=vocabularies)
    return RECIPES["translation"].build(data, embedding=6, units=8, dropout=0.1), vocabularies["target"]


def test_a_beam_of_one_is_greedy(small) -> None:
    model, target = small
    sources = np.array([[4, 5, 6, 0], [7, 8, 0, 0]], np.int32)
    found = translate(model, sources, target, longest=5, beam=1)
    for row, text in zip(sources, found, strict=True):
        ids = [target[BEGIN]]
        for _ in range(5):
            logits = np.asarray(model.predict((row[None], np.array([ids], np.int32)), verbose=0))[0, -1].copy()
            logits[[0, 1, 2]] = -np.inf
            ids.append(int(logits.argmax()))
            if ids[-1] == 3:
                break
        assert text == joined([token for token in target.decode(ids[1:]) if token != "<end>"])


def test_a_wider_beam_finds_what_is_likelier(small) -> None:
    model, target = small
    sources = np.array([[4, 5, 6, 9]], np.int32)

    def likelihood(text: str) -> float:
        """The mean log probability of a translation's words."""
        ids = target.encode(text.split(" "))
        before = [target[BEGIN], *ids]
        ids = [*ids, 3][:5]
        logits = np.asarray(model.predict((sources, np.array([before], np.int32)), verbose=0))[0].astype(float)
        logits[:, [0, 1, 2]] = -np.inf
        logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
        return float(np.mean([logits[i, word] for i, word in enumerate(ids)]))

    narrow, wide = (translate(model, sources, target, longest=5, beam=beam)[0] for beam in (1, 8))
    assert likelihood(wide) >= likelihood(narrow) - 1e-6
