"""Layers that move values, or apply a function to each: padding, cropping, upsampling, permuting, activations."""

import numpy as np
from parity.harness import LayerCase, ValueCase, numbers

X = numbers((4, 6))
SEQUENCE = numbers((3, 7, 4))
IMAGE = numbers((2, 6, 5, 3))
VOLUME = numbers((2, 4, 5, 3, 2))


def fixed(name, make, *inputs):
    """A case of a layer that learns nothing."""
    return LayerCase(name, make, inputs, train=False)


def behind_dense(name, make, x, units=5):
    """The layer behind a dense one, so that training shows its gradient."""
    return LayerCase(name, lambda k: lambda i: make(k)(k.layers.Dense(units)(i)), [x])


CASES = [
    fixed("leaky_relu", lambda k: k.layers.LeakyReLU(), X),
    fixed("leaky_relu_slope", lambda k: k.layers.LeakyReLU(negative_slope=0.05), X),
    behind_dense("leaky_relu_trained", lambda k: k.layers.LeakyReLU(0.2), X),
    fixed("elu", lambda k: k.layers.ELU(), X),
    behind_dense("elu_alpha", lambda k: k.layers.ELU(alpha=0.4), X),
    LayerCase("prelu", lambda k: k.layers.PReLU(), [X]),
    LayerCase("prelu_shared", lambda k: k.layers.PReLU(shared_axes=[1, 2]), [IMAGE]),
    LayerCase("prelu_shared_one", lambda k: k.layers.PReLU(shared_axes=[1]), [SEQUENCE]),
    LayerCase(
        "prelu_regularized",
        lambda k: k.layers.PReLU(alpha_regularizer=k.regularizers.L2(0.1), alpha_constraint="non_neg"),
        [X],
    ),
    fixed("identity", lambda k: k.layers.Identity(), X),
    behind_dense("lambda", lambda k: k.layers.Lambda(lambda x: k.ops.tanh(x) * 2.0), X),
    fixed("lambda_arguments", lambda k: k.layers.Lambda(lambda x, a: x + a, arguments={"a": 1.5}), X),
    fixed("permute", lambda k: k.layers.Permute((2, 1)), SEQUENCE),
    fixed("permute_three", lambda k: k.layers.Permute((3, 1, 2)), IMAGE),
    behind_dense("repeat_vector", lambda k: k.layers.RepeatVector(3), X),
    behind_dense("activity_l1", lambda k: k.layers.ActivityRegularization(l1=0.01), X),
    behind_dense("activity_l1_l2", lambda k: k.layers.ActivityRegularization(l1=0.01, l2=0.03), X),
    fixed("zero_padding1d", lambda k: k.layers.ZeroPadding1D(2), SEQUENCE),
    fixed("zero_padding1d_pair", lambda k: k.layers.ZeroPadding1D((0, 3)), SEQUENCE),
    fixed("zero_padding2d", lambda k: k.layers.ZeroPadding2D(1), IMAGE),
    fixed("zero_padding2d_axes", lambda k: k.layers.ZeroPadding2D((2, 1)), IMAGE),
    fixed("zero_padding2d_sides", lambda k: k.layers.ZeroPadding2D(((1, 0), (2, 3))), IMAGE),
    fixed("zero_padding3d_default", lambda k: k.layers.ZeroPadding3D(), VOLUME),
    fixed("zero_padding3d_axes", lambda k: k.layers.ZeroPadding3D((0, 1, 2)), VOLUME),
    fixed("zero_padding3d_sides", lambda k: k.layers.ZeroPadding3D(((1, 0), (2, 0), (0, 1))), VOLUME),
    LayerCase("zero_padding2d_trained", lambda k: lambda i: k.layers.ZeroPadding2D(1)(k.layers.Dense(2)(i)), [IMAGE]),
    fixed("cropping1d_default", lambda k: k.layers.Cropping1D(), SEQUENCE),
    fixed("cropping1d", lambda k: k.layers.Cropping1D((2, 1)), SEQUENCE),
    fixed("cropping1d_number", lambda k: k.layers.Cropping1D(2), SEQUENCE),
    fixed("cropping2d", lambda k: k.layers.Cropping2D((1, 2)), IMAGE),
    fixed("cropping2d_number", lambda k: k.layers.Cropping2D(1), IMAGE),
    fixed("cropping2d_sides", lambda k: k.layers.Cropping2D(((1, 0), (2, 1))), IMAGE),
    fixed("cropping3d_default", lambda k: k.layers.Cropping3D(), VOLUME),
    fixed("cropping3d_sides", lambda k: k.layers.Cropping3D(((1, 0), (2, 1), (0, 0))), VOLUME),
    LayerCase("cropping2d_trained", lambda k: lambda i: k.layers.Cropping2D(1)(k.layers.Dense(2)(i)), [IMAGE]),
    fixed("up_sampling1d", lambda k: k.layers.UpSampling1D(3), SEQUENCE),
    LayerCase("up_sampling1d_trained", lambda k: lambda i: k.layers.UpSampling1D()(k.layers.Dense(2)(i)), [SEQUENCE]),
    fixed("up_sampling2d", lambda k: k.layers.UpSampling2D(), IMAGE),
    fixed("up_sampling2d_axes", lambda k: k.layers.UpSampling2D((3, 1)), IMAGE),
    fixed("up_sampling2d_bilinear", lambda k: k.layers.UpSampling2D(2, interpolation="bilinear"), IMAGE),
    fixed("up_sampling2d_bicubic", lambda k: k.layers.UpSampling2D((3, 2), interpolation="bicubic"), IMAGE),
    fixed("up_sampling2d_lanczos", lambda k: k.layers.UpSampling2D(2, interpolation="lanczos3"), IMAGE),
    LayerCase("up_sampling2d_trained", lambda k: lambda i: k.layers.UpSampling2D(3)(k.layers.Dense(2)(i)), [IMAGE]),
    LayerCase(
        "up_sampling2d_bilinear_trained",
        lambda k: lambda i: k.layers.UpSampling2D(2, interpolation="bilinear")(k.layers.Dense(2)(i)),
        [IMAGE],
    ),
    fixed("up_sampling3d", lambda k: k.layers.UpSampling3D(), VOLUME),
    fixed("up_sampling3d_axes", lambda k: k.layers.UpSampling3D((1, 3, 2)), VOLUME),
    LayerCase(
        "up_sampling3d_trained", lambda k: lambda i: k.layers.UpSampling3D((2, 1, 2))(k.layers.Dense(2)(i)), [VOLUME]
    ),
    fixed("gaussian_noise_predicts", lambda k: k.layers.GaussianNoise(0.3), X),
    fixed("gaussian_dropout_predicts", lambda k: k.layers.GaussianDropout(0.3), X),
    fixed("alpha_dropout_predicts", lambda k: k.layers.AlphaDropout(0.3), X),
    fixed("spatial_dropout1d_predicts", lambda k: k.layers.SpatialDropout1D(0.3), SEQUENCE),
    fixed("spatial_dropout2d_predicts", lambda k: k.layers.SpatialDropout2D(0.3), IMAGE),
    fixed("spatial_dropout3d_predicts", lambda k: k.layers.SpatialDropout3D(0.3), VOLUME),
    fixed("dot_vectors", lambda k: k.layers.Dot(axes=1), X, numbers((4, 6), 1)),
    fixed("dot_matrices", lambda k: k.layers.Dot(axes=(2, 2)), SEQUENCE, numbers((3, 5, 4), 1)),
    fixed("dot_first_axes", lambda k: k.layers.Dot(axes=1), SEQUENCE, numbers((3, 7, 2), 1)),
    fixed("dot_crossed", lambda k: k.layers.Dot(axes=(2, 1)), SEQUENCE, numbers((3, 4, 2), 1)),
    fixed("dot_vector_matrix", lambda k: k.layers.Dot(axes=(1, 2)), numbers((3, 4)), SEQUENCE),
    fixed("dot_last", lambda k: k.layers.Dot(axes=-1), SEQUENCE, numbers((3, 5, 4), 1)),
    fixed("dot_normalized", lambda k: k.layers.Dot(axes=1, normalize=True), X, numbers((4, 6), 1)),
    LayerCase(
        "dot_trained",
        lambda k: lambda i: k.layers.Dot(axes=1, normalize=True)([k.layers.Dense(3)(i), k.layers.Dense(3)(i)]),
        [X],
    ),
    ValueCase(
        "dot_function",
        lambda k, a, b: k.layers.dot([k.ops.convert_to_tensor(a), k.ops.convert_to_tensor(b)], axes=-1),
        [SEQUENCE, np.ascontiguousarray(SEQUENCE[:, ::-1])],
    ),
]
