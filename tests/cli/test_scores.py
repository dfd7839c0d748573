import numpy as np

from linnet.cli.scores import probabilities, results_text


def test_logits_become_probabilities() -> None:
    logits = np.array([[0.0, 0.0], [np.log(3), 0.0], [1000.0, -1000.0]])
    np.testing.assert_allclose(probabilities(logits), [[0.5, 0.5], [0.75, 0.25], [1, 0]])


def test_probabilities_stay() -> None:
    given = np.array([[0.25, 0.75], [1.0, 0.0]], np.float32)
    np.testing.assert_array_equal(probabilities(given), given)


def test_results_as_text() -> None:
    assert results_text({"loss": 0.05121, "accuracy": 0.988}) == "accuracy 98.80 % (loss 0.05121)"
    assert results_text({"accuracy": 0.5}) == "accuracy 50.00 %"
    assert results_text({"loss": 1.5, "mae": 2}) == "loss 1.5, mae 2"
