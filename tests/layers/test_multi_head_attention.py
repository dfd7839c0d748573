"""MultiHeadAttention against NumPy: projections, masks, axes, scores, dropout."""

import numpy as np
import pytest
from support import check_layer, samples

import linnet
from linnet.layers import Embedding, MultiHeadAttention

Q, V, K = samples((3, 4, 6)), samples((3, 5, 6), 1), samples((3, 5, 7), 2)


@linnet.saving.register_keras_serializable("test_multi_head_attention")
class SelfAttention(MultiHeadAttention):
    def build(self, input_shape):
        super().build(input_shape, input_shape)

    def call(self, x, training=None):
        return super().call(x, x, training=training)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def oracle(layer, q, v, k=None, allowed=None, zero=False):
    wq, bq, wk, bk, wv, bv, wo, bo = [w.astype(np.float64) for w in layer.get_weights()]
    project = lambda x, w, b: np.einsum("nti,ihd->nhtd", x, w) + b[:, None]  # noqa: E731
    queries, keys, values = project(q, wq, bq), project(v if k is None else k, wk, bk), project(v, wv, bv)
    scores = queries @ keys.transpose(0, 1, 3, 2) / np.sqrt(wq.shape[-1])
    if allowed is not None:
        scores = np.where(allowed[:, None], scores, -1e9)
    weights = softmax(scores)
    if zero:
        weights = np.where(allowed[:, None], weights, 0)
    return np.einsum("nhtd,hdo->nto", weights @ values, wo) + bo, weights


def made(q_shape, v_shape, k_shape=None, **kwargs):
    layer = MultiHeadAttention(2, 3, bias_initializer="normal", **kwargs)
    layer.build(q_shape, v_shape, k_shape)
    return layer


def test_layer():
    check_layer(SelfAttention, {"num_heads": 2, "key_dim": 3}, (4, 6), (4, 6), 8)
    check_layer(SelfAttention, {"num_heads": 2, "key_dim": 3, "use_bias": False}, (4, 6), (4, 6), 4)
    check_layer(
        SelfAttention,
        {"num_heads": 2, "key_dim": 3, "value_dim": 5, "output_shape": (2, 4), "use_gate": True},
        (4, 6),
        (4, 2, 4),
        10,
    )


