"""AdditiveAttention: the score is scale . tanh(query + key)."""

import numpy as np
import pytest
from support import check_layer, samples

from linnet.layers import AdditiveAttention


@pytest.mark.parametrize("use_scale", [True, False])
def test_layer(use_scale):
    check_layer(AdditiveAttention, {"use_scale": use_scale}, [(4, 6), (5, 6)], (4, 6), int(use_scale))
    q, v, k = samples((3, 4, 6)), samples((3, 5, 6), 1), samples((3, 5, 6), 2)
    layer = AdditiveAttention(use_scale=use_scale)
    y = layer([q, v, k])
    scale = layer.get_weights()[0] if use_scale else np.ones(6)
    scores = (scale * np.tanh(q[:, :, None] + k[:, None])).sum(-1)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    np.testing.assert_allclose(y, weights / weights.sum(-1, keepdims=True) @ v, rtol=1e-4, atol=1e-5)
