"""Transposed convolution: the gradient of a convolution in its input, used forwards to make images larger. Every input
value adds its multiple of the kernel to the output, `strides` apart.

x (n, ..., c), kernel (window..., filters, c), bias (filters), y (n, ..., filters). With k = (kernel - 1) dilation + 1:
"valid" gives (size - 1) stride + max(k, stride) values, "same" size * stride; with output_padding "valid" gives
(size - 1) stride + k + output_padding, "same" (size - 1) stride + k % 2 + output_padding.
"""

from __future__ import annotations

from typing import Any

from linnet import constraints, initializers, ops, regularizers
from linnet.layers.arguments import positive, sizes
from linnet.layers.convolution import Convolution


class TransposedConvolution(Convolution):
    """Conv1DTranspose, Conv2DTranspose and Conv3DTranspose but for their rank."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            bias_initializer,
            bias_regularizer,
            activity_regularizer,
            bias_constraint,
            **kwargs,
        )
        self.filters = positive("filters", filters)
        self.output_padding = None if output_padding is None else sizes("output_padding", output_padding, self.rank, 0)
        if self.output_padding is not None:
            for extra, stride in zip(self.output_padding, self.strides, strict=True):
                if extra >= stride:
                    raise ValueError(f"output_padding {self.output_padding} must be below strides {self.strides}")
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)

    def build(self, input_shape: Any) -> None:
        channels = self._channels(input_shape)
        self.kernel = self.add_weight(
            (*self.kernel_size, self.filters, channels),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self._add_bias(self.filters)

    def call(self, inputs: Any) -> Any:
        return self._finish(
            ops.conv_transpose(
                inputs,
                self.kernel,
                strides=self.strides,
                padding=self.padding,
                output_padding=self.output_padding,
                dilation_rate=self.dilation_rate,
            )
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "output_padding": self.output_padding,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
        }
