"""Attention: scores, masks, and what is refused."""

import numpy as np
import pytest
from support import check_layer, samples

from linnet.layers import Attention, Embedding

Q, V, K = samples((3, 4, 6)), samples((3, 5, 6), 1), samples((3, 5, 6), 2)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@pytest.mark.parametrize(
    ("kwargs", "weights"),
    [
        ({}, 0),
        ({"use_scale": True}, 1),
        ({"score_mode": "concat"}, 1),
        ({"score_mode": "concat", "use_scale": True}, 2),
    ],
)
def test_layer(kwargs, weights):
    check_layer(Attention, kwargs, [(4, 6), (5, 6)], (4, 6), weights)


def test_values():
    weights = softmax(Q @ K.transpose(0, 2, 1))
    y, scores = Attention()([Q, V, K], return_attention_scores=True)
    np.testing.assert_allclose(scores, weights, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(y, weights @ V, rtol=1e-4, atol=1e-5)
    layer = Attention(score_mode="concat", use_scale=True)
    layer.build([Q.shape, V.shape])
    layer.set_weights([np.float32(0.5), np.float32(2.0)])
    scores = 2 * np.tanh(0.5 * (Q[:, :, None] + V[:, None])).sum(-1)
    np.testing.assert_allclose(layer([Q, V]), softmax(scores) @ V, rtol=1e-4, atol=1e-5)


def test_masks():
    query_mask = np.array([[1, 1, 0, 1]] * 3, bool)
    value_mask = np.array([[1, 0, 1, 1, 0]] * 3, bool)
    scores = np.where(value_mask[:, None], Q @ V.transpose(0, 2, 1), -1e9)
    expected = np.where(query_mask[..., None], softmax(scores) @ V, 0)
    np.testing.assert_allclose(Attention()([Q, V], mask=[query_mask, value_mask]), expected, rtol=1e-4, atol=1e-5)
    causal = Attention()([Q, V], mask=[query_mask, value_mask], use_causal_mask=True)
    allowed = value_mask[:, None] & np.tril(np.ones((4, 5), bool))
    expected = np.where(query_mask[..., None], softmax(np.where(allowed, Q @ V.transpose(0, 2, 1), -1e9)) @ V, 0)
    np.testing.assert_allclose(causal, expected, rtol=1e-4, atol=1e-5)
    ids = np.array([[1, 2, 0], [3, 0, 0]], np.int32)
    tokens = Embedding(5, 6, mask_zero=True)(ids)
    y = Attention()([tokens, tokens])
    np.testing.assert_array_equal(y[ids == 0], 0)
    np.testing.assert_array_equal(y._keras_mask, ids != 0)


def test_dropout_only_in_training():
    layer = Attention(dropout=0.5)
    np.testing.assert_array_equal(layer([Q, V]), layer([Q, V], training=False))
    assert not np.allclose(layer([Q, V], training=True), layer([Q, V]))


def test_what_does_not_fit():
    with pytest.raises(ValueError, match='score_mode must be "dot" or "concat"'):
        Attention(score_mode="cosine")
    with pytest.raises(ValueError, match=r"dropout must be a number in \[0, 1\)"):
        Attention(dropout=1)
    with pytest.raises(ValueError, match=r'attention "a": inputs must be a list \[query, value\]'):
        Attention(name="a")(Q)
    with pytest.raises(ValueError, match="mask must be a list"):
        Attention()([Q, V], mask=np.ones((3, 4), bool))
