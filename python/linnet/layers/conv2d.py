"""Convolution over images: every output pixel is a weighted sum over a window of input pixels, the same weights at
every place.

x (n, h, w, c), kernel (kh, kw, c / groups, filters), bias (filters), y (n, oh, ow, filters).
padding "valid": windows lie inside the image, oh = (h - (kh - 1) dilation - 1) / stride + 1 rounded down. "same": zeros
are added around it so that oh = h / stride, rounded up; an odd zero goes to the bottom and right.
With groups > 1, each group of filters sees its share of the channels only.
"""

from __future__ import annotations

from typing import Any

from linnet import activations, constraints, initializers, ops, regularizers
from linnet.backend.input_spec import InputSpec
from linnet.layers.arguments import channels_last, padding_name, pair, positive
from linnet.layers.layer import Layer


class Conv2D(Layer):
    """2-D convolution."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = (1, 1),
        groups: int = 1,
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
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.filters = positive("filters", filters)
        self.kernel_size = pair("kernel_size", kernel_size)
        self.strides = pair("strides", strides)
        self.padding = padding_name(padding)
        self.data_format = channels_last(data_format)
        self.dilation_rate = pair("dilation_rate", dilation_rate)
        self.groups = positive("groups", groups)
        if self.filters % self.groups:
            raise ValueError(f"filters ({self.filters}) must be divisible by groups ({self.groups})")
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(f"strides {self.strides} and dilation_rate {self.dilation_rate} cannot both be above 1")
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.input_spec = InputSpec(ndim=4)

    def build(self, input_shape: Any) -> None:
        channels = input_shape[-1]
        if channels is None:
            raise self.error(f"the number of channels must be known to make the kernel; the input is {input_shape}")
        if channels % self.groups:
            raise self.error(f"the input's {channels} channels cannot be divided into {self.groups} groups")
        self.kernel = self.add_weight(
            (*self.kernel_size, channels // self.groups, self.filters),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                (self.filters,),
                self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )
        self.input_spec = InputSpec(ndim=4, axes={-1: channels})

    def call(self, inputs: Any) -> Any:
        x = ops.conv(inputs, self.kernel, strides=self.strides, padding=self.padding, dilation_rate=self.dilation_rate)
        if self.bias is not None:
            x = x + self.bias
        return self.activation(x)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
            "groups": self.groups,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }


Convolution2D = Conv2D
