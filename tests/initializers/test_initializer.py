"""What all initializers share: seeds, types, configurations, names."""

import numpy as np
import pytest

import linnet
from linnet import initializers

RANDOM = [
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "LecunNormal",
    "LecunUniform",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
]


@pytest.mark.parametrize("name", RANDOM)
def test_seeds(name):
    cls = getattr(initializers, name)
    first = cls(seed=5)
    value = first((6, 4))
    np.testing.assert_array_equal(first((6, 4)), value)  # one object gives the same values each time
    np.testing.assert_array_equal(cls(seed=5)((6, 4)), value)
    assert not np.array_equal(cls(seed=6)((6, 4)), value)
    assert not np.array_equal(cls()((6, 4)), cls()((6, 4)))
    linnet.utils.set_random_seed(9)
    drawn = [cls()((6, 4)) for _ in range(2)]
    linnet.utils.set_random_seed(9)
    np.testing.assert_array_equal([cls()((6, 4)) for _ in range(2)], drawn)


@pytest.mark.parametrize("name", [*RANDOM, "Zeros", "Ones", "Constant", "Identity"])
def test_types_names_and_configurations(name):
    cls = getattr(initializers, name)
    made = initializers.get(name)
    assert type(made) is cls
    value = made((4, 4))
    assert value.dtype == np.float32
    assert value.flags["C_CONTIGUOUS"]
    assert made((4, 4), dtype="int32").dtype == np.int32
    again = initializers.deserialize(initializers.serialize(cls(seed=3) if name in RANDOM else made))
    assert type(again) is cls
    if name in RANDOM:
        np.testing.assert_array_equal(again((4, 4)), cls(seed=3)((4, 4)))
        assert again.clone().get_config() == again.get_config()
    else:
        np.testing.assert_array_equal(again((4, 4)), value)


def test_classes_have_their_snake_case_names_too():
    assert initializers.glorot_uniform is initializers.GlorotUniform
    assert initializers.constant is initializers.Constant
    assert initializers.orthogonal is initializers.OrthogonalInitializer
    assert linnet.saving.deserialize_keras_object(
        {"module": "keras.initializers", "class_name": "zeros", "config": {}}
    )((2,)).tolist() == [0, 0]  # fmt: skip


def test_get():
    assert type(initializers.get("he_normal")) is initializers.HeNormal
    assert initializers.get(None) is None
    function = lambda shape, dtype=None: np.zeros(shape)  # noqa: E731
    assert initializers.get(function) is function
    np.testing.assert_array_equal(initializers.get(np.eye(2))((2, 2)), np.eye(2))
    with pytest.raises(ValueError, match='unknown initializer "he_norml"; did you mean "he_normal"'):
        initializers.get("he_norml")


@pytest.mark.parametrize("seed", [-1, 1.5, "a", True])
def test_wrong_seed(seed):
    with pytest.raises(ValueError, match="seed must be a non-negative integer"):
        initializers.RandomNormal(seed=seed)
