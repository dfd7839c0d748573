import numpy as np
import pytest

from linnet.cli.recipes import RECIPES
from linnet.cli.recipes.addition import CHARACTERS, question
from linnet.cli.recipes.recipe import Sampling


def test_sums(train, ask, capsys: pytest.CaptureFixture[str]) -> None:
    run = train("addition", "two_digits", "--samples", "500", "--epochs", "1")
    assert "9,000 training and 1,000 test sums of two numbers below 100" in run.out
    assert "accuracy of whole answers" in run.out
    assert set(ask(run, "17+25").strip()) <= set(CHARACTERS)


def test_questions_are_right_and_apart() -> None:
    recipe = RECIPES["addition"]
    data = recipe.load("two_digits", None)
    characters = data.vocabularies["characters"]
    for x, y in zip(data.x_test[:200], data.y_test[:200], strict=True):
        a, _, b = "".join(characters.decode(x))[::-1].strip().partition("+")
        assert int(a) + int(b) == int("".join(characters.decode(y)))
    together = np.concatenate([data.x_train, data.x_test])
    assert len(np.unique(together, axis=0)) == len(together)


def test_question() -> None:
    assert question(7, 25, 2) == " 52+7"


@pytest.mark.parametrize("text", ["17", "17+", "a+b", "1000+1"])
def test_other_texts(text: str) -> None:
    class Model:
        input_shape = (None, 5)

    with pytest.raises(ValueError, match="expected two numbers of at most 2 digits"):
        RECIPES["addition"].answer(Model(), {}, text, Sampling())
