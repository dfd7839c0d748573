"""What all convolution layers share, and the plain ones: windows of one, two or three axes, bias, activation.

x (n, ..., c), kernel (window..., c / groups, filters), bias (filters), y (n, ..., filters).
padding "valid": windows lie inside the input, outputs = (size - (kernel - 1) dilation - 1) / stride + 1, rounded down.
"same": zeros are added around it so that outputs = size / stride, rounded up; an odd zero goes to the end. "causal"
(sequences only): all zeros go to the front, so that no output sees a later input. With groups > 1, each group of
filters sees its share of the channels only.

`Convolution` holds what transposed (convolution_transpose.py), depthwise (convolution_depthwise.py) and separable
(convolution_separable.py) layers have in common, too. A concrete layer says its rank.
"""

from __future__ import annotations

from typing import Any, ClassVar

from linnet import activations, constraints, initializers, ops, regularizers
from linnet.backend.input_spec import InputSpec
from linnet.layers.arguments import channels_last, padding_name, positive, sizes
from linnet.layers.layer import Layer


class Convolution(Layer):
    """Window, strides, padding, bias and activation."""

    rank: ClassVar[int] = 0  # number of spatial axes
    paddings: ClassVar[tuple[str, ...]] = ("valid", "same")

    def __init__(
        self,
        kernel_size: Any,
        strides: Any,
        padding: str,
        data_format: str | None,
        dilation_rate: Any,
        activation: Any,
        use_bias: bool,
        bias_initializer: Any,
        bias_regularizer: Any,
        activity_regularizer: Any,
        bias_constraint: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.kernel_size = sizes("kernel_size", kernel_size, self.rank)
        self.strides = sizes("strides", strides, self.rank)
        self.padding = padding_name(padding, self.paddings)
        self.data_format = channels_last(data_format)
        self.dilation_rate = sizes("dilation_rate", dilation_rate, self.rank)
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(f"strides {self.strides} and dilation_rate {self.dilation_rate} cannot both be above 1")
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.bias_initializer = initializers.get(bias_initializer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.bias_constraint = constraints.get(bias_constraint)
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self.bias: Any = None

    def _channels(self, input_shape: Any) -> int:
        """The channels of the input, which the layer expects from now on."""
        channels = input_shape[-1]
        if channels is None:
            raise self.error(f"the number of channels must be known to make the kernel; the input is {input_shape}")
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={-1: channels})
        return int(channels)

    def _add_bias(self, filters: int) -> None:
        if self.use_bias:
            self.bias = self.add_weight(
                (filters,),
                self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )

    def _finish(self, x: Any) -> Any:
        x = x if self.bias is None else x + self.bias
        return x if self.activation is None else self.activation(x)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }


class PlainConvolution(Convolution):
    """Conv1D, Conv2D and Conv3D but for their rank."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
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
        self.groups = positive("groups", groups)
        if self.filters % self.groups:
            raise ValueError(f"filters ({self.filters}) must be divisible by groups ({self.groups})")
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)

    def build(self, input_shape: Any) -> None:
        channels = self._channels(input_shape)
        if channels % self.groups:
            raise self.error(f"the input's {channels} channels cannot be divided into {self.groups} groups")
        self.kernel = self.add_weight(
            (*self.kernel_size, channels // self.groups, self.filters),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self._add_bias(self.filters)

    def call(self, inputs: Any) -> Any:
        return self._finish(
            ops.conv(inputs, self.kernel, strides=self.strides, padding=self.padding, dilation_rate=self.dilation_rate)
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "groups": self.groups,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
        }
