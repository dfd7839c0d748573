"""What every augmentation layer must do, whatever it draws: support.check_layer is for layers without chance."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from support import training_losses

import linnet


def pixels(*shape: int, seed: int = 20) -> np.ndarray:
    """float32 numbers from 0 to 255, always the same."""
    return np.random.default_rng(seed).uniform(0, 255, shape).astype(np.float32)


def augmented(layer: Any, x: np.ndarray, seed: int = 5) -> np.ndarray:
    """The layer's output in training after set_random_seed(seed)."""
    linnet.utils.set_random_seed(seed)
    return layer(x, training=True)


def check_augmentation(
    cls: Callable[..., Any], kwargs: dict[str, Any], in_shape: tuple[int, ...], out_shape: tuple[int, ...]
) -> None:
    """Chance from the seed alone; nothing outside of training; configuration, saving, gradients."""
    layer = cls(**kwargs)
    x = pixels(6, *in_shape)
    y = augmented(layer, x)
    assert y.dtype == np.float32
    assert y.shape == (6, *out_shape)
    assert layer(linnet.Input(in_shape)).shape == (None, *out_shape)
    assert tuple(layer.compute_output_shape((None, *in_shape))) == (None, *out_shape)
    assert layer.weights == []

    # The seed decides, and not threads or what follows in the batch; each image has numbers of its own.
    np.testing.assert_array_equal(augmented(cls(**kwargs), x), y)
    np.testing.assert_array_equal(augmented(layer, x[:4]), y[:4])
    threads = linnet.num_threads()
    for count in (1, 3):
        linnet.set_num_threads(count)
        np.testing.assert_array_equal(augmented(layer, x), y)
    linnet.set_num_threads(threads)
    assert not np.array_equal(augmented(layer, x, seed=6), y)
    same = np.broadcast_to(x[:1], (12, *in_shape))
    assert any(
        not np.array_equal(one, other) for one, other in zip(augmented(layer, same)[1:], same[1:], strict=True)
    ) or (in_shape != out_shape)
    assert len(np.unique(augmented(layer, np.ascontiguousarray(same)), axis=0)) > 1

    # One image, and integers.
    assert augmented(layer, x[0]).shape == out_shape
    np.testing.assert_array_equal(augmented(layer, x[0]), augmented(layer, x[:1])[0])
    whole = np.floor(x)
    np.testing.assert_array_equal(augmented(layer, whole.astype(np.uint8)), augmented(layer, whole))

    # Outside of training.
    quiet = layer(x, training=False)
    assert quiet.shape == (6, *out_shape)
    np.testing.assert_array_equal(quiet, layer(x, training=False))
    if in_shape == out_shape:
        np.testing.assert_array_equal(quiet, x)

    # The configuration, through JSON, makes the same layer; so does a saved model.
    config = json.loads(json.dumps(linnet.saving.serialize_keras_object(layer)))
    twin = linnet.saving.deserialize_keras_object(config)
    assert json.dumps(twin.get_config()) == json.dumps(layer.get_config())
    np.testing.assert_array_equal(augmented(twin, x), y)
    source = linnet.Input(in_shape)
    model = linnet.Model(source, layer(source))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "layer.linnet"
        model.save(path)
        loaded = linnet.saving.load_model(path)
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), quiet)
    assert json.dumps(loaded.layers[-1].get_config()) == json.dumps(layer.get_config())

    # What lies below learns through it.
    linnet.utils.set_random_seed(3)
    source = linnet.Input(in_shape)
    below = linnet.layers.Dense(in_shape[-1])(source)
    model = linnet.Model(source, cls(**kwargs)(below))
    losses = training_losses(
        model,
        x / np.float32(255),
        np.full((6, *out_shape), 0.7, np.float32),
        linnet.losses.MeanSquaredError(),
        linnet.optimizers.SGD(0.1),
        steps=30,
    )
    assert np.isfinite(losses).all()
    assert np.mean(losses[-5:]) < np.mean(losses[:5])
