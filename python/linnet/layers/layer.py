"""`Layer`: state (weights) and a computation (`call`). Everything in linnet.layers and every model is one.

    class Scale(linnet.Layer):
        def build(self, input_shape):
            self.scale = self.add_weight((input_shape[-1],), "ones", name="scale")

        def call(self, x):
            return x * self.scale

Calling a layer does one of three things, by what it is given: on tensors of a running trace it appends to the trace; on
symbolic tensors it notes down a node of a functional model; on NumPy arrays it runs at once through a small cached
program. `build` runs before the first call, with the shapes of the inputs. Weights and inner layers are found by
looking through the attributes, also inside lists, tuples and dicts: there is no registration.

Call-time plumbing (masks, build shapes, eager runs) is in `layer_calls.py`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from linnet.backend.dtypes import standardize_dtype
from linnet.backend.keras_tensor import KerasTensor, any_symbolic
from linnet.backend.lookup import unknown_name
from linnet.backend.naming import name_scope, to_snake_case
from linnet.backend.operation import Operation, infer
from linnet.backend.trace import current_trace, eager
from linnet.backend.variable import Variable
from linnet.layers import layer_calls as calls

# Accepted from old programs: the shape of the input where a Sequential model has no Input in front.
INPUT_SHAPE_KEYWORDS = ("input_shape", "batch_input_shape", "input_dim")


class Layer(Operation):
    """Base of all layers.

    activity_regularizer: a callable (or its name) on the output, whose result is added to the loss.
    trainable: False freezes the weights from the next compile on.
    dtype: the type of weights and outputs; "float32".
    name: unique in a model; made from the class name when not given.
    """

    supports_masking = False
    _arguments: dict[str, Any]

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        self = object.__new__(cls)
        # What __init__ was called with is the config of a class that does not write its own get_config.
        object.__setattr__(self, "_arguments", calls.bind_init(cls, args, kwargs))
        return self

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "compute_mask" in cls.__dict__ and "supports_masking" not in cls.__dict__:
            cls.supports_masking = True
        if "build" in cls.__dict__:
            cls.build = _wrap_build(cls.__dict__["build"])  # type: ignore[method-assign]

    def __init__(
        self,
        *,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        autocast: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name)
        shape_given = {key: kwargs.pop(key) for key in INPUT_SHAPE_KEYWORDS if key in kwargs}
        if kwargs:
            first = next(iter(kwargs))
            known = [*inspect.signature(type(self).__init__).parameters, "name", "trainable", "dtype"]
            raise unknown_name(f"argument of {type(self).__name__}", first, [k for k in known if k not in _NOT_NAMES])
        self._input_shape_given = calls.given_input_shape(shape_given)
        if isinstance(dtype, Mapping):  # a dtype policy in a config written by Keras
            dtype = dtype.get("config", {}).get("name")
        self.dtype = standardize_dtype(getattr(dtype, "name", dtype) if not isinstance(dtype, (str, type)) else dtype)
        if activity_regularizer is not None:
            from linnet import regularizers

            activity_regularizer = regularizers.get(activity_regularizer)
        self.activity_regularizer = activity_regularizer
        self.input_spec: Any = None
        self.built = False
        self._trainable = bool(trainable)
        self._added: list[Variable] = []
        self._eager_losses: list[np.ndarray] = []
        self._programs: Any = None
        self._build_shapes: Any = None

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if name[0] != "_":
            calls.note_change()

    # ---- to override -------------------------------------------------------------------------------------------------

    def build(self, input_shape: Any) -> None:
        """Creates the weights. input_shape: a tuple with None for the batch, or a structure of them."""
        self.built = True

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The computation, written with linnet.ops and other layers."""
        raise NotImplementedError(
            f"{self._title()}: this layer has no call method; define call(self, inputs) in {type(self).__name__}"
        )

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """The shape of the output for an input shape (or a structure of shapes). Builds the layer."""
        shapes = calls.map_shapes(KerasTensor, (args, kwargs))
        outputs = infer(self.replay, shapes[0], {key.removesuffix("_shape"): value for key, value in shapes[1].items()})
        return calls.shapes_of(outputs)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The mask of the output for the mask of the input (either a structure of them, where there are several).

        A layer that defines this, or sets supports_masking, passes masks on; others drop them, with a warning.
        """
        return previous_mask

    # ---- calling -----------------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if current_trace() is not None:
            return self.replay(*args, **kwargs)
        if any_symbolic(args, kwargs):
            return calls.call_symbolically(self, args, kwargs)
        return calls.call_eagerly(self, args, kwargs)

    def replay(self, *args: Any, **kwargs: Any) -> Any:
        """The call inside a trace: builds if needed, checks the input, runs `call` and passes masks on."""
        return calls.call_traced(self, args, kwargs)

    def error(self, message: str) -> ValueError:
        """A ValueError that names this layer: dense "dense_1": <message>."""
        return ValueError(f"{self._title()}: {message}")

    def _title(self) -> str:
        return f'{to_snake_case(type(self).__name__)} "{self.name}"'

    # ---- weights -----------------------------------------------------------------------------------------------------

    def add_weight(
        self,
        shape: Sequence[int] | None = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        aggregation: str = "none",
        overwrite_with_gradient: bool = False,
        name: str | None = None,
    ) -> Variable:
        """A new variable of this layer. `initializer` is a callable or a name; glorot_uniform for floats by default.

        autocast, aggregation and overwrite_with_gradient are accepted as in Keras and have no effect.
        """
        shape = () if shape is None else tuple(int(size) if size is not None else -1 for size in shape)
        if any(size < 0 for size in shape):
            raise self.error(
                f'weight "{name}" needs a known shape, got {tuple(None if s < 0 else s for s in shape)}; '
                "give the input a fixed size in that axis"
            )
        dtype = standardize_dtype(dtype or self.dtype)
        if initializer is None:
            initializer = "glorot_uniform" if dtype == "float32" else "zeros"
        if regularizer is not None:
            from linnet import regularizers

            regularizer = regularizers.get(regularizer)
        if isinstance(constraint, str):
            from linnet import constraints

            constraint = constraints.get(constraint)
        with eager():
            variable = Variable(initializer, shape, dtype, trainable, name, regularizer, constraint)
        self._added.append(variable)
        return variable

    def _own_variables(self) -> list[Variable]:
        found = {id(variable): variable for variable in self._added}
        for leaf in _attribute_leaves(self, Variable):
            found.setdefault(id(leaf), leaf)
        return list(found.values())

    def _sublayers(self) -> list[Layer]:
        """The layers directly inside this one, in the order in which they became attributes."""
        return list({id(leaf): leaf for leaf in _attribute_leaves(self, Layer) if leaf is not self}.values())

    def _flatten_layers(self) -> Iterator[Layer]:
        """This layer and all inside it, depth first, each once."""
        seen: set[int] = set()
        stack = [self]
        while stack:
            layer = stack.pop()
            if id(layer) not in seen:
                seen.add(id(layer))
                yield layer
                stack.extend(reversed(layer._sublayers()))

    @property
    def weights(self) -> list[Variable]:
        """All weights: the layer's own, then those of inner layers."""
        found: dict[int, Variable] = {}
        for layer in self._flatten_layers():
            for variable in layer._own_variables():
                found.setdefault(id(variable), variable)
        return list(found.values())

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that training changes."""
        if not self._trainable:
            return []
        found = {id(v): v for v in self._own_variables() if v.trainable}
        for layer in self._sublayers():
            for variable in layer.trainable_weights:
                found.setdefault(id(variable), variable)
        return list(found.values())

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that training does not change by gradients."""
        trainable = {id(variable) for variable in self.trainable_weights}
        return [variable for variable in self.weights if id(variable) not in trainable]

    @property
    def variables(self) -> list[Variable]:
        """All weights (metrics keep their own)."""
        return self.weights

    @property
    def trainable_variables(self) -> list[Variable]:
        return self.trainable_weights

    @property
    def non_trainable_variables(self) -> list[Variable]:
        return self.non_trainable_weights

    @property
    def trainable(self) -> bool:
        """Whether training changes the weights. Setting it sets all inner layers too; the next compile obeys it."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for layer in self._flatten_layers():
            layer._trainable = bool(value)

    @property
    def path(self) -> str:
        return self.name

    @property
    def compute_dtype(self) -> str:
        return self.dtype

    @property
    def variable_dtype(self) -> str:
        return self.dtype

    def count_params(self) -> int:
        """The number of scalars in all weights. ValueError before the layer is built."""
        if not self.built:
            raise self.error("count_params() needs the weights; call the layer or build(input_shape) first")
        return sum(variable.size for variable in self.weights)

    def get_weights(self) -> list[np.ndarray]:
        """Copies of all weights, in the order of `weights`."""
        return [variable.numpy() for variable in self.weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Takes arrays in the order of `weights`. Number and shapes must match."""
        own = self.weights
        if len(own) != len(weights):
            raise self.error(f"expected {len(own)} arrays of weights, got {len(weights)}")
        for variable, value in zip(own, weights, strict=True):
            if np.shape(value) != tuple(variable.shape):
                raise self.error(
                    f'weight "{variable.path}" has shape {variable.shape}, the given array has {np.shape(value)}'
                )
        for variable, value in zip(own, weights, strict=True):
            variable.assign(value)

    # ---- losses ------------------------------------------------------------------------------------------------------

    def add_loss(self, loss: Any) -> None:
        """Adds a scalar (or a list of them), computed inside `call`, to the model's loss."""
        trace = current_trace()
        for term in loss if isinstance(loss, (list, tuple)) else [loss]:
            if trace is None:
                self._eager_losses.append(np.asarray(term))
            else:
                from linnet import ops

                term = trace.tensor(term)
                trace.losses.append(ops.sum(term) if term.dims else term)

    @property
    def losses(self) -> list[Any]:
        """The terms of add_loss in the last call, then the regularization losses of the weights."""
        trace = current_trace()
        terms: list[Any] = list(trace.losses) if trace is not None else list(self._eager_losses)
        return terms + self._regularization_losses()

    def _regularization_losses(self) -> list[Any]:
        return [v.regularizer(v) for v in self.trainable_weights if v.regularizer is not None]

    # ---- configuration -----------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs to make this layer again, without its weights."""
        config: dict[str, Any] = {"name": self.name, "trainable": self._trainable, "dtype": self.dtype}
        if self.activity_regularizer is not None:
            from linnet import regularizers

            config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        if type(self).get_config is Layer.get_config:
            calls.add_captured_arguments(self, config)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Layer:
        """A new layer with this configuration and fresh weights. Serialized objects in it are made again first."""
        from linnet.saving import deserialize_keras_object

        values = {key: deserialize_keras_object(v) if isinstance(v, dict) else v for key, v in config.items()}
        return cls(**values)

    def get_build_config(self) -> dict[str, Any] | None:
        """The shapes `build` was called with, for building a loaded layer before its weights are read."""
        if self._build_shapes is None:
            return None
        args, kwargs = self._build_shapes
        return {"input_shape": args[0]} if len(args) == 1 and not kwargs else {"args": list(args), "kwargs": kwargs}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Builds with what get_build_config gave (after JSON: tuples may have become lists)."""
        if self.built or not config:
            return
        if "input_shape" in config:
            self.build(calls.tuples(config["input_shape"]))
        elif "args" in config:
            self.build(*calls.tuples(config["args"]), **{k: calls.tuples(v) for k, v in config["kwargs"].items()})

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


_NOT_NAMES = ("self", "args", "kwargs", "autocast")


def _wrap_build(build: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(build)
    def wrapped(self: Layer, *args: Any, **kwargs: Any) -> None:
        outermost = self._build_shapes is None
        if outermost:
            self._build_shapes = (args, kwargs)
        with eager(), name_scope(self.name) if outermost else _no_scope():
            build(self, *args, **kwargs)
        self.built = True

    return wrapped


def _no_scope() -> Any:
    # A build that calls super().build() stays in the scope that is open already.
    import contextlib

    return contextlib.nullcontext()


def _attribute_leaves(layer: Layer, kind: type) -> Iterator[Any]:
    for name, value in vars(layer).items():
        if name == "_arguments":  # what a wrapper was given need not be what it keeps
            continue
        if isinstance(value, kind):
            yield value
        elif type(value) in (list, tuple, dict) and value:
            yield from _container_leaves(value, kind)


def _container_leaves(container: Any, kind: type) -> Iterator[Any]:
    for value in container.values() if isinstance(container, dict) else container:
        if isinstance(value, kind):
            yield value
        elif type(value) in (list, tuple, dict):
            yield from _container_leaves(value, kind)
