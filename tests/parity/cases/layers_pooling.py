"""Pooling of sequences, images and volumes, in windows and of the whole."""

import numpy as np
from parity.harness import LayerCase, numbers

SEQUENCE = numbers((3, 9, 4))
IMAGE = numbers((2, 7, 6, 3))
VOLUME = numbers((2, 5, 4, 6, 2))
INPUT = {1: SEQUENCE, 2: IMAGE, 3: VOLUME}


def window(kind, rank, name, train=False, **arguments):
    def make(k):
        layer = getattr(k.layers, f"{kind}Pooling{rank}D")(**arguments)
        return (lambda x: layer(k.layers.Dense(3)(x))) if train else layer

    return LayerCase(f"{kind.lower()}{rank}d_{name}", make, [INPUT[rank]], train=train)


def whole(kind, rank, **arguments):
    def make(k):
        layer = getattr(k.layers, f"Global{kind}Pooling{rank}D")(**arguments)
        return lambda x: layer(k.layers.Dense(3)(x))

    name = f"global_{kind.lower()}{rank}d{'_keepdims' if arguments else ''}"
    return LayerCase(name, make, [INPUT[rank]])


CASES = [
    case
    for kind in ("Max", "Average")
    for case in (
        window(kind, 1, "default", pool_size=2),
        window(kind, 1, "strides", pool_size=3, strides=2),
        window(kind, 1, "same", pool_size=4, strides=3, padding="same"),
        window(kind, 1, "same_trained", train=True, pool_size=2, padding="same"),
        window(kind, 2, "default", pool_size=(2, 2)),
        window(kind, 2, "strides", pool_size=(3, 2), strides=(1, 2)),
        window(kind, 2, "same", pool_size=3, strides=2, padding="same"),
        window(kind, 2, "same_trained", train=True, pool_size=(2, 3), strides=1, padding="same"),
        window(kind, 3, "default", pool_size=2),
        window(kind, 3, "strides", pool_size=(2, 3, 2), strides=(1, 1, 2)),
        window(kind, 3, "same", pool_size=(3, 2, 2), strides=2, padding="same"),
        window(kind, 3, "valid_trained", train=True, pool_size=2),
        window(kind, 3, "same_trained", train=True, pool_size=(3, 2, 2), strides=(1, 2, 1), padding="same"),
        *(whole(kind, rank) for rank in (1, 2, 3)),
        *(whole(kind, rank, keepdims=True) for rank in (1, 2, 3)),
    )
]

MASK = np.array([[1] * 9, [1, 1, 1, 0, 0, 0, 1, 0, 0], [0, 1] + [0] * 7], bool)


def masked(k):
    return lambda x: k.layers.GlobalAveragePooling1D()(x, mask=k.ops.not_equal(x[:, :, 0], 0.0))


# Steps whose first value is 0 do not count.
HOLES = SEQUENCE * MASK[:, :, None]
CASES.append(LayerCase("global_average1d_masked", masked, [HOLES], train=False))
