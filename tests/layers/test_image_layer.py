"""What augmentation layers share: ranges of factors, activity, single images, a place in a model."""

import numpy as np
import pytest
from support_images import augmented, pixels

import linnet
from linnet import layers
from linnet.layers.image_layer import checked_range, factor_range, strict_factor_range


def test_factor_ranges():
    assert factor_range("factor", 0.2, -1, 1) == (-0.2, 0.2)
    assert factor_range("factor", -0.2, -1, 1) == (-0.2, 0.2)
    assert factor_range("factor", 0.2, 0, 1) == (0, 0.2)
    assert factor_range("factor", [0.5, 0.1], 0, 1) == (0.1, 0.5)
    assert strict_factor_range("factor", (0.3, -0.4), -1) == (-0.4, 0.3)
    for bad in (1.1, -1.2, "0.1", None, (1, 2, 3), (2, 3), True):
        with pytest.raises(ValueError, match="factor must be"):
            factor_range("factor", bad, -1, 1)
    for bad in (1.1, (0.2, 1.1), -1, (-1, 0), "0.1"):
        with pytest.raises(ValueError, match="factor must be"):
            strict_factor_range("factor", bad, -1, open_least=True)
    assert checked_range([0, 1]) == (0, 1)
    for bad in (3, (1, 2, 3), ("a", "b")):
        with pytest.raises(ValueError, match="value_range must be a pair"):
            checked_range(bad)


def test_active_unless_told_otherwise_as_in_keras():
    x = pixels(2, 5, 6, 3)
    layer = layers.RandomRotation((0.1, 0.1))
    assert not np.array_equal(layer(x), x)
    model = linnet.Sequential([linnet.Input((5, 6, 3)), layer])
    np.testing.assert_array_equal(model.predict(x, verbose=0), x)
    np.testing.assert_array_equal(model(x, training=False), x)
    np.testing.assert_array_equal(model(x, training=True), layer(x))


def test_a_chain_draws_other_numbers_in_every_layer():
    x = pixels(50, 8, 8, 1)
    linnet.utils.set_random_seed(1)
    model = linnet.Sequential([linnet.Input((8, 8, 1)), layers.RandomFlip("horizontal"), layers.RandomFlip("vertical")])
    y = np.asarray(model(x, training=True))
    kinds = [0, 0, 0, 0]
    for before, after in zip(x, y, strict=True):
        for kind, candidate in enumerate((before, before[:, ::-1], before[::-1], before[::-1, ::-1])):
            kinds[kind] += np.array_equal(candidate, after)
    assert sum(kinds) == 50
    assert min(kinds) >= 4


def test_fit_augments_and_repeats():
    x, labels = pixels(40, 8, 8, 3), np.arange(40) % 2

    def run(threads):
        linnet.set_num_threads(threads)
        linnet.utils.set_random_seed(2)
        model = linnet.Sequential(
            [
                linnet.Input((8, 8, 3)),
                layers.Rescaling(1 / 255),
                layers.RandomFlip(),
                layers.RandomRotation(0.1),
                layers.RandomZoom(0.2),
                layers.RandomTranslation(0.1, 0.1),
                layers.RandomCrop(6, 6),
                layers.RandomBrightness(0.2, value_range=(0, 1)),
                layers.RandomContrast(0.2, value_range=(0, 1)),
                layers.RandomErasing(value_range=(0, 1)),
                layers.Flatten(),
                layers.Dense(2),
            ]
        )
        model.compile("sgd", linnet.losses.SparseCategoricalCrossentropy(from_logits=True))
        losses = model.fit(x.astype(np.uint8), labels, epochs=3, batch_size=16, verbose=0).history["loss"]
        return losses, model.get_weights()

    before = linnet.num_threads()
    (first, weights), (second, others) = run(1), run(3)
    linnet.set_num_threads(before)
    assert first == second
    for one, other in zip(weights, others, strict=True):
        np.testing.assert_array_equal(one, other)


def test_wrong_input():
    with pytest.raises(ValueError, match=r'random_flip "turn": expected an input of rank 4, got rank 2'):
        layers.RandomFlip(name="turn")(np.zeros((3, 4), np.float32))
    for cls in (layers.RandomRotation, layers.RandomZoom):
        with pytest.raises(ValueError, match="unknown fill_mode"):
            cls(0.1, fill_mode="mirror")
        with pytest.raises(ValueError, match="unknown interpolation"):
            cls(0.1, interpolation="bicubic")
    with pytest.raises(NotImplementedError, match="channels_first"):
        layers.RandomFlip(data_format="channels_first")
    assert augmented(layers.RandomFlip(), pixels(0, 4, 4, 3)).shape == (0, 4, 4, 3)
