"""`Model`: a layer with compile, fit, evaluate, predict, summary and save.

Three ways to make one:
  - `Sequential([...])`, a chain of layers (sequential.py);
  - `Model(inputs, outputs)`, any graph of calls on symbolic tensors (functional.py);
  - a subclass with its own layers and `call`; it is built at its first call or by `fit`.

Training is in trainer.py and the files it names; this file is what a model is, without training.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from linnet.backend.lookup import unknown_name
from linnet.backend.operation import Operation
from linnet.layers.layer import Layer
from linnet.models.function import Function
from linnet.models.trainer import Trainer


def is_functional_call(args: tuple, kwargs: dict[str, Any]) -> bool:
    """Whether Model(...) was called with inputs and outputs."""
    return len(args) >= 2 or (len(args) == 1 and "outputs" in kwargs) or ("inputs" in kwargs and "outputs" in kwargs)


class Model(Trainer):
    """A model. Model(inputs, outputs, name=None) gives a Functional; subclasses define `call`.

    Raises ValueError when outputs depend on an Input that is not among the inputs.
    """

    _function: Function | None = None

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is Model and is_functional_call(args, kwargs):
            from linnet.models.functional import Functional

            return Layer.__new__(Functional, *args, **kwargs)
        return Layer.__new__(cls, *args, **kwargs)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        inputs = outputs = None
        if is_functional_call(args, kwargs):
            # A subclass may make itself of a graph: super().__init__(inputs=..., outputs=...).
            values = dict(zip(("inputs", "outputs", "name"), args, strict=False))
            inputs = values.pop("inputs", None) if "inputs" in values else kwargs.pop("inputs")
            outputs = values.pop("outputs", None) if "outputs" in values else kwargs.pop("outputs")
            kwargs.update(values)
        elif args:
            raise TypeError(f"{type(self).__name__}: expected inputs and outputs, or keyword arguments only")
        Layer.__init__(self, **kwargs)
        self._init_trainer()
        if inputs is not None:
            self._function = Function(inputs, outputs, self.name)
            self.built = True

    # ---- structure ---------------------------------------------------------------------------------------------------

    def _sublayers(self) -> list[Layer]:
        found = {}
        if self._function is not None:
            found = {id(op): op for op in self._function.operations if isinstance(op, Layer)}
        for layer in super()._sublayers():
            found.setdefault(id(layer), layer)
        return list(found.values())

    @property
    def layers(self) -> list[Layer]:
        """The layers directly inside the model."""
        return self._sublayers()

    @property
    def operations(self) -> list[Operation]:
        """The layers and operations of a functional model, in order."""
        return list(self._function.operations) if self._function is not None else list(self.layers)

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer with this name, or at this place of `layers`. ValueError when there is none."""
        layers = self.layers
        if index is not None and name is not None:
            raise self.error("get_layer: give a name or an index, not both")
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise self.error(f"get_layer: there is no layer {index}; the model has {len(layers)}")
            return layers[index]
        if name is None:
            raise self.error("get_layer: give a name or an index")
        for layer in layers:
            if layer.name == name:
                return layer
        raise unknown_name(f'layer of model "{self.name}"', name, [layer.name for layer in layers])

    def _symbolic(self, what: str) -> Any:
        function = self._symbolic_function()
        if function is None:
            raise AttributeError(
                f'{self._title()} has no symbolic "{what}": it is not made of Inputs. Start a Sequential with '
                "linnet.Input(shape), or build(input_shape) it"
            )
        return function

    def _symbolic_function(self) -> Function | None:
        return self._function

    @property
    def inputs(self) -> list[Any]:
        """The symbolic inputs, in a flat list."""
        return self._symbolic("inputs").inputs

    @property
    def outputs(self) -> list[Any]:
        """The symbolic outputs, in a flat list."""
        return self._symbolic("outputs").outputs

    @property
    def input(self) -> Any:
        """The symbolic input, or the structure of inputs as given."""
        return self._symbolic("input").input_structure

    @property
    def output(self) -> Any:
        """The symbolic output, or the structure of outputs as given."""
        return self._symbolic("output").output_structure

    @property
    def input_shape(self) -> Any:
        """The shape of the input, or the structure of shapes."""
        from linnet.layers.layer_calls import shapes_of

        return shapes_of(self.input)

    @property
    def output_shape(self) -> Any:
        """The shape of the output, or the structure of shapes."""
        from linnet.layers.layer_calls import shapes_of

        return shapes_of(self.output)

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs, in the order of `inputs`."""
        return [tensor.name for tensor in self.inputs]

    @property
    def output_names(self) -> list[str]:
        """The names of the outputs: the keys of a dict, else the layers that made them."""
        function = self._symbolic("output_names")
        if isinstance(function.output_structure, dict):
            return sorted(function.output_structure)
        names: list[str] = []
        for tensor in function.outputs:
            name = tensor._keras_history.operation.name
            count = sum(1 for other in names if other == name or other.startswith(f"{name}_"))
            names.append(f"{name}_{count}" if name in names else name)
        return names

    # ---- calling -----------------------------------------------------------------------------------------------------

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """The model's computation. Subclasses define it with layers and linnet.ops."""
        if self._function is None:
            raise NotImplementedError(
                f"{self._title()}: a subclass of Model must define call(self, inputs), or be made with inputs and "
                "outputs, or be a Sequential"
            )
        from linnet.models.inputs import match_inputs

        return self._function.replay(match_inputs(self, self._function, inputs, mask))

    def _can_be_called(self) -> bool:
        return self._function is not None or type(self).call is not Model.call

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """None: the outputs have the masks that the layers inside gave them."""
        return None

    def build(self, input_shape: Any = None) -> None:
        """Makes the weights for inputs of this shape (None for the batch). Needed only to see them before fit."""
        if self._function is not None or self.built:
            return
        from linnet.backend.keras_tensor import KerasTensor
        from linnet.backend.operation import infer
        from linnet.layers.layer_calls import map_shapes

        # `built` while tracing: the call goes through this same layer, which must not build again.
        self.built = True
        try:
            infer(self.replay, (map_shapes(KerasTensor, input_shape),), {})
        except BaseException:
            self.built = False
            raise

    # ---- text and files ----------------------------------------------------------------------------------------------

    def summary(
        self,
        line_length: int | None = None,
        positions: list[float] | None = None,
        print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: tuple[str, str] | None = None,
    ) -> None:
        """Prints a table of layers, output shapes and numbers of weights.

        print_fn: called with the whole text instead of printing. expand_nested: also the layers of inner models.
        show_trainable: a column that tells which layers are trained. layer_range: names of the first and last layer.
        """
        from linnet.models.summary import summary_text

        text = summary_text(self, line_length, positions, expand_nested, show_trainable, layer_range)
        if print_fn is None:
            print(text)
        else:
            print_fn(text)

    def save(self, filepath: Any, overwrite: bool = True, **kwargs: Any) -> None:
        """Writes architecture, weights, compile arguments and optimizer state into one file."""
        from linnet import saving

        saving.save_model(self, filepath, overwrite=overwrite, **kwargs)

    def export(
        self, filepath: Any, format: str = "linnet-graph", verbose: Any = None, input_signature: Any = None
    ) -> None:
        """Writes what `predict` computes, weights and all, into one file for programs without Python.

        "linnet-graph" is for C++ (`linnet::Model::load`). input_signature: arrays or Inputs, needed only for models
        that do not begin with an Input. verbose is accepted as in Keras; nothing is printed.
        """
        from linnet.saving.export import export_model

        export_model(self, filepath, format, input_signature)

    def save_weights(self, filepath: Any, overwrite: bool = True) -> None:
        """Writes the weights."""
        from linnet import saving

        saving.save_weights(self, filepath, overwrite=overwrite)

    def load_weights(self, filepath: Any, skip_mismatch: bool = False, **kwargs: Any) -> None:
        """Reads weights written by save_weights or save into this model."""
        from linnet import saving

        saving.load_weights(self, filepath, skip_mismatch=skip_mismatch, **kwargs)

    def to_json(self, **kwargs: Any) -> str:
        """The architecture as JSON."""
        import json

        from linnet.saving import serialize_keras_object

        return json.dumps(serialize_keras_object(self), **kwargs)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Model:
        """A new model with this configuration and fresh weights."""
        if "inputs" in config or "input_layers" in config:
            from linnet.models.functional_config import model_from_config

            return model_from_config(cls, config, custom_objects)
        return cls(**config)
