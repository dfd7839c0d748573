"""`KerasTensor`: the symbolic tensor of the functional API. It has a shape and a history, and no numbers ever.

`Input()` makes one, and calling a layer or an operation on it makes more; each remembers the operation, and which call
of it, made it (`_keras_history`). `Model(inputs, outputs)` walks these histories back from the outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from linnet.backend.dtypes import standardize_dtype
from linnet.backend.naming import auto_name
from linnet.backend.tensor import Arithmetic, BatchSize
from linnet.backend.tree import flatten


class KerasHistory(NamedTuple):
    operation: Any
    node_index: int
    tensor_index: int


class KerasTensor(Arithmetic):
    """A symbolic tensor. shape: ints; None in front is the batch, None elsewhere a size that varies between batches."""

    def __init__(
        self, shape: Sequence[int | BatchSize | None], dtype: Any = "float32", name: str | None = None
    ) -> None:
        # Kept beside `shape`, because (50*batch, 8) and (batch, 8) are both (None, 8) there.
        self.symbolic_shape = tuple(
            size if size is None or isinstance(size, BatchSize) else int(size) for size in shape
        )
        self.dtype = standardize_dtype(dtype)
        self.name = name or auto_name("keras_tensor")
        self._keras_history: KerasHistory | None = None
        # The shape and type of the mask that the tensor will have; None for no mask.
        self.mask_form: tuple[tuple, str] | None = None
        self._symbolic_mask: Any = None

    @property
    def _keras_mask(self) -> Any:
        """The symbolic mask, or None (backend/masks.py)."""
        if self.mask_form is not None and self._symbolic_mask is None:
            from linnet.backend.masks import mask_of

            self._symbolic_mask = mask_of(self)
        return self._symbolic_mask

    @property
    def shape(self) -> tuple[int | None, ...]:
        return tuple(None if isinstance(size, BatchSize) else size for size in self.symbolic_shape)

    @property
    def ndim(self) -> int:
        return len(self.symbolic_shape)

    def __len__(self) -> int:
        raise TypeError("a symbolic KerasTensor has no length; use x.shape[0]")

    def __iter__(self) -> Any:
        if not self.symbolic_shape or not isinstance(self.symbolic_shape[0], int):
            raise TypeError("cannot iterate over a symbolic KerasTensor; use the operations of linnet.ops on the whole")
        return (self[i] for i in range(self.symbolic_shape[0]))

    def __bool__(self) -> bool:
        raise TypeError("a symbolic KerasTensor has no truth value; use ops.where instead of if")

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise ValueError(
            "a symbolic KerasTensor has no numbers: use linnet.ops or layers on it instead of numpy functions"
        )

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"


def is_keras_tensor(value: Any) -> bool:
    """Whether `value` is a symbolic tensor of the functional API."""
    return isinstance(value, KerasTensor)


def any_symbolic(*structures: Any) -> bool:
    """Whether a KerasTensor is anywhere in these nested structures."""
    return any(isinstance(leaf, KerasTensor) for leaf in flatten(structures))
