"""y = activation(einsum(equation, x, kernel) + bias): a dense layer over any axes.

EinsumDense("abc,cd->abd", (None, 64)) is Dense(64) on a sequence. The kernel's shape follows from the equation, the
input's shape and output_shape: each of its labels is an axis of the input (summed over) or of the output.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from linnet import activations, constraints, initializers, ops, regularizers
from linnet.backend.errors import UnsupportedError
from linnet.backend.input_spec import InputSpec
from linnet.initializers import VarianceScaling
from linnet.layers.layer import Layer

EQUATION = re.compile(r"(\.\.\.)?([a-zA-Z]+)(\.\.\.)?,([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]+)(\.\.\.)?")


class EinsumDense(Layer):
    """A dense layer by an equation "ab,bc->ac", with "..." before or behind both input and output if wanted.

    output_shape: of the output without the batch; None where it follows from the input. bias_axes: the labels of the
    output that the bias has, or None for no bias.
    """

    def __init__(
        self,
        equation: str,
        output_shape: int | Sequence[int | None],
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if lora_rank is not None or lora_alpha is not None:
            raise UnsupportedError("einsum_dense: LoRA is not supported; leave lora_rank out")
        found = EQUATION.fullmatch(equation.replace(" ", ""))
        # "..." stands on the same side of input and output, or nowhere.
        if not found or bool(found[1]) != bool(found[5]) or bool(found[3]) != bool(found[7]) or (found[1] and found[3]):
            raise ValueError(
                f'einsum_dense: the equation must be like "ab,bc->ac", "...b,bc->...c" or "ab...,bc->ac...", '
                f"not {equation!r}"
            )
        self.equation = equation
        self._left, self._right = bool(found[1]), bool(found[3])
        self._inputs, self._kernel_labels, self._outputs = found[2], found[4], found[6]
        self.partial_output_shape = (output_shape,) if isinstance(output_shape, int) else tuple(output_shape)
        self.bias_axes = bias_axes
        self.activation = activations.get(activation)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def build(self, input_shape: Any) -> None:
        sizes = self._sizes(tuple(input_shape))
        shape = tuple(sizes[label] for label in self._kernel_labels)
        self.kernel = self.add_weight(
            shape,
            self._fanned(self.kernel_initializer),
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.bias = None
        if self.bias_axes:
            first = min(self._outputs.index(label) for label in self.bias_axes)
            axes = [sizes[label] if label in self.bias_axes else 1 for label in self._outputs[first:]]
            self.bias = self.add_weight(
                tuple(axes) + (1,) * (len(input_shape) - len(self._inputs) if self._right else 0),
                self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )
        self.input_spec = InputSpec(ndim=len(input_shape))

    def _sizes(self, shape: tuple[int | None, ...]) -> dict[str, Any]:
        """The size of every label; errors where the equation does not fit the shapes."""
        elided = len(shape) - len(self._inputs)
        if elided < 0 or (elided > 0 and not (self._left or self._right)):
            raise self.error(f'the equation "{self.equation}" does not fit an input of shape {shape}')
        given = shape[elided:] if self._left else shape[: len(self._inputs)]
        sizes: dict[str, Any] = dict(zip(self._inputs, given, strict=True))
        # output_shape has neither the batch nor what "..." stands for.
        wanted = self._outputs if self._left and elided else self._outputs[1:]
        if len(wanted) != len(self.partial_output_shape):
            raise self.error(
                f"output_shape {self.partial_output_shape} must have {len(wanted)} sizes, for the axes "
                f'"{wanted}" of "{self.equation}"'
            )
        for label, size in zip(wanted, self.partial_output_shape, strict=True):
            known = sizes.get(label)
            if size is not None and known is not None and size != known:
                raise self.error(f'the input has size {known} in axis "{label}", output_shape says {size}')
            sizes[label] = known if known is not None else size
        for label in self._kernel_labels:
            if label not in sizes:
                raise self.error(f'the label "{label}" of the kernel is in neither input nor output: {self.equation}')
            if sizes[label] is None:
                raise self.error(f'the size of axis "{label}" must be known; input shape {shape}')
        for label in self._outputs:
            if label not in self._inputs and label not in self._kernel_labels:
                raise self.error(f'the label "{label}" of the output is in neither input nor kernel: {self.equation}')
        for label in self.bias_axes or "":
            if label not in self._outputs:
                raise self.error(f'the label "{label}" of bias_axes is not in the output "{self._outputs}"')
        return sizes

    def _fanned(self, initializer: Any) -> Any:
        """Initializers that look at the number of connections get it from the axes that are summed over."""
        if not isinstance(initializer, VarianceScaling):
            return initializer

        def initialize(shape: Sequence[int], dtype: Any = None) -> Any:
            sizes = dict(zip(self._kernel_labels, shape, strict=True))
            outputs = math.prod(size for label, size in sizes.items() if label in self._outputs)
            flat = np.asarray(initializer((math.prod(shape) // max(outputs, 1), outputs), dtype))
            inner = [label for label in self._kernel_labels if label not in self._outputs]
            order = inner + [label for label in self._kernel_labels if label in self._outputs]
            spread = flat.reshape([sizes[label] for label in order])
            return np.ascontiguousarray(spread.transpose([order.index(label) for label in self._kernel_labels]))

        return initialize

    def call(self, inputs: Any) -> Any:
        y = self._as_dense(inputs)
        if y is None:
            y = ops.einsum(self.equation, inputs, self.kernel)
            if self.bias is not None:
                y = y + self.bias
        return y if self.activation is None else self.activation(y)

    def _as_dense(self, x: Any) -> Any:
        """The output as one product of matrices with the bias added to it there, where the labels lie so; or None."""
        kernel, inner = self._kernel_labels, "".join(c for c in self._inputs if c not in self._outputs)
        columns = self._outputs[len(self._inputs) - len(inner) :]
        rows = self._inputs[: len(self._inputs) - len(inner)]
        if self._right or self._inputs != rows + inner or self._outputs != rows + columns or kernel != inner + columns:
            return None
        if self.bias is not None and set(self.bias_axes or "") != set(columns):
            return None
        summed = x.shape[len(x.shape) - len(inner) :]
        sizes = ops.shape(x)[: len(x.shape) - len(inner)]
        flat = ops.reshape(self.kernel, (math.prod(summed), -1))
        y = ops.matmul(ops.reshape(x, (*sizes, math.prod(summed))), flat)
        if self.bias is not None:
            y = y + ops.reshape(self.bias, (-1,))
        return ops.reshape(y, (*sizes, *self.kernel.shape[len(inner) :]))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "equation": self.equation,
            "output_shape": self.partial_output_shape,
            "activation": activations.serialize(self.activation),
            "bias_axes": self.bias_axes,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }
