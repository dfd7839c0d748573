"""GroupQueryAttention against MultiHeadAttention with its key and value heads repeated."""

import numpy as np
import pytest
from support import check_layer, samples

import linnet
from linnet.layers import GroupQueryAttention, MultiHeadAttention

Q, V = samples((3, 4, 6)), samples((3, 5, 6), 1)


@linnet.saving.register_keras_serializable("test_grouped_query_attention")
class SelfAttention(GroupQueryAttention):
    def build(self, input_shape):
        super().build(input_shape, input_shape)

    def call(self, x, training=None):
        return super().call(x, x, training=training)


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_values(heads):
    check_layer(SelfAttention, {"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": heads}, (4, 6), (4, 6), 8)
    layer = GroupQueryAttention(3, 4, heads, bias_initializer="normal")
    layer.build(Q.shape, V.shape)
    plain = MultiHeadAttention(4, 3)
    plain.build(Q.shape, V.shape)
    weights = layer.get_weights()
    for i in (2, 4):
        weights[i] = np.repeat(weights[i], 4 // heads, axis=1)
        weights[i + 1] = np.repeat(weights[i + 1], 4 // heads, axis=0)
    plain.set_weights(weights)
    allowed = samples((3, 4, 5), 3) > -0.5
    per_head = samples((3, 4, 4, 5), 4) > -0.5
    for kwargs in ({}, {"use_causal_mask": True}, {"attention_mask": allowed}, {"attention_mask": per_head}):
        np.testing.assert_allclose(layer(Q, V, **kwargs), plain(Q, V, **kwargs), rtol=1e-4, atol=1e-5)
    _, scores = layer(Q, V, return_attention_scores=True)
    np.testing.assert_allclose(scores, plain(Q, V, return_attention_scores=True)[1], rtol=1e-4, atol=1e-6)


def test_what_does_not_fit():
    with pytest.raises(ValueError, match="num_query_heads 4 must be a multiple of num_key_value_heads 3"):
        GroupQueryAttention(3, 4, 3)
    with pytest.raises(ValueError, match=r"query and value must be \(n, steps, dim\)"):
        GroupQueryAttention(3, 4, 2)(Q[:, 0], V[:, 0])
