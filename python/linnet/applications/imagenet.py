"""What the ImageNet architectures share: the arguments that Keras gives them all, and the end of the network.

`weights` is None: linnet has no trained weights to download. A file saved by linnet is read with `load_weights`.
"""

from __future__ import annotations

from typing import Any

from linnet import layers


def check_arguments(
    name: str, include_top: bool, weights: Any, input_shape: Any, pooling: str | None, least: int
) -> tuple[int, int, int]:
    """The input shape (height, width, channels), (224, 224, 3) where none is given. Raises ValueError."""
    if weights is not None:
        raise ValueError(
            f"{name}: weights must be None, got {weights!r}: linnet has no trained weights to download. Build "
            "the model and read a file of your own with model.load_weights(path)"
        )
    if pooling not in (None, "avg", "max"):
        raise ValueError(f'{name}: pooling must be None, "avg" or "max", got {pooling!r}')
    if include_top and pooling is not None:
        raise ValueError(f"{name}: pooling={pooling!r} has no effect with include_top=True; leave one of them out")
    shape = (224, 224, 3) if input_shape is None else tuple(input_shape)
    whole = all(isinstance(size, int) and not isinstance(size, bool) for size in shape)
    if len(shape) != 3 or not whole or min(shape[:2]) < least or shape[2] < 1:
        raise ValueError(
            f"{name}: expected an input_shape (height, width, channels) from {least}x{least} on, got {input_shape}"
        )
    return shape


def pooled(x: Any, pooling: str | None) -> Any:
    """Without a top: the feature map itself, or its average or maximum over all positions."""
    if pooling == "avg":
        return layers.GlobalAveragePooling2D(name="avg_pool")(x)
    if pooling == "max":
        return layers.GlobalMaxPooling2D(name="max_pool")(x)
    return x
