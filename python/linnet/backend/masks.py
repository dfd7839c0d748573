"""Masks: which time steps of a tensor count. A mask is a tensor of booleans, (n, steps), that travels with the tensor.

`Embedding(mask_zero=True)` and `Masking` make masks; every layer with `supports_masking` passes the mask of its input
on; recurrent and attention layers, losses and metrics read it. A mask hangs on its tensor under the name
`_keras_mask`, in each of the three forms that a tensor has:

    Tensor          a tensor of the running trace, or None
    KerasTensor     a symbolic tensor, made when somebody asks (it is a node of its own, `mask_of`)
    MaskedArray     the NumPy array that a layer called on arrays returns, where it has a mask

Operations of `linnet.ops` drop masks, as Keras's do: x * 2 has none.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from linnet.backend.function import op
from linnet.backend.keras_tensor import KerasTensor
from linnet.backend.tensor import Tensor


class MaskedArray(np.ndarray):
    """An array with a mask. Whatever is computed from it with NumPy has none."""

    _keras_mask: Any

    def __array_finalize__(self, source: Any) -> None:
        self._keras_mask = None


def get_keras_mask(x: Any) -> Any:
    """The mask of a tensor, symbolic tensor or array; None where it has none."""
    return getattr(x, "_keras_mask", None)


def with_mask(x: Any, mask: Any) -> Any:
    """x with this mask. x itself is left as it is: others may hold it."""
    if mask is None:
        return x
    if isinstance(x, Tensor):
        copy = Tensor(x.trace, x.value, x.dims, x.dtype)
        copy.logits = x.logits
        copy._keras_mask = x.trace.tensor(mask)
        return copy
    if isinstance(x, KerasTensor):
        raise ValueError("a mask cannot be hung on a symbolic tensor: give it to the layer, layer(x, mask=mask)")
    array = np.asarray(x).view(MaskedArray)
    array._keras_mask = np.asarray(mask)
    return array


def without_mask(x: Any) -> Any:
    """x with no mask. x itself is left as it is."""
    if not isinstance(x, Tensor) or x._keras_mask is None:
        return x
    return Tensor(x.trace, x.value, x.dims, x.dtype)


def set_keras_mask(x: Any, mask: Any) -> None:
    """Hangs a mask on a tensor of the running trace, for instance on what a layer's `call` returns."""
    if not isinstance(x, (Tensor, MaskedArray)):
        raise TypeError(f"a mask can be set on a tensor inside a layer's call, got {type(x).__name__}")
    x._keras_mask = mask


@op("x")
def mask_of(x: Any) -> Any:
    """The mask of x as a tensor of its own. (A node of functional models whose symbolic masks somebody asked for.)"""
    mask = get_keras_mask(x)
    if mask is None:
        raise ValueError("mask_of: the tensor has no mask")
    return mask
