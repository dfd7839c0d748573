"""What the commands make of a model's outputs and figures: probabilities, and a line of text."""

import numpy as np


def probabilities(scores: np.ndarray) -> np.ndarray:
    """scores (n, classes). Rows that are not negative and add up to 1 already are probabilities; others are logits."""
    scores = np.asarray(scores, np.float64)
    if np.all(scores >= 0) and np.allclose(scores.sum(axis=1), 1, atol=1e-4):
        return scores
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def results_text(results: dict[str, float]) -> str:
    """Accuracies first and in percent: "accuracy 98.80 % (loss 0.0512)"."""
    shares = [f"{name} {100 * value:.2f} %" for name, value in results.items() if "accuracy" in name]
    others = ", ".join(f"{name} {value:.4g}" for name, value in results.items() if "accuracy" not in name)
    if shares and others:
        return f"{', '.join(shares)} ({others})"
    return ", ".join(shares) or others
