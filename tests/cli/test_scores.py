import numpy as np

from linnet.cli.scores import probabilities


def test_logits_become_probabilities() -> None:
    logits = np.array([[0.0, 0.0], [np.log(3), 0.0], [1000.0, -1000.0]])
    np.testing.assert_allclose(probabilities(logits), [[0.5, 0.5], [0.75, 0.25], [1, 0]])


def test_probabilities_stay() -> None:
    given = np.array([[0.25, 0.75], [1.0, 0.0]], np.float32)
    np.testing.assert_array_equal(probabilities(given), given)
