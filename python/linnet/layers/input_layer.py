"""`Input`: the beginning of a functional model, and the layer that stands for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from linnet.backend.keras_tensor import KerasTensor
from linnet.backend.operation import Node
from linnet.layers.layer import Layer


class InputLayer(Layer):
    """A place where data enters a model.

    shape: the shape of one sample, without the batch: (28, 28, 1).
    batch_size: a fixed batch size, usually left open.
    dtype: "float32" (default) or "int32" for indices.
    batch_shape: the whole shape, instead of shape and batch_size.
    input_tensor: an existing symbolic tensor to take the shape and type from.
    """

    def __init__(
        self,
        shape: Sequence[int | None] | None = None,
        batch_size: int | None = None,
        dtype: Any = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Sequence[int | None] | None = None,
        input_tensor: KerasTensor | None = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name or None, dtype=dtype or getattr(input_tensor, "dtype", None), **kwargs)
        if sparse or ragged:
            raise self.error("sparse and ragged inputs are not supported; give dense arrays")
        if input_tensor is not None:
            batch_shape = input_tensor.shape
        if shape is not None and batch_shape is not None and input_tensor is None:
            raise self.error("give either shape (of one sample) or batch_shape, not both")
        if batch_shape is None:
            if shape is None:
                raise self.error("give the shape of one sample: Input(shape=(28, 28, 1))")
            if isinstance(shape, int):
                raise self.error(f"shape must be a tuple, got the number {shape}; write ({shape},)")
            batch_shape = (batch_size, *shape)
        for size in batch_shape:
            if size is not None and (not isinstance(size, int) or size < 0):
                raise self.error(f"shape must hold non-negative ints or None, got {tuple(batch_shape)}")
        self.batch_shape = tuple(batch_shape)
        self.optional = optional
        self.built = True
        output = KerasTensor(self.batch_shape, self.dtype, name=self.name)
        Node(self, (), {}, output)

    def call(self) -> Any:
        raise self.error("an InputLayer cannot be called")

    @property
    def output(self) -> KerasTensor:
        return self._inbound_nodes[0].outputs

    def get_config(self) -> dict[str, Any]:
        return {
            "batch_shape": self.batch_shape,
            "dtype": self.dtype,
            "sparse": False,
            "ragged": False,
            "name": self.name,
            "optional": self.optional,
        }


def Input(
    shape: Sequence[int | None] | None = None,
    batch_size: int | None = None,
    dtype: Any = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Sequence[int | None] | None = None,
    name: str | None = None,
    tensor: KerasTensor | None = None,
    optional: bool = False,
) -> KerasTensor:
    """A symbolic tensor to call layers on.

    shape: of one sample, without the batch; None in it is a size that may differ between batches.
    Raises ValueError without a shape, or with both shape and batch_shape.
    """
    layer = InputLayer(
        shape=shape,
        batch_size=batch_size,
        dtype=dtype,
        sparse=sparse,
        ragged=ragged,
        batch_shape=batch_shape,
        input_tensor=tensor,
        optional=optional,
        name=name,
    )
    return layer.output
