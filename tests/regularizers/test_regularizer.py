"""An own regularizer."""

import numpy as np
import pytest

import linnet
from linnet import regularizers


def test_own_class_is_saved_when_registered():
    @linnet.saving.register_keras_serializable(package="tests")
    class Cubes(regularizers.Regularizer):
        def __init__(self, factor):
            self.factor = factor

        def __call__(self, x):
            return self.factor * linnet.ops.sum(x**3)

        def get_config(self):
            return {"factor": self.factor}

    config = regularizers.serialize(Cubes(2.0))
    assert config["registered_name"] == "tests>Cubes"
    assert regularizers.deserialize(config)(np.array([1.0, 2.0])) == pytest.approx(18.0)


def test_base_says_what_to_define():
    class Bare(regularizers.Regularizer):
        pass

    with pytest.raises(NotImplementedError, match=r"Bare must define get_config\(\)"):
        Bare().get_config()
