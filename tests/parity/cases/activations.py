"""Every activation and every argument of one, with its gradient as a layer's."""

import numpy as np
from parity.harness import LayerCase, ValueCase, numbers

X = (3 * numbers((5, 6), 1)).astype(np.float32)
FAR = np.array([[-80.0, -20.0, -3.0, -1.0, -0.5, 0.0], [0.5, 1.0, 3.0, 6.0, 20.0, 80.0]], np.float32)
NAMES = [
    "celu",
    "elu",
    "gelu",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "squareplus",
    "tanh",
    "tanh_shrink",
]
NOT_AS_NAMES = ("glu",)  # changes the shape
ARGUMENTS = {
    "relu": [{"negative_slope": 0.1}, {"max_value": 2.0}, {"threshold": 0.5}]
    + [{"negative_slope": 0.1, "max_value": 2.0, "threshold": 0.5}],
    "leaky_relu": [{"negative_slope": 0.3}],
    "elu": [{"alpha": 0.5}],
    "celu": [{"alpha": 0.5}],
    "gelu": [{"approximate": True}],
    "softmax": [{"axis": 0}],
    "log_softmax": [{"axis": 0}],
    "glu": [{"axis": 1}],
    "squareplus": [{"b": 1.0}],
    "soft_shrink": [{"threshold": 1.0}],
    "hard_shrink": [{"threshold": 1.0}],
    "threshold": [{"threshold": 0.5, "default_value": -1.0}],
}


def of(name, **arguments):
    return lambda k, x: getattr(k.activations, name)(x, **arguments)


CASES = [
    *(ValueCase(name, of(name), [X]) for name in [*NAMES, "exponential"]),
    *(ValueCase(f"{name}_far", of(name), [FAR]) for name in NAMES),
    # Where more than one output is positive, those of Keras 3.15 do not sum to 1: an error there.
    ValueCase("sparsemax_far", of("sparsemax"), [FAR]),
    *(
        ValueCase(f"{name}_{'_'.join(arguments)}", of(name, **arguments), [X])
        for name, several in ARGUMENTS.items()
        for arguments in several
    ),
    *(
        LayerCase(f"layer_{name}", lambda k, name=name: k.layers.Dense(4, activation=name), [X])
        for name in NAMES
        if name not in NOT_AS_NAMES
    ),
]
