"""An own constraint."""

import numpy as np

import linnet
from linnet import constraints


def test_own_class():
    class Bounded(constraints.Constraint):
        def __call__(self, w):
            return linnet.ops.clip(w, -0.1, 0.1)

    layer = linnet.layers.Dense(3, kernel_constraint=Bounded())
    layer.build((None, 4))
    linnet.optimizers.SGD(1.0).apply([np.full((4, 3), 5.0, np.float32)], [layer.kernel])
    np.testing.assert_allclose(layer.kernel.numpy(), -0.1)
    assert constraints.Constraint.from_config({})(3) == 3
