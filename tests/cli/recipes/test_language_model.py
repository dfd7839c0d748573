"""Windows, and generation that remembers: the same logits as running over the whole text again."""

import numpy as np
import pytest

from linnet.cli.recipes import RECIPES
from linnet.cli.recipes.language_model import WINDOW, generate, stateful, windows
from linnet.cli.recipes.recipe import Data, Sampling
from linnet.utils import Vocabulary


@pytest.fixture
def model():
    data = Data(None, None, None, None, (), "", vocabularies={"tokens": Vocabulary(["abcde"], special=())})
    return RECIPES["char_lstm"].build(data, embedding=4, units=8, depth=2, dropout=0.1)


def test_windows() -> None:
    x, y = windows(np.arange(2 * WINDOW + 5))
    assert x.shape == y.shape == (2, WINDOW)
    np.testing.assert_array_equal(y, x + 1)
    assert windows(np.arange(WINDOW))[0].shape == (0, WINDOW)


def test_stateful(model) -> None:
    ids = np.array([[0, 3, 2, 1, 4, 4]], np.int32)
    whole = np.asarray(model.predict(ids, verbose=0))
    step = stateful(model)
    parts = [np.asarray(step.predict_on_batch(ids[:, part])) for part in (slice(0, 3), slice(3, 4), slice(4, 6))]
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, rtol=1e-5, atol=1e-6)


def test_generate(model) -> None:
    one = generate(model, [0, 1], Sampling(length=12, seed=3))
    assert len(one) == 12
    assert set(one) <= set(range(5))
    assert generate(model, [0, 1], Sampling(length=12, seed=3)) == one
    # At a temperature near 0, the likeliest token is chosen.
    cold = generate(model, [0, 1], Sampling(temperature=1e-4, length=3))
    ids = [0, 1]
    for token in cold:
        logits = np.asarray(model.predict(np.array([ids], np.int32), verbose=0))[0, -1]
        assert token == logits.argmax()
        ids.append(token)


def test_an_empty_prompt() -> None:
    with pytest.raises(ValueError, match="expected a text of at least one character"):
        RECIPES["char_lstm"].answer(None, {"tokens": Vocabulary(["ab"])}, "", Sampling())
