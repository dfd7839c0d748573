"""A classifier's outputs as probabilities, whether its last layer is a softmax or leaves that to the loss."""

import numpy as np


def probabilities(scores: np.ndarray) -> np.ndarray:
    """scores (n, classes). Rows that are not negative and add up to 1 already are probabilities; others are logits."""
    scores = np.asarray(scores, np.float64)
    if np.all(scores >= 0) and np.allclose(scores.sum(axis=1), 1, atol=1e-4):
        return scores
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
