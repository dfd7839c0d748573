"""MultiHeadAttention, GroupQueryAttention, Attention, AdditiveAttention, EinsumDense."""

import numpy as np
from parity.harness import LayerCase, ValueCase, integers, new_weights, numbers

Q, V, K = numbers((3, 4, 6)), numbers((3, 5, 6), 1), numbers((3, 5, 7), 2)
IMAGE = numbers((2, 3, 4, 5))
IDS, OTHER = integers((4, 5), 5), integers((4, 6), 5, 1)
IDS[:, 0], OTHER[:, 0] = 1, 2  # no row without any token
ALLOWED = (numbers((3, 4, 5), 3) > -0.7).astype(np.float32)
ALLOWED[:, :, 0] = 1


def mha(name, inputs, call=None, train=True, **kwargs):
    def make(k):
        layer = k.layers.MultiHeadAttention(**{"num_heads": 2, "key_dim": 3, **kwargs})
        if call is not None:
            return lambda xs: call(layer, xs)
        return lambda xs: layer(xs, xs)

    return LayerCase(f"mha_{name}", make, inputs, train=train)


def gqa(name, inputs, call=None, **kwargs):
    def make(k):
        layer = k.layers.GroupQueryAttention(
            **{"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": 2, **kwargs}
        )
        return lambda xs: call(layer, xs) if call else layer(xs, xs)

    return LayerCase(f"gqa_{name}", make, inputs)


def masked(name, make_layer, call):
    """Both inputs are embedded tokens, of which 0 is padding; the loss sees the mask, too."""

    def make(k):
        layer = make_layer(k)

        def build(xs):
            q = k.layers.Embedding(5, 6, mask_zero=True)(xs[0])
            v = k.layers.Embedding(5, 6, mask_zero=True)(xs[1])
            return k.layers.Dense(2)(call(layer, q, v))

        return build

    return LayerCase(name, make, [IDS, OTHER])


def attention(name, inputs, kind="Attention", call=None, **kwargs):
    def make(k):
        layer = getattr(k.layers, kind)(**kwargs)
        return lambda xs: call(layer, xs) if call else layer(xs)

    trained = kwargs.get("use_scale", kind != "Attention") or kwargs.get("score_mode") == "concat"
    return LayerCase(f"{'additive' if kind != 'Attention' else 'attention'}_{name}", make, inputs, train=trained)


def einsum_dense(name, equation, x, output_shape, **kwargs):
    return LayerCase(f"einsum_dense_{name}", lambda k: k.layers.EinsumDense(equation, output_shape, **kwargs), [x])


def mask_of_attention(k):
    layer = k.layers.MultiHeadAttention(2, 3)
    x = k.layers.Embedding(5, 6, mask_zero=True)(IDS)
    return layer(x, x)._keras_mask


def scores_at_once(k):
    layer = k.layers.MultiHeadAttention(2, 3)
    layer.build(Q.shape, V.shape)
    layer.set_weights(new_weights(layer))
    mask = np.array(ALLOWED, bool)
    mask[0, 1] = False  # nothing allowed
    return layer(Q, V, attention_mask=mask, return_attention_scores=True)


def none_allowed(k):
    layer = k.layers.MultiHeadAttention(2, 3)
    layer.build(Q.shape, V.shape)
    layer.set_weights(new_weights(layer))
    mask = np.array(ALLOWED, bool)
    mask[0, 1] = False
    return layer(Q, V, attention_mask=mask)


