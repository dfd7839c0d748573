"""Global settings, and that compiled programs follow the choice of convolution algorithms."""

import os
import subprocess
import sys

import numpy as np
import pytest

import linnet
from linnet import config, layers


@pytest.fixture(autouse=True)
def restore():
    before = config.get_conv_algorithm(), config.epsilon()
    yield
    config.set_conv_algorithm(before[0])
    config.set_epsilon(before[1])


def image(channels: int = 32) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((2, 12, 12, channels)).astype(np.float32)


def test_conv_algorithm_is_read_back() -> None:
    for name in ("direct", "auto"):
        config.set_conv_algorithm(name)
        assert config.get_conv_algorithm() == name


@pytest.mark.parametrize("wrong", ["winograd", "", None, 1])
def test_conv_algorithm_refuses_others(wrong: object) -> None:
    with pytest.raises(ValueError, match="expected 'auto' or 'direct'"):
        config.set_conv_algorithm(wrong)
    assert config.get_conv_algorithm() in ("auto", "direct")


def differs(a: np.ndarray, b: np.ndarray) -> bool:
    """The kernels choose another algorithm for 3x3 windows here, whose rounding differs; the result does not."""
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)
    return not np.array_equal(a, b)


needs_kernels = pytest.mark.skipif(
    linnet._engine.isa() == "reference", reason="the reference kernels have one algorithm"
)


@needs_kernels
def test_layers_and_models_follow_the_setting() -> None:
    linnet.utils.set_random_seed(1)
    x = image()
    layer = layers.Conv2D(32, 3, padding="same")
    model = linnet.Sequential([linnet.Input((12, 12, 32)), layers.Conv2D(32, 3, padding="same")])
    for run in (layer, lambda x: model.predict(x, verbose=0), model.predict_on_batch):
        found = {}
        for name in ("auto", "direct", "auto"):
            config.set_conv_algorithm(name)
            y = np.asarray(run(x))
            assert np.array_equal(found.setdefault(name, y), y)
        assert differs(found["auto"], found["direct"])


@needs_kernels
def test_training_steps_follow_the_setting() -> None:
    x, y = image(), np.zeros((2, 12, 12, 32), np.float32)
    found = {}
    for name in ("auto", "direct"):
        linnet.utils.set_random_seed(1)
        model = linnet.Sequential([linnet.Input((12, 12, 32)), layers.Conv2D(32, 3, padding="same")])
        model.compile("sgd", "mse")
        config.set_conv_algorithm("direct" if name == "auto" else "auto")
        model.train_on_batch(x, y)  # compiled for the other setting
        linnet.utils.set_random_seed(1)
        model.layers[0].set_weights([np.full((3, 3, 32, 32), 0.01, np.float32), np.zeros(32, np.float32)])
        config.set_conv_algorithm(name)
        model.train_on_batch(x, y)
        found[name] = model.layers[0].get_weights()[0]
    assert differs(found["auto"], found["direct"])


@pytest.mark.parametrize(("value", "expected"), [("direct", "direct"), ("auto", "auto"), ("", "auto")])
def test_environment_sets_the_initial_value(value: str, expected: str) -> None:
    code = "import linnet; print(linnet.config.get_conv_algorithm())"
    environment = os.environ | {"LINNET_CONV_ALGORITHM": value}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == expected


def test_wrong_environment_is_an_error_that_says_so() -> None:
    code = "import linnet; linnet.config.get_conv_algorithm()"
    environment = os.environ | {"LINNET_CONV_ALGORITHM": "fast"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "convolution algorithm 'fast': expected auto or direct" in done.stderr


def test_other_settings() -> None:
    config.set_epsilon(1e-5)
    assert config.epsilon() == 1e-5
    with pytest.raises(ValueError, match="positive"):
        config.set_epsilon(0)
    assert config.floatx() == "float32"
    config.set_floatx("float32")
    with pytest.raises(ValueError, match="float32 only"):
        config.set_floatx("float16")
    assert config.image_data_format() == "channels_last"
    config.set_image_data_format("channels_last")
    with pytest.raises(ValueError, match="channels_last"):
        config.set_image_data_format("channels_first")
    assert config.backend() == "linnet"
