"""What all convolution layers share: arguments, errors, the kernels' names and shapes."""

import numpy as np
import pytest

from linnet import layers

PLAIN = [layers.Conv1D, layers.Conv2D, layers.Conv3D]
TRANSPOSED = [layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose]
DEPTHWISE = [layers.DepthwiseConv1D, layers.DepthwiseConv2D]
SEPARABLE = [layers.SeparableConv1D, layers.SeparableConv2D]
ALL = [*PLAIN, *TRANSPOSED, *DEPTHWISE, *SEPARABLE]


def made(cls, **kwargs):
    return cls(**({} if cls in DEPTHWISE else {"filters": 4}), **{"kernel_size": 3, **kwargs})


@pytest.mark.parametrize("cls", ALL)
@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"kernel_size": (3, 3, 3, 3)}, "kernel_size must be an integer of at least 1"),
        ({"strides": -1}, "strides must be an integer of at least 1"),
        ({"padding": "sam"}, 'unknown padding "sam"; did you mean "same"'),
        ({"strides": 2, "dilation_rate": 2}, "cannot both be above 1"),
        ({"data_format": "nhwc"}, 'unknown data_format "nhwc"'),
    ],
)
def test_wrong_arguments(cls, kwargs, message):
    with pytest.raises(ValueError, match=message):
        made(cls, **kwargs)


@pytest.mark.parametrize("cls", ALL)
def test_wrong_inputs_name_the_layer(cls):
    layer = made(cls, name="edges", padding="same")
    rank = cls.rank
    layer(np.zeros((2, *(5,) * rank, 3)))
    with pytest.raises(ValueError, match=rf'"edges": expected an input of rank {rank + 2}, got rank {rank + 1}'):
        layer(np.zeros((2, *(5,) * (rank - 1), 3)))
    with pytest.raises(ValueError, match='"edges": expected size 3 in axis -1 of the input, got 4'):
        layer(np.zeros((2, *(5,) * rank, 4)))


@pytest.mark.parametrize("cls", [*PLAIN, *TRANSPOSED, *SEPARABLE])
def test_filters_must_be_positive(cls):
    with pytest.raises(ValueError, match="filters must be a positive integer, not 0"):
        cls(0, 3)


@pytest.mark.parametrize("cls", [*DEPTHWISE, *SEPARABLE])
def test_depth_multiplier_must_be_positive(cls):
    with pytest.raises(ValueError, match="depth_multiplier must be a positive integer, not 0"):
        made(cls, depth_multiplier=0)


@pytest.mark.parametrize("cls", TRANSPOSED)
def test_output_padding_is_below_the_strides(cls):
    with pytest.raises(ValueError, match="must be below strides"):
        cls(2, 3, strides=2, output_padding=2)
    with pytest.raises(ValueError, match="output_padding must be an integer of at least 0"):
        cls(2, 3, strides=2, output_padding=-1)


@pytest.mark.parametrize(
    ("cls", "shapes"),
    [
        (layers.Conv1D, [(3, 2, 4), (4,)]),
        (layers.Conv3D, [(3, 3, 3, 2, 4), (4,)]),
        (layers.Conv2DTranspose, [(3, 3, 4, 2), (4,)]),
        (layers.DepthwiseConv2D, [(3, 3, 2, 1), (2,)]),
        (layers.SeparableConv2D, [(3, 3, 2, 1), (1, 1, 2, 4), (4,)]),
    ],
)
def test_the_weights_have_the_shapes_of_keras(cls, shapes):
    layer = made(cls)
    layer.build((None, *(6,) * cls.rank, 2))
    assert [weight.shape for weight in layer.weights] == shapes


def test_only_sequences_can_be_causal():
    assert layers.Conv1D(2, 3, padding="causal").padding == "causal"
    for cls in (layers.Conv2D, layers.Conv1DTranspose, layers.SeparableConv1D):
        with pytest.raises(ValueError, match='unknown padding "causal"'):
            made(cls, padding="causal")