def test_values():
    layer = made(Q.shape, V.shape, K.shape)
    np.testing.assert_allclose(layer(Q, V, K), oracle(layer, Q, V, K)[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(layer(Q, V, key=K), oracle(layer, Q, V, K)[0], rtol=1e-4, atol=1e-5)
    layer = made(Q.shape, V.shape)
    expected, weights = oracle(layer, Q, V)
    y, scores = layer(Q, V, return_attention_scores=True)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(scores, weights, rtol=1e-4, atol=1e-6)


def test_gradient():
    layer = made(Q.shape, V.shape)
    before = layer.get_weights()
    direction = [samples(w.shape, 5 + i) for i, w in enumerate(before)]
    target = samples((3, 4, 6), 4)

    def loss(step):
        layer.set_weights([w + np.float32(step) * d for w, d in zip(before, direction, strict=True)])
        return np.mean((oracle(layer, Q.astype(float), V)[0] - target) ** 2)

    slope = (loss(1e-3) - loss(-1e-3)) / 2e-3
    layer.set_weights(before)
    sources = linnet.Input(Q.shape[1:]), linnet.Input(V.shape[1:])
    model = linnet.Model(sources, layer(*sources))
    model.compile(linnet.optimizers.SGD(1.0), "mse")
    model.train_on_batch([Q, V], target)
    moved = sum(np.sum((b - a) * d) for b, a, d in zip(before, layer.get_weights(), direction, strict=True))
    np.testing.assert_allclose(moved, slope, rtol=2e-2)


def test_masks():
    layer = made(Q.shape, V.shape)
    allowed = samples((3, 4, 5), 3) > -0.5
    allowed[:, :, 0] = True
    np.testing.assert_allclose(
        layer(Q, V, attention_mask=allowed), oracle(layer, Q, V, allowed=allowed)[0], rtol=1e-4, atol=1e-5
    )
    causal = np.broadcast_to(np.tril(np.ones((4, 5), bool)), (3, 4, 5))
    np.testing.assert_allclose(
        layer(Q, V, use_causal_mask=True), oracle(layer, Q, V, allowed=causal)[0], rtol=1e-4, atol=1e-5
    )
    both = layer(Q, V, attention_mask=allowed, use_causal_mask=True)
    np.testing.assert_allclose(both, oracle(layer, Q, V, allowed=allowed & causal)[0], rtol=1e-4, atol=1e-5)
    # The masks of the tensors join in, and the query's goes on.
    ids = np.array([[1, 2, 0, 0], [3, 0, 0, 0], [1, 1, 2, 0]], np.int32)
    tokens = Embedding(5, 6, mask_zero=True)(ids)
    own = made(tokens.shape, tokens.shape)
    y = own(tokens, tokens)
    keep = (ids != 0)[:, :, None] & (ids != 0)[:, None]
    x = np.asarray(tokens)
    np.testing.assert_allclose(y, oracle(own, x, x, allowed=keep)[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(y._keras_mask, ids != 0)
    np.testing.assert_allclose(own(x, x, value_mask=ids != 0, query_mask=ids != 0), y, rtol=1e-6)


def test_nothing_allowed_gives_no_nan():
    layer = made(Q.shape, V.shape)
    nothing = np.zeros((3, 4, 5), bool)
    y, scores = layer(Q, V, attention_mask=nothing, return_attention_scores=True)
    np.testing.assert_array_equal(scores, 0)
    np.testing.assert_allclose(y, oracle(layer, Q, V, allowed=nothing, zero=True)[0], rtol=1e-4, atol=1e-5)
    assert np.isfinite(layer(Q, V, attention_mask=nothing)).all()


def test_later_steps_do_not_change_earlier_ones():
    layer = made(Q.shape, Q.shape)
    changed = Q.copy()
    changed[:, 2:] += 1
    np.testing.assert_array_equal(
        layer(Q, Q, use_causal_mask=True)[:, :2], layer(changed, changed, use_causal_mask=True)[:, :2]
    )


def test_axes():
    x = samples((2, 3, 4, 5))
    layer = made(x.shape, x.shape, attention_axes=(1, 2))
    flat = x.reshape(2, 12, 5)
    y, scores = layer(x, x, return_attention_scores=True)
    np.testing.assert_allclose(y.reshape(2, 12, 5), oracle(layer, flat, flat)[0], rtol=1e-4, atol=1e-5)
    assert scores.shape == (2, 2, 3, 4, 3, 4)
    rows = made(x.shape, x.shape, attention_axes=-2)
    expected = oracle(rows, x.reshape(6, 4, 5), x.reshape(6, 4, 5))[0].reshape(2, 3, 4, 5)
    np.testing.assert_allclose(rows(x, x), expected, rtol=1e-4, atol=1e-5)


def test_dropout_only_in_training():
    layer = made(Q.shape, V.shape, dropout=0.5)
    np.testing.assert_array_equal(layer(Q, V), layer(Q, V, training=False))
    assert not np.allclose(layer(Q, V, training=True), layer(Q, V))


def test_what_does_not_fit():
    for kwargs, match in [
        ({"num_heads": 0, "key_dim": 2}, "num_heads must be a positive integer"),
        ({"num_heads": 2, "key_dim": 2.5}, "key_dim must be a positive integer"),
        ({"num_heads": 2, "key_dim": 2, "dropout": 1.5}, r"dropout must be a number in \[0, 1\)"),
        ({"num_heads": 2, "key_dim": 2, "sliding_window": 0}, "sliding_window must be a positive integer"),
        ({"num_heads": 2, "key_dim": 2, "attention_axes": "1"}, "attention_axes must be"),
        ({"num_heads": 2, "key_dim": 2, "flash_attention": True, "dropout": 0.1}, "flash_attention has no dropout"),
    ]:
        with pytest.raises(ValueError, match=match):
            MultiHeadAttention(**kwargs)
    layer = MultiHeadAttention(2, 3, name="m")
    with pytest.raises(ValueError, match='multi_head_attention "m": value and key must agree in all axes but the last'):
        layer(Q, V, K[:, :4])
    with pytest.raises(ValueError, match="query and value must have the same number of axes, at least 3"):
        layer(Q[:, 0], V[:, 0])
    with pytest.raises(ValueError, match=r"attention_axes .* must lie between the batch and the last axis"):
        MultiHeadAttention(2, 3, attention_axes=2)(Q, V)
