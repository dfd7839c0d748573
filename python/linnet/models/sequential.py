"""`Sequential`: a chain of layers, each with one input and one output.

With an `Input` in front (or a layer that was given `input_shape`) the chain is built while it grows; without, it is
built at the first call, by `build(input_shape)`, or by `fit`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from linnet.backend.keras_tensor import KerasTensor
from linnet.backend.masks import get_keras_mask, with_mask
from linnet.backend.tensor import Tensor
from linnet.layers.input_layer import InputLayer
from linnet.layers.layer import Layer
from linnet.models.function import Function
from linnet.models.model import Model


class Sequential(Model):
    """Sequential([layer, ...], name=None), or add() layer by layer."""

    def __init__(
        self, layers: Sequence[Any] | None = None, trainable: bool = True, name: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(trainable=trainable, name=name, **kwargs)
        self._chain: list[Layer] = []
        # The symbolic tensors between the layers: one more than layers without the InputLayer; empty while deferred.
        self._tensors: list[KerasTensor] = []
        for layer in layers or []:
            self.add(layer)

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Appends a layer. The first may be an Input. ValueError when its name is taken."""
        if isinstance(layer, KerasTensor):
            history = layer._keras_history
            if history is None or not isinstance(history.operation, InputLayer):
                raise self.error("only the tensor of an Input() can be added, and layers; to use others, make a Model")
            layer = history.operation
        if not isinstance(layer, Layer):
            raise TypeError(f"{self._title()}: expected a layer, got {layer!r}")
        if any(layer is own or layer.name == own.name for own in self._chain):
            raise self.error(
                f'there is a layer named "{layer.name}" already; names in a model must be unique: '
                f'give {type(layer).__name__}(..., name="...") another'
            )
        if isinstance(layer, InputLayer):
            if self._chain:
                raise self.error("an Input can only come first")
            self._tensors = [layer.output]
        elif not self._chain and layer._input_shape_given is not None:
            self.add(InputLayer(batch_shape=layer._input_shape_given, dtype=None))
        elif not self._chain and isinstance(layer, Model) and layer._symbolic_function() is not None:
            function = layer._symbolic_function()
            if function is not None and len(function.inputs) == 1:
                first = function.inputs[0]
                self.add(InputLayer(batch_shape=first.shape, dtype=first.dtype))
        if self._tensors and not isinstance(layer, InputLayer):
            self._tensors.append(self._extend(layer, self._tensors[-1]))
        elif self.built:
            self.built = False
        self._chain.append(layer)
        self._grown()

    def _extend(self, layer: Layer, tensor: KerasTensor) -> KerasTensor:
        output = layer(tensor)
        if not isinstance(output, KerasTensor):
            raise self.error(f'layer "{layer.name}" must have one output, it has {output!r}; make a Model instead')
        return output

    def _grown(self) -> None:
        self._function = None
        self.built = len(self._tensors) > 1
        self._forget_programs()

    def pop(self, rebuild: bool = True) -> Layer:
        """Removes and returns the last layer."""
        if not self._chain or (len(self._chain) == 1 and isinstance(self._chain[0], InputLayer)):
            raise self.error("there is no layer to remove")
        layer = self._chain.pop()
        if self._tensors:
            self._tensors.pop()
        self._grown()
        return layer

    def build(self, input_shape: Any = None) -> None:
        """Makes the weights for inputs of this shape (None for the batch)."""
        if self._tensors or not self._chain:
            return
        if input_shape is None:
            raise self.error("build(input_shape) needs the shape of the input, with None for the batch")
        source = InputLayer(batch_shape=tuple(input_shape))
        tensors = [source.output]
        for layer in self._chain:
            tensors.append(self._extend(layer, tensors[-1]))
        self._tensors = tensors
        self._chain.insert(0, source)
        self._function = None
        self.built = True

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        from linnet.models.inputs import match_inputs

        layers = self.layers
        if not layers:
            return inputs
        function = self._symbolic_function()
        x = match_inputs(self, function, inputs, mask)[0] if function is not None else inputs
        if isinstance(mask, Tensor) and mask is not get_keras_mask(x):
            x = with_mask(x, mask)
        for layer in layers:
            x = layer(x)
        return x

    @property
    def layers(self) -> list[Layer]:
        """The layers, without the Input in front."""
        return [layer for layer in self._chain if not isinstance(layer, InputLayer)]

    def _sublayers(self) -> list[Layer]:
        return list(self._chain)

    def _symbolic_function(self) -> Function | None:
        if self._function is None and len(self._tensors) > 1:
            self._function = Function(self._tensors[0], self._tensors[-1], self.name)
        return self._function

    def get_config(self) -> dict[str, Any]:
        from linnet.saving import serialize_keras_object

        config: dict[str, Any] = {
            "name": self.name,
            "trainable": self._trainable,
            "dtype": self.dtype,
            "layers": [serialize_keras_object(layer) for layer in self._chain],
        }
        if self._tensors:
            config["build_input_shape"] = list(self._tensors[0].shape)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Sequential:
        from linnet.saving import deserialize_keras_object

        model = cls(name=config.get("name"), trainable=config.get("trainable", True))
        for layer in config.get("layers", []):
            model.add(deserialize_keras_object(layer, custom_objects=custom_objects))
        shape = config.get("build_input_shape")
        if shape and not model._tensors:
            model.build(tuple(shape))
        return model
