"""A leaky relu that learns its slopes (He et al. 2015): x where it is positive, alpha * x elsewhere.

alpha has the shape of a sample, with 1 along the axes in `shared_axes`: for images, shared_axes=[1, 2] learns one slope
for each channel.
"""

from __future__ import annotations

from typing import Any

from linnet import constraints, initializers, ops, regularizers
from linnet.backend.input_spec import InputSpec
from linnet.layers.layer import Layer


class PReLU(Layer):
    """Parametric rectified linear unit. shared_axes: an axis or several, counted from 1 (0 is the batch)."""

    def __init__(
        self,
        alpha_initializer: Any = "Zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        if shared_axes is not None and not isinstance(shared_axes, (list, tuple)):
            shared_axes = [shared_axes]
        self.shared_axes = None if shared_axes is None else list(shared_axes)

    def build(self, input_shape: Any) -> None:
        shape = list(input_shape)
        for axis in self.shared_axes or []:
            if not isinstance(axis, int) or not 1 <= axis < len(shape):
                raise self.error(f"shared_axes {self.shared_axes} are not axes behind the batch of {tuple(shape)}")
            shape[axis] = 1
        self.alpha = self.add_weight(
            shape[1:],
            self.alpha_initializer,
            regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
            name="alpha",
        )
        free = {axis: size for axis, size in enumerate(input_shape) if axis and axis not in (self.shared_axes or [])}
        self.input_spec = InputSpec(ndim=len(input_shape), axes=free)

    def call(self, inputs: Any) -> Any:
        # Choices instead of relu and minimum: one pass forward and one back, and at 0 the slope of neither side.
        above, below = ops.where(inputs <= 0.0, 0.0, inputs), ops.where(inputs < 0.0, inputs, 0.0)
        return above + self.alpha * below

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "alpha_initializer": initializers.serialize(self.alpha_initializer),
            "alpha_regularizer": regularizers.serialize(self.alpha_regularizer),
            "alpha_constraint": constraints.serialize(self.alpha_constraint),
            "shared_axes": self.shared_axes,
        }
