import numpy as np
import pytest

import linnet
from linnet.applications import ResNet18, ResNet34, ResNet50, ResNet101, ResNet152, ResNetCIFAR
from linnet.applications.resnet import resnet


@pytest.mark.parametrize(
    ("build", "weights"),
    # Keras' documentation states those of 50, 101 and 152; 18 and 34 are those of the paper with statistics counted in.
    [(ResNet50, 25_636_712), (ResNet101, 44_707_176), (ResNet152, 60_419_944)],
)
def test_number_of_weights_is_that_of_keras(build: object, weights: int) -> None:
    assert build().count_params() == weights  # type: ignore[operator]


@pytest.mark.parametrize(("build", "weights"), [(ResNet18, 11_689_512), (ResNet34, 21_797_672)])
def test_trainable_weights_of_the_basic_networks(build: object, weights: int) -> None:
    model = build()  # type: ignore[operator]
    assert sum(w.size for w in model.trainable_weights) == weights


def test_the_networks_for_cifar() -> None:
    model = ResNetCIFAR(20)
    convolutions = [layer for layer in model.layers if isinstance(layer, linnet.layers.Conv2D)]
    assert sum(layer.kernel_size == (3, 3) for layer in convolutions) == 19  # and the dense layer is the 20th
    assert model.output_shape == (None, 10)
    with pytest.raises(ValueError, match=r"depth must be 6 k \+ 2"):
        ResNetCIFAR(18)


def test_feature_map_and_pooling() -> None:
    assert ResNet50(include_top=False, input_shape=(64, 32, 3)).output_shape == (None, 2, 1, 2048)
    assert ResNet50(include_top=False, input_shape=(64, 32, 3), pooling="avg").output_shape == (None, 2048)


@pytest.mark.parametrize("stride_in", ["1x1", "3x3"])
def test_both_places_of_the_stride_give_the_same_shapes(stride_in: str) -> None:
    model = resnet((1, 1), filters=(4, 8), stride_in=stride_in, use_bias=False, input_shape=(32, 32, 3), classes=3)
    strided = {
        layer.name for layer in model.layers if isinstance(layer, linnet.layers.Conv2D) and layer.strides[0] == 2
    }
    assert strided == {"conv1_conv", "conv3_block1_0_conv", f"conv3_block1_{'1' if stride_in == '1x1' else '2'}_conv"}
    assert model.get_layer("conv3_block1_out").output.shape[1:] == (4, 4, 32)


def test_a_small_one_learns() -> None:
    linnet.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 64).astype(np.int32)
    x = rng.standard_normal((64, 8, 8, 3)).astype(np.float32)
    x[y == 1, 2:6, 2:6] += 1.5
    model = ResNetCIFAR(8, input_shape=(8, 8, 3), classes=2)
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, epochs=10, batch_size=16, verbose=0).history
    assert history["accuracy"][-1] > 0.95


def test_stacks_must_have_as_many_filters() -> None:
    with pytest.raises(ValueError, match="2 stacks of blocks and 4 of filters"):
        resnet((1, 1))