CASES = [
    mha("self", [Q]),
    mha("cross", [Q, V], lambda layer, xs: layer(xs[0], xs[1])),
    mha("key", [Q, V, K], lambda layer, xs: layer(xs[0], xs[1], key=xs[2])),
    mha(  # without the scores, Keras on JAX fails where value_dim differs
        "value_dim",
        [Q, V],
        lambda layer, xs: layer(xs[0], xs[1], return_attention_scores=True)[0],
        key_dim=4,
        value_dim=5,
    ),
    mha("one_head", [Q], num_heads=1),
    mha("no_bias", [Q], use_bias=False),
    mha("output_shape", [Q], output_shape=4),
    mha("output_shape_two", [Q], output_shape=(2, 4)),
    mha("causal", [Q], lambda layer, x: layer(x, x, use_causal_mask=True)),
    mha("causal_cross", [Q, V], lambda layer, xs: layer(xs[0], xs[1], use_causal_mask=True)),
    mha("sliding_window", [V], lambda layer, x: layer(x, x), sliding_window=2),
    mha("sliding_causal", [V], lambda layer, x: layer(x, x, use_causal_mask=True), sliding_window=2),
    mha("gate", [Q], use_gate=True),
    mha("attention_mask", [Q, V, ALLOWED], lambda layer, xs: layer(xs[0], xs[1], attention_mask=xs[2])),
    mha("scores", [Q, V], lambda layer, xs: layer(xs[0], xs[1], return_attention_scores=True), train=False),
    mha("images", [IMAGE]),
    mha("images_axes_1", [IMAGE], attention_axes=1),
    mha("images_axes_2", [IMAGE], attention_axes=(2,)),
    mha("images_axes_both", [IMAGE], attention_axes=(1, 2)),
    mha(
        "images_scores",
        [IMAGE],
        lambda layer, x: layer(x, x, return_attention_scores=True),
        train=False,
        attention_axes=(1, 2),
    ),
    mha("regularizer", [Q], kernel_regularizer="l2", bias_regularizer="l1"),
    mha("activity_regularizer", [Q], activity_regularizer="l2"),
    mha("constraint", [Q], kernel_constraint="non_neg"),
    masked("mha_masks", lambda k: k.layers.MultiHeadAttention(2, 3), lambda layer, q, v: layer(q, v)),
    masked("mha_masks_self", lambda k: k.layers.MultiHeadAttention(2, 3), lambda layer, q, v: layer(q, q)),
    masked(
        "mha_masks_causal",
        lambda k: k.layers.MultiHeadAttention(2, 3),
        lambda layer, q, v: layer(q, v, use_causal_mask=True),
    ),
    ValueCase("mha_mask_of_output", mask_of_attention),
    ValueCase("mha_scores_at_once", scores_at_once),
    ValueCase("mha_none_allowed", none_allowed),
    gqa("self", [Q]),
    gqa("cross_key", [Q, V, K], lambda layer, xs: layer(xs[0], xs[1], key=xs[2])),
    gqa("causal", [Q], lambda layer, x: layer(x, x, use_causal_mask=True)),
    gqa("multi_query", [Q], num_key_value_heads=1),
    gqa("no_bias_window", [Q], use_bias=False, sliding_window=2),
    gqa("gate", [Q], use_gate=True),
    gqa("attention_mask", [Q, V, ALLOWED], lambda layer, xs: layer(xs[0], xs[1], attention_mask=xs[2])),
    masked(
        "gqa_masks",
        lambda k: k.layers.GroupQueryAttention(3, 4, 2),
        lambda layer, q, v: layer(q, v),
    ),
    attention("dot", [Q, V]),
    attention("key", [Q, V, V * 0.5]),
    attention("scale", [Q, V], use_scale=True),
    attention("concat", [Q, V], score_mode="concat"),
    attention("concat_scale", [Q, V], score_mode="concat", use_scale=True),
    attention("causal", [Q, V], call=lambda layer, xs: layer(xs, use_causal_mask=True)),
    masked("attention_masks", lambda k: k.layers.Attention(), lambda layer, q, v: layer([q, v])),
    masked(
        "attention_masks_causal",
        lambda k: k.layers.Attention(),
        lambda layer, q, v: layer([q, v], use_causal_mask=True),
    ),
    attention("additive", [Q, V], "AdditiveAttention"),
    attention("no_scale", [Q, V], "AdditiveAttention", use_scale=False),
    attention("causal", [Q, V], "AdditiveAttention", call=lambda layer, xs: layer(xs, use_causal_mask=True)),
    masked("additive_masks", lambda k: k.layers.AdditiveAttention(), lambda layer, q, v: layer([q, v])),
    einsum_dense("sequence", "abc,cd->abd", Q, (None, 5), bias_axes="d", activation="tanh"),
    einsum_dense("no_bias", "abc,cd->abd", Q, (None, 5)),
    einsum_dense("heads", "abc,cde->abde", Q, (None, 2, 3), bias_axes="de"),
    einsum_dense("heads_one_bias", "abc,cde->abde", Q, (None, 2, 3), bias_axes="e"),
    einsum_dense("heads_first_bias", "abc,cde->abde", Q, (None, 2, 3), bias_axes="d"),
    einsum_dense("two_axes_summed", "abcd,cde->abe", IMAGE, (None, 6), bias_axes="e"),
    einsum_dense("middle_axis", "abc,bd->adc", Q, (3, 6), bias_axes="d"),
    einsum_dense("per_step", "abc,bcd->abd", Q, (4, 2), bias_axes="bd"),
    einsum_dense("left_ellipsis", "...c,cd->...d", IMAGE, 3, bias_axes="d"),
    einsum_dense("left_ellipsis_2d", "...c,cd->...d", Q[:, 0], 3, bias_axes="d"),
    einsum_dense("right_ellipsis", "ab...,bc->ac...", IMAGE, 6, bias_axes="c"),
    einsum_dense("regularizer", "ab,bc->ac", Q[:, 0], 3, kernel_regularizer="l2", kernel_constraint="unit_norm"),
]
