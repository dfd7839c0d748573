"""Normalisation by the batch and by the sample."""

from parity.harness import LayerCase, numbers

X = numbers((6, 5))
SEQUENCE = numbers((4, 5, 6))
IMAGE = numbers((3, 4, 5, 8))


def layer(name, x, cls, **arguments):
    return LayerCase(name, lambda k: getattr(k.layers, cls)(**arguments), [x])


def batch(name, x, training=None, **arguments):
    return LayerCase(name, lambda k: k.layers.BatchNormalization(**arguments), [x], training=training)


def frozen(k):
    norm = k.layers.BatchNormalization()
    norm.trainable = False
    return lambda x: norm(k.layers.Dense(4)(x))


CASES = [
    batch("batch_norm", X),
    batch("batch_norm_training", X, training=True),
    batch("batch_norm_image", IMAGE, training=True),
    batch("batch_norm_sequence", SEQUENCE, training=True),
    batch("batch_norm_axis", SEQUENCE, training=True, axis=1),
    batch("batch_norm_axis_inference", IMAGE, axis=2),
    batch("batch_norm_momentum", X, training=True, momentum=0.5),
    batch("batch_norm_epsilon", X, training=True, epsilon=0.1),
    batch("batch_norm_no_center", X, training=True, center=False),
    batch("batch_norm_no_scale", X, training=True, scale=False),
    LayerCase(
        "batch_norm_bare",
        lambda k: lambda x: k.layers.BatchNormalization(center=False, scale=False)(k.layers.Dense(4)(x)),
        [X],
    ),
    batch("batch_norm_regularized", X, gamma_regularizer="l2", beta_constraint="non_neg"),
    LayerCase("batch_norm_frozen", frozen, [X]),
    layer("layer_norm", X, "LayerNormalization"),
    layer("layer_norm_sequence", SEQUENCE, "LayerNormalization"),
    layer("layer_norm_axis", SEQUENCE, "LayerNormalization", axis=1),
    layer("layer_norm_axes", IMAGE, "LayerNormalization", axis=[1, 2, 3]),
    layer("layer_norm_two_axes", IMAGE, "LayerNormalization", axis=(2, 3)),
    layer("layer_norm_negative_axes", IMAGE, "LayerNormalization", axis=[-2, -1]),
    layer("layer_norm_front_axes", IMAGE, "LayerNormalization", axis=[1, 2]),
    layer("layer_norm_split_axes", IMAGE, "LayerNormalization", axis=[1, 3]),
    layer("layer_norm_epsilon", X, "LayerNormalization", epsilon=0.2),
    layer("layer_norm_no_center", X, "LayerNormalization", center=False),
    layer("layer_norm_no_scale", X, "LayerNormalization", scale=False),
    layer("layer_norm_regularized", X, "LayerNormalization", gamma_regularizer="l1", gamma_constraint="unit_norm"),
    LayerCase(
        "layer_norm_bare",
        lambda k: lambda x: k.layers.LayerNormalization(center=False, scale=False)(k.layers.Dense(4)(x)),
        [X],
    ),
    layer("group_norm", IMAGE, "GroupNormalization", groups=4),
    layer("group_norm_one", IMAGE, "GroupNormalization", groups=1),
    layer("group_norm_all", IMAGE, "GroupNormalization", groups=8),
    layer("group_norm_instance", IMAGE, "GroupNormalization", groups=-1),
    layer("group_norm_sequence", SEQUENCE, "GroupNormalization", groups=3),
    layer("group_norm_vectors", numbers((5, 6)), "GroupNormalization", groups=2),
    layer("group_norm_axis", numbers((3, 6, 4, 5)), "GroupNormalization", groups=2, axis=1),
    layer("group_norm_epsilon", IMAGE, "GroupNormalization", groups=2, epsilon=0.1),
    layer("group_norm_no_center", IMAGE, "GroupNormalization", groups=2, center=False),
    layer("group_norm_no_scale", IMAGE, "GroupNormalization", groups=2, scale=False),
    LayerCase(
        "group_norm_behind_dense",
        lambda k: lambda x: k.layers.GroupNormalization(groups=4)(k.layers.Dense(8)(x)),
        [IMAGE],
    ),
    layer("rms_norm", X, "RMSNormalization"),
    layer("rms_norm_sequence", SEQUENCE, "RMSNormalization", epsilon=0.01),
    layer("rms_norm_axes", SEQUENCE, "RMSNormalization", axis=[1, 2]),
    LayerCase(
        "rms_norm_behind_dense", lambda k: lambda x: k.layers.RMSNormalization()(k.layers.Dense(7)(x)), [SEQUENCE]
    ),
    LayerCase(
        "layer_norm_behind_dense", lambda k: lambda x: k.layers.LayerNormalization()(k.layers.Dense(7)(x)), [SEQUENCE]
    ),
    LayerCase("unit_norm", lambda k: k.layers.UnitNormalization(), [X], train=False),
    LayerCase("unit_norm_axis", lambda k: k.layers.UnitNormalization(axis=1), [SEQUENCE], train=False),
    LayerCase("unit_norm_axes", lambda k: k.layers.UnitNormalization(axis=[1, 2]), [SEQUENCE], train=False),
    LayerCase("unit_norm_trained", lambda k: lambda x: k.layers.UnitNormalization()(k.layers.Dense(7)(x)), [X]),
]
