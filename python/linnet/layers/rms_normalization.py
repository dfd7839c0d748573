"""Each sample divided by the root of its mean square over the axes in `axis`, times the learnt `scale` of the shape of
these axes (Zhang & Sennrich 2019): layer normalisation without the mean, as in recent language models.
"""

from __future__ import annotations

from typing import Any

from linnet import ops
from linnet.layers.arguments import normalized_axes
from linnet.layers.layer import Layer


class RMSNormalization(Layer):
    """Normalises each sample. axis: one or several, not the batch. epsilon: added to the mean square."""

    def __init__(self, axis: Any = -1, epsilon: float = 1e-6, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis if isinstance(axis, int) else list(axis)
        self.epsilon = epsilon

    def build(self, input_shape: Any) -> None:
        shape = [input_shape[axis] for axis in normalized_axes(self, input_shape)]
        self.scale = self.add_weight(shape, "ones", name="scale")

    def call(self, inputs: Any) -> Any:
        return ops.rms_normalization(inputs, self.scale, axis=normalized_axes(self, inputs.shape), epsilon=self.epsilon)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis, "epsilon": self.epsilon}
